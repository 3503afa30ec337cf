import { z } from 'zod'
import { type Access, route } from '#src/http/route.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import type { Deal } from './deal.ts'
import { rejectionCodes } from './deal-status.ts'
import type { DealUseCases } from './deal-use-cases.ts'
import {
  asIssues,
  asShares,
  changeRequestSchema,
  dealSchema,
  detailsSchema,
  earningsSchema,
  importResultSchema,
  importRowSchema,
  shareSchema,
  toAnswer,
} from './deal-wire.ts'

const deciders: Access = ['administrator', 'channel_manager', 'approver']
const managers: Access = ['administrator', 'channel_manager']
const operators: Access = ['administrator', 'channel_manager', 'revenue_operations']
const everyoneOnDeals: Access = [
  'partner_administrator',
  'partner_seller',
  'administrator',
  'channel_manager',
  'approver',
]
const readers: Access = [...everyoneOnDeals, 'partner_finance', 'revenue_operations', 'finance', 'auditor']

const tag = 'Deals'
const params = z.strictObject({ dealId: idSchema<'deal'>() })
const requestParams = z.strictObject({
  dealId: idSchema<'deal'>(),
  requestId: idSchema<'deal_change_request'>(),
})
const reason = textSchema(2_000)
const days = z.int().min(1).max(730)

const answer = (actor: Actor, deal: Deal) => ({
  status: 200 as const,
  body: toAnswer(deal, actor.kind === 'partner'),
  etag: deal.revision,
})

/** Commands of the vendor, and what partner and vendor settle between them after approval. */
export const dealReviewRoutes = (deals: DealUseCases) => [
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/review',
    summary: 'Start the review of a submitted registration',
    tag,
    access: deciders,
    params,
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, ifMatch }) =>
      answer(actor, await deals.startReview(tx, actor, dealId, ifMatch)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/return',
    summary: 'Return a registration to the partner with a question; the review clock stands still',
    tag,
    access: deciders,
    params,
    body: z.strictObject({ question: textSchema(10_000) }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) =>
      answer(actor, await deals.returnWithQuestion(tx, actor, dealId, ifMatch, body.question)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/approve',
    summary: 'Approve a registration: protection starts today',
    tag,
    access: deciders,
    params,
    body: z.strictObject({
      crm: z
        .discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('create') }),
          z.strictObject({
            kind: z.literal('link'),
            remoteId: lineSchema(200),
            connectionId: idSchema<'connection'>()
              .nullable()
              .default(null)
              .describe('Where that opportunity is; where the routing sends the deal if absent'),
          }),
        ])
        .default({ kind: 'create' })
        .describe('A new opportunity, or one that the CRM has already'),
      protectionDays: days.optional(),
      reason: reason.optional(),
    }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) =>
      answer(
        actor,
        await deals.approve(tx, actor, dealId, ifMatch, {
          crm: body.crm,
          protectionDays: body.protectionDays ?? null,
          reason: body.reason ?? null,
        }),
      ),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/reject',
    summary: 'Reject a registration with a code and a reason that the partner sees',
    tag,
    access: deciders,
    params,
    body: z.strictObject({ code: z.enum(rejectionCodes), reason }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) =>
      answer(actor, await deals.reject(tx, actor, dealId, ifMatch, body)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/cancel',
    summary: 'Take an approval back',
    tag,
    access: managers,
    params,
    body: z.strictObject({ reason }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) =>
      answer(actor, await deals.cancel(tx, actor, dealId, ifMatch, body.reason)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/extend',
    summary: 'Prolong the protection, by default by what the programme says',
    tag,
    access: managers,
    params,
    body: z.strictObject({ days: days.optional(), reason }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) =>
      answer(
        actor,
        await deals.extend(tx, actor, dealId, ifMatch, { days: body.days ?? null, reason: body.reason }),
      ),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/outcome/decision',
    summary: 'Recognise or disregard a win that the registration did not promise anything for',
    tag,
    access: operators,
    params,
    body: z.strictObject({ recognise: z.boolean(), reason }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) =>
      answer(actor, await deals.settleOutcome(tx, actor, dealId, ifMatch, body)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/deals/:dealId/earnings',
    summary: 'What a deal earns and how that comes about; before a win, what it would earn',
    tag,
    access: readers,
    params,
    answers: { 200: earningsSchema },
    handle: async ({ tx, actor, params: { dealId } }) => {
      const { awards, holds, posted, pending, ...rest } = await deals.earningsOf(tx, actor, dealId)
      return {
        status: 200,
        body: {
          ...rest,
          awards: [...awards],
          holds: [...holds],
          posted: [...posted],
          pending: [...pending],
        },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/deals/:dealId/split',
    summary: 'Who shares the earnings of a deal; a partner sees its own share',
    tag,
    access: readers,
    params,
    answers: { 200: z.object({ shares: z.array(shareSchema) }) },
    handle: async ({ tx, actor, params: { dealId } }) => {
      const shares = await deals.splitOf(tx, actor, await deals.getDeal(tx, dealId))
      return { status: 200, body: { shares: asShares(shares) } }
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/deals/:dealId/split',
    summary: 'Share the earnings of a deal between partners by weight; no shares: all to the registrant',
    tag,
    access: operators,
    params,
    body: z.strictObject({ shares: z.array(shareSchema.strict()).max(20), reason }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) =>
      answer(actor, await deals.setSplit(tx, actor, dealId, ifMatch, body)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/deals/:dealId/change-requests',
    summary: 'Changes that the partner asked for, the newest first',
    tag,
    access: readers,
    params,
    answers: { 200: z.object({ items: z.array(changeRequestSchema) }) },
    handle: async ({ tx, params: { dealId } }) => ({
      status: 200,
      body: { items: (await deals.listChangeRequests(tx, dealId)).map(asRequest) },
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/change-requests',
    summary: 'Ask to change amount, products or customer of an approved registration',
    tag,
    access: everyoneOnDeals,
    params,
    body: z.strictObject({
      changes: detailsSchema.pick({
        companyName: true,
        domain: true,
        country: true,
        city: true,
        amountMinor: true,
        currency: true,
        products: true,
      }),
      reason,
    }),
    answers: { 201: changeRequestSchema },
    handle: async ({ tx, actor, params: { dealId }, body, ifMatch }) => {
      const { request } = await deals.requestChange(tx, actor, dealId, ifMatch, body)
      return { status: 201, body: asRequest(request) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/change-requests/:requestId/decision',
    summary: 'Accept or decline a change request',
    tag,
    access: managers,
    params: requestParams,
    body: z.strictObject({
      accept: z.boolean(),
      reason,
      overrideConflict: z
        .string()
        .trim()
        .min(10)
        .max(2_000)
        .optional()
        .describe('Why the new customer or products are fine although they are suspected of a conflict'),
    }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId, requestId }, body }) =>
      answer(
        actor,
        await deals.decideChange(tx, actor, dealId, requestId, {
          ...body,
          overrideConflict: body.overrideConflict ?? null,
        }),
      ),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/change-requests/:requestId/withdraw',
    summary: 'Take a change request back',
    tag,
    access: everyoneOnDeals,
    params: requestParams,
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params: { dealId, requestId } }) =>
      answer(actor, await deals.withdrawChange(tx, actor, dealId, requestId)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/import',
    summary: 'Take over registrations from elsewhere, up to 200 at once',
    description:
      'A row is known by its reference: sent again it changes nothing. With `registeredAt` it is history; without, it is registered now, checked like any other.',
    tag,
    access: operators,
    body: z.strictObject({
      source: lineSchema(200),
      rows: z.array(importRowSchema).min(1).max(200),
    }),
    answers: { 200: z.object({ results: z.array(importResultSchema) }) },
    handle: async ({ tx, actor, body: { source, rows } }) => {
      const results = await deals.importDeals(tx, actor, rows, { source, priority: 'bulk' })
      return {
        status: 200,
        body: { results: results.map((result) => ({ ...result, issues: asIssues(result.issues) })) },
      }
    },
  }),
]

const asRequest = (
  request: Awaited<ReturnType<DealUseCases['listChangeRequests']>>[number],
): z.output<typeof changeRequestSchema> => {
  const { products, ...changes } = request.changes
  return {
    ...request,
    changes: { ...defined(changes), ...(products ? { products: [...products] } : {}) },
  }
}

function defined<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [Key in keyof Value]: Exclude<Value[Key], undefined>
  }
}

import { z } from 'zod'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Access, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import type { Deal } from './deal.ts'
import { dealReviewRoutes } from './deal-review-routes.ts'
import { conflictStates, dealStatuses, outcomes } from './deal-status.ts'
import type { DealUseCases } from './deal-use-cases.ts'
import { dealPatchSchema, dealSchema, draftSchema, eventSchema, toAnswer } from './deal-wire.ts'

export const registrants: Access = [
  'partner_administrator',
  'partner_seller',
  'channel_manager',
  'administrator',
]
export const readers: Access = [
  'partner_administrator',
  'partner_seller',
  'partner_finance',
  'administrator',
  'channel_manager',
  'revenue_operations',
  'finance',
  'approver',
  'auditor',
]

export const dealParams = z.strictObject({ dealId: idSchema<'deal'>() })

const tag = 'Deals'
const answer = (actor: Actor, deal: Deal) => ({
  body: toAnswer(deal, actor.kind === 'partner'),
  etag: deal.revision,
})
const flag = z.enum(['true', 'false'])
const reasonSchema = textSchema(2_000)

const sorts = [
  'createdAt',
  'updatedAt',
  'registeredAt',
  'reviewOverdueAt',
  'expectedCloseDate',
  'protectedUntil',
  'companyName',
] as const
const sortSchema = z.enum([...sorts, ...sorts.map((name) => `-${name}` as const)])
const severalOf = <Value extends string>(values: readonly [Value, ...Value[]]) =>
  z.union([z.enum(values), z.array(z.enum(values)).max(20)]).transform((given) => [given].flat() as Value[])

const listQuery = z.strictObject({
  ...pageQuery.shape,
  sort: sortSchema.default('-createdAt'),
  status: severalOf(dealStatuses).optional(),
  outcome: z.enum(outcomes).optional(),
  conflict: severalOf(conflictStates).optional(),
  partnerId: idSchema<'partner'>().optional(),
  programmeId: idSchema<'programme'>().optional(),
  customerId: idSchema<'customer'>().optional().describe('For the vendor only'),
  externalRef: lineSchema(200).optional(),
  text: lineSchema(100).optional(),
  changeRequested: flag.optional(),
  overdue: flag.optional().describe('true: waiting for the vendor beyond its time'),
  expiringBy: daySchema.optional().describe('Open and protected until this day or an earlier one'),
})

export const dealRoutes = (deals: DealUseCases) => [
  route({
    method: 'POST',
    path: '/api/v1/deals',
    summary: 'Start a deal registration, or register a deal in one step',
    tag,
    access: registrants,
    body: draftSchema,
    answers: { 201: dealSchema },
    handle: async ({ tx, actor, body: { partnerId, programmeId, submit, ...details } }) => {
      const input = { partnerId, programmeId, details }
      const deal = await (submit
        ? deals.registerAtOnce(tx, actor, input)
        : deals.createDraft(tx, actor, input))
      return { status: 201, ...answer(actor, deal), headers: { location: `/api/v1/deals/${deal.id}` } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/deals',
    summary: 'Deal registrations',
    description: 'A partner sees its own, the vendor all of them.',
    tag,
    access: readers,
    query: listQuery,
    answers: { 200: pageOf(dealSchema) },
    handle: async ({ tx, actor, query }) => {
      const { limit, cursor, sort, overdue, changeRequested, ...filter } = query
      const rows = await deals.listDeals(
        tx,
        actor,
        {
          ...filter,
          changeRequested: changeRequested === undefined ? undefined : changeRequested === 'true',
          overdue: overdue === 'true',
        },
        positionOf({ limit, cursor, sort }),
      )
      const { items, nextCursor } = sortedPage(rows, { limit, cursor, sort })
      return {
        status: 200,
        body: { items: items.map((deal) => toAnswer(deal, actor.kind === 'partner')), nextCursor },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/deals/:dealId',
    summary: 'One deal registration',
    tag,
    access: readers,
    params: dealParams,
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      ...answer(actor, await deals.getDeal(tx, params.dealId)),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/deals/:dealId',
    summary: 'Change what the status of the registration lets you edit',
    tag,
    access: registrants,
    params: dealParams,
    body: dealPatchSchema,
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...answer(actor, await deals.edit(tx, actor, params.dealId, ifMatch, body)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/submit',
    summary: 'Submit a draft: from here on it counts as registered',
    tag,
    access: registrants,
    params: dealParams,
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params, ifMatch }) => ({
      status: 200,
      ...answer(actor, await deals.submit(tx, actor, params.dealId, ifMatch)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/answer',
    summary: "Answer the vendor's question and submit the registration again",
    tag,
    access: registrants,
    params: dealParams,
    body: z.strictObject({ answer: textSchema(10_000).optional() }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...answer(actor, await deals.answer(tx, actor, params.dealId, ifMatch, body.answer ?? null)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/withdraw',
    summary: 'Take a registration back for good',
    tag,
    access: registrants,
    params: dealParams,
    body: z.strictObject({ reason: reasonSchema.optional() }),
    answers: { 200: dealSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...answer(actor, await deals.withdraw(tx, actor, params.dealId, ifMatch, body.reason ?? null)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/attempts',
    summary: 'Try again: a new draft from a registration that ended',
    tag,
    access: registrants,
    params: dealParams,
    answers: { 201: dealSchema },
    handle: async ({ tx, actor, params }) => {
      const deal = await deals.startNewAttempt(tx, actor, params.dealId)
      return { status: 201, ...answer(actor, deal), headers: { location: `/api/v1/deals/${deal.id}` } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/deals/:dealId/timeline',
    summary: 'What happened to a deal, comments included, the newest first',
    tag,
    access: readers,
    params: dealParams,
    query: pageQuery,
    answers: { 200: pageOf(eventSchema) },
    handle: async ({ tx, params, query }) => {
      const { limit, cursor } = query
      const position = positionOf({ limit, cursor, sort: '-createdAt' })
      const events = await deals.timeline(tx, params.dealId, {
        limit: limit + 1,
        before: position.after?.id ?? null,
      })
      const { items, nextCursor } = sortedPage(
        events.map((event) => ({ ...event, sortKey: '' })),
        { limit, cursor, sort: '-createdAt' },
      )
      return { status: 200, body: { items: [...items], nextCursor } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/comments',
    summary: 'Comment on a deal; internal comments stay with the vendor',
    tag,
    access: registrants,
    params: dealParams,
    body: z.strictObject({
      body: textSchema(10_000),
      visibility: z.enum(['public', 'internal']).default('public'),
    }),
    answers: { 201: z.object({ dealId: idSchema<'deal'>() }) },
    handle: async ({ tx, actor, params, body }) => {
      await deals.comment(tx, actor, params.dealId, body)
      return { status: 201, body: { dealId: params.dealId } }
    },
  }),
  ...dealReviewRoutes(deals),
]

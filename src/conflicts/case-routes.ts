import { z } from 'zod'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Access, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { textSchema } from '#src/kernel/text.ts'
import { type CaseId, caseStatuses } from './case.ts'
import type { CaseView } from './case-desk-use-cases.ts'
import {
  answerSchema,
  caseDetailSchema,
  caseSummarySchema,
  decisionSchema,
  ownCaseSchema,
  toInput,
} from './case-wire.ts'
import type { ConflictUseCases } from './conflict-use-cases.ts'

const vendorReaders: Access = [
  'administrator',
  'channel_manager',
  'revenue_operations',
  'approver',
  'auditor',
]
const partnerReaders: Access = ['partner_administrator', 'partner_seller']
const readers: Access = [...vendorReaders, ...partnerReaders]
const deciders: Access = ['administrator', 'channel_manager', 'approver']
const managers: Access = ['administrator', 'channel_manager']

const tag = 'Conflicts'
const params = z.strictObject({ caseId: idSchema<'conflict_case'>() })
const sorts = ['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'overdueAt', '-overdueAt'] as const
const eitherCase = z.union([caseDetailSchema, ownCaseSchema])

type Context = {
  readonly tx: Parameters<ConflictUseCases['getCase']>[0]
  readonly params: { readonly caseId: CaseId }
}

export const caseRoutes = (conflicts: ConflictUseCases) => {
  const shown = async ({ tx, params: { caseId } }: Context) => {
    const found = await conflicts.getCase(tx, caseId)
    return { status: 200 as const, body: toDetail(found), etag: found.revision }
  }
  const shownToPartner = async ({ tx, params: { caseId } }: Context) => {
    const found = await conflicts.getOwnCase(tx, caseId)
    return { status: 200 as const, body: { ...found, deals: [...found.deals] }, etag: found.revision }
  }
  const shownTo = (actor: Actor, context: Context) =>
    actor.kind === 'partner' ? shownToPartner(context) : shown(context)

  return [
    route({
      method: 'GET',
      path: '/api/v1/conflict-cases',
      summary: 'Conflict cases',
      description:
        'The vendor sees all with their deals. A partner sees those in which a deal of its own is in question, and of them its own deals alone; it filters by deal only and sorts by creation.',
      tag,
      access: readers,
      query: z.strictObject({
        ...pageQuery.shape,
        sort: z.enum(sorts).default('-createdAt'),
        status: z
          .union([z.enum(caseStatuses), z.array(z.enum(caseStatuses)).max(10)])
          .transform((given) => [given].flat())
          .optional(),
        assigneeId: idSchema<'user'>().optional(),
        programmeId: idSchema<'programme'>().optional(),
        partnerId: idSchema<'partner'>().optional(),
        dealId: idSchema<'deal'>().optional(),
        overdue: z
          .enum(['true', 'false'])
          .optional()
          .describe('true: waits for its decision or answer beyond its time'),
      }),
      answers: { 200: pageOf(z.union([caseSummarySchema, ownCaseSchema])) },
      handle: async ({ tx, actor, query }) => {
        if (actor.kind === 'partner') {
          const { sort, dealId } = query
          if (sort !== 'createdAt' && sort !== '-createdAt') throw unsortable()
          const rows = await conflicts.listOwnCases(tx, { dealId }, positionOf({ ...query, sort }))
          const { items, nextCursor } = sortedPage(rows, query)
          const own = items.map(({ sortKey: _, deals, ...rest }) => ({ ...rest, deals: [...deals] }))
          return { status: 200, body: { items: own, nextCursor } }
        }
        const { overdue, ...filter } = query
        const rows = await conflicts.listCases(
          tx,
          { ...filter, overdue: overdue === 'true' },
          positionOf(query),
        )
        const { items, nextCursor } = sortedPage(rows, query)
        return { status: 200, body: { items: items.map(({ sortKey: _, ...item }) => item), nextCursor } }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/conflict-cases/:caseId',
      summary: 'A conflict case: both sides on one timeline, for the vendor; its own part, for a partner',
      tag,
      access: readers,
      params,
      answers: { 200: eitherCase },
      handle: async (context) => shownTo(context.actor, context),
    }),
    route({
      method: 'POST',
      path: '/api/v1/conflict-cases/:caseId/comments',
      summary: 'Say something on a case, to the people of the vendor',
      tag,
      access: [...deciders, 'revenue_operations'],
      params,
      body: z.strictObject({ body: textSchema(10_000) }),
      answers: { 200: caseDetailSchema },
      handle: async (context) => {
        await conflicts.commentOnCase(context.tx, context.actor, context.params.caseId, context.body.body)
        return shown(context)
      },
    }),
    route({
      method: 'PUT',
      path: '/api/v1/conflict-cases/:caseId/assignee',
      summary: 'Give a case to somebody who decides',
      tag,
      access: managers,
      params,
      body: z.strictObject({ userId: idSchema<'user'>().nullable() }),
      answers: { 200: caseDetailSchema },
      handle: async (context) => {
        const { tx, actor, ifMatch } = context
        await conflicts.assignCase(tx, actor, context.params.caseId, ifMatch, context.body.userId)
        return shown(context)
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/conflict-cases/:caseId/decision',
      summary: 'Decide a case, with everything that follows from it',
      description:
        'Uphold the earlier claim, override it for a registration, transfer the hold, split the credit of one deal, or keep customers apart. Merging customers says who the customer is and leaves the case open. An approver decides the cases that are given to it.',
      tag,
      access: deciders,
      params,
      body: decisionSchema,
      answers: { 200: caseDetailSchema },
      handle: async (context) => {
        const { tx, actor, ifMatch } = context
        await conflicts.decideCase(tx, actor, context.params.caseId, ifMatch, toInput(context.body))
        return shown(context)
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/conflict-cases/:caseId/appeal',
      summary: 'Appeal a decision on a deal of your own, once and in time',
      tag,
      access: partnerReaders,
      params,
      body: z.strictObject({ dealId: idSchema<'deal'>(), text: textSchema(10_000) }),
      answers: { 200: ownCaseSchema },
      handle: async (context) => {
        const { tx, actor, ifMatch, body } = context
        await conflicts.appeal(tx, actor, context.params.caseId, ifMatch, body)
        return shownToPartner(context)
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/conflict-cases/:caseId/appeal/answer',
      summary: 'Answer an appeal; this is the last word',
      tag,
      access: deciders,
      params,
      body: answerSchema,
      answers: { 200: caseDetailSchema },
      handle: async (context) => {
        const { tx, actor, ifMatch, body } = context
        const { grant, reason, message, labels } = body
        const input = { grant, reason, message: message ?? null, labels }
        await conflicts.answerAppeal(tx, actor, context.params.caseId, ifMatch, input)
        return shown(context)
      },
    }),
  ]
}

const unsortable = () =>
  new InvalidInput('A partner sorts its cases by creation', [
    { path: '/query/sort', code: 'unsortable', message: 'createdAt or -createdAt' },
  ])

const toDetail = ({
  deals,
  claims,
  decisions,
  labels,
  timeline,
  ...found
}: CaseView): z.output<typeof caseDetailSchema> => ({
  ...found,
  deals: [...deals],
  claims: [...claims],
  decisions: [...decisions],
  labels: [...labels],
  timeline: timeline.map((item) => ({
    ...item,
    check: item.check && {
      ...item.check,
      reasons: [...item.check.reasons],
      candidates: [...item.check.candidates],
    },
  })),
})

import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { type ResolutionName, resolutionSchema, reviewKinds } from '../memory/review.ts'
import type { ReviewUseCases } from './review-use-cases.ts'
import {
  actors,
  itemParams,
  listOf,
  readers,
  reasonSchema,
  recordFilter,
  remoteFieldsSchema,
  remoteIdSchema,
  tag,
  valueSchema,
} from './sync-wire.ts'

const resolutionNames = [
  'link',
  'create',
  'take',
  'retire',
  'acknowledge',
  'adopt',
  'leave',
] as const satisfies readonly ResolutionName[]

const reviewItemSchema = z
  .object({
    id: z.string(),
    connectionId: idSchema<'connection'>(),
    kind: z.enum(reviewKinds),
    entity: z.string(),
    recordId: z.string().nullable(),
    title: z.string().nullable(),
    remoteId: z.string().nullable(),
    /** Empty where the item is about the whole record. */
    field: z.string(),
    ours: valueSchema,
    theirs: valueSchema,
    message: z.string(),
    /** By kind: `candidates`, `duplicates`, the `partnerId` of a proposal, the `code` of a fact. */
    details: z.record(z.string(), z.unknown()).nullable(),
    /** The decisions that fit; none once it is closed. */
    resolutions: listOf(z.enum(resolutionNames)),
    openedAt: instantSchema,
    closedAt: instantSchema.nullable(),
    closedBy: z.string().nullable(),
    resolution: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'ReviewItem' })

const reviewDetailsSchema = z
  .object({
    item: reviewItemSchema,
    /** Our record, field by field. */
    record: z.record(z.string(), valueSchema).nullable(),
    /** The record in the CRM, or all that are in question, as they were last seen there. */
    remotes: listOf(
      z.object({
        remoteId: z.string(),
        object: z.string(),
        url: z.string().nullable(),
        content: remoteFieldsSchema,
        readAt: instantSchema,
        linkedTo: listOf(z.object({ entity: z.string(), recordId: z.string() })),
      }),
    ),
  })
  .meta({ id: 'ReviewDetails' })

export const reviewRoutes = (reviews: ReviewUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/review-items',
    summary: 'List what waits for a person because neither side may win by itself',
    tag,
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      ...recordFilter,
      remoteId: remoteIdSchema.optional(),
      kind: z.enum(reviewKinds).optional(),
      state: z.enum(['open', 'closed']).optional(),
      sort: z.enum(['openedAt', '-openedAt']).default('-openedAt'),
    }),
    answers: { 200: pageOf(reviewItemSchema) },
    handle: async ({ tx, query }) => ({
      status: 200,
      body: sortedPage(await reviews.list(tx, query, positionOf(query)), query),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/review-items/:id',
    summary: 'Show both sides of a review item, and the records of the CRM that are in question',
    tag,
    access: readers,
    params: itemParams,
    answers: { 200: reviewDetailsSchema },
    handle: async ({ tx, params }) => ({ status: 200, body: await reviews.details(tx, params.id) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/review-items/:id/resolve',
    summary: 'Decide a review item',
    description:
      'What fits depends on the kind: doubtful_match and duplicate take link or create; collision, reverted and unmapped take a side, or are left; gone and merged take link or retire; unexpected_fact and changed_after_move are acknowledged; a proposal is adopted or left.',
    tag,
    access: actors,
    params: itemParams,
    body: z.strictObject({ resolution: resolutionSchema, reason: reasonSchema }),
    answers: { 200: reviewItemSchema },
    handle: async ({ tx, actor, params, body }) => ({
      status: 200,
      body: await reviews.resolve(tx, actor, params.id, body),
    }),
  }),
]

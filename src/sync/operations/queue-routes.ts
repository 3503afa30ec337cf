import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { mostReplayed, type QueueUseCases } from './queue-use-cases.ts'
import { actors, entitySchema, listOf, readers, recordFilter, tag } from './sync-wire.ts'

const bySince = z.enum(['since', '-since']).default('-since')
const codeSchema = z.string().min(1).max(100)

const queuedSchema = z.object({
  connectionId: idSchema<'connection'>(),
  entity: z.string(),
  recordId: z.string(),
  title: z.string().nullable(),
  since: instantSchema,
})

const parkedSchema = queuedSchema
  .extend({
    code: z.string(),
    /** Why, in plain words. */
    message: z.string(),
    issues: listOf(z.object({ field: z.string(), message: z.string() })),
    attempts: z.int(),
    linkId: z.string().nullable(),
    linkState: z.string().nullable(),
    remoteId: z.string().nullable(),
    url: z.string().nullable(),
    /** The open item in which a person decides, if there is one. */
    reviewId: z.string().nullable(),
  })
  .meta({ id: 'ParkedRecord' })

const waitingSchema = queuedSchema
  .extend({
    reason: z.string(),
    parentEntity: z.string(),
    parentId: z.string(),
    parentTitle: z.string().nullable(),
    parentState: z.enum(['parked', 'in_review', 'lost', 'waiting', 'queued', 'not_included']),
    parentReviewId: z.string().nullable(),
  })
  .meta({ id: 'WaitingRecord' })

const choiceSchema = z.union([
  z.strictObject({
    ids: z.array(z.uuid()).min(1).max(mostReplayed),
    connectionId: idSchema<'connection'>().optional(),
  }),
  z.strictObject({ all: z.literal(true), ...recordFilter, code: codeSchema.optional() }),
])

export const queueRoutes = (queue: QueueUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/sync-queue',
    summary: 'Count what is not in step yet, by connection, entity and state',
    tag,
    access: readers,
    query: z.strictObject({ connectionId: idSchema<'connection'>().optional() }),
    answers: {
      200: z.object({
        items: listOf(
          z.object({
            connectionId: idSchema<'connection'>(),
            entity: entitySchema,
            state: z.enum(['dirty', 'waiting', 'parked']),
            count: z.int(),
            oldestAt: instantSchema,
          }),
        ),
      }),
    },
    handle: async ({ tx, query }) => ({
      status: 200,
      body: { items: await queue.count(tx, query.connectionId) },
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/parked-records',
    summary: 'List records that cannot be synchronised until something is mended',
    tag,
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      ...recordFilter,
      code: codeSchema.optional(),
      sort: bySince,
    }),
    answers: { 200: pageOf(parkedSchema) },
    handle: async ({ tx, query }) => ({
      status: 200,
      body: sortedPage(await queue.listParked(tx, query, positionOf(query)), query),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/waiting-records',
    summary: 'List records that wait for another one, and what stands in its way',
    tag,
    access: readers,
    query: z.strictObject({ ...pageQuery.shape, ...recordFilter, sort: bySince }),
    answers: { 200: pageOf(waitingSchema) },
    handle: async ({ tx, query }) => ({
      status: 200,
      body: sortedPage(await queue.listWaiting(tx, query, positionOf(query)), query),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/parked-records/replay',
    summary: 'Try parked records again',
    description: `By the ids of our records, or all that match. At most ${mostReplayed} at once; repeat while some remain.`,
    tag,
    access: actors,
    body: choiceSchema,
    answers: { 200: z.object({ replayed: z.int(), remaining: z.int() }) },
    handle: async ({ tx, actor, body }) => ({ status: 200, body: await queue.replay(tx, actor, body) }),
  }),
]

import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { idSchema } from '#src/kernel/ids.ts'
import type { AttemptUseCases } from './attempt-use-cases.ts'
import { listOf, readers, recordFilter, remoteIdSchema, tag } from './sync-wire.ts'

const attemptSchema = z
  .object({
    id: z.string(),
    at: instantSchema,
    connectionId: idSchema<'connection'>(),
    direction: z.enum(['out', 'in']),
    entity: z.string(),
    recordId: z.string().nullable(),
    remoteId: z.string().nullable(),
    mappingVersionId: z.string().nullable(),
    fields: listOf(z.string()),
    /** created, updated, linked, applied, lost, parked, or the kind of a fault. */
    outcome: z.string(),
    code: z.string().nullable(),
    message: z.string().nullable(),
    durationMs: z.int().nullable(),
  })
  .meta({ id: 'SyncAttempt' })

export const attemptRoutes = (attempts: AttemptUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/sync-attempts',
    summary: 'List the sync log',
    description: 'Lines are kept for 90 days.',
    tag,
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      ...recordFilter,
      remoteId: remoteIdSchema.optional(),
      outcome: z.string().min(1).max(50).optional(),
      direction: z.enum(['out', 'in']).optional(),
      sort: z.enum(['at', '-at']).default('-at'),
    }),
    answers: { 200: pageOf(attemptSchema) },
    handle: async ({ tx, query }) => ({
      status: 200,
      body: sortedPage(await attempts.list(tx, query, positionOf(query)), query),
    }),
  }),
]

import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { networkRoute, type Route, route } from '#src/http/route.ts'
import { idSchema } from '#src/kernel/ids.ts'
import type { SyncConnection } from '../ground/engine.ts'
import type { PollResult } from '../passes/poll.ts'
import { polledOrRefused, type SyncHealthUseCases } from './sync-health-use-cases.ts'
import { actors, connectionParams, listOf, readers, tag } from './sync-wire.ts'

const healthSchema = z
  .object({
    connectionId: idSchema<'connection'>(),
    status: z.enum(['active', 'paused', 'attention']),
    pausedUntil: instantSchema.nullable(),
    pauseReason: z.string().nullable(),
    /** Calls as the CRM itself counts them. */
    usage: z.object({ used: z.int(), limit: z.int(), at: instantSchema }).nullable(),
    objects: listOf(
      z.object({
        object: z.string(),
        entities: listOf(z.string()),
        complete: z.boolean(),
        lastPolledAt: instantSchema.nullable(),
        mirrorAgeSeconds: z.int().nullable(),
      }),
    ),
    push: z.object({ heardAt: instantSchema.nullable(), trouble: z.string().nullable(), hints: z.int() }),
    lagSeconds: z.int(),
    dirty: z.int(),
    waiting: z.int(),
    parked: z.int(),
    openReviews: z.int(),
    pausedMappings: listOf(z.object({ entity: z.string(), reason: z.string(), since: instantSchema })),
    quarantined: listOf(z.object({ entity: z.string(), remoteField: z.string() })),
  })
  .meta({ id: 'SyncHealth' })

export interface SyncHealthRouteDeps {
  readonly health: SyncHealthUseCases
  /** Polls now, due or not; see `createDrains`. */
  pollNow(connection: SyncConnection, signal: AbortSignal): Promise<PollResult>
}

export const syncHealthRoutes = ({ health, pollNow }: SyncHealthRouteDeps): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/health',
    summary: 'Show how far a connection is in step: age of the mirror, push, lag, what waits, calls used',
    tag,
    access: readers,
    params: connectionParams,
    answers: { 200: healthSchema },
    handle: async ({ tx, params }) => ({ status: 200, body: await health.health(tx, params.connectionId) }),
  }),
  networkRoute({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/poll',
    summary: 'Read now what changed in the CRM',
    tag,
    access: actors,
    params: connectionParams,
    answers: {
      200: z.object({
        objects: listOf(
          z.object({ object: z.string(), records: z.int(), changed: z.int(), deletions: z.int() }),
        ),
      }),
    },
    handle: async ({ database, actor, params, signal }) => {
      const connection = await database.transact(actor, (tx) =>
        health.workingConnection(tx, params.connectionId),
      )
      return { status: 200, body: { objects: polledOrRefused(await pollNow(connection, signal)) } }
    },
  }),
]

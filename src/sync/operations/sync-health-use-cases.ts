import { mayWork, standingAt } from '#src/connections/connection.ts'
import type { Tx } from '#src/database/database.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { SyncConnection } from '../ground/engine.ts'
import { type PushState, pushState } from '../memory/hint-store.ts'
import { objectStates } from '../memory/mirror-store.ts'
import { countQueue, oldestDirty } from '../memory/queue-store.ts'
import { countOpenReviews } from '../memory/review-list-store.ts'
import type { PolledObject, PollResult } from '../passes/poll.ts'
import type { OperationDeps } from './operation-deps.ts'

export interface ObjectHealth {
  readonly object: string
  readonly entities: readonly string[]
  /** The first full reading is done: what is not in the mirror is not in the CRM. */
  readonly complete: boolean
  readonly lastPolledAt: Date | null
  /** How old our picture of the CRM is; null while there is none. */
  readonly mirrorAgeSeconds: number | null
}

export interface SyncHealth extends Pick<SyncConnection, 'status' | 'pausedUntil' | 'pauseReason' | 'usage'> {
  readonly connectionId: ConnectionId
  readonly objects: readonly ObjectHealth[]
  readonly push: PushState
  /** Since when the oldest change of ours that could go waits to go. */
  readonly lagSeconds: number
  readonly dirty: number
  readonly waiting: number
  readonly parked: number
  readonly openReviews: number
  /** Entities that a person lets rest. */
  readonly pausedMappings: readonly {
    readonly entity: string
    readonly reason: string
    readonly since: Date
  }[]
  readonly quarantined: readonly { readonly entity: string; readonly remoteField: string }[]
}

export type SyncHealthUseCases = ReturnType<typeof createSyncHealthUseCases>

/** How a connection is doing, in figures. */
export function createSyncHealthUseCases({ engine, connectionOf }: OperationDeps) {
  return {
    /** The connection, if it may be polled now. @throws Refused `connection_paused` */
    async workingConnection(tx: Tx, id: ConnectionId): Promise<SyncConnection> {
      const connection = await connectionOf(tx, id)
      const { now } = await objectStates(tx, id)
      if (mayWork(connection, now)) return connection
      throw new Refused('connection_paused', `The connection is paused: ${connection.pauseReason ?? ''}`)
    },

    async health(tx: Tx, id: ConnectionId): Promise<SyncHealth> {
      const connection = await connectionOf(tx, id)
      const mappings = await engine.connections.publishedMappings(tx, id)
      const { now, states } = await objectStates(tx, id)
      const { status, pausedUntil, pauseReason } = standingAt(connection, now)
      const ageSeconds = (since: Date) => Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000))
      const objects = [...new Set(mappings.map(({ document }) => document.object))].map((object) => {
        const state = states.find((one) => one.object === object)
        const polledAt = state?.polledAt ?? null
        return {
          object,
          entities: mappings.filter(({ document }) => document.object === object).map(({ entity }) => entity),
          complete: state?.complete ?? false,
          lastPolledAt: polledAt,
          mirrorAgeSeconds: polledAt && ageSeconds(polledAt),
        }
      })
      const queue = await countQueue(tx, id)
      const sum = (state: string) =>
        queue.filter((row) => row.state === state).reduce((total, { count }) => total + count, 0)
      const oldest = await oldestDirty(tx, id)
      return {
        connectionId: id,
        status,
        pausedUntil,
        pauseReason,
        usage: connection.usage,
        objects,
        push: await pushState(tx, id),
        lagSeconds: oldest ? ageSeconds(oldest) : 0,
        dirty: sum('dirty'),
        waiting: sum('waiting'),
        parked: sum('parked'),
        openReviews: await countOpenReviews(tx, id),
        pausedMappings: await engine.connections.pausedMappings(tx, id),
        quarantined: (await engine.connections.quarantinedFields(tx, id)).map(({ entity, remoteField }) => ({
          entity,
          remoteField,
        })),
      }
    },
  }
}

/** What a person who asked for a poll is told. @throws Refused `poll_running`, `poll_failed` */
export function polledOrRefused(result: PollResult): readonly PolledObject[] {
  switch (result.kind) {
    case 'polled':
      return result.objects
    case 'busy':
      throw new Refused('poll_running', 'A poll of this connection is under way')
    case 'failed':
      throw new Refused('poll_failed', `The CRM could not be read: ${result.fault.message}`)
  }
}

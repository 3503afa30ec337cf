import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Keyed, Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import {
  countQueue,
  listParked,
  listWaiting,
  type ParkedFilter,
  type ParkedRecord,
  type ParkedSort,
  type QueueCount,
  type QueueFilter,
  replayParked,
  type WaitingRecord,
  type WaitingSort,
} from '../memory/queue-store.ts'
import { type OperationDeps, titlesOf } from './operation-deps.ts'

export interface ParkedView extends ParkedRecord {
  readonly title: string | null
  readonly url: string | null
}

export interface WaitingView extends WaitingRecord {
  readonly title: string | null
  readonly parentTitle: string | null
  /** Why it waits, in plain words. */
  readonly reason: string
}

/** Replayed in one unit of work. */
export const mostReplayed = 1_000

/** What is replayed: these records, or all that match. */
export type ReplayChoice =
  | { readonly ids: readonly string[]; readonly connectionId?: ConnectionId | undefined }
  | ({ readonly all: true } & ParkedFilter)

export type QueueUseCases = ReturnType<typeof createQueueUseCases>

/** What is not in step yet, and why. */
export function createQueueUseCases(deps: OperationDeps) {
  async function urlsOf(
    tx: Tx,
    rows: readonly ParkedRecord[],
  ): Promise<(row: ParkedRecord) => string | null> {
    const ids = [...new Set(rows.map(({ connectionId }) => connectionId))]
    const connections = new Map(
      await Promise.all(ids.map(async (id) => [id, await deps.connectionOf(tx, id)] as const)),
    )
    return ({ connectionId, object, remoteId }) => {
      const connection = connections.get(connectionId)
      return connection && object !== null && remoteId !== null
        ? deps.recordUrl(connection, object, remoteId)
        : null
    }
  }

  return {
    count: (tx: Tx, connectionId: ConnectionId | undefined): Promise<readonly QueueCount[]> =>
      countQueue(tx, connectionId),

    async listParked(
      tx: Tx,
      filter: ParkedFilter,
      position: Position<ParkedSort>,
    ): Promise<readonly (ParkedView & Keyed)[]> {
      const rows = await listParked(tx, filter, position)
      const title = await titlesOf(deps, tx, rows)
      const urlOf = await urlsOf(tx, rows)
      return rows.map((row) => ({ ...row, title: title(row.entity, row.recordId), url: urlOf(row) }))
    },

    async listWaiting(
      tx: Tx,
      filter: QueueFilter,
      position: Position<WaitingSort>,
    ): Promise<readonly (WaitingView & Keyed)[]> {
      const rows = await listWaiting(tx, filter, position)
      const parents = rows.map(({ parentEntity, parentId }) => ({ entity: parentEntity, recordId: parentId }))
      const title = await titlesOf(deps, tx, [...rows, ...parents])
      return rows.map((row) => ({
        ...row,
        title: title(row.entity, row.recordId),
        parentTitle: title(row.parentEntity, row.parentId),
        reason: reasonOf(row),
      }))
    },

    /** Gives parked records a new try; at most a thousand at once, see `remaining`. */
    async replay(tx: Tx, actor: Actor, choice: ReplayChoice) {
      const result = await replayParked(tx, choice, mostReplayed)
      if (result.replayed === 0) return result
      await recordAudit(tx, actor, [
        {
          action: 'sync.replayed',
          subject: { kind: 'sync_queue', id: choice.connectionId ?? 'all' },
          after: { ...choice, replayed: result.replayed },
        },
      ])
      deps.ring(tx)
      return result
    },
  }
}

function reasonOf({ entity, parentEntity, parentState, parentMessage }: WaitingRecord): string {
  const said = parentMessage === null ? '' : `: ${parentMessage}`
  switch (parentState) {
    case 'in_review':
      return `Its ${parentEntity} waits for a person${said}`
    case 'parked':
      return `Its ${parentEntity} cannot be sent${said}`
    case 'lost':
      return `The CRM's record of its ${parentEntity} is gone or was retired. Link the ${parentEntity} to another one.`
    case 'waiting':
      return `Its ${parentEntity} waits itself`
    case 'queued':
      return `Its ${parentEntity} goes first`
    case 'not_included':
      return `Its ${parentEntity} is not sent to this CRM: the mapping does not include it. The ${entity} follows once it is.`
  }
}

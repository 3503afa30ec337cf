/**
 * When the engine works on a connection: what changed here (reconcile), what changed there (poll, hints, listening). A
 * pass takes a lease, goes through the connection's records in batches, and can be killed at any moment.
 */
import type { Engine, SyncConnection } from '../ground/engine.ts'
import { leastUrgent, syncActor } from '../ground/engine.ts'
import { hintedConnections } from '../memory/hint-store.ts'
import { nextDue } from '../memory/mark-store.ts'
import { readHints } from './hints.ts'
import { type PollResult, pollConnection } from './poll.ts'
import { reconcileConnection } from './reconcile.ts'

/** Names of the bells of the engine. */
export const reconcileBell = 'sync_reconcile'
export const pollBell = 'sync_poll'
export const hintsBell = 'sync_hints'

export interface Ringer {
  ring(name: string, notBefore?: Date): void
}

/** What the bells run: one connection after the other; a bug in one does not stop the others. */
export function createDrains(engine: Engine, bell: Ringer) {
  const usable = async (): Promise<readonly SyncConnection[]> =>
    engine.database.transact(syncActor, (tx) => engine.connections.activeConnections(tx))

  async function eachConnection(
    signal: AbortSignal,
    work: (connection: SyncConnection) => Promise<void>,
    connections?: readonly SyncConnection[],
  ): Promise<void> {
    const failures: unknown[] = []
    for (const connection of connections ?? (await usable())) {
      if (signal.aborted) return
      try {
        await work(connection)
      } catch (error) {
        engine.logger.error({ err: error, connection: connection.name }, 'sync of a connection failed')
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Sync failed for some connections')
  }

  return {
    reconcile: (signal: AbortSignal): Promise<void> =>
      eachConnection(signal, async (connection) => {
        const haltedUntil = await reconcileConnection(engine, connection, signal)
        const next = await engine.database.transact(syncActor, async (tx) => {
          const paused = await engine.connections.pausedMappings(tx, connection.id)
          const resting = paused.map(({ entity }) => entity)
          return nextDue(tx, connection.id, leastUrgent(engine, connection.id), resting)
        })
        // What stays due meanwhile must not wake us again and again.
        if (next) bell.ring(reconcileBell, haltedUntil && haltedUntil > next ? haltedUntil : next)
      }),

    poll: (signal: AbortSignal): Promise<void> =>
      eachConnection(signal, async (connection) => {
        const result = await pollConnection(engine, connection, signal)
        if (result.kind === 'polled' && result.objects.length > 0) bell.ring(reconcileBell)
      }),

    /** Reads what push channels told of. */
    hints: async (signal: AbortSignal): Promise<void> => {
      const told = await engine.database.transact(syncActor, hintedConnections)
      if (told.size === 0) return
      await eachConnection(
        signal,
        async (connection) => {
          const result = await readHints(engine, connection, signal)
          if (result.kind === 'later') bell.ring(hintsBell, result.at)
          if (result.kind === 'read' && result.changed > 0) bell.ring(reconcileBell)
        },
        (await usable()).filter(({ id }) => told.has(id)),
      )
    },

    /** One connection now, due or not: what a person asks for. */
    pollNow: async (connection: SyncConnection, signal: AbortSignal): Promise<PollResult> => {
      const result = await pollConnection(engine, connection, signal, true)
      bell.ring(reconcileBell)
      return result
    },
  }
}

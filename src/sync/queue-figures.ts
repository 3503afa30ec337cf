import type { Database } from '#src/database/database.ts'
import { syncActor } from './engine.ts'
import { measureQueue } from './queue-store.ts'

/** What operators watch of the sync engine: how much is dirty, waiting or parked, and how old the oldest is. */
export function queueFigures(database: Database) {
  const read = () => database.transact(syncActor, measureQueue)
  return [
    {
      name: 'counterpart_sync_records',
      help: 'Records that are not in step yet, by entity and state',
      labels: ['entity', 'state'],
      read: async () =>
        (await read()).map(({ entity, state, count }) => ({
          labels: { entity, state },
          value: Number(count),
        })),
    },
    {
      name: 'counterpart_sync_oldest_seconds',
      help: 'Age of the oldest record that is not in step yet',
      labels: ['entity', 'state'],
      read: async () =>
        (await read()).map(({ entity, state, oldestSeconds }) => ({
          labels: { entity, state },
          value: oldestSeconds,
        })),
    },
  ]
}

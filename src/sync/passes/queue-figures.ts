import type { Database } from '#src/database/database.ts'
import { syncActor } from '../ground/engine.ts'
import { measureHints } from '../memory/hint-store.ts'
import { measureQueue } from '../memory/queue-store.ts'
import type { PushUseCases } from './push-use-cases.ts'

/** What operators watch of the sync engine: how much is dirty, waiting or parked, how old the oldest is, what is pushed. */
export function queueFigures(database: Database, push: Pick<PushUseCases, 'deliveries'>) {
  const read = () => database.transact(syncActor, measureQueue)
  const hints = () => database.transact(syncActor, measureHints)
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
    {
      name: 'counterpart_sync_hints',
      help: 'Records that CRMs told of and that are not read yet',
      labels: [],
      read: async () => [{ labels: {}, value: (await hints()).count }],
    },
    {
      name: 'counterpart_sync_hints_oldest_seconds',
      help: 'Age of the oldest of them',
      labels: [],
      read: async () => [{ labels: {}, value: (await hints()).oldestSeconds }],
    },
    {
      name: 'counterpart_webhooks_received',
      help: 'Webhooks of CRMs that came to this process since it started',
      labels: ['outcome'],
      read: async () =>
        push.deliveries().map(({ outcome, count }) => ({ labels: { outcome }, value: count })),
    },
  ]
}

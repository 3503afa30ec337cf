import { sql } from 'kysely'
import type { Database } from '#src/database/database.ts'
import { syncActor } from './engine.ts'

interface QueueRow {
  readonly entity: string
  readonly state: string
  readonly count: bigint
  readonly oldestSeconds: number
}

/** What operators watch of the sync engine: how much is dirty, waiting or parked, and how old the oldest is. */
export function queueFigures(database: Database) {
  const read = () =>
    database.transact(syncActor, async (tx) => {
      const { rows } = await sql<QueueRow>`
        select entity,
               case when parked_at is not null then 'parked' when waiting_for is not null then 'waiting' else 'dirty' end as state,
               count(*) as count,
               extract(epoch from clock_timestamp() - min(marked_at))::float8 as oldest_seconds
        from dirty_mark group by 1, 2`.execute(tx)
      return rows
    })
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

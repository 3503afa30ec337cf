import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { CallTally } from './call-tally.ts'

/** Adds to what is counted already, one statement for all. */
export async function addCallCounts(
  tx: Tx,
  connectionId: ConnectionId,
  tallies: readonly CallTally[],
): Promise<void> {
  const rows = tallies.map((tally) => ({ ...tally, hour: tally.hour.toISOString() }))
  await sql`
    insert into call_count as known (connection_id, hour, operation, object, priority, calls, records)
    select ${connectionId}::uuid, (row->>'hour')::timestamptz, row->>'operation', row->>'object', row->>'priority',
      (row->>'calls')::int, (row->>'records')::int
    from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as row
    order by 2, 3, 4, 5
    on conflict (connection_id, hour, operation, object, priority) do update
      set calls = known.calls + excluded.calls, records = known.records + excluded.records`.execute(tx)
}

/** Newest hour first. */
export async function callCountsSince(
  tx: Tx,
  connectionId: ConnectionId,
  hours: number,
): Promise<readonly CallTally[]> {
  const { rows } = await sql<CallTally>`
    select hour, operation, object, priority, calls, records from call_count
    where connection_id = ${connectionId} and hour > clock_timestamp() - make_interval(hours => ${hours})
    order by hour desc, operation, object, priority`.execute(tx)
  return rows
}

export async function dropCallCounts(tx: Tx, olderThanDays: number): Promise<void> {
  await sql`
    delete from call_count where hour < clock_timestamp() - make_interval(days => ${olderThanDays})`.execute(
    tx,
  )
}

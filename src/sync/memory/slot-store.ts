import { sql } from 'kysely'
import type { Database, Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** The right of one worker to do one task of one connection; its number rises with each owner and fences off old ones. */
export interface Lease {
  readonly connectionId: ConnectionId
  readonly task: string
  readonly number: bigint
}

/** Thrown when a worker finds that its lease ran out: another one may be at work, so nothing of ours counts any more. */
export class LeaseLost extends Error {
  constructor(lease: Lease) {
    super(`The lease on ${lease.task} of connection ${lease.connectionId} was lost`)
    this.name = 'LeaseLost'
  }
}

export const leaseMs = 60_000
const actor = systemActor('sync lease')

/** The lease, or null while another worker holds it. Times are the database's. */
export async function takeLease(
  database: Database,
  connectionId: ConnectionId,
  task: string,
  forMs = leaseMs,
): Promise<Lease | null> {
  return database.transact(actor, async (tx) => {
    const { rows } = await sql<{ leaseNumber: bigint }>`
      insert into sync_slot as slot (connection_id, task, lease_number, leased_until)
      values (${connectionId}, ${task}, 1, clock_timestamp() + make_interval(secs => ${forMs / 1000}))
      on conflict (connection_id, task) do update
        set lease_number = slot.lease_number + 1, leased_until = excluded.leased_until
        where slot.leased_until < clock_timestamp()
      returning lease_number`.execute(tx)
    const [row] = rows
    return row ? { connectionId, task, number: row.leaseNumber } : null
  })
}

/** Extends the lease. @throws LeaseLost */
export async function renewLease(database: Database, lease: Lease): Promise<void> {
  await database.transact(actor, async (tx) => {
    const { rows } = await sql`
      update sync_slot set leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
      where connection_id = ${lease.connectionId} and task = ${lease.task} and lease_number = ${lease.number}
        and leased_until > clock_timestamp()
      returning 1`.execute(tx)
    if (rows.length === 0) throw new LeaseLost(lease)
  })
}

/** Inside the transaction that records results: proves that the lease is still ours until it commits. @throws LeaseLost */
export async function assertLease(tx: Tx, lease: Lease): Promise<void> {
  const { rows } = await sql`
    select 1 from sync_slot
    where connection_id = ${lease.connectionId} and task = ${lease.task} and lease_number = ${lease.number}
      and leased_until > clock_timestamp()
    for share`.execute(tx)
  if (rows.length === 0) throw new LeaseLost(lease)
}

/** Gives the lease back at once, so that nobody waits for it to run out. */
export async function giveBackLease(database: Database, lease: Lease): Promise<void> {
  await database.transact(actor, (tx) =>
    sql`
      update sync_slot set leased_until = '-infinity'
      where connection_id = ${lease.connectionId} and task = ${lease.task} and lease_number = ${lease.number}`.execute(
      tx,
    ),
  )
}

/** The database's clock: the only one that snapshots and writes are compared by. */
export async function databaseNow(database: Database): Promise<Date> {
  return database.transact(actor, async (tx) => {
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(tx)
    return rows[0]?.now ?? new Date()
  })
}

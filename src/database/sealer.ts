import { sql } from 'kysely'
import { systemActor } from '#src/kernel/actor.ts'
import type { Database, Tx } from './database.ts'

/** An append-only table with `id uuid` and `content_hash bytea` whose rows are chained. Names are code, never input. */
export interface Journal {
  readonly name: string
  readonly table: string
  /** Column with the instant at which the database recorded the row. */
  readonly recordedAt: string
}

export interface SealOptions {
  /** Rows per seal at most. */
  readonly limit?: number
  /** Look at all rows instead of the recent ones: at start, and now and then against clocks that were set back. */
  readonly everything?: boolean
}

const sealLimit = 5_000
const sealer = systemActor('sealer')

/**
 * Chains the rows that no seal holds yet, off the hot path: rows are not touched, only seals are written. One sealer
 * works at a time, another one finds nothing to do. Call it once a second.
 * @returns how many rows were sealed
 */
export async function sealJournal(
  database: Database,
  journal: Journal,
  options: SealOptions = {},
): Promise<number> {
  const limit = options.limit ?? sealLimit
  let total = 0
  for (;;) {
    const sealed = await database.transact(sealer, (tx) =>
      sealBatch(tx, journal, limit, options.everything ?? false),
    )
    total += sealed
    if (sealed < limit) return total
  }
}

interface Horizon {
  readonly since: string
  readonly now: string
  /** Every transaction below has ended. */
  readonly ended: string
  /** Transactions from here on have not begun. */
  readonly next: string
}

async function sealBatch(tx: Tx, journal: Journal, limit: number, everything: boolean): Promise<number> {
  const lock = await sql<{ free: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('seal ' || ${journal.name}, 0)) as free`.execute(tx)
  if (!lock.rows[0]?.free) return 0
  const horizon = await openWindow(tx, journal)
  const sealed = await writeSeal(tx, journal, everything ? '-infinity' : horizon.since, limit)
  if (sealed < limit) await moveWindow(tx, journal, horizon)
  return sealed
}

async function openWindow(tx: Tx, journal: Journal): Promise<Horizon> {
  const read = () =>
    sql<Horizon>`
      select since::text, clock_timestamp()::text as now, pg_snapshot_xmin(pg_current_snapshot())::text as ended,
             pg_snapshot_xmax(pg_current_snapshot())::text as next
      from seal_window where journal = ${journal.name}`.execute(tx)
  const [known] = (await read()).rows
  if (known) return known
  await sql`
    insert into seal_window (journal, since, next_since, next_xid)
    values (${journal.name}, '-infinity', '-infinity', '0')`.execute(tx)
  const [made] = (await read()).rows
  if (!made) throw new Error(`The window of the journal "${journal.name}" cannot be read`)
  return made
}

/**
 * Rows become visible in the order of commits, not of their instants. So the window only moves to an earlier instant of
 * which we know that all transactions open at that time have ended and that what they left was sealed just now. A
 * number beyond the server's own comes from the server that this database was restored from; it is replaced.
 */
async function moveWindow(tx: Tx, journal: Journal, horizon: Horizon): Promise<void> {
  await sql`
    update seal_window
    set since = case when next_xid <= ${horizon.ended}::xid8 then next_since else since end,
        next_since = ${horizon.now}::timestamptz - interval '1 minute', next_xid = ${horizon.next}::xid8
    where journal = ${journal.name}
      and (next_xid <= ${horizon.ended}::xid8 or next_xid > ${horizon.next}::xid8)`.execute(tx)
}

async function writeSeal(tx: Tx, journal: Journal, since: string, limit: number): Promise<number> {
  const table = sql.table(journal.table)
  const recordedAt = sql.ref(journal.recordedAt)
  const { rows } = await sql<{ entryCount: number }>`
    with recent as materialized (
      select id, ${recordedAt} as recorded_at, content_hash from ${table} where ${recordedAt} >= ${since}::timestamptz
    ), fresh as (
      select id, recorded_at, content_hash, row_number() over (order by recorded_at, id)::int as position
      from recent
      where not exists (select from seal_member where journal = ${journal.name} and entry_id = recent.id)
      order by recorded_at, id limit ${limit}
    ), head as (
      select number, hash from seal where journal = ${journal.name} order by number desc limit 1
    ), previous as (
      select number, hash from head
      union all select 0, sha256(convert_to(${journal.name}, 'utf8')) where not exists (select from head)
    ), made as (
      insert into seal (journal, number, entry_count, previous_hash, hash)
      select ${journal.name}, previous.number + 1, count(*), previous.hash, sha256(previous.hash || string_agg(
               uuid_send(id) || timestamptz_send(recorded_at) || content_hash, ''::bytea order by position))
      from previous cross join fresh
      group by previous.number, previous.hash
      returning number, entry_count
    ), members as (
      insert into seal_member (journal, entry_id, seal_number, position)
      select ${journal.name}, fresh.id, made.number, fresh.position from fresh cross join made
    )
    select entry_count from made`.execute(tx)
  return rows[0]?.entryCount ?? 0
}

import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** What a worker asks for: calls to make within the next moment. */
export interface BlockAsk {
  readonly worker: string
  readonly wanted: number
  /** As far as work of this urgency may use them up. */
  readonly windows: readonly { readonly calls: number; readonly seconds: number }[]
  readonly perDay: number | null
  /** How long calls that were taken may still be made. */
  readonly blockMs: number
}

export interface Grant {
  readonly id: bigint
  readonly calls: number
  /** From when there may be more; null when something was granted, or the CRM asked us to wait. */
  readonly waitMs: number | null
  readonly throttledUntil: Date | null
  /** Workers that made calls lately, this one included. */
  readonly workers: number
}

/** A worker that took nothing for so long is not counted among those who share. */
const presentS = 10
/** Counts are written down this often; until then only blocks tell of them. */
const uncountedS = 2

/**
 * Takes calls for one worker. Takers of one connection pass one after the other; a window counts what was taken in it
 * and may have been made in it, so no stretch of its length ever sees more calls than it allows.
 */
export async function takeBlock(tx: Tx, connectionId: ConnectionId, ask: BlockAsk): Promise<Grant> {
  const throttledUntil = await enterBudget(tx, connectionId)
  const nothing = { id: 0n, calls: 0, workers: 1 }
  if (throttledUntil) return { ...nothing, waitMs: null, throttledUntil }
  const blockS = ask.blockMs / 1000
  const { rows } = await sql<{ left: number; waitMs: number }>`
    select bound.calls - coalesce(sum(block.calls), 0)::integer as "left",
           coalesce(1000 * extract(epoch from
             min(block.taken_at) filter (where block.calls > 0) + make_interval(secs => bound.seconds + ${blockS}) - clock_timestamp()), 0)::float8 as wait_ms
    from jsonb_to_recordset(${JSON.stringify(ask.windows)}::jsonb) as bound (calls integer, seconds float8)
    left join call_block block on block.connection_id = ${connectionId}
      and block.taken_at > clock_timestamp() - make_interval(secs => bound.seconds + ${blockS})
    group by bound.calls, bound.seconds`.execute(tx)
  const bounds =
    ask.perDay === null ? rows : [...rows, await dayBound(tx, connectionId, ask.worker, ask.perDay)]
  const calls = Math.min(ask.wanted, ...bounds.map(({ left }) => left))
  const workers = await presentWorkers(tx, connectionId, ask.worker)
  if (calls <= 0) {
    const waits = bounds.filter(({ left }) => left <= 0).map(({ waitMs }) => waitMs)
    return { ...nothing, workers, waitMs: Math.max(1, ...waits), throttledUntil: null }
  }
  const longest = Math.max(presentS, ...ask.windows.map(({ seconds }) => seconds)) + blockS
  const { rows: made } = await sql<{ id: bigint }>`
    with old as (
      delete from call_block
      where connection_id = ${connectionId} and taken_at < clock_timestamp() - make_interval(secs => ${longest})
    )
    insert into call_block (connection_id, worker, calls) values (${connectionId}, ${ask.worker}, ${calls})
    returning id`.execute(tx)
  return { id: made[0]?.id ?? 0n, calls, workers, waitMs: null, throttledUntil: null }
}

/** @returns until when the CRM asked us to wait, if that is still to come */
async function enterBudget(tx: Tx, connectionId: ConnectionId): Promise<Date | null> {
  const enter = sql<{ throttledUntil: Date | null }>`
    select case when throttled_until > clock_timestamp() then throttled_until end as throttled_until
    from call_budget where connection_id = ${connectionId} for no key update`
  const { rows } = await enter.execute(tx)
  if (rows[0]) return rows[0].throttledUntil
  await sql`insert into call_budget (connection_id) values (${connectionId}) on conflict do nothing`.execute(
    tx,
  )
  return (await enter.execute(tx)).rows[0]?.throttledUntil ?? null
}

async function dayBound(tx: Tx, connectionId: ConnectionId, worker: string, perDay: number) {
  const { rows } = await sql<{ counted: number; uncounted: number; untilHourMs: number }>`
    select (select coalesce(sum(calls), 0)::integer from call_count
            where connection_id = ${connectionId} and hour > clock_timestamp() - interval '24 hours') as counted,
           (select coalesce(sum(calls), 0)::integer from call_block
            where connection_id = ${connectionId} and worker <> ${worker}
              and taken_at > clock_timestamp() - make_interval(secs => ${uncountedS})) as uncounted,
           (1000 * extract(epoch from date_trunc('hour', clock_timestamp()) + interval '1 hour' - clock_timestamp()))::float8
             as until_hour_ms`.execute(tx)
  const { counted = 0, uncounted = 0, untilHourMs = 0 } = rows[0] ?? {}
  return { left: perDay - counted - uncounted, waitMs: counted >= perDay ? untilHourMs : uncountedS * 1000 }
}

async function presentWorkers(tx: Tx, connectionId: ConnectionId, worker: string): Promise<number> {
  const { rows } = await sql<{ others: number }>`
    select count(distinct worker)::integer as others from call_block
    where connection_id = ${connectionId} and worker <> ${worker}
      and taken_at > clock_timestamp() - make_interval(secs => ${presentS})`.execute(tx)
  return 1 + (rows[0]?.others ?? 0)
}

/** Calls that were taken and not made. */
export async function giveBackCalls(tx: Tx, id: bigint, unused: number): Promise<void> {
  await sql`update call_block set calls = greatest(0, calls - ${unused}) where id = ${id}`.execute(tx)
}

/** One worker was asked to wait, so all do. A shorter wait does not shorten a longer one. */
export async function throttleAll(tx: Tx, connectionId: ConnectionId, until: Date): Promise<void> {
  await sql`
    insert into call_budget as known (connection_id, throttled_until) values (${connectionId}, ${until})
    on conflict (connection_id) do update
      set throttled_until = greatest(known.throttled_until, excluded.throttled_until)`.execute(tx)
}

export interface BudgetStanding {
  readonly throttledUntil: Date | null
  readonly workers: number
  /** Calls taken in the last so many seconds, in the order asked. */
  readonly used: readonly number[]
}

export async function budgetStanding(
  tx: Tx,
  connectionId: ConnectionId,
  windowSeconds: readonly number[],
): Promise<BudgetStanding> {
  const { rows } = await sql<{ throttledUntil: Date | null; workers: number }>`
    select (select throttled_until from call_budget
            where connection_id = ${connectionId} and throttled_until > clock_timestamp()) as throttled_until,
           (select count(distinct worker)::integer from call_block
            where connection_id = ${connectionId}
              and taken_at > clock_timestamp() - make_interval(secs => ${presentS})) as workers`.execute(tx)
  const { rows: used } = await sql<{ used: number }>`
    select coalesce(sum(block.calls), 0)::integer as used
    from unnest(${[...windowSeconds]}::float8[]) with ordinality as bound (seconds, place)
    left join call_block block on block.connection_id = ${connectionId}
      and block.taken_at > clock_timestamp() - make_interval(secs => bound.seconds)
    group by bound.place order by bound.place`.execute(tx)
  return {
    throttledUntil: rows[0]?.throttledUntil ?? null,
    workers: rows[0]?.workers ?? 0,
    used: used.map((one) => one.used),
  }
}

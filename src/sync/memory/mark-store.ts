import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { Priority } from '#src/kernel/events.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** A record of ours that may differ from its counterpart; marking again raises the generation. */
export interface Mark {
  readonly recordId: string
  readonly generation: bigint
  readonly priority: number
  readonly attempts: number
  /** The batch it belongs to may leave without being full. */
  readonly ripe: boolean
}

export interface NewMark {
  readonly connectionId: ConnectionId
  readonly entity: string
  readonly recordId: string
  readonly priority: Priority
}

const priorities: Readonly<Record<Priority, number>> = { live: 0, repair: 1, bulk: 2 }
/** How long a batch waits for company before it leaves. */
const gatherMs: Readonly<Record<Priority, number>> = { live: 1_000, repair: 1_000, bulk: 10_000 }

/** What marking a record anew does to its mark: a parked one gets a new try. */
const again = sql`
  set generation = mark.generation + 1, raised_in = pg_current_xact_id(),
      raised_from = case when mark.raised_in = pg_current_xact_id() then mark.raised_from else mark.generation end,
      priority = least(mark.priority, excluded.priority),
      ready_at = least(mark.ready_at, excluded.ready_at), due_at = least(mark.due_at, clock_timestamp()),
      waiting_for = null, parked_at = null, parked_code = null, parked_message = null, parked_issues = null,
      attempts = case when mark.parked_at is null then mark.attempts else 0 end`

/** Marks records dirty, in key order (two markers never wait for each other in a ring). A parked record gets a new try. */
export async function markDirty(tx: Tx, marks: readonly NewMark[]): Promise<void> {
  if (marks.length === 0) return
  const rows = marks.map((mark) => ({
    connection_id: mark.connectionId,
    entity: mark.entity,
    record_id: mark.recordId,
    priority: priorities[mark.priority],
    gather: gatherMs[mark.priority],
  }))
  await sql`
    insert into dirty_mark as mark (connection_id, entity, record_id, priority, ready_at)
    select connection_id, entity, record_id, min(priority),
           clock_timestamp() + make_interval(secs => min(gather) / 1000.0)
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row (connection_id uuid, entity text, record_id uuid, priority smallint, gather integer)
    group by connection_id, entity, record_id
    order by connection_id, entity, record_id
    on conflict (connection_id, entity, record_id) do update ${again}`.execute(tx)
}

/** Marks everything that is linked, so that a change of the mapping or a field that came back reaches all records. */
export async function markLinked(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  priority: Priority,
): Promise<void> {
  await sql`
    insert into dirty_mark as mark (connection_id, entity, record_id, priority, ready_at)
    select connection_id, entity, record_id, ${priorities[priority]},
           clock_timestamp() + make_interval(secs => ${gatherMs[priority] / 1000})
    from link where connection_id = ${connectionId} and entity = ${entity} and state = 'active'
    order by connection_id, entity, record_id
    on conflict (connection_id, entity, record_id) do update ${again}`.execute(tx)
}

const urgencies = Object.keys(priorities) as readonly Priority[]

/**
 * The marks of one round: those of the most urgent kind, and as many others as fill its batch, so that little urgent
 * work neither goes alone nor takes all the rest along past the limits that hold for it.
 */
export function ofOneUrgency(
  marks: readonly Mark[],
  batch: number,
): { readonly marks: readonly Mark[]; readonly urgency: Priority } {
  const most = Math.min(...marks.map(({ priority }) => priority))
  const urgent = marks.filter(({ priority }) => priority === most)
  const others = marks.filter(({ priority }) => priority !== most)
  const filling = others.slice(0, Math.max(0, batch - urgent.length))
  return { marks: [...urgent, ...filling], urgency: urgencies[most] ?? 'live' }
}

/**
 * Marks to look at now, those that have waited enough first, then the most urgent. Nothing unless there are enough for a
 * batch or one of them has waited enough.
 */
export async function readyMarks(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  limits: { readonly batch: number; readonly most: number; readonly least: Priority },
): Promise<readonly Mark[]> {
  const marksThat = (hasWaited: ReturnType<typeof sql>) => sql`(
    select record_id, generation, priority, attempts, ready_at from dirty_mark
    where connection_id = ${connectionId} and entity = ${entity} and parked_at is null and waiting_for is null
      and due_at <= statement_timestamp() and priority <= ${priorities[limits.least]} and ${hasWaited}
    order by priority, ready_at limit ${limits.most})`
  const { rows } = await sql<Mark>`
    select record_id, generation, priority, attempts, ripe from (
      select *, true as ripe from ${marksThat(sql`ready_at <= statement_timestamp()`)} as ripe
      union all
      select *, false from ${marksThat(sql`ready_at > statement_timestamp()`)} as young
    ) as mark
    order by ripe desc, priority, ready_at limit ${limits.most}`.execute(tx)
  return rows.length >= limits.batch || rows.some(({ ripe }) => ripe) ? rows : []
}

/** When the next mark of a connection becomes due that may go; null when none waits for time. `resting`: entities. */
export async function nextDue(
  tx: Tx,
  connectionId: ConnectionId,
  least: Priority,
  resting: readonly string[],
): Promise<Date | null> {
  const { rows } = await sql<{ next: Date | null }>`
    select min(greatest(ready_at, due_at)) as next from dirty_mark
    where connection_id = ${connectionId} and parked_at is null and waiting_for is null
      and priority <= ${priorities[least]} and entity <> all(${[...resting]}::text[])`.execute(tx)
  return rows[0]?.next ?? null
}

/**
 * Those of the records that nobody else marked again, and nobody dropped, since: what was loaded of them still holds. A
 * mark that this very unit of work raised, by taking over what a CRM states, is no news to it.
 */
export async function stillCurrent(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly Mark[],
): Promise<ReadonlySet<string>> {
  if (marks.length === 0) return new Set()
  const { rows } = await sql<{ recordId: string }>`
    select mark.record_id from dirty_mark mark
    join unnest(${marks.map(({ recordId }) => recordId)}::uuid[],
                ${marks.map(({ generation }) => generation.toString())}::bigint[]) as loaded (record_id, generation)
      on mark.record_id = loaded.record_id
    where mark.connection_id = ${connectionId} and mark.entity = ${entity}
      and (mark.generation = loaded.generation
           or (mark.raised_in = pg_current_xact_id_if_assigned() and mark.raised_from = loaded.generation))`.execute(
    tx,
  )
  return new Set(rows.map(({ recordId }) => recordId))
}

/** The same, and nobody drops or raises these marks until the unit of work ends: what is begun now was wanted. */
export async function lockCurrent(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly Mark[],
): Promise<ReadonlySet<string>> {
  if (marks.length === 0) return new Set()
  await lockMarks(tx, connectionId, entity, marks)
  return stillCurrent(tx, connectionId, entity, marks)
}

/** Done, unless it was marked again meanwhile. */
export async function settleMarks(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly Mark[],
): Promise<void> {
  if (marks.length === 0) return
  await lockMarks(tx, connectionId, entity, marks)
  await sql`
    delete from dirty_mark using unnest(${marks.map(({ recordId }) => recordId)}::uuid[],
                                        ${marks.map(({ generation }) => generation.toString())}::bigint[]) as done (record_id, generation)
    where connection_id = ${connectionId} and entity = ${entity}
      and dirty_mark.record_id = done.record_id and dirty_mark.generation = done.generation`.execute(tx)
}

/** In key order, as those who mark take them: two units of work never wait for each other in a ring. */
async function lockMarks(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly { readonly recordId: string }[],
): Promise<void> {
  await sql`
    select 1 from dirty_mark
    where connection_id = ${connectionId} and entity = ${entity}
      and record_id = any(${marks.map(({ recordId }) => recordId)}::uuid[])
    order by record_id for update`.execute(tx)
}

/** Nothing is to be done about the record any more. */
export async function dropMark(
  tx: Tx,
  mark: { readonly connectionId: ConnectionId; readonly entity: string; readonly recordId: string },
): Promise<void> {
  await sql`
    delete from dirty_mark
    where connection_id = ${mark.connectionId} and entity = ${mark.entity} and record_id = ${mark.recordId}`.execute(
    tx,
  )
}

export interface Postponed {
  readonly recordId: string
  readonly delayMs: number
  /** Counts as a failed try. */
  readonly counts: boolean
}

export async function postponeMarks(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly Postponed[],
): Promise<void> {
  if (marks.length === 0) return
  await lockMarks(tx, connectionId, entity, marks)
  const rows = marks.map((mark) => ({
    record_id: mark.recordId,
    delay: mark.delayMs / 1000,
    counts: mark.counts,
  }))
  await sql`
    update dirty_mark
    set due_at = clock_timestamp() + make_interval(secs => later.delay),
        attempts = attempts + case when later.counts then 1 else 0 end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as later (record_id uuid, delay float8, counts boolean)
    where connection_id = ${connectionId} and entity = ${entity} and dirty_mark.record_id = later.record_id`.execute(
    tx,
  )
}

/** Lets marks of work that can wait gather anew, so that they leave together; more urgent ones go on. */
export async function gatherBulk(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly Mark[],
  forMs: number,
): Promise<void> {
  const waiting = marks.filter(({ priority }) => priority === priorities.bulk)
  if (waiting.length === 0) return
  await lockMarks(tx, connectionId, entity, waiting)
  await sql`
    update dirty_mark set ready_at = clock_timestamp() + make_interval(secs => ${forMs / 1000})
    where connection_id = ${connectionId} and entity = ${entity}
      and record_id = any(${waiting.map(({ recordId }) => recordId)}::uuid[])`.execute(tx)
}

export interface Parked {
  readonly recordId: string
  readonly code: string
  readonly message: string
  readonly issues: readonly { readonly field: string; readonly message: string }[]
}

/** Out of the way until the record changes, or a person replays it. */
export async function parkMarks(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly Parked[],
): Promise<void> {
  if (marks.length === 0) return
  await lockMarks(tx, connectionId, entity, marks)
  const rows = marks.map((mark) => ({
    record_id: mark.recordId,
    code: mark.code,
    message: mark.message,
    issues: mark.issues,
  }))
  await sql`
    update dirty_mark
    set parked_at = clock_timestamp(), parked_code = parked.code, parked_message = parked.message,
        parked_issues = parked.issues, attempts = attempts + 1
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as parked (record_id uuid, code text, message text, issues jsonb)
    where connection_id = ${connectionId} and entity = ${entity} and dirty_mark.record_id = parked.record_id`.execute(
    tx,
  )
}

export interface WaitingMark {
  readonly recordId: string
  /** `entity:id` of the parent. */
  readonly parent: string
}

export async function waitForParents(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  marks: readonly WaitingMark[],
): Promise<void> {
  if (marks.length === 0) return
  await lockMarks(tx, connectionId, entity, marks)
  await sql`
    update dirty_mark set waiting_for = waiting.parent
    from unnest(${marks.map(({ recordId }) => recordId)}::uuid[], ${marks.map(({ parent }) => parent)}::text[]) as waiting (record_id, parent)
    where connection_id = ${connectionId} and entity = ${entity} and dirty_mark.record_id = waiting.record_id`.execute(
    tx,
  )
}

/** The parents are there: their children may go, together. */
export async function releaseChildren(
  tx: Tx,
  connectionId: ConnectionId,
  parents: readonly string[],
): Promise<void> {
  if (parents.length === 0) return
  await sql`
    update dirty_mark set waiting_for = null, due_at = clock_timestamp(),
      ready_at = clock_timestamp() + make_interval(secs => case when priority = 2 then 5 else 0 end)
    where connection_id = ${connectionId} and waiting_for = any(${[...parents]}::text[])`.execute(tx)
}

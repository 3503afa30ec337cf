import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Hint } from '#connectors/connector.ts'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** A record over there that was told of; told of again, its generation rises. */
export interface OpenHint {
  readonly object: string
  readonly remoteId: string
  readonly generation: bigint
}

const longestName = 255

/** What no record of a CRM is called; a table would not hold it. */
const isName = (text: string): boolean =>
  text.length > 0 && text.length <= longestName && !/\p{Cc}/u.test(text)

const digestOf = (key: string): string => createHash('sha256').update(key).digest('base64')

interface HintedConnection {
  readonly id: ConnectionId
  /** Who we are over there. */
  readonly remoteUserId: string | null
}

/**
 * Writes hints down, each delivery once however often it comes. Several hints of one record are one.
 * @returns how many records were told of
 */
export async function recordHints(
  tx: Tx,
  { id: connectionId, remoteUserId }: HintedConnection,
  hints: readonly Hint[],
): Promise<number> {
  const rows = hints
    .filter(({ object, id }) => isName(object) && isName(id))
    .map(({ object, id, deduplicationKey, by }) => ({
      object,
      remote_id: id,
      delivery: digestOf(deduplicationKey),
      by_us: by === undefined || by.toLowerCase() === remoteUserId?.toLowerCase(),
    }))
  if (rows.length === 0) return 0
  const { rows: told } = await sql`
    with told as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (object text, remote_id text, delivery text, by_us boolean)
    ), news as (
      insert into seen_delivery (connection_id, delivery)
      select distinct ${connectionId}::uuid, delivery from told order by delivery
      on conflict do nothing
      returning delivery
    )
    insert into hint as known (connection_id, object, remote_id, by_us)
    select ${connectionId}::uuid, object, remote_id, bool_and(by_us) from told join news using (delivery)
    group by object, remote_id
    order by object, remote_id
    on conflict (connection_id, object, remote_id) do update
      set generation = known.generation + 1, told_at = clock_timestamp(), by_us = known.by_us and excluded.by_us
    returning 1`.execute(tx)
  return told.length
}

/** Connections with hints that wait to be read. */
export async function hintedConnections(tx: Tx): Promise<ReadonlySet<ConnectionId>> {
  const { rows } = await sql<{ connectionId: ConnectionId }>`
    select distinct connection_id from hint`.execute(tx)
  return new Set(rows.map(({ connectionId }) => connectionId))
}

/** So long after our own write of a record a hint of it is most likely that write's echo. */
const echoMs = 10_000
/** No hint waits longer than that, whatever we write meanwhile. */
const longestWaitMs = 30_000
/** How often it is looked whether echoes may be read. */
const echoLookMs = 2_000

/**
 * Echoes of our own writes come one by one while we write and tell nothing new as a rule, so they are read together, or
 * by the poll that comes first. What else happened in our name, as a flow's work in the wake of our write, comes with
 * them. Of a record that is not linked nobody knows yet whether we are making it at the moment.
 */
const isEcho = (connectionId: ConnectionId) => sql<boolean>`
  hint.by_us and hint.first_at > clock_timestamp() - make_interval(secs => ${longestWaitMs / 1000})
  and case when exists (select from link where connection_id = ${connectionId} and remote_id = hint.remote_id)
    then exists (
      select from link where connection_id = ${connectionId} and remote_id = hint.remote_id
        and (writing_at is not null or written_at > clock_timestamp() - make_interval(secs => ${echoMs / 1000})))
    else exists (
      select from link where connection_id = ${connectionId} and writing_at is not null and remote_id is null) end`

/** Of one object, the oldest first; without those that are most likely echoes of our own writes. */
export async function openHints(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  most: number,
): Promise<readonly OpenHint[]> {
  const { rows } = await sql<OpenHint>`
    select object, remote_id, generation from hint
    where connection_id = ${connectionId} and object = ${object} and not (${isEcho(connectionId)})
    order by first_at, remote_id limit ${most}`.execute(tx)
  return rows
}

/** Read, unless it was told of again meanwhile. */
export async function settleHints(
  tx: Tx,
  connectionId: ConnectionId,
  hints: readonly OpenHint[],
): Promise<void> {
  await sql`
    delete from hint using unnest(${hints.map(({ object }) => object)}::text[],
                                  ${hints.map(({ remoteId }) => remoteId)}::text[],
                                  ${hints.map(({ generation }) => generation.toString())}::bigint[])
      as done (object, remote_id, generation)
    where hint.connection_id = ${connectionId} and hint.object = done.object and hint.remote_id = done.remote_id
      and hint.generation = done.generation`.execute(tx)
}

/** Answered by records that were read at `readAt` anyway. */
export async function settleReadHints(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  remoteIds: readonly string[],
  readAt: Date,
): Promise<void> {
  await sql`
    delete from hint
    where connection_id = ${connectionId} and object = ${object} and remote_id = any(${[...remoteIds]}::text[])
      and told_at < ${readAt}`.execute(tx)
}

/** Hints of objects that no mapping speaks of any more. */
export async function dropOtherHints(
  tx: Tx,
  connectionId: ConnectionId,
  objects: readonly string[],
): Promise<void> {
  await sql`
    delete from hint
    where connection_id = ${connectionId} and object <> all(${[...objects]}::text[])`.execute(tx)
}

/** When hints may be read again: the first after a silence at once, further ones together. Null: now. */
export async function nextReading(
  tx: Tx,
  connectionId: ConnectionId,
  spacingMs: number,
): Promise<Date | null> {
  const { rows } = await sql<{ next: Date | null }>`
    select case when exists (
        select from hint where connection_id = ${connectionId} and not (${isEcho(connectionId)}))
      then (
        select hints_read_at + make_interval(secs => ${spacingMs / 1000}) from push_channel
        where connection_id = ${connectionId}
          and hints_read_at + make_interval(secs => ${spacingMs / 1000}) > clock_timestamp())
      else clock_timestamp() + make_interval(secs => ${echoLookMs / 1000}) end as next`.execute(tx)
  return rows[0]?.next ?? null
}

export async function noteReading(tx: Tx, connectionId: ConnectionId): Promise<void> {
  await sql`
    insert into push_channel (connection_id, hints_read_at) values (${connectionId}, clock_timestamp())
    on conflict (connection_id) do update set hints_read_at = excluded.hints_read_at`.execute(tx)
}

/** Where the held connection goes on; null: with what is new. */
export async function listenCursor(tx: Tx, connectionId: ConnectionId): Promise<string | null> {
  const { rows } = await sql<{ cursor: string | null }>`
    select cursor from push_channel where connection_id = ${connectionId}`.execute(tx)
  return rows[0]?.cursor ?? null
}

export async function saveListenCursor(tx: Tx, connectionId: ConnectionId, cursor: string): Promise<void> {
  await sql`
    insert into push_channel (connection_id, cursor, heard_at) values (${connectionId}, ${cursor}, clock_timestamp())
    on conflict (connection_id) do update
      set cursor = excluded.cursor, heard_at = excluded.heard_at, trouble = null`.execute(tx)
}

export interface PushState {
  /** When a held connection last told of something. */
  readonly heardAt: Date | null
  /** Why it is not held at the moment; null while it is, and where there is none. */
  readonly trouble: string | null
  /** Records that were told of and are not read yet. */
  readonly hints: number
}

export async function pushState(tx: Tx, connectionId: ConnectionId): Promise<PushState> {
  const { rows } = await sql<PushState>`
    select (select heard_at from push_channel where connection_id = ${connectionId}) as heard_at,
           (select trouble from push_channel where connection_id = ${connectionId}) as trouble,
           (select count(*)::integer from hint where connection_id = ${connectionId}) as hints`.execute(tx)
  return rows[0] ?? { heardAt: null, trouble: null, hints: 0 }
}

/** Why the channel is not held at the moment. */
export async function noteTrouble(tx: Tx, connectionId: ConnectionId, trouble: string): Promise<void> {
  await sql`
    insert into push_channel (connection_id, trouble) values (${connectionId}, ${trouble.slice(0, 1_000)})
    on conflict (connection_id) do update set trouble = excluded.trouble`.execute(tx)
}

/** CRMs repeat a delivery for a day; what is older never comes again. @returns how many went, at most `most` */
export async function pruneDeliveries(tx: Tx, keptHours: number, most: number): Promise<number> {
  const { rows } = await sql`
    delete from seen_delivery where ctid in (
      select ctid from seen_delivery where seen_at < clock_timestamp() - make_interval(hours => ${keptHours})
      order by seen_at limit ${most})
    returning 1`.execute(tx)
  return rows.length
}

/** How many records wait to be read, and since when the oldest. */
export async function measureHints(
  tx: Tx,
): Promise<{ readonly count: number; readonly oldestSeconds: number }> {
  const { rows } = await sql<{ count: number; oldestSeconds: number }>`
    select count(*)::integer as count,
           coalesce(extract(epoch from clock_timestamp() - min(first_at)), 0)::float8 as oldest_seconds
    from hint`.execute(tx)
  return rows[0] ?? { count: 0, oldestSeconds: 0 }
}

import { sql } from 'kysely'
import type { RemoteRecord, RemoteValue } from '#connectors/connector.ts'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** The last we saw of a record over there, whether or not it is linked. */
export interface MirrorRecord {
  readonly object: string
  readonly remoteId: string
  readonly content: Readonly<Record<string, RemoteValue>>
  readonly modifiedBy: string | null
  /** As the CRM names the state that the content shows; null where it has no such name. */
  readonly version: string | null
  readonly readAt: Date
}

/** Who the record is about, for finding the same company again. */
export interface MirrorIdentity {
  readonly companyName: string
  readonly nameKey: string
  readonly domain: string | null
  readonly country: string | null
  readonly city: string | null
}

export interface SeenRecord {
  readonly record: RemoteRecord
  readonly hash: string
  readonly identity: MirrorIdentity | null
}

export async function mirrorRecords(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  remoteIds: readonly string[],
): Promise<ReadonlyMap<string, MirrorRecord>> {
  const { rows } = await sql<MirrorRecord>`
    select object, remote_id, content, modified_by, version, read_at from mirror_record
    where connection_id = ${connectionId} and object = ${object} and remote_id = any(${[...remoteIds]}::text[])
      and deleted_at is null`.execute(tx)
  return new Map(rows.map((row) => [row.remoteId, row]))
}

/**
 * How long after its last change a record is written down anew with every reading. A CRM tells changes by the second, by
 * its own clock: in that second more may have happened than its stamp says.
 */
const settledAfterS = 60

/**
 * Takes in what was read at `readAt`. An older reading never replaces a newer one; what is known to be the same, as most
 * rows of a poll that looks back, is not written again.
 * @returns ids of the records that are new, differ from what the mirror held, or were written by us since the mirror
 *   held it: somebody may have put back the very value that it shows
 */
export async function recordSeen(
  tx: Tx,
  connectionId: ConnectionId,
  readAt: Date,
  seen: readonly SeenRecord[],
): Promise<ReadonlySet<string>> {
  if (seen.length === 0) return new Set()
  const rows = seen.map(({ record, hash, identity }) => ({
    object: record.object,
    remote_id: record.id,
    content: record.fields,
    content_hash: hash,
    modified_at: record.modifiedAt,
    modified_by: record.modifiedBy,
    version: record.version ?? null,
    company_name: identity?.companyName ?? null,
    name_key: identity?.nameKey ?? null,
    domain: identity?.domain ?? null,
    country: identity?.country ?? null,
    city: identity?.city ?? null,
  }))
  const { rows: changed } = await sql<{ remoteId: string }>`
    with seen as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as row (object text, remote_id text, content jsonb, content_hash text, modified_at text, modified_by text,
                version text, company_name text, name_key text, domain text, country text, city text)
    ), before as (
      select seen.remote_id, mirror.content_hash, mirror.deleted_at, exists (
        select 1 from link
        where link.connection_id = ${connectionId} and link.remote_id = seen.remote_id
          and link.written_at >= mirror.read_at) as written,
        mirror.content_hash = seen.content_hash and mirror.modified_at = seen.modified_at
          and mirror.version is not distinct from seen.version
          and mirror.read_at > seen.modified_at::timestamptz + make_interval(secs => ${settledAfterS}) as same
      from seen join mirror_record mirror
        on mirror.connection_id = ${connectionId} and mirror.object = seen.object and mirror.remote_id = seen.remote_id
    ), stored as (
      insert into mirror_record as mirror (connection_id, object, remote_id, content, content_hash, modified_at, modified_by,
        version, read_at, company_name, name_key, domain, country, city)
      select ${connectionId}, object, remote_id, content, seen.content_hash, modified_at, modified_by, version, ${readAt},
             company_name, name_key, domain, country, city
      from seen left join before using (remote_id)
      where before.same is not true or before.written or before.deleted_at is not null
      on conflict (connection_id, object, remote_id) do update
        set content = excluded.content, content_hash = excluded.content_hash, modified_at = excluded.modified_at,
            modified_by = excluded.modified_by, version = excluded.version, read_at = excluded.read_at, deleted_at = null, merged_into = null,
            company_name = excluded.company_name, name_key = excluded.name_key, domain = excluded.domain,
            country = excluded.country, city = excluded.city
        where mirror.read_at <= excluded.read_at
      returning remote_id, content_hash
    )
    select stored.remote_id from stored left join before using (remote_id)
    where before.remote_id is null or before.content_hash is distinct from stored.content_hash
       or before.deleted_at is not null or before.written`.execute(tx)
  return new Set(changed.map(({ remoteId }) => remoteId))
}

/**
 * Of records with these times of change, ids of those that `recordSeen` would find to be the same: read, with all of these
 * fields, well after that time, and not written by us since.
 */
export async function knownRecords(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  fields: readonly string[],
  records: readonly { readonly id: string; readonly modifiedAt: string }[],
): Promise<ReadonlySet<string>> {
  if (records.length === 0) return new Set()
  const { rows } = await sql<{ remoteId: string }>`
    select mirror.remote_id
    from unnest(${records.map(({ id }) => id)}::text[], ${records.map(({ modifiedAt }) => modifiedAt)}::text[])
      as given (remote_id, modified_at)
    join mirror_record mirror on mirror.connection_id = ${connectionId} and mirror.object = ${object}
      and mirror.remote_id = given.remote_id
    where mirror.modified_at = given.modified_at and mirror.deleted_at is null
      and mirror.content ?& ${[...fields]}::text[]
      and mirror.read_at > given.modified_at::timestamptz + make_interval(secs => ${settledAfterS})
      and not exists (
        select from link where link.connection_id = ${connectionId} and link.remote_id = given.remote_id
          and (link.writing_at is not null or link.written_at >= mirror.read_at))`.execute(tx)
  return new Set(rows.map(({ remoteId }) => remoteId))
}

export interface SeenDeletion {
  readonly remoteId: string
  readonly mergedInto: string | null
}

/** @returns ids that were not known to be deleted before (a record we never saw counts as known) */
export async function recordDeleted(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  deletions: readonly SeenDeletion[],
): Promise<readonly SeenDeletion[]> {
  if (deletions.length === 0) return []
  const { rows } = await sql<SeenDeletion>`
    update mirror_record set deleted_at = clock_timestamp(), merged_into = gone."mergedInto"
    from jsonb_to_recordset(${JSON.stringify(deletions)}::jsonb) as gone ("remoteId" text, "mergedInto" text)
    where connection_id = ${connectionId} and object = ${object} and remote_id = gone."remoteId"
      and (deleted_at is null or mirror_record.merged_into is distinct from gone."mergedInto")
    returning remote_id, gone."mergedInto" as merged_into`.execute(tx)
  return rows
}

export interface Cursor {
  readonly cursor: string | null
  readonly complete: boolean
  readonly polledAt: Date | null
  /** A push channel missed something since then: the object is polled at once. */
  readonly wantedAt: Date | null
}

export async function cursorOf(tx: Tx, connectionId: ConnectionId, object: string): Promise<Cursor> {
  const { rows } = await sql<Cursor>`
    select cursor, complete, polled_at, wanted_at from change_cursor
    where connection_id = ${connectionId} and object = ${object}`.execute(tx)
  return rows[0] ?? { cursor: null, complete: false, polledAt: null, wantedAt: null }
}

/** How far each object has been read, with the database's clock to judge it by. */
export async function objectStates(
  tx: Tx,
  connectionId: ConnectionId,
): Promise<{
  readonly now: Date
  readonly states: readonly (Omit<Cursor, 'cursor' | 'wantedAt'> & { readonly object: string })[]
}> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(tx)
  const { rows: states } = await sql<Omit<Cursor, 'cursor' | 'wantedAt'> & { object: string }>`
    select object, complete, polled_at from change_cursor where connection_id = ${connectionId}`.execute(tx)
  return { now: rows[0]?.now ?? new Date(), states }
}

/** A push channel missed something of these objects. What was never polled to its end is due anyway. */
export async function wantPolls(
  tx: Tx,
  connectionId: ConnectionId,
  objects: readonly string[],
): Promise<void> {
  if (objects.length === 0) return
  await sql`
    update change_cursor set wanted_at = clock_timestamp()
    where connection_id = ${connectionId} and object = any(${[...objects]}::text[])`.execute(tx)
}

/** A poll that ends has met what was wanted before it began. */
export async function saveCursor(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  cursor: string,
  page: { readonly done: boolean; readonly startedAt: Date; readonly readAt: Date },
): Promise<void> {
  await sql`
    insert into change_cursor as known (connection_id, object, cursor, complete, polled_at)
    values (${connectionId}, ${object}, ${cursor}, ${page.done}, ${page.done ? page.readAt : null})
    on conflict (connection_id, object) do update
      set cursor = excluded.cursor, complete = known.complete or excluded.complete,
          polled_at = coalesce(excluded.polled_at, known.polled_at),
          wanted_at = case when ${page.done}::boolean and known.wanted_at <= ${page.startedAt}::timestamptz then null
                           else known.wanted_at end`.execute(tx)
}

/** When each connection was last asked for the changes of an object; none while no poll has ended. */
export async function lastPolls(
  tx: Tx,
  connectionIds: readonly ConnectionId[],
): Promise<ReadonlyMap<ConnectionId, Date>> {
  const { rows } = await sql<{ connectionId: ConnectionId; polledAt: Date }>`
    select connection_id, max(polled_at) as polled_at from change_cursor
    where connection_id = any(${[...connectionIds]}::uuid[]) and polled_at is not null
    group by connection_id`.execute(tx)
  return new Map(rows.map(({ connectionId, polledAt }) => [connectionId, polledAt]))
}

export interface MirrorMatch {
  readonly queryIndex: number
  readonly remoteId: string
  readonly by: 'domain' | 'name'
  readonly domain: string | null
  readonly country: string | null
  readonly keyValue: string | null
}

/** Records over there that may be the same company; several per query where there are several. */
export async function findCompanies(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  keyField: string,
  queries: readonly { readonly index: number; readonly nameKey: string; readonly domain: string | null }[],
): Promise<readonly MirrorMatch[]> {
  const { rows } = await sql<MirrorMatch>`
    with query as (
      select * from jsonb_to_recordset(${JSON.stringify(queries)}::jsonb) as q (index integer, "nameKey" text, domain text)
    )
    select query.index as query_index, mirror.remote_id, 'domain' as by, mirror.domain, mirror.country,
           mirror.content ->> ${keyField}::text as key_value
    from query join mirror_record mirror on mirror.domain = query.domain
    where mirror.connection_id = ${connectionId} and mirror.object = ${object} and mirror.deleted_at is null
    union all
    select query.index, mirror.remote_id, 'name', mirror.domain, mirror.country, mirror.content ->> ${keyField}::text
    from query join mirror_record mirror on mirror.name_key = query."nameKey"
    where mirror.connection_id = ${connectionId} and mirror.object = ${object} and mirror.deleted_at is null
      and (query.domain is null or mirror.domain is distinct from query.domain)`.execute(tx)
  return rows
}

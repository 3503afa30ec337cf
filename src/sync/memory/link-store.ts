import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { FieldMemory } from './merge.ts'

/** proposed: a person decides · creating: only here may a record be made · active · merged, gone, retired: nothing is written · moving: the last word is. */
export type LinkState = 'proposed' | 'creating' | 'active' | 'merged' | 'gone' | 'moving' | 'retired'

export interface Link {
  readonly id: string
  readonly entity: string
  readonly recordId: string
  readonly object: string
  readonly remoteId: string | null
  readonly state: LinkState
  readonly fields: Readonly<Record<string, FieldMemory>>
  readonly keyWritten: boolean
  readonly writingAt: Date | null
  readonly observedAt: Date | null
  readonly writtenAt: Date | null
  /** The version of the mapping that both sides were compared by last. */
  readonly mappingVersionId: string | null
}

const columns = sql`id, entity, record_id, object, remote_id, state, fields, key_written, writing_at, observed_at, written_at,
  mapping_version_id`

export async function linksOfRecords(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, Link>> {
  const { rows } = await sql<Link>`
    select ${columns} from link
    where connection_id = ${connectionId} and entity = ${entity} and record_id = any(${[...recordIds]}::uuid[])
      and state <> 'retired'`.execute(tx)
  return new Map(rows.map((link) => [link.recordId, link]))
}

/** Active links, the newest first; of these records if `recordIds` is given. */
export async function newestLinks(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  limit: number,
  recordIds: readonly string[] | null,
): Promise<readonly { readonly recordId: string; readonly remoteId: string }[]> {
  const among = recordIds === null ? sql`true` : sql`record_id = any(${[...recordIds]}::uuid[])`
  const { rows } = await sql<{ recordId: string; remoteId: string }>`
    select record_id, remote_id from link
    where connection_id = ${connectionId} and entity = ${entity} and state = 'active' and ${among}
    order by id desc limit ${limit}`.execute(tx)
  return rows
}

export async function linksToRemotes(
  tx: Tx,
  connectionId: ConnectionId,
  remoteIds: readonly string[],
): Promise<readonly Pick<Link, 'entity' | 'recordId' | 'remoteId' | 'state' | 'object'>[]> {
  const { rows } = await sql<Link>`
    select entity, record_id, remote_id, state, object from link
    where connection_id = ${connectionId} and remote_id = any(${[...remoteIds]}::text[]) and state in ('active', 'proposed')
    order by id`.execute(tx)
  return rows
}

/** Which of these records had a link that was retired, and have none now: nothing is made for them by itself. */
export async function retiredRecords(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  recordIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (recordIds.length === 0) return new Set()
  const { rows } = await sql<{ recordId: string }>`
    select distinct record_id from link
    where connection_id = ${connectionId} and entity = ${entity} and record_id = any(${[...recordIds]}::uuid[])
      and state = 'retired'`.execute(tx)
  return new Set(rows.map(({ recordId }) => recordId))
}

export type NewLink = Omit<Link, 'writingAt' | 'observedAt' | 'writtenAt' | 'mappingVersionId'> & {
  readonly writing: boolean
}

export async function insertLinks(
  tx: Tx,
  connectionId: ConnectionId,
  links: readonly NewLink[],
): Promise<void> {
  if (links.length === 0) return
  const rows = links.map((link) => ({
    id: link.id,
    entity: link.entity,
    record_id: link.recordId,
    object: link.object,
    remote_id: link.remoteId,
    state: link.state,
    fields: link.fields,
    key_written: link.keyWritten,
    writing: link.writing,
  }))
  await sql`
    insert into link (id, connection_id, entity, record_id, object, remote_id, state, fields, key_written, writing_at)
    select id, ${connectionId}, entity, record_id, object, remote_id, state, fields, key_written,
           case when writing then clock_timestamp() end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row (id uuid, entity text, record_id uuid, object text, remote_id text, state text, fields jsonb, key_written boolean, writing boolean)
    `.execute(tx)
}

/** What changes on a link; what is left out stays. `now` stands for the database's clock at this moment. */
export interface LinkChange {
  readonly id: string
  readonly state?: LinkState
  readonly remoteId?: string | null
  /** The memory of the fields named; that of the others stays. */
  readonly fields?: Readonly<Record<string, FieldMemory>>
  readonly keyWritten?: boolean
  readonly writing?: 'begins' | 'ends'
  /** When the snapshot that was merged had been read. */
  readonly observedAt?: Date
  readonly mappingVersionId?: string
}

export async function updateLinks(tx: Tx, changes: readonly LinkChange[]): Promise<void> {
  if (changes.length === 0) return
  const rows = changes.map((change) => ({
    id: change.id,
    state: change.state ?? null,
    set_remote: change.remoteId !== undefined,
    remote_id: change.remoteId ?? null,
    fields: change.fields ?? null,
    key_written: change.keyWritten ?? null,
    writing: change.writing ?? null,
    observed_at: change.observedAt ?? null,
    mapping_version_id: change.mappingVersionId ?? null,
  }))
  await sql`
    update link
    set state = coalesce(row.state, link.state),
        remote_id = case when row.set_remote then row.remote_id else link.remote_id end,
        fields = link.fields || coalesce(row.fields, '{}'),
        key_written = coalesce(row.key_written, link.key_written),
        writing_at = case row.writing when 'begins' then clock_timestamp() when 'ends' then null else link.writing_at end,
        written_at = case row.writing when 'ends' then clock_timestamp() else link.written_at end,
        observed_at = greatest(link.observed_at, row.observed_at),
        mapping_version_id = coalesce(row.mapping_version_id, link.mapping_version_id),
        settled_at = case row.writing when 'ends' then clock_timestamp() else link.settled_at end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row (id uuid, state text, set_remote boolean, remote_id text, fields jsonb, key_written boolean, writing text,
              observed_at timestamptz, mapping_version_id uuid)
    where link.id = row.id`.execute(tx)
}

/** The record over there was merged into another one; what was agreed is compared with that one from now on. */
export async function followMaster(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  recordId: string,
  master: string,
): Promise<void> {
  await sql`
    update link set remote_id = ${master}, observed_at = null
    where connection_id = ${connectionId} and entity = ${entity} and record_id = ${recordId} and state = 'active'`.execute(
    tx,
  )
}

export async function loseLink(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  recordId: string,
  state: 'gone' | 'merged',
): Promise<void> {
  await sql`
    update link set state = ${state}
    where connection_id = ${connectionId} and entity = ${entity} and record_id = ${recordId} and state in ('active', 'proposed')`.execute(
    tx,
  )
}

/** Fields that are away over there: when they are back, a blank may only mean that they were made anew. */
export async function restLines(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  lines: readonly string[],
): Promise<void> {
  for (const line of lines) {
    await sql`
      update link set fields = jsonb_set(fields, array[${line}::text, 'rested'], 'true')
      where connection_id = ${connectionId} and entity = ${entity} and state = 'active'
        and fields ? ${line}::text and not fields -> ${line}::text ? 'rested'`.execute(tx)
  }
}

/**
 * A worker died with calls under way: they count as ended now, with an unknown effect. Their `sent` values stay, their
 * dirty marks were never settled, so each is read again before anything else is written.
 */
export async function endAbandonedWrites(tx: Tx, connectionId: ConnectionId): Promise<void> {
  await sql`
    update link set writing_at = null, written_at = clock_timestamp()
    where connection_id = ${connectionId} and writing_at is not null`.execute(tx)
}

import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export interface ActiveLink {
  readonly id: string
  readonly recordId: string
  readonly remoteId: string
}

/** Active links in the order of their ids, those behind `after`. */
export async function activeLinks(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  after: string | null,
  limit: number,
): Promise<readonly ActiveLink[]> {
  const { rows } = await sql<ActiveLink>`
    select id, record_id, remote_id from link
    where connection_id = ${connectionId} and entity = ${entity} and state = 'active' and remote_id is not null
      and (${after}::uuid is null or id > ${after}::uuid)
    order by id limit ${limit}`.execute(tx)
  return rows
}

/** Records that are out of the way until somebody mends what stands against them. */
export async function parkedRecords(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ recordId: string; parkedMessage: string }>`
    select record_id, parked_message from dirty_mark
    where connection_id = ${connectionId} and entity = ${entity} and parked_at is not null
      and record_id = any(${[...recordIds]}::uuid[])`.execute(tx)
  return new Map(rows.map(({ recordId, parkedMessage }) => [recordId, parkedMessage]))
}

/** Records of the mirror that no link of ours stands for, in the order of their ids. */
export async function unlinkedRemotes(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  after: string | null,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql<{ remoteId: string }>`
    select remote_id from mirror_record mirror
    where connection_id = ${connectionId} and object = ${object} and deleted_at is null
      and (${after}::text is null or remote_id > ${after}::text)
      and not exists (select from link where link.connection_id = ${connectionId} and link.remote_id = mirror.remote_id
                        and link.object = ${object} and link.state = 'active')
    order by remote_id limit ${limit}`.execute(tx)
  return rows.map(({ remoteId }) => remoteId)
}

const mostKeys = 10_000
const uuid = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'

/** Keys of ours that records over there carry without being linked, or that several of them carry. */
export async function looseKeys(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  object: string,
  keyField: string,
): Promise<readonly { readonly key: string; readonly remoteIds: readonly string[] }[]> {
  const { rows } = await sql<{ key: string; remoteIds: string[] }>`
    select content ->> ${keyField}::text as key, array_agg(remote_id order by remote_id) as remote_ids
    from mirror_record mirror
    where connection_id = ${connectionId} and object = ${object} and deleted_at is null
      and content ->> ${keyField}::text ~ ${uuid}::text
    group by 1
    having count(*) > 1 or not bool_and(exists (
      select from link where link.connection_id = ${connectionId} and link.entity = ${entity}
        and link.remote_id = mirror.remote_id and link.state = 'active'))
    order by 1 limit ${mostKeys}`.execute(tx)
  return rows
}

/** What was read just now counts as the newest reading, even where it says the same as the one before. */
export async function refreshReading(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  remoteIds: readonly string[],
  readAt: Date,
): Promise<void> {
  await sql`
    update mirror_record set read_at = ${readAt}
    where connection_id = ${connectionId} and object = ${object} and remote_id = any(${[...remoteIds]}::text[])
      and deleted_at is null and read_at < ${readAt}`.execute(tx)
}

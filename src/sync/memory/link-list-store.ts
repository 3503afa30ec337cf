import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { Link, LinkState } from './link-store.ts'
import type { FieldMemory } from './merge.ts'

export interface KnownLink extends Link {
  readonly connectionId: ConnectionId
  readonly settledAt: Date | null
  readonly createdAt: Date
}

export interface LinkFilter {
  readonly connectionId?: ConnectionId | undefined
  readonly entity?: string | undefined
  readonly recordId?: string | undefined
  readonly remoteId?: string | undefined
  readonly state?: LinkState | undefined
}
export const linkSorts = ['createdAt', '-createdAt'] as const
export type LinkSort = (typeof linkSorts)[number]

const columns = sql`id, connection_id, entity, record_id, object, remote_id, state, fields, key_written, writing_at,
  observed_at, written_at, mapping_version_id, settled_at, created_at`

/** @param entities all there are, so that a record's links are found by their index when no entity is named */
export async function listLinks(
  tx: Tx,
  filter: LinkFilter,
  entities: readonly string[],
  position: Position<LinkSort>,
): Promise<readonly (KnownLink & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const among = filter.entity === undefined ? entities : [filter.entity]
  const matching = allOf(
    follows,
    sql`entity = any(${[...among]}::text[])`,
    asked(filter.connectionId, (id) => sql`connection_id = ${id}`),
    asked(filter.recordId, (id) => sql`record_id = ${id}`),
    asked(filter.remoteId, (id) => sql`remote_id = ${id}`),
    asked(filter.state, (state) => sql`state = ${state}`),
  )
  const { rows } = await sql<KnownLink & Keyed>`
    select ${columns}, ${key} as sort_key from link where ${matching} ${tail}`.execute(tx)
  return rows
}

export async function findLink(tx: Tx, id: string): Promise<KnownLink | null> {
  const { rows } = await sql<KnownLink>`select ${columns} from link where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

/** Every link that a record ever had on a connection, locked, the newest first. */
export async function lockLinksOf(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  recordId: string,
): Promise<readonly KnownLink[]> {
  const { rows } = await sql<KnownLink>`
    select ${columns} from link
    where connection_id = ${connectionId} and entity = ${entity} and record_id = ${recordId}
    order by id desc for update`.execute(tx)
  return rows
}

/** Points a link at another record over there; what it remembered of the one before does not count any more. */
export async function pointLink(
  tx: Tx,
  id: string,
  target: { readonly object: string; readonly remoteId: string; readonly keyWritten: boolean },
): Promise<void> {
  await sql`
    update link set object = ${target.object}, remote_id = ${target.remoteId}, state = 'active', fields = '{}',
      key_written = ${target.keyWritten}, observed_at = null, written_at = null, settled_at = null
    where id = ${id}`.execute(tx)
}

export async function retireLink(tx: Tx, id: string): Promise<void> {
  await sql`update link set state = 'retired' where id = ${id}`.execute(tx)
}

/** Replaces the memory of some fields. */
export async function rememberFields(
  tx: Tx,
  id: string,
  fields: Readonly<Record<string, FieldMemory>>,
): Promise<void> {
  await sql`update link set fields = fields || ${JSON.stringify(fields)}::jsonb where id = ${id}`.execute(tx)
}

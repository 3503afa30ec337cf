/** Records that deals moved away from: what is left behind on a connection. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { KnownLink } from './link-list-store.ts'
import type { Link } from './link-store.ts'

const known = sql`id, connection_id, entity, record_id, object, remote_id, state, fields, key_written, writing_at,
  observed_at, written_at, mapping_version_id, settled_at, created_at`

/** Every link of a record that is not retired, on any connection, locked. */
export async function lockStandingLinks(
  tx: Tx,
  entity: string,
  recordId: string,
): Promise<readonly KnownLink[]> {
  const { rows } = await sql<KnownLink>`
    select ${known} from link
    where entity = ${entity} and record_id = ${recordId} and state <> 'retired'
    order by id for update`.execute(tx)
  return rows
}

/** Ends a link for another connection; `moving`: the record over there is yet to be told. */
export async function leaveLink(
  tx: Tx,
  id: string,
  state: 'moving' | 'retired',
  movedTo: ConnectionId,
): Promise<void> {
  await sql`update link set state = ${state}, moved_to = ${movedTo} where id = ${id}`.execute(tx)
}

/** Back where it was: what was agreed before still holds. */
export async function returnToLink(tx: Tx, id: string): Promise<void> {
  await sql`update link set state = 'active', moved_to = null where id = ${id}`.execute(tx)
}

export interface MovedLink extends Pick<Link, 'id' | 'entity' | 'recordId' | 'fields'> {
  readonly remoteId: string
  readonly movedTo: ConnectionId
}

/** Of these records over there, those that a deal moved away from and that nothing is linked to since. */
export async function movedLinks(
  tx: Tx,
  connectionId: ConnectionId,
  remoteIds: readonly string[],
): Promise<readonly MovedLink[]> {
  if (remoteIds.length === 0) return []
  const { rows } = await sql<MovedLink>`
    select distinct on (remote_id) id, entity, record_id, fields, remote_id, moved_to from link
    where connection_id = ${connectionId} and remote_id = any(${[...remoteIds]}::text[]) and moved_to is not null
    order by remote_id, id desc`.execute(tx)
  return rows
}

/** Drops the marks of a record everywhere but there; afterwards nobody begins to write it elsewhere. */
export async function dropOtherMarks(
  tx: Tx,
  entity: string,
  recordId: string,
  kept: ConnectionId,
): Promise<void> {
  await sql`
    delete from dirty_mark where entity = ${entity} and record_id = ${recordId} and connection_id <> ${kept}`.execute(
    tx,
  )
}

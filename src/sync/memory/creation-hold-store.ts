import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** New records of an entity cannot be made over there for one reason; what is linked stays in step. */
export interface CreationHold {
  readonly entity: string
  readonly reason: string
  readonly remoteFields: readonly string[]
  readonly since: Date
}

export async function creationHolds(tx: Tx, connectionId: ConnectionId): Promise<readonly CreationHold[]> {
  const { rows } = await sql<CreationHold>`
    select entity, reason, remote_fields, since from creation_hold
    where connection_id = ${connectionId} order by entity`.execute(tx)
  return rows
}

/** @returns whether that is new; one that stands takes the newest reason */
export async function holdCreations(
  tx: Tx,
  connectionId: ConnectionId,
  hold: Omit<CreationHold, 'since'>,
): Promise<boolean> {
  const { rows } = await sql<{ isNew: boolean }>`
    insert into creation_hold as held (connection_id, entity, reason, remote_fields)
    values (${connectionId}, ${hold.entity}, ${hold.reason}, ${[...hold.remoteFields]}::text[])
    on conflict (connection_id, entity) do update
      set reason = excluded.reason, remote_fields = excluded.remote_fields
    returning xmax = 0 as is_new`.execute(tx)
  return rows[0]?.isNew ?? false
}

/** Creations go on, and those that waited go at once. @returns whether they were held */
export async function releaseCreations(tx: Tx, connectionId: ConnectionId, entity: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    delete from creation_hold where connection_id = ${connectionId} and entity = ${entity}`.execute(tx)
  if (numAffectedRows !== 1n) return false
  await sql`
    update dirty_mark set due_at = clock_timestamp()
    where (connection_id, entity, record_id) in (
      select connection_id, entity, record_id from dirty_mark
      where connection_id = ${connectionId} and entity = ${entity} and due_at > clock_timestamp() and parked_at is null
      order by record_id for update)`.execute(tx)
  return true
}

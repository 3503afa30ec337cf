import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export interface RecordHome {
  readonly entity: string
  readonly recordId: string
  readonly connectionId: ConnectionId
}

/**
 * The home of each of these records; one that is linked somewhere and has none yet is at home where it was linked first.
 * One that is linked nowhere has none.
 */
export async function settleHomes(
  tx: Tx,
  entity: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, ConnectionId>> {
  const known = await findHomes(tx, entity, recordIds)
  const open = recordIds.filter((id) => !known.has(id))
  if (open.length === 0) return known
  await sql`
    insert into record_home (entity, record_id, connection_id)
    select distinct on (record_id) entity, record_id, connection_id from link
    where entity = ${entity} and record_id = any(${open}::uuid[]) and state = 'active'
    order by record_id, id
    on conflict (entity, record_id) do nothing`.execute(tx)
  return findHomes(tx, entity, recordIds)
}

async function findHomes(
  tx: Tx,
  entity: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, ConnectionId>> {
  if (recordIds.length === 0) return new Map()
  const { rows } = await sql<Pick<RecordHome, 'recordId' | 'connectionId'>>`
    select record_id, connection_id from record_home
    where entity = ${entity} and record_id = any(${[...recordIds]}::uuid[])`.execute(tx)
  return new Map(rows.map(({ recordId, connectionId }) => [recordId, connectionId]))
}

export async function setHome(tx: Tx, home: RecordHome, by: string): Promise<void> {
  await sql`
    insert into record_home (entity, record_id, connection_id, chosen_by)
    values (${home.entity}, ${home.recordId}, ${home.connectionId}, ${by})
    on conflict (entity, record_id) do update
      set connection_id = excluded.connection_id, chosen_by = excluded.chosen_by, chosen_at = clock_timestamp()`.execute(
    tx,
  )
}

/** Connections where a record is linked, the first one first. */
export async function linkedConnections(
  tx: Tx,
  entity: string,
  recordId: string,
): Promise<readonly ConnectionId[]> {
  const { rows } = await sql<{ connectionId: ConnectionId }>`
    select connection_id from link
    where entity = ${entity} and record_id = ${recordId} and state = 'active' order by id`.execute(tx)
  return rows.map(({ connectionId }) => connectionId)
}

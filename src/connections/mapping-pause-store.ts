import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** An entity that is not kept in step with a connection until somebody says so. */
export interface MappingPause {
  readonly entity: string
  readonly reason: string
  readonly pausedBy: string
  readonly since: Date
}

export async function readPauses(tx: Tx, connectionId: ConnectionId): Promise<readonly MappingPause[]> {
  const { rows } = await sql<MappingPause>`
    select entity, reason, paused_by, since from mapping_pause
    where connection_id = ${connectionId} order by entity`.execute(tx)
  return rows
}

/** @returns false when it was paused already; the first reason stands */
export async function insertPause(
  tx: Tx,
  connectionId: ConnectionId,
  { entity, reason, pausedBy }: Omit<MappingPause, 'since'>,
): Promise<boolean> {
  const { rows } = await sql`
    insert into mapping_pause (connection_id, entity, reason, paused_by)
    values (${connectionId}, ${entity}, ${reason}, ${pausedBy})
    on conflict do nothing returning 1`.execute(tx)
  return rows.length > 0
}

/** @returns what it was, or null when it was not paused */
export async function deletePause(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
): Promise<MappingPause | null> {
  const { rows } = await sql<MappingPause>`
    delete from mapping_pause where connection_id = ${connectionId} and entity = ${entity}
    returning entity, reason, paused_by, since`.execute(tx)
  return rows[0] ?? null
}

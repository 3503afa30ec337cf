import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** A field of the CRM that rests, while the rest of its record stays in step. */
export interface QuarantinedField {
  readonly entity: string
  readonly remoteField: string
  readonly reason: string
  readonly since: Date
}

export async function quarantinedFields(
  tx: Tx,
  connectionId: ConnectionId,
): Promise<readonly QuarantinedField[]> {
  const { rows } = await sql<QuarantinedField>`
    select entity, remote_field, reason, since from quarantined_field
    where connection_id = ${connectionId} order by entity, remote_field`.execute(tx)
  return rows
}

/** @returns false when it was there already */
export async function insertQuarantine(
  tx: Tx,
  connectionId: ConnectionId,
  field: Omit<QuarantinedField, 'since'>,
): Promise<boolean> {
  const { rows } = await sql`
    insert into quarantined_field (connection_id, entity, remote_field, reason)
    values (${connectionId}, ${field.entity}, ${field.remoteField}, ${field.reason})
    on conflict do nothing returning 1`.execute(tx)
  return rows.length > 0
}

/** @returns the names of those that were there */
export async function deleteQuarantine(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  remoteFields: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ remoteField: string }>`
    delete from quarantined_field
    where connection_id = ${connectionId} and entity = ${entity} and remote_field = any(${[...remoteFields]}::text[])
    returning remote_field`.execute(tx)
  return rows.map(({ remoteField }) => remoteField).sort()
}

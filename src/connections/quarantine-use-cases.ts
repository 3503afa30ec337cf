import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { deleteQuarantine, insertQuarantine, type QuarantinedField } from './quarantine-store.ts'

export { type QuarantinedField, quarantinedFields } from './quarantine-store.ts'

/**
 * Lets one field of the CRM rest: it is neither read nor written until it is released.
 * @returns whether that is new
 */
export async function quarantineField(
  tx: Tx,
  actor: Actor,
  connectionId: ConnectionId,
  field: Omit<QuarantinedField, 'since'>,
): Promise<boolean> {
  const isNew = await insertQuarantine(tx, connectionId, field)
  if (isNew) {
    const { entity, remoteField, reason } = field
    await recordAudit(tx, actor, [
      {
        action: 'connection.field_quarantined',
        subject: { kind: 'connection', id: connectionId },
        after: { entity, remoteField },
        reason,
      },
    ])
  }
  return isNew
}

/** @returns the fields that were quarantined and no longer are */
export async function releaseFields(
  tx: Tx,
  actor: Actor,
  connectionId: ConnectionId,
  entity: string,
  remoteFields: readonly string[],
): Promise<readonly string[]> {
  const released = await deleteQuarantine(tx, connectionId, entity, remoteFields)
  await recordAudit(
    tx,
    actor,
    released.map((remoteField) => ({
      action: 'connection.field_released',
      subject: { kind: 'connection', id: connectionId },
      before: { entity, remoteField },
    })),
  )
  return released
}

export const releaseField = async (
  tx: Tx,
  actor: Actor,
  connectionId: ConnectionId,
  entity: string,
  remoteField: string,
): Promise<boolean> => (await releaseFields(tx, actor, connectionId, entity, [remoteField])).length > 0

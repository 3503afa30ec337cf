import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { findConnection } from './connection-store.ts'
import { deletePause, insertPause, readPauses } from './mapping-pause-store.ts'
import { findPublished } from './mapping-store.ts'

export { type MappingPause, readPauses as pausedMappings } from './mapping-pause-store.ts'

export interface MappingPauseDeps {
  /** Rings once the unit of work has committed. */
  ring(tx: Tx): void
}

export type MappingPauseUseCases = ReturnType<typeof createMappingPauseUseCases>

/** One entity of one connection rests while the others go on; afterwards it catches up. */
export function createMappingPauseUseCases({ ring }: MappingPauseDeps) {
  async function assertMapped(tx: Tx, connectionId: ConnectionId, entity: string): Promise<void> {
    if (!(await findConnection(tx, connectionId))) throw new NotFound('The connection')
    if (!(await findPublished(tx, connectionId, entity))) throw new NotFound(`A mapping of ${entity}`)
  }
  const subjectOf = (id: ConnectionId) => ({ kind: 'connection', id })

  return {
    /** What changes meanwhile, here or there, is remembered. Pausing twice changes nothing. */
    async pause(
      tx: Tx,
      actor: Actor,
      connectionId: ConnectionId,
      entity: string,
      reason: string,
    ): Promise<void> {
      await assertMapped(tx, connectionId, entity)
      if (!(await insertPause(tx, connectionId, { entity, reason, pausedBy: actor.name }))) return
      await recordAudit(tx, actor, [
        {
          action: 'connection.mapping_paused',
          subject: subjectOf(connectionId),
          after: { entity },
          reason,
        },
      ])
    },

    async resume(tx: Tx, actor: Actor, connectionId: ConnectionId, entity: string): Promise<void> {
      await assertMapped(tx, connectionId, entity)
      const before = await deletePause(tx, connectionId, entity)
      if (!before) return
      await recordAudit(tx, actor, [
        { action: 'connection.mapping_resumed', subject: subjectOf(connectionId), before },
      ])
      ring(tx)
    },

    list: readPauses,
  }
}

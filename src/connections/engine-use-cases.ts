import type { Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { PauseRequest } from './connection.ts'
import type { ConnectionStanding } from './connection-standing-use-cases.ts'
import { pausedMappings } from './mapping-pause-use-cases.ts'
import { publishedMappings } from './mapping-use-cases.ts'
import { quarantinedFields, quarantineField, releaseField } from './quarantine-use-cases.ts'

const engine = systemActor('sync')

/** What the sync engine asks and tells of connections, in its own name. */
export const createEngineConnections = (standing: ConnectionStanding) => ({
  activeConnections: standing.activeConnections,
  publishedMappings,
  pausedMappings,
  quarantinedFields,

  async quarantineField(
    tx: Tx,
    id: ConnectionId,
    entity: string,
    remoteField: string,
    reason: string,
  ): Promise<void> {
    await quarantineField(tx, engine, id, { entity, remoteField, reason })
  },

  async releaseField(tx: Tx, id: ConnectionId, entity: string, remoteField: string): Promise<void> {
    await releaseField(tx, engine, id, entity, remoteField)
  },

  async pauseConnection(tx: Tx, id: ConnectionId, pause: PauseRequest): Promise<void> {
    await standing.pauseConnection(tx, engine, id, pause)
  },
})

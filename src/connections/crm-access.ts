import type { Connector, RemoteField, RemoteRecord } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { Database, Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { Connection } from './connection.ts'
import { findConnection } from './connection-store.ts'
import type { ConnectorPool } from './connector-pool.ts'
import { refusalOf } from './fault-words.ts'

export type CrmAccess = ReturnType<typeof createCrmAccess>

/** Asking a CRM on behalf of a person: its faults come as refusals in plain words. Call without a transaction. */
export function createCrmAccess({
  database,
  pool,
}: {
  readonly database: Database
  readonly pool: Pick<ConnectorPool, 'connectorFor'>
}) {
  async function connect(actor: Actor, id: ConnectionId): Promise<Connector> {
    const connection = await database.transact(actor, (tx) => getConnection(tx, id))
    return pool.connectorFor(connection)
  }

  return {
    /** What the CRM says of an object now; null when it has none of that name, or hides it from our user. */
    async describe(
      actor: Actor,
      id: ConnectionId,
      object: string,
      signal: AbortSignal,
    ): Promise<readonly RemoteField[] | null> {
      try {
        return await (await connect(actor, id)).describe(object, signal)
      } catch (error) {
        if (error instanceof ConnectorFault && error.kind === 'configuration') return null
        throw inWords(error)
      }
    },

    /** In the order of `ids`; null for a record that is not there. */
    async read(
      actor: Actor,
      id: ConnectionId,
      what: {
        readonly object: string
        readonly ids: readonly string[]
        readonly fields: readonly string[]
      },
      signal: AbortSignal,
    ): Promise<readonly (RemoteRecord | null)[]> {
      try {
        const found = await (await connect(actor, id)).read(what.object, what.ids, what.fields, signal)
        return found.map((record) => ('missing' in record ? null : record))
      } catch (error) {
        throw inWords(error)
      }
    },
  }
}

export async function getConnection(tx: Tx, id: ConnectionId): Promise<Connection> {
  const connection = await findConnection(tx, id)
  if (!connection) throw new NotFound('The connection')
  return connection
}

const inWords = (error: unknown): unknown => (error instanceof ConnectorFault ? refusalOf(error) : error)

import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { listConnections } from './connection-store.ts'

/** Every connection, working or not, the oldest first. */
export async function connectionIds(tx: Tx): Promise<readonly ConnectionId[]> {
  const connections = await listConnections(tx)
  return connections.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime()).map(({ id }) => id)
}

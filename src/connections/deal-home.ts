import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { listConnections } from './connection-store.ts'

/** Every connection, working or not, the oldest first. */
export async function connectionIds(tx: Tx): Promise<readonly ConnectionId[]> {
  const connections = await listConnections(tx)
  return connections.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime()).map(({ id }) => id)
}

/** The connection that deals go to while nothing else was said: the oldest one; null while there is none. */
export async function homeOfDeals(tx: Tx): Promise<ConnectionId | null> {
  const [oldest] = await connectionIds(tx)
  return oldest ?? null
}

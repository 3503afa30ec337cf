import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { listConnections } from './connection-store.ts'

/** The connection that deals go to: the oldest one, working or not; null while there is none. */
export async function homeOfDeals(tx: Tx): Promise<ConnectionId | null> {
  const connections = await listConnections(tx)
  const [oldest] = [...connections].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime())
  return oldest?.id ?? null
}

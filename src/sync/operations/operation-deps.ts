/**
 * What people do with the sync engine: look at links, queues, reviews and the log, and decide. This file says what the
 * use-cases need; they run in the caller's transaction and call no CRM.
 */
import type { Tx } from '#src/database/database.ts'
import type { DealUseCases } from '#src/deals/deal-use-cases.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { Engine, SyncConnection } from '../ground/engine.ts'
import type { RoutingUseCases } from './routing-use-cases.ts'

/** What the engine asks of deals beyond keeping them in step. */
export type DealsPort = Pick<
  DealUseCases,
  'crmHomesOf' | 'moveToConnection' | 'getDeal' | 'adopt' | 'setReviewHold'
>

export interface OperationDeps {
  readonly engine: Pick<Engine, 'connections' | 'entities' | 'linksChanged' | 'mirror'>
  /** Working or not. @throws NotFound */
  connectionOf(tx: Tx, id: ConnectionId): Promise<SyncConnection>
  /** Deep link for people; null where it is not known. */
  recordUrl(connection: SyncConnection, object: string, remoteId: string): string | null
  readonly deals: DealsPort
  readonly routing: Pick<RoutingUseCases, 'homeByDefault'>
  /** Rings once the unit of work has committed. */
  ring(tx: Tx): void
}

/** What people call a record of ours: its title or name; null when it is not there any more. */
export async function titlesOf(
  { engine }: Pick<OperationDeps, 'engine'>,
  tx: Tx,
  records: readonly { readonly entity: string; readonly recordId: string | null }[],
): Promise<(entity: string, recordId: string | null) => string | null> {
  const titles = new Map<string, string>()
  for (const [name, entity] of engine.entities) {
    const ids = records.flatMap((one) => (one.entity === name && one.recordId !== null ? [one.recordId] : []))
    if (ids.length === 0) continue
    for (const { id, fields } of (await entity.load(tx, [...new Set(ids)])).values()) {
      const title = fields['title'] ?? fields['name']
      if (typeof title === 'string') titles.set(`${name}:${id}`, title)
    }
  }
  return (entity, recordId) => titles.get(`${entity}:${recordId}`) ?? null
}

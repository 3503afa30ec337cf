import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { hasHome } from '../memory/home.ts'
import { linkedConnections, type RecordHome, setHome, settleHomes } from '../memory/home-store.ts'
import { markDirty } from '../memory/mark-store.ts'
import type { OperationDeps } from './operation-deps.ts'

export interface HomeView {
  readonly entity: string
  readonly recordId: string
  /** Null while the record is linked nowhere. */
  readonly connectionId: ConnectionId | null
  /** Where it is linked, the home among them. */
  readonly linkedTo: readonly ConnectionId[]
}

export type HomeUseCases = ReturnType<typeof createHomeUseCases>

/** Which connection leads a record that several know. */
export function createHomeUseCases(deps: OperationDeps) {
  async function view(tx: Tx, entity: string, recordId: string): Promise<HomeView> {
    const source = hasHome(entity) ? deps.engine.entities.get(entity) : undefined
    if (!source || !(await source.load(tx, [recordId])).has(recordId)) {
      throw new NotFound(`The ${entity}`)
    }
    const homes = await settleHomes(tx, entity, [recordId])
    return {
      entity,
      recordId,
      connectionId: homes.get(recordId) ?? null,
      linkedTo: await linkedConnections(tx, entity, recordId),
    }
  }

  return {
    get: view,

    /**
     * Lets another connection lead: what people change there comes in from now on, and what the one before was ahead in
     * stays as it stands with us.
     * @throws Refused `not_linked_there`
     */
    async change(
      tx: Tx,
      actor: Actor,
      { entity, recordId, connectionId }: RecordHome,
      reason: string,
    ): Promise<HomeView> {
      const before = await view(tx, entity, recordId)
      if (!before.linkedTo.includes(connectionId)) {
        throw new Refused('not_linked_there', `The ${entity} is not linked on that connection`)
      }
      if (before.connectionId === connectionId) return before
      await setHome(tx, { entity, recordId, connectionId }, actor.name)
      await recordAudit(tx, actor, [
        {
          action: 'sync.home_changed',
          subject: { kind: entity, id: recordId },
          before: { connectionId: before.connectionId },
          after: { connectionId },
          reason,
        },
      ])
      await markDirty(
        tx,
        before.linkedTo.map((linked) => ({ connectionId: linked, entity, recordId, priority: 'repair' })),
      )
      deps.ring(tx)
      return view(tx, entity, recordId)
    },
  }
}

import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { findUnlinked } from './deal-due-store.ts'
import type { DealDeps } from './deps-step.ts'

const batch = 5_000

export const createCrmOfferUseCases = ({ events }: Pick<DealDeps, 'events'>) => ({
  /**
   * A CRM was connected: registrations that were approved before it was there are announced again, at bulk priority.
   * @returns how many
   */
  async offerToCrm(tx: Tx, actor: Actor): Promise<number> {
    let count = 0
    for (let after: DealId | null = null; ; ) {
      const ids: DealId[] = await findUnlinked(tx, after, batch)
      await events.publish(
        tx,
        actor,
        ids.map((id) => ({ type: 'record_changed', entity: 'deal', id, priority: 'bulk' })),
      )
      count += ids.length
      after = ids.at(-1) ?? null
      if (ids.length < batch) return count
    }
  },
})

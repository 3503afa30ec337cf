import { asSystem, type Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotAllowed } from '#src/kernel/errors.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { createAdoptionUseCases } from './adoption-use-cases.ts'
import { createCaseUseCases } from './case-use-cases.ts'
import { createChangeUseCases } from './change-use-cases.ts'
import { createCrmHomeUseCases } from './crm-home-use-cases.ts'
import { type DealEvent, listDealEvents } from './deal-event-store.ts'
import { type DealFilter, type DealSort, listDeals } from './deal-list-store.ts'
import type { DealDeps } from './deps-step.ts'
import { createEarningUseCases } from './earning-use-cases.ts'
import { createImportUseCases } from './import-use-cases.ts'
import { getDeal } from './lookup-step.ts'
import { createOutcomeUseCases } from './outcome-use-cases.ts'
import { findPastWins } from './past-win-store.ts'
import { createProtectionUseCases } from './protection-use-cases.ts'
import { createRegistrationUseCases } from './registration-use-cases.ts'
import { createReviewUseCases } from './review-use-cases.ts'

export type DealUseCases = ReturnType<typeof createDealUseCases>

/** Everything that can be done with deal registrations, each within the caller's unit of work. */
export const createDealUseCases = (deps: DealDeps) => ({
  ...createRegistrationUseCases(deps),
  ...createReviewUseCases(deps),
  ...createProtectionUseCases(deps),
  ...createOutcomeUseCases(deps),
  ...createEarningUseCases(deps),
  ...createChangeUseCases(deps),
  ...createImportUseCases(deps),
  ...createCrmHomeUseCases(deps),
  ...createAdoptionUseCases(deps),
  ...createCaseUseCases(deps),

  /** @throws NotFound, also for a deal of another partner */
  getDeal,

  /** For conflicts, in a system step: who won at a customer before. */
  findPastWins,

  /** @throws NotAllowed when a partner filters by what it may not know */
  async listDeals(
    tx: Tx,
    actor: Actor,
    { overdue, ...rest }: Omit<DealFilter, 'overdueAt'> & { readonly overdue?: boolean | undefined },
    position: Position<DealSort | `-${DealSort}`>,
  ) {
    const filter: DealFilter = { ...rest, overdueAt: overdue ? deps.clock.now() : undefined }
    if (actor.kind !== 'partner') {
      // Row level security would keep the text index from being used, and hides nothing from the vendor.
      return asSystem(tx, (system) => listDeals(system, filter, position))
    }
    if (filter.customerId) throw new NotAllowed('Customers are known to the vendor only')
    if (filter.partnerId && filter.partnerId !== actor.partnerId) return []
    return listDeals(tx, { ...filter, partnerId: actor.partnerId }, position)
  },

  /** The history of a deal, the newest first; a partner sees the public part. */
  async timeline(
    tx: Tx,
    dealId: DealId,
    page: { readonly limit: number; readonly before: string | null },
  ): Promise<DealEvent[]> {
    await getDeal(tx, dealId)
    return listDealEvents(tx, dealId, page)
  },
})

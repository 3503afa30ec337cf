import type { ConflictUseCases } from '#src/conflicts/conflict-use-cases.ts'
import type { CustomerUseCases } from '#src/customers/customer-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import type { IncentiveUseCases } from '#src/incentives/incentive-use-cases.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { PartnerUseCases } from '#src/partners/partner-use-cases.ts'
import type { ProductUseCases } from '#src/products/product-use-cases.ts'
import type { DealRouting } from './routing-facts.ts'

/** What registrations need of the capabilities below them. */
export interface DealDeps {
  readonly clock: Clock
  readonly events: EventBus<Tx>
  readonly partners: Pick<PartnerUseCases, 'findPartners' | 'findProgrammes' | 'findUser' | 'findUsers'>
  readonly customers: Pick<CustomerUseCases, 'resolveCustomers' | 'resolveContacts'>
  readonly products: Pick<ProductUseCases, 'findProducts' | 'familiesOf'>
  readonly conflicts: Pick<
    ConflictUseCases,
    | 'checkMany'
    | 'holdClaims'
    | 'holdEach'
    | 'extendClaims'
    | 'closeClaims'
    | 'reviveClaims'
    | 'watchDeals'
    | 'decide'
  >
  readonly crm: {
    routing(tx: Tx): Promise<DealRouting>
    /** @throws NotFound */
    assertConnection(tx: Tx, id: ConnectionId): Promise<void>
  }
  readonly incentives: Pick<IncentiveUseCases, 'pinPlanVersion' | 'previewEarnings' | 'accrue'>
}

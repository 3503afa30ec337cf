import type { CustomerUseCases } from '#src/customers/customer-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { CustomerId, DealId } from '#src/kernel/ids.ts'
import type { PartnerUseCases } from '#src/partners/partner-use-cases.ts'
import type { FindWins } from './judgement-step.ts'
import type { CaseTerms, Registration, RegistrationSettlement } from './registration.ts'

/** Registrations, which live above conflicts: whoever puts the product together hands them in. */
export interface RegistrationPort {
  /** Of these deals, whoever asks. */
  find(tx: Tx, dealIds: readonly DealId[]): Promise<ReadonlyMap<DealId, Registration>>
  /** The same, locked until the unit of work ends. */
  lock(tx: Tx, dealIds: readonly DealId[]): Promise<ReadonlyMap<DealId, Registration>>
  /** What the programme of each says of a case that starts, is decided or is appealed at `now`. */
  termsOf(tx: Tx, dealIds: readonly DealId[], now: Date): Promise<ReadonlyMap<DealId, CaseTerms>>
  /** Carries a decision out, all of it or nothing. @throws Refused where a registration does not permit it */
  settle(tx: Tx, actor: Actor, settlement: RegistrationSettlement): Promise<void>
}

/** What cases stand on. */
export interface CaseDeps {
  readonly clock: Clock
  readonly events: EventBus<Tx>
  /** The canonical customer of each of these: itself unless it was merged. */
  readonly canonicalOf: (tx: Tx, ids: readonly CustomerId[]) => Promise<ReadonlyMap<CustomerId, CustomerId>>
  readonly customers: Pick<CustomerUseCases, 'findCustomers' | 'mergeCustomers'>
  readonly people: Pick<PartnerUseCases, 'findUser' | 'recipients'>
  readonly registrations: RegistrationPort
  readonly findWins: FindWins
}

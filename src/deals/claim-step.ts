import type { ClaimSubject, DayRange } from '#src/conflicts/claim.ts'
import { type CompanyIdentity, identifyCompany } from '#src/customers/company-identity.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { addDays, type Day } from '#src/kernel/calendar.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import type { Programme } from '#src/partners/programme.ts'
import type { Deal } from './deal.ts'
import { familiesOf } from './deal-details.ts'
import type { DealDeps } from './deps-step.ts'

/** Who the customer of a registration is, as far as what was typed says. */
export const identityOf = (deal: Deal): CompanyIdentity =>
  identifyCompany({
    name: deal.companyName,
    domain: deal.domain,
    email: deal.contactEmail,
    country: deal.country,
    city: deal.city,
  })

/** Days that a registration asks for: what it has, or what it would get if it were approved today. */
const claimedDays = (deal: Deal, programme: Programme, today: Day): DayRange =>
  deal.protectedFrom !== null && deal.protectedUntil !== null
    ? { from: deal.protectedFrom, to: deal.protectedUntil }
    : { from: today, to: addDays(today, programme.protectionDays) }

/** The customer that each of these registrations means, in their order; runs beyond the partner's own rows. */
export const resolveCustomersOf = (
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  deals: readonly Deal[],
): Promise<readonly CustomerId[]> => deps.customers.resolveCustomers(tx, actor, deals.map(identityOf))

/**
 * Checks the claims of registrations against everybody's and files them, as late in the unit of work as can be: from
 * here on it holds the claims lock. Each deal has its customer.
 * @returns the deals with their verdict
 */
export async function checkAndClaim(
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  deals: readonly { readonly deal: Deal; readonly programme: Programme; readonly today: Day }[],
): Promise<Deal[]> {
  const subjects = deals.map(({ deal, programme, today }): ClaimSubject => {
    if (deal.customerId === null) throw new Error(`Deal ${deal.id} is to be checked without its customer`)
    return {
      source: 'registration',
      sourceId: deal.id,
      partnerId: deal.partnerId,
      company: identityOf(deal),
      customerId: deal.customerId,
      familyIds: familiesOf(deal.products),
      productIds: deal.products.map(({ productId }) => productId),
      registrationType: deal.registrationType,
      registeredAt: deal.registeredAt?.toISOString() ?? null,
      ...claimedDays(deal, programme, today),
    }
  })
  const results = await deps.conflicts.checkMany(tx, actor, subjects)
  return deals.map(({ deal }, index) => {
    const result = results[index]
    if (!result) throw new Error(`The check of deal ${deal.id} came back empty`)
    return { ...deal, conflict: result.verdict }
  })
}

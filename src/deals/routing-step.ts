import type { Tx } from '#src/database/database.ts'
import { toMoneyValue } from '#src/kernel/money.ts'
import type { Deal } from './deal.ts'
import type { DealDeps } from './deps-step.ts'
import type { RoutingFacts } from './routing-facts.ts'

/** What routing rules may ask of these deals, in their order. */
export async function gatherRoutingFacts(
  deps: DealDeps,
  tx: Tx,
  deals: readonly Deal[],
): Promise<readonly RoutingFacts[]> {
  const partners = await deps.partners.findPartners(tx, [...new Set(deals.map(({ partnerId }) => partnerId))])
  const codesOf = await familyCodesOf(deps, tx, deals)
  return deals.map((deal) => {
    const partner = partners.get(deal.partnerId)
    const membership = partner?.memberships.find(({ programmeId }) => programmeId === deal.programmeId)
    const { amountMinor, currency } = deal
    return {
      facts: {
        programme: deal.programmeId,
        partner: deal.partnerId,
        partnerCountry: partner?.country ?? null,
        tier: membership?.tierName ?? null,
        country: deal.country,
        registrationType: deal.registrationType,
        amount: amountMinor !== null && currency !== null ? toMoneyValue({ amountMinor, currency }) : null,
      },
      productFamilies: [...new Set(codesOf(deal))],
    }
  })
}

/** The same deals, each with the connection that it goes to from now on; one that has a connection keeps it. */
export async function fixConnections(deps: DealDeps, tx: Tx, deals: readonly Deal[]): Promise<Deal[]> {
  const open = deals.filter(({ crmConnectionId }) => crmConnectionId === null)
  if (open.length === 0) return [...deals]
  const { choose, fallback } = await deps.crm.routing(tx)
  const facts = choose ? await gatherRoutingFacts(deps, tx, open) : []
  const chosen = new Map(
    open.map(({ id }, index) => {
      const known = facts[index]
      return [id, choose && known ? choose(known) : fallback]
    }),
  )
  return deals.map((deal) => ({
    ...deal,
    crmConnectionId: deal.crmConnectionId ?? chosen.get(deal.id) ?? null,
  }))
}

/** Codes of the product families of each deal, looked up at once. */
export async function familyCodesOf(
  deps: DealDeps,
  tx: Tx,
  deals: readonly Deal[],
): Promise<(deal: Deal) => string[]> {
  const products = deals.flatMap((deal) => deal.products.map(({ productId }) => productId))
  if (products.length === 0) return () => []
  const families = await deps.products.familiesOf(tx, [...new Set(products)])
  const codes = new Map([...families.values()].map(({ id, code }) => [String(id), code]))
  return (deal) => deal.products.map(({ familyId }) => codes.get(familyId) ?? familyId)
}

import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import { type CompanyIdentity, isSameCompany } from './company-identity.ts'
import type { CustomerWrite } from './customer.ts'
import { planCustomers } from './customer-plan.ts'
import { claimDomains, readCanonical } from './customer-store.ts'
import { findMatches, insertResolved, lockCompanies, type Match } from './resolution-store.ts'

/** Each round leaves to the next only what another transaction decided meanwhile, so a few are plenty. */
const maxRounds = 6

export function createCustomerResolution(deps: { readonly events: EventBus<Tx> }) {
  return {
    /**
     * The canonical customer of each company, in the same order; those that nobody named before are created. Safe when
     * many do the same at once: one company becomes one customer. What is there already is found without any lock.
     */
    resolveCustomers: (
      tx: Tx,
      actor: Actor,
      companies: readonly CompanyIdentity[],
    ): Promise<readonly CustomerId[]> => asSystem(tx, (inner) => resolve(inner, actor, companies)),
  }

  async function resolve(
    tx: Tx,
    actor: Actor,
    companies: readonly CompanyIdentity[],
  ): Promise<readonly CustomerId[]> {
    const found = new Map<number, Match>()
    let locked = false
    for (let round = 0; round < maxRounds; round += 1) {
      const open = companies.flatMap((company, index) => (found.has(index) ? [] : [{ company, index }]))
      const matches = await findMatches(
        tx,
        open.map(({ company }) => company),
      )
      const learned = new Map<CustomerId, string>()
      for (const [place, { company, index }] of open.entries()) {
        const match = matches[place]
        if (!match) continue
        if (match.byDomain || company.domain === null) found.set(index, match)
        else if (!learned.has(match.id)) learned.set(match.id, company.domain)
      }
      const left = open.filter(({ index }) => !found.has(index)).map(({ company }) => company)
      if (left.length === 0) return toCanonical(tx, companies, found)
      if (!locked) await lockCompanies(tx, left)
      else {
        await learnDomains(tx, actor, learned)
        const findCreated = finderOf(await create(tx, actor, planCustomers(left)))
        for (const { company, index } of open) {
          const own = found.get(index) ?? findCreated(company)
          if (own) found.set(index, own)
        }
        if (found.size === companies.length) return toCanonical(tx, companies, found)
      }
      locked = true
    }
    throw new Error('Customers could not be resolved: others kept changing the same companies')
  }

  /**
   * A company that brings a domain to a customer known by name makes the customer answer for it; the next round finds it
   * by domain. Another domain under the same name is another company from then on.
   */
  async function learnDomains(tx: Tx, actor: Actor, learned: ReadonlyMap<CustomerId, string>): Promise<void> {
    const claimed = await claimDomains(
      tx,
      [...learned].map(([id, domain]) => ({ id, domain })),
    )
    await recordAudit(
      tx,
      actor,
      claimed.map(({ id, domain }) => ({
        action: 'customer.domain_learned',
        subject: { kind: 'customer', id },
        after: { domain },
      })),
    )
  }

  async function create(
    tx: Tx,
    actor: Actor,
    planned: readonly CustomerWrite[],
  ): Promise<readonly CustomerWrite[]> {
    const inserted = await insertResolved(tx, planned)
    const created = planned.filter(({ id }) => inserted.has(id))
    await recordAudit(
      tx,
      actor,
      created.map((customer) => ({
        action: 'customer.created',
        subject: { kind: 'customer', id: customer.id },
        after: customer,
      })),
    )
    await deps.events.publish(
      tx,
      actor,
      created.map(({ id }) => ({
        type: 'record_changed',
        entity: 'customer',
        id,
        priority: created.length > 1 ? 'bulk' : 'live',
        isNew: true,
      })),
    )
    return created
  }
}

/** Finds the customer that was created for a company, where no other new one could be meant; else the next round looks. */
function finderOf(created: readonly CustomerWrite[]): (company: CompanyIdentity) => Match | undefined {
  const byDomain = new Map(created.map((customer) => [customer.domain, customer]))
  const byName = Map.groupBy(created, ({ nameKey }) => nameKey)
  const namesake = (company: CompanyIdentity): CustomerWrite | undefined => {
    const same = (byName.get(company.nameKey) ?? []).filter((customer) => isSameCompany(customer, company))
    return same.length === 1 ? same[0] : undefined
  }
  return (company) => {
    const own = company.domain === null ? namesake(company) : byDomain.get(company.domain)
    return own && { id: own.id, byDomain: company.domain !== null, merged: false }
  }
}

async function toCanonical(
  tx: Tx,
  companies: readonly CompanyIdentity[],
  found: ReadonlyMap<number, Match>,
): Promise<readonly CustomerId[]> {
  const merged = new Set([...found.values()].flatMap((match) => (match.merged ? [match.id] : [])))
  const canonical = await readCanonical(tx, [...merged])
  return companies.map((_, index) => {
    const id = found.get(index)?.id
    if (id === undefined) throw new Error('A resolved company has no customer')
    return canonical.get(id) ?? id
  })
}

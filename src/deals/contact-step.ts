import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Deal } from './deal.ts'
import type { DealDeps } from './deps-step.ts'

/**
 * The same deals, each with the contact that its registration names at its customer. Without a customer or an e-mail
 * address there is none. Runs beyond the partner's own rows.
 */
export async function withContacts(
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  deals: readonly Deal[],
): Promise<Deal[]> {
  const people = deals.map(({ customerId, contactEmail, contactName, contactPhone }) =>
    customerId !== null && contactEmail !== null
      ? { customerId, email: contactEmail, name: contactName, phone: contactPhone }
      : null,
  )
  if (people.every((person) => person === null)) return deals.map((deal) => ({ ...deal, contactId: null }))
  const contacts = await deps.customers.resolveContacts(tx, actor, people)
  return deals.map((deal, index) => ({ ...deal, contactId: contacts[index] ?? null }))
}

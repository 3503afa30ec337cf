import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { EventBus } from '#src/kernel/events.ts'
import { type CustomerId, newId } from '#src/kernel/ids.ts'
import { createContactUseCases } from './contact-use-cases.ts'
import {
  applyCustomerPatch,
  blankCustomer,
  type Customer,
  type CustomerInput,
  type CustomerPatch,
  type CustomerSort,
} from './customer.ts'
import { createCustomerImport } from './customer-import-use-cases.ts'
import { createCustomerResolution } from './customer-resolution-use-cases.ts'
import {
  type CustomerFilter,
  claimDomains,
  insertCustomers,
  listCustomers,
  lockCustomers,
  lockMerges,
  readCanonical,
  readCustomers,
  setMergedInto,
  updateCustomers,
} from './customer-store.ts'
import { nameKeyOf } from './name-key.ts'

export type CustomerUseCases = ReturnType<typeof createCustomerUseCases>

/** Everything of this folder: the vendor's work with customers here, resolution and imports beside it. */
export function createCustomerUseCases(deps: { readonly events: EventBus<Tx> }) {
  const { events } = deps
  return {
    ...createCustomerResolution(deps),
    ...createCustomerImport(deps),
    ...createContactUseCases(deps),

    getCustomer,
    findCustomers: async (tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Customer>> =>
      new Map((await readCustomers(tx, ids)).map((customer) => [customer.id, customer])),
    listCustomers: (tx: Tx, filter: CustomerFilter, position: Position<CustomerSort>) =>
      listCustomers(tx, filter, position),

    /** The customer that each one turned out to be: itself unless it was merged. Whoever asks. */
    canonicalOf: (tx: Tx, ids: readonly CustomerId[]): Promise<ReadonlyMap<CustomerId, CustomerId>> =>
      asSystem(tx, (inner) => readCanonical(inner, ids)),

    /** A person may keep two customers of one domain (branches, for example): the older answers for the domain. */
    async createCustomer(tx: Tx, actor: Actor, input: CustomerInput): Promise<Customer> {
      const id = newId<'customer'>()
      const { details, issues } = applyCustomerPatch(blankCustomer, input)
      if (issues.length > 0) throw new InvalidInput('The customer cannot be stored like this', issues)
      const inserted = await insertCustomers(tx, [{ id, ...details, nameKey: nameKeyOf(details.name) }])
      if (!inserted.has(id)) throw refTaken()
      await claimDomains(tx, [{ id, domain: details.domain }])
      const after = await getCustomer(tx, id)
      await recordAudit(tx, actor, [{ action: 'customer.created', subject: subjectOf(id), after }])
      await events.publish(tx, actor, [{ type: 'record_changed', entity: 'customer', id, priority: 'live' }])
      return after
    },

    async updateCustomer(
      tx: Tx,
      actor: Actor,
      id: CustomerId,
      patch: CustomerPatch,
      expectedRevision: number | null,
    ): Promise<Customer> {
      const before = await lockCustomer(tx, id, expectedRevision)
      const { details, issues } = applyCustomerPatch(before, patch)
      if (issues.length > 0) throw new InvalidInput('The customer cannot be stored like this', issues)
      await updateCustomers(tx, [{ id, ...details, nameKey: nameKeyOf(details.name) }]).catch(
        refuseTaken('customer_external_ref_key', refTaken()),
      )
      await claimDomains(tx, [{ id, domain: details.domain }])
      return settle(tx, actor, 'customer.updated', before, null)
    },

    /**
     * `id` turned out to be the same company as `into`. Nothing is lost: only a pointer is set, and `unmergeCustomer`
     * clears it. Whoever keeps something per customer hears of it by `customers_merged`.
     */
    async mergeCustomers(
      tx: Tx,
      actor: Actor,
      id: CustomerId,
      into: CustomerId,
      reason: string,
      expectedRevision: number | null,
    ): Promise<Customer> {
      await lockMerges(tx)
      const before = await lockCustomer(tx, id, expectedRevision)
      if (before.mergedInto !== null) throw new Refused('already_merged', 'The customer was merged before')
      const target = (await readCanonical(tx, [into])).get(into)
      if (target === undefined) throw new NotFound('The customer to merge into')
      if (target === id) throw new Refused('same_customer', 'Both are this customer already')
      await setMergedInto(tx, id, target)
      const after = await settle(tx, actor, 'customer.merged', before, reason)
      await events.publish(tx, actor, [{ type: 'customers_merged', from: id, into: target }])
      return after
    },

    /** Undoes a merge. Published as `customers_merged` too: whoever hears it asks `canonicalOf` for the new state. */
    async unmergeCustomer(
      tx: Tx,
      actor: Actor,
      id: CustomerId,
      reason: string,
      expectedRevision: number | null,
    ): Promise<Customer> {
      await lockMerges(tx)
      const before = await lockCustomer(tx, id, expectedRevision)
      if (before.mergedInto === null) throw new Refused('not_merged', 'The customer stands for itself')
      await setMergedInto(tx, id, null)
      const after = await settle(tx, actor, 'customer.unmerged', before, reason)
      await events.publish(tx, actor, [{ type: 'customers_merged', from: id, into: before.mergedInto }])
      return after
    },
  }

  /** Leaves the trace of a change and tells those above. */
  async function settle(
    tx: Tx,
    actor: Actor,
    action: string,
    before: Customer,
    reason: string | null,
  ): Promise<Customer> {
    const { id } = before
    const after = await getCustomer(tx, id)
    await recordAudit(tx, actor, [{ action, subject: subjectOf(id), before, after, reason }])
    await events.publish(tx, actor, [{ type: 'record_changed', entity: 'customer', id, priority: 'live' }])
    return after
  }
}

const subjectOf = (id: string) => ({ kind: 'customer', id })
const refTaken = () => new Refused('external_ref_taken', 'Another customer has this external reference')

async function getCustomer(tx: Tx, id: CustomerId): Promise<Customer> {
  const [customer] = await readCustomers(tx, [id])
  if (!customer) throw new NotFound('The customer')
  return customer
}

async function lockCustomer(tx: Tx, id: CustomerId, expectedRevision: number | null): Promise<Customer> {
  const [customer] = await lockCustomers(tx, [id])
  if (!customer) throw new NotFound('The customer')
  if (expectedRevision !== null && expectedRevision !== customer.revision) throw new Stale()
  return customer
}

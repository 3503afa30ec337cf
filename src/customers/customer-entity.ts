import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { ApplyOutcome, LocalRecord, SyncedEntity, SyncedField } from '#src/kernel/synced-entity.ts'
import {
  applyCustomerPatch,
  type Customer,
  type CustomerWrite,
  customerPatchSchema,
  sameDetails,
} from './customer.ts'
import {
  claimDomains,
  listCustomerIds,
  lockCustomers,
  readCustomers,
  updateCustomers,
} from './customer-store.ts'
import { nameKeyOf } from './name-key.ts'
import { outcomesOf, outcomesWithoutRecord, readStated } from './stated-fields.ts'

const field = (name: keyof Customer, label: string, maxLength: number): SyncedField => ({
  name,
  label,
  type: 'text',
  writable: true,
  maxLength,
})

export const customerCatalogue: readonly SyncedField[] = [
  field('name', 'Name', 300),
  field('domain', 'Web domain', 253),
  field('country', 'Country (ISO 3166, two letters)', 2),
  field('city', 'City', 200),
  field('postalCode', 'Postal code', 20),
  field('phone', 'Phone', 50),
]

const { name, domain, country, city, postalCode, phone } = customerPatchSchema.shape
const writable = { name: name.unwrap(), domain, country, city, postalCode, phone }

/** End customers as the sync engine sees them. Values are kept in normal form, so read them back after applying. */
export function createCustomerEntity(deps: { readonly events: EventBus<Tx> }): SyncedEntity<Tx> {
  return {
    name: 'customer',
    catalogue: customerCatalogue,

    load: async (tx, ids) => new Map((await readCustomers(tx, ids)).map((row) => [row.id, toLocal(row)])),
    listIds: listCustomerIds,

    async applyMany(tx, actor, items) {
      const before = new Map(
        (
          await lockCustomers(
            tx,
            items.map(({ id }) => id),
          )
        ).map((row) => [String(row.id), row]),
      )
      const outcomes = new Map<string, readonly ApplyOutcome[]>()
      const written: CustomerWrite[] = []
      for (const { id, changes } of items) {
        const customer = before.get(id)
        if (!customer) {
          outcomes.set(id, outcomesWithoutRecord(changes, 'customer'))
          continue
        }
        const stated = readStated(changes, writable)
        const { details, issues } = applyCustomerPatch(customer, stated.patch)
        outcomes.set(id, outcomesOf(stated, issues))
        if (!sameDetails(customer, details)) {
          written.push({ id: customer.id, ...details, nameKey: nameKeyOf(details.name) })
        }
      }
      await updateCustomers(tx, written)
      await claimDomains(tx, written)
      const after = await readCustomers(
        tx,
        written.map(({ id }) => id),
      )
      const trace = after.map((customer) => ({
        action: 'customer.updated',
        subject: { kind: 'customer', id: customer.id },
        before: before.get(customer.id),
        after: customer,
      }))
      await recordAudit(tx, actor, trace)
      const changed = after.map(
        ({ id }) => ({ type: 'record_changed', entity: 'customer', id, priority: 'live' }) as const,
      )
      await deps.events.publish(tx, actor, changed)
      return outcomes
    },
  }
}

const toLocal = (customer: Customer): LocalRecord => {
  const { id, revision, name, domain, country, city, postalCode, phone } = customer
  return {
    id,
    revision,
    fields: { name, domain, country, city, postalCode, phone },
    facts: { merged: customer.mergedInto !== null, externalRef: customer.externalRef },
  }
}

import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { EventBus } from '#src/kernel/events.ts'
import { type CustomerId, newId } from '#src/kernel/ids.ts'
import { invalidRow, type RowResult, readRows } from '#src/kernel/import-row.ts'
import { identifyCompany } from './company-identity.ts'
import {
  applyCustomerPatch,
  blankCustomer,
  type Customer,
  type CustomerDetails,
  type CustomerRow,
  customerRowSchema,
  sameDetails,
} from './customer.ts'
import {
  claimDomains,
  insertCustomers,
  lockCustomers,
  lockCustomersByRef,
  readCustomers,
  updateCustomers,
} from './customer-store.ts'
import { nameKeyOf } from './name-key.ts'
import { findMatches, lockCompanies } from './resolution-store.ts'

interface Plan {
  readonly externalRef: string
  readonly id: CustomerId
  readonly before: Customer | undefined
  readonly details: CustomerDetails
}

export function createCustomerImport(deps: { readonly events: EventBus<Tx> }) {
  return {
    /**
     * Creates or updates customers (rows: `customerRowSchema`) by their external reference, with a handful of statements
     * however many rows there are. A customer without a reference that is the same company (from a registration, say)
     * takes the row's reference instead of getting a double. Fields that a row does not name stay; a bad row harms no
     * other.
     */
    async upsertCustomers(tx: Tx, actor: Actor, rows: readonly unknown[]): Promise<readonly RowResult[]> {
      const { read, rejected } = readRows(customerRowSchema, rows)
      const results = new Map(rejected)
      const plans = new Map<number, Plan>()
      const existing = await findExisting(tx, [...read.values()])
      for (const [index, row] of read) {
        const { externalRef } = row
        const before = existing.get(externalRef)
        const { details, issues } = applyCustomerPatch(before ?? blankCustomer, row)
        if (issues.length > 0) results.set(index, invalidRow(externalRef, issues))
        else plans.set(index, { externalRef, id: before?.id ?? newId<'customer'>(), before, details })
      }
      const inserted = await write(tx, actor, [...plans.values()])
      for (const [index, { externalRef, id, before, details }] of plans) {
        const outcome = !before ? 'created' : sameDetails(before, details) ? 'unchanged' : 'updated'
        const done: RowResult = { externalRef, id, outcome, issues: [] }
        results.set(index, before || inserted.has(id) ? done : invalidRow(externalRef, [overtaken]))
      }
      return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
    },
  }

  /** @returns ids of the new customers that went in */
  async function write(tx: Tx, actor: Actor, plans: readonly Plan[]): Promise<ReadonlySet<string>> {
    const toWrite = ({ id, details }: Plan) => ({ id, ...details, nameKey: nameKeyOf(details.name) })
    const fresh = plans.filter(({ before }) => !before)
    const edited = plans.filter(({ before, details }) => before && !sameDetails(before, details))
    const inserted = await insertCustomers(tx, fresh.map(toWrite))
    await updateCustomers(tx, edited.map(toWrite))
    const written = [...fresh.filter(({ id }) => inserted.has(id)), ...edited]
    await claimDomains(
      tx,
      written.map(({ id, details }) => ({ id, domain: details.domain })),
    )
    const ids = written.map(({ id }) => id)
    const before = new Map(written.map((plan) => [plan.id, plan.before]))
    const entries = (await readCustomers(tx, ids)).map((after) => ({
      action: before.get(after.id) ? 'customer.updated' : 'customer.created',
      subject: { kind: 'customer', id: after.id },
      before: before.get(after.id),
      after,
    }))
    await recordAudit(tx, actor, entries)
    await deps.events.publish(
      tx,
      actor,
      ids.map((id) => ({ type: 'record_changed', entity: 'customer', id, priority: 'bulk' })),
    )
    return inserted
  }
}

const overtaken: FieldIssue = {
  path: '/externalRef',
  code: 'overtaken',
  message: 'Somebody created this customer at the same moment: import the row again',
}

/** By external reference: customers that have it, and those without any that are the same company. Locked. */
async function findExisting(tx: Tx, rows: readonly CustomerRow[]): Promise<ReadonlyMap<string, Customer>> {
  const known = await lockCustomersByRef(
    tx,
    rows.map(({ externalRef }) => externalRef),
  )
  const existing = new Map(known.map((customer) => [customer.externalRef ?? '', customer]))
  const fresh = rows.filter(({ externalRef }) => !existing.has(externalRef))
  if (fresh.length === 0) return existing
  const companies = fresh.map((row) => identifyCompany(row))
  await lockCompanies(tx, companies)
  const matches = await findMatches(tx, companies)
  const adoptable = new Map(
    (
      await lockCustomers(
        tx,
        matches.flatMap((match) => match?.id ?? []),
      )
    )
      .filter(({ externalRef, mergedInto }) => externalRef === null && mergedInto === null)
      .map((customer) => [customer.id, customer]),
  )
  for (const [index, { externalRef }] of fresh.entries()) {
    const id = matches[index]?.id
    const customer = id && adoptable.get(id)
    if (!customer) continue
    existing.set(externalRef, customer)
    adoptable.delete(customer.id)
  }
  return existing
}

import { asAmount } from './book.ts'
import type { Proof } from './proof.ts'
import type { World } from './world.ts'

type Row = Readonly<Record<string, unknown>>

/** What the CRM's own records say: each approved deal once, with its values, and nothing doubled or undone. */
export function proveOpportunities(world: World, deals: readonly { readonly id: string }[]): Proof[] {
  return [proveOnce(world, deals), proveValues(world), proveAccounts(world), proveNothingWrittenBack(world)]
}

const keyOf = (row: Row) => (row['PRM_Deal_Id__c'] ? String(row['PRM_Deal_Id__c']) : null)

function proveOnce({ simulator, book, direct }: World, deals: readonly { readonly id: string }[]): Proof {
  const violations: string[] = []
  const rows = simulator.list('Opportunity')
  const known = new Set(deals.map(({ id }) => id))
  const byKey = Map.groupBy(rows, keyOf)
  for (const [key, same] of byKey) {
    if (key === null) continue
    if (same.length > 1) violations.push(`${same.length} opportunities carry the key ${key}`)
    if (!known.has(key)) violations.push(`An opportunity carries the key ${key} of no deal`)
  }
  const keyless = byKey.get(null)?.length ?? 0
  if (keyless !== direct.length)
    violations.push(`${keyless} opportunities have no key, and people made ${direct.length}`)
  for (const { dealId, status, companyName } of book.all()) {
    const found = byKey.get(dealId)?.length ?? 0
    const should = status === 'approved' ? 1 : 0
    if (found !== should)
      violations.push(`The ${status} deal ${dealId} (${companyName}) has ${found} opportunities`)
  }
  return { claim: 'Each approved deal is one opportunity, and no other deal is one', violations }
}

function proveValues({ simulator, book, installation }: World): Proof {
  const violations: string[] = []
  for (const row of simulator.list('Opportunity')) {
    const key = keyOf(row)
    const expected = key === null ? undefined : book.find(key)
    if (!expected) continue
    const differ = (what: string, is: unknown, should: unknown) => {
      if (is !== should)
        violations.push(`The opportunity ${row['Name']}: its ${what} is ${is}, and should be ${should}`)
    }
    const nameOf = (field: string) => simulator.get('Account', String(row[field]))?.['Name']
    const outcome = row['IsWon'] === true ? 'won' : row['IsClosed'] === true ? 'lost' : 'open'
    differ('amount', row['Amount'], asAmount(expected.amountMinor))
    differ('close date', row['CloseDate'], expected.closeDate)
    differ('outcome', outcome, expected.outcome)
    differ('registration status', row['PRM_Registration_Status__c'], 'Approved')
    differ('account', nameOf('AccountId'), expected.companyName)
    differ('partner', nameOf('PRM_Partner__c'), installation.partners[expected.partner]?.name)
  }
  return { claim: 'Each opportunity has the values that were agreed last', violations }
}

function proveAccounts({ simulator, knownAccounts }: World): Proof {
  const violations: string[] = []
  const accounts = simulator.list('Account')
  for (const field of ['Name', 'Website', 'PRM_Customer_Id__c', 'PRM_Partner_Id__c']) {
    const filled = accounts.filter((row) => row[field])
    for (const [value, same] of Map.groupBy(filled, (row) => String(row[field]).toLowerCase())) {
      if (same.length > 1) violations.push(`${same.length} accounts have the ${field} ${value}`)
    }
  }
  for (const [name, id] of knownAccounts) {
    if (!accounts.some((row) => row['Id'] === id)) violations.push(`The account ${name} is gone`)
  }
  return { claim: 'No account is doubled', violations }
}

/** A write of ours may repeat a value and bring a new one; it may neither bring an old one back nor undo a person. */
function proveNothingWrittenBack({ simulator }: World): Proof {
  const violations: string[] = []
  for (const row of simulator.list('Opportunity')) {
    if (keyOf(row) === null) continue
    const now = new Map<string, { readonly value: unknown; readonly by: string }>()
    const past = new Map<string, Set<unknown>>()
    for (const { by, fields } of simulator.history('Opportunity', String(row['Id']))) {
      for (const [field, value] of Object.entries(fields)) {
        const before = now.get(field)
        if (before && before.value === value) continue
        if (before && by === simulator.integrationUserId) {
          const told = `The opportunity ${row['Name']}: ${field} was written from ${before.value} to ${value}`
          if (before.by === simulator.personId) violations.push(`${told}, over what a person had typed`)
          else if (past.get(field)?.has(value)) violations.push(`${told}, which it had been before`)
        }
        if (before) past.set(field, (past.get(field) ?? new Set()).add(before.value))
        now.set(field, { value, by })
      }
    }
  }
  return { claim: 'No value is written back and forth, and nobody is overwritten', violations }
}

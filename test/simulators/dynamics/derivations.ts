/** What the platform fills in by itself when a record is saved: currency, base amounts, customer, names. */
import { roundHalfUp } from '../rounding.ts'
import type { Draft } from './drafts.ts'
import type { Organisation } from './organisation.ts'
import { requireTable } from './organisation.ts'
import type { Row, Scalar } from './schema.ts'
import type { Table } from './tables.ts'

type Writable = Record<string, Scalar>

/** The currency's precision and the rate of this moment rule the amounts of a record. */
function deriveMoney(organisation: Organisation, table: Table, row: Writable, draft: Draft): void {
  const { attributes } = table.schema
  if (!attributes.has('exchangerate') || !attributes.has('transactioncurrencyid')) return
  if (table.schema.logicalName === 'transactioncurrency') return
  const money = [...attributes.values()].filter(
    ({ type, logicalName }) => type === 'Money' && !logicalName.endsWith('_base'),
  )
  const touched =
    draft.has('transactioncurrencyid') || money.some(({ logicalName }) => draft.has(logicalName))
  if (touched) row['transactioncurrencyid'] ??= organisation.baseCurrencyId
  const currency = requireTable(organisation, 'transactioncurrency').rows.get(
    String(row['transactioncurrencyid'] ?? ''),
  )
  if (!touched || currency === undefined) return
  const rate = Number(currency['exchangerate'])
  row['exchangerate'] = rate
  for (const { logicalName, precision } of money) {
    const value = row[logicalName] ?? null
    const amount =
      typeof value === 'number'
        ? roundHalfUp(value, Math.min(precision, Number(currency['currencyprecision'])))
        : null
    row[logicalName] = amount
    if (attributes.has(`${logicalName}_base`)) {
      row[`${logicalName}_base`] = amount === null ? null : roundHalfUp(amount / rate, 4)
    }
  }
}

/** The potential customer follows the account, then the contact; bound directly, it sets one of them. */
function deriveCustomer(row: Writable, draft: Draft): void {
  const parents = draft.has('parentaccountid') || draft.has('parentcontactid')
  if (draft.has('customerid') && !parents) {
    const isContact = row['customeridtype'] === 'contact'
    row[isContact ? 'parentcontactid' : 'parentaccountid'] = row['customerid'] ?? null
    return
  }
  if (!parents) return
  const account = row['parentaccountid'] ?? null
  const contact = row['parentcontactid'] ?? null
  row['customerid'] = account ?? contact
  row['customeridtype'] = account !== null ? 'account' : contact !== null ? 'contact' : null
}

/** `row` already holds what was written. */
export function derive(
  organisation: Organisation,
  table: Table,
  row: Writable,
  previous: Row | null,
  draft: Draft,
): void {
  const { logicalName } = table.schema
  if (logicalName === 'opportunity') {
    deriveCustomer(row, draft)
    // The products decide the revenue then, and what was sent is forgotten without a word.
    if (row['isrevenuesystemcalculated'] === true)
      row['estimatedvalue'] = previous?.['estimatedvalue'] ?? null
  }
  if (logicalName === 'contact') {
    const names = [row['firstname'], row['lastname']].filter((name) => (name ?? null) !== null)
    row['fullname'] = names.length === 0 ? null : names.join(' ')
  }
  deriveMoney(organisation, table, row, draft)
}

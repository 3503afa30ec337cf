import type { CustomerRow } from '#src/customers/customer.ts'
import { createCellReader } from './cell-reader.ts'
import type { StoredRow } from './import.ts'
import { stated } from './partner-rows.ts'

/** A row of customers as its capability takes it. */
export function readCustomerRow({ cells }: StoredRow) {
  const reader = createCellReader(cells)
  const row: CustomerRow = {
    externalRef: reader.needed('external_ref', 'the customer by its key in your system'),
    name: reader.needed('name', 'the company'),
    ...stated('domain', reader.text('domain')),
    ...stated('country', reader.text('country')),
    ...stated('city', reader.text('city')),
    ...stated('postalCode', reader.text('postal_code')),
    ...stated('phone', reader.text('phone')),
  }
  return { row, issues: reader.issues }
}

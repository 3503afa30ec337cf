import type { FieldIssue } from '#src/kernel/errors.ts'
import type { CellIssue, ImportKind } from './import.ts'
import { columnsOf } from './import-columns.ts'

/** Columns that are not called like the field that they fill. */
const others: Readonly<Record<ImportKind, { readonly [field: string]: string }>> = {
  partners: { programmeId: 'programme', tierId: 'tier', memberships: 'tier' },
  customers: {},
  deals: {
    ref: 'external_ref',
    programmeId: 'programme',
    partnerId: 'partner',
    domain: 'company_domain',
    country: 'company_country',
    city: 'company_city',
    amountMinor: 'amount',
    approvedOn: 'approved_at',
    protectedUntil: 'protection_until',
    decisionCode: 'rejection_code',
    crmRemoteId: 'crm_id',
  },
}

const snakeCase = (field: string) => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The column whose cell filled the field at this path; the innermost name that one has. */
export function toCellIssue(kind: ImportKind, { path, code, message }: FieldIssue): CellIssue {
  const names = path
    .split('/')
    .map((field) => others[kind][field] ?? snakeCase(field))
    .filter((name) => columnsOf(kind).some((column) => column.name === name))
  return { column: names.at(-1) ?? null, code, message }
}

const advice: { readonly [code: string]: string } = {
  required: 'Fill in the cell.',
  missing: 'Fill in the cell.',
  repeated: 'Keep one row for each key.',
  wrong_cell_count:
    'Quote cells that have the separator in them, and give every row as many cells as the header.',
  too_long: 'Shorten the text.',
  not_plain_text: 'Type the text anew: it has line breaks or invisible letters in it.',
  unknown_partner: 'Import the partner first, or write its external_ref, id or exact name.',
  ambiguous_partner: "Write the partner's external_ref or id.",
  unknown_product: 'Create the product first, or correct the code.',
  unknown_programme: 'Correct the name, or create the programme first.',
  already_held: 'The row is in. Decide which of the two registrations keeps the customer.',
  internal_error: 'Send the row again; if it fails again, give the import and the line to support.',
  overtaken: 'Import the row again.',
}

/** What to do about an issue, in one sentence. */
export const adviceFor = (code: string): string =>
  advice[code] ?? 'Correct the cell and import the file again; rows that are in are left as they are.'

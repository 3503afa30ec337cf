import { type FieldIssue, InvalidInput } from '#src/kernel/errors.ts'
import type { ImportKind } from './import.ts'

export interface Column {
  readonly name: string
  /** The file has to have it; whether a cell may be blank is said by what it means. */
  readonly required: boolean
  readonly maxLength: number
  /** Its cells may have line breaks. */
  readonly manyLines: boolean
  readonly meaning: string
}

const required = (name: string, maxLength: number, meaning: string): Column => ({
  name,
  required: true,
  maxLength,
  manyLines: false,
  meaning,
})
const optional = (name: string, maxLength: number, meaning: string): Column => ({
  ...required(name, maxLength, meaning),
  required: false,
})
const prose = (name: string, maxLength: number, meaning: string): Column => ({
  ...optional(name, maxLength, meaning),
  manyLines: true,
})

const reference = required('external_ref', 200, 'Its key in your system; the same key is the same record')
const programme = optional('programme', 200, 'Name or id; may be blank where there is only one')

/** A blank cell, like a missing column, leaves what is known of a record as it is. */
const columns: Readonly<Record<ImportKind, readonly Column[]>> = {
  partners: [
    reference,
    required('name', 300, 'Name of the organisation'),
    optional('domain', 500, 'Its web address in any form'),
    optional('country', 100, 'ISO code or English name'),
    optional('city', 200, 'City'),
    optional('status', 20, 'active, suspended or ended; a new partner is active'),
    optional('currency', 3, 'ISO 4217 code; a new partner needs one'),
    programme,
    optional('tier', 100, "Name or id of the partner's tier in the programme"),
    optional('territories', 2_000, 'Countries with | between; blank means all'),
  ],
  customers: [
    reference,
    required('name', 300, 'Name of the company'),
    optional('domain', 500, 'Its web address in any form'),
    optional('country', 100, 'ISO code or English name'),
    optional('city', 200, 'City'),
    optional('postal_code', 20, 'Postal code'),
    optional('phone', 50, 'Telephone number'),
  ],
  deals: [
    reference,
    required('partner', 300, "The partner's external_ref, id or exact name"),
    programme,
    required('company_name', 300, 'The end customer'),
    optional('company_domain', 500, "The customer's web address"),
    optional('company_country', 100, 'ISO code or English name'),
    optional('company_city', 200, 'City'),
    optional('contact_name', 200, 'Contact at the customer'),
    optional('contact_email', 320, "The contact's e-mail address"),
    optional('contact_phone', 50, "The contact's telephone number"),
    prose('need', 10_000, 'What the customer needs'),
    optional('amount', 20, 'Expected amount as 12345.67; needs the currency'),
    optional('currency', 3, 'ISO 4217 code'),
    optional('expected_close_date', 10, 'YYYY-MM-DD'),
    optional('products', 7_000, 'Product codes with | between'),
    optional('registration_type', 50, 'One of the programme'),
    prose('notes', 10_000, 'Notes'),
    optional('status', 20, 'Blank for a new registration; for history what became of it'),
    optional('registered_at', 40, 'When it was registered (history): YYYY-MM-DD or with time and offset'),
    optional('registered_at_source', 200, 'Where that was recorded (history)'),
    optional('registered_by', 200, 'Who registered it (history)'),
    optional('approved_by', 200, 'Who decided it (history)'),
    optional('approved_at', 40, 'When it was decided (history): YYYY-MM-DD or with time and offset'),
    optional('rejection_code', 30, 'Why it was rejected (history)'),
    optional('protection_until', 10, 'Last protected day (history), YYYY-MM-DD'),
    optional('outcome', 10, 'open, won or lost'),
    optional('outcome_on', 10, 'Day of the outcome, YYYY-MM-DD'),
    optional('crm_id', 200, 'Id of the opportunity that it has in the CRM'),
  ],
}

export const columnsOf = (kind: ImportKind): readonly Column[] => columns[kind]

/** As people write column names: "External Ref" is external_ref. */
const normalName = (cell: string) =>
  cell
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')

/**
 * The names of the columns, in the order of the file.
 * @throws InvalidInput that names what is unknown, missing or repeated, and all columns that this kind has
 */
export function readHeader(kind: ImportKind, cells: readonly string[]): string[] {
  const names = cells.map(normalName)
  const issue = (column: string, code: string, message: string): FieldIssue => ({
    path: column,
    code,
    message,
  })
  const issues = [
    ...names.flatMap((name, index) => {
      if (name === '') return [issue(`column ${index + 1}`, 'unnamed_column', 'This column has no name')]
      if (names.indexOf(name) < index) return [issue(name, 'repeated_column', 'This column stands twice')]
      if (columns[kind].some((column) => column.name === name)) return []
      return [issue(name, 'unknown_column', `There is no column "${cells[index]?.trim().slice(0, 100)}"`)]
    }),
    ...columns[kind]
      .filter((column) => column.required && !names.includes(column.name))
      .map(({ name, meaning }) => issue(name, 'missing_column', `This column is missing: ${meaning}`)),
  ]
  if (issues.length === 0) return names
  throw new InvalidInput(
    `The first line must name the columns of ${kind}. Possible: ${describeColumns(kind)} (* must be there)`,
    issues.slice(0, 100),
  )
}

export const describeColumns = (kind: ImportKind): string =>
  columns[kind].map(({ name, required: must }) => (must ? `${name}*` : name)).join(', ')

/** The filters of a search: read from the body, checked against the properties, turned into a test of a row. */
import { isJsonObject, type JsonObject, readTable, readText, readTexts } from './bodies.ts'
import { invalidInput } from './errors.ts'
import type { Portal } from './portal.ts'
import type { Property, Row } from './schema.ts'
import type { Table } from './tables.ts'
import { readMoment } from './values.ts'

const operators = [
  'EQ',
  'NEQ',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'BETWEEN',
  'IN',
  'NOT_IN',
  'HAS_PROPERTY',
  'NOT_HAS_PROPERTY',
  'CONTAINS_TOKEN',
  'NOT_CONTAINS_TOKEN',
] as const
type Operator = (typeof operators)[number]

export interface Filter {
  readonly property: string
  readonly operator: Operator
  readonly value: string
  readonly highValue: string
  readonly values: readonly string[]
  matches(row: Row): boolean
}

const maxGroups = 5
const maxPerGroup = 6
const maxFilters = 18

/** Numbers and moments compare by their size, everything else as text regardless of case. */
function sizeOf(property: Property, text: string): number | string {
  if (property.type === 'number') return Number(text)
  if (property.type === 'date' || property.type === 'datetime') return readMoment(text) ?? Number.NaN
  return text.toLowerCase()
}

const wordsOf = (text: string) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u)

function hasTokens(text: string, wanted: string): boolean {
  const words = wordsOf(text)
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((token) => {
      const bare = token.replaceAll('*', '')
      if (token.startsWith('*')) return words.some((word) => word.endsWith(bare))
      if (token.endsWith('*')) return words.some((word) => word.startsWith(bare))
      return wordsOf(bare).every((part) => words.includes(part))
    })
}

/** Lists of texts must be given in lower case; a value in capitals finds nothing. */
function listed(property: Property, stored: string, values: readonly string[]): boolean {
  const own = property.type === 'string' ? stored.toLowerCase() : stored
  return values.includes(own)
}

type Said = Omit<Filter, 'matches'>
type Size = number | string

/** What each operator asks of a value that is there. */
const tests: Readonly<
  Record<Operator, (stored: string, own: Size, low: Size, high: Size, of: Property, said: Said) => boolean>
> = {
  EQ: (_stored, own, low) => own === low,
  NEQ: (_stored, own, low) => own !== low,
  LT: (_stored, own, low) => own < low,
  LTE: (_stored, own, low) => own <= low,
  GT: (_stored, own, low) => own > low,
  GTE: (_stored, own, low) => own >= low,
  BETWEEN: (_stored, own, low, high) => own >= low && own <= high,
  IN: (stored, _own, _low, _high, property, { values }) => listed(property, stored, values),
  NOT_IN: (stored, _own, _low, _high, property, { values }) => !listed(property, stored, values),
  HAS_PROPERTY: () => true,
  NOT_HAS_PROPERTY: () => false,
  CONTAINS_TOKEN: (stored, _own, _low, _high, _property, { value }) => hasTokens(stored, value),
  NOT_CONTAINS_TOKEN: (stored, _own, _low, _high, _property, { value }) => !hasTokens(stored, value),
}

/** These two are about blanks; every other operator passes them over. */
const fitsBlank = (operator: Operator) => operator === 'NOT_HAS_PROPERTY' || operator === 'NOT_CONTAINS_TOKEN'

function compare(property: Property, said: Said): (stored: string | undefined) => boolean {
  const low = sizeOf(property, said.value)
  const high = sizeOf(property, said.highValue)
  const test = tests[said.operator]
  return (stored) =>
    stored === undefined
      ? fitsBlank(said.operator)
      : test(stored, sizeOf(property, stored), low, high, property, said)
}

function readFilter(portal: Portal, table: Table, given: unknown): Filter {
  if (!isJsonObject(given)) throw invalidInput('Invalid input JSON on line 1, column 1: filters')
  const property = readText(given['propertyName']) ?? ''
  const operator = operators.find((each) => each === given['operator'])
  if (operator === undefined) throw invalidInput(`${String(given['operator'])} is no operator of a search`)
  const value = readText(given['value']) ?? ''
  const highValue = readText(given['highValue']) ?? ''
  const values = readTexts(given['values'])
  const said = { property, operator, value, highValue, values }
  const [, linked] = /^associations\.(.+)$/.exec(property) ?? []
  if (linked !== undefined) return { ...said, matches: readLinkFilter(portal, table, linked, said) }
  const known = table.schema.properties.get(property)
  if (known === undefined) throw invalidInput(`Property "${property}" does not exist`)
  if ((operator === 'IN' || operator === 'NOT_IN') && values.length === 0)
    throw invalidInput(`operator ${operator} requires values for property ${property}`)
  if (operator === 'BETWEEN' && highValue === '')
    throw invalidInput(`operator BETWEEN requires a highValue for property ${property}`)
  const moment = known.type === 'date' || known.type === 'datetime'
  const sized = ['EQ', 'NEQ', 'LT', 'LTE', 'GT', 'GTE', 'BETWEEN'].includes(operator)
  if (moment && sized && readMoment(value) === null)
    throw invalidInput(`There was a problem with the request: ${value} is no date for property ${property}`)
  const test = compare(known, said)
  return { ...said, matches: (row) => test(row.properties[property]) }
}

function readLinkFilter(
  portal: Portal,
  table: Table,
  to: string,
  { operator, value, values }: Pick<Filter, 'operator' | 'value' | 'values'>,
): (row: Row) => boolean {
  const name = readTable(portal, to).schema.name
  const wanted = operator === 'EQ' ? [value] : values
  if (operator !== 'EQ' && operator !== 'IN')
    throw invalidInput(`operator ${operator} is not supported for associations`)
  return (row) => {
    const links = portal.associations.read(table.schema.name, row.id, name)
    return wanted.some((id) => links.has(id))
  }
}

export type FilterGroups = readonly (readonly Filter[])[]

/** Any group, all filters of it. */
export function readFilterGroups(portal: Portal, table: Table, body: JsonObject): FilterGroups {
  const given = body['filterGroups'] ?? (body['filters'] === undefined ? [] : [{ filters: body['filters'] }])
  if (!Array.isArray(given)) throw invalidInput('Invalid input JSON on line 1, column 1: filterGroups')
  if (given.length > maxGroups) throw invalidInput(`A search has at most ${maxGroups} filter groups`)
  const groups = given.map((group) => {
    const filters: unknown = isJsonObject(group) ? group['filters'] : null
    if (!Array.isArray(filters) || filters.length === 0) throw invalidInput('A filter group needs filters')
    if (filters.length > maxPerGroup) throw invalidInput(`A filter group has at most ${maxPerGroup} filters`)
    return filters.map((filter) => readFilter(portal, table, filter))
  })
  if (groups.flat().length > maxFilters) throw invalidInput(`A search has at most ${maxFilters} filters`)
  return groups
}

/** Companies to compare, from CSV files whose columns come in any order. Streamed; a fault names its line. */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import type { CompanyDescription } from '#src/customers/company-identity.ts'

export interface LabelledPair {
  readonly a: CompanyDescription
  readonly b: CompanyDescription
  readonly match: boolean
}

export interface RegistryRow {
  readonly id: string
  readonly company: CompanyDescription
}

export interface RegistryQuery {
  readonly company: CompanyDescription
  /** Null when the right answer is that there is none. */
  readonly expectedId: string | null
}

/** A file that cannot be used as it is; said in one line. */
export class UnfitFile extends Error {}

type Row = Readonly<Record<string, string>>

/** How the columns of a company are called, before a `1` or `2` in a file of pairs. */
const optionalColumns = {
  domain: ['domain', 'website', 'web'],
  email: ['email'],
  country: ['country'],
  city: ['city'],
  postalCode: ['zip', 'postal_code', 'postalcode'],
  phone: ['phone'],
  address: ['addr', 'address'],
  vat: ['vat'],
  duns: ['duns'],
  lei: ['lei'],
} as const

function companyOf(row: Row, suffix: string): CompanyDescription {
  const cell = (names: readonly string[]): string | null => {
    for (const name of names) {
      const value = row[`${name}${suffix}`]?.trim()
      if (value) return value
    }
    return null
  }
  const { vat, duns, lei, ...columns } = optionalColumns
  return {
    name: row[`name${suffix}`] ?? '',
    ...(Object.fromEntries(Object.entries(columns).map(([field, names]) => [field, cell(names)])) as object),
    identifiers: { vat: cell(vat), duns: cell(duns), lei: cell(lei) },
  }
}

const yes = new Set(['1', '1.0', 'true', 't', 'yes', 'y', 'match'])
const no = new Set(['0', '0.0', 'false', 'f', 'no', 'n', 'nomatch'])

/** @throws UnfitFile */
export async function readPairs(path: string): Promise<readonly LabelledPair[]> {
  const pairs: LabelledPair[] = []
  for await (const { row, line } of readRows(path, ['name1', 'name2', 'match'])) {
    const label = (row['match'] ?? '').trim().toLowerCase()
    if (!yes.has(label) && !no.has(label)) {
      throw new UnfitFile(
        `${path}, line ${line}: "${row['match'] ?? ''}" in the column match is neither 1 nor 0`,
      )
    }
    pairs.push({ a: companyOf(row, '1'), b: companyOf(row, '2'), match: yes.has(label) })
  }
  return pairs
}

/** @throws UnfitFile */
export async function readRegistry(path: string): Promise<readonly RegistryRow[]> {
  const registry: RegistryRow[] = []
  for await (const { row, line } of readRows(path, ['id', 'name'])) {
    const id = (row['id'] ?? '').trim()
    if (id === '') throw new UnfitFile(`${path}, line ${line}: the column id is empty`)
    registry.push({ id, company: companyOf(row, '') })
  }
  return registry
}

/** @throws UnfitFile */
export async function readQueries(path: string): Promise<readonly RegistryQuery[]> {
  const queries: RegistryQuery[] = []
  for await (const { row } of readRows(path, ['name', 'expected_id'])) {
    queries.push({ company: companyOf(row, ''), expectedId: (row['expected_id'] ?? '').trim() || null })
  }
  return queries
}

/** Rows by the names of their columns, in lower case; those that hold nothing at all are passed over. */
export async function* readRows(
  path: string,
  required: readonly string[],
): AsyncGenerator<{ readonly row: Row; readonly line: number }> {
  let header: readonly string[] = []
  const parser = parse({
    bom: true,
    info: true,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    columns: (names: string[]) => {
      header = names.map((name) => name.trim().toLowerCase())
      const missing = required.filter((name) => !header.includes(name))
      if (missing.length > 0) {
        throw new UnfitFile(`${path} has no column ${missing.join(', ')}; it has ${header.join(', ')}`)
      }
      return [...header]
    },
  })
  // What goes wrong with the file destroys the parser, so that whoever reads it gets the error.
  pipeline(createReadStream(path), parser, () => undefined)
  try {
    for await (const { record, info } of parser) yield { row: record, line: info.lines }
  } catch (error) {
    if (error instanceof UnfitFile) throw error
    throw new UnfitFile(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (header.length === 0)
    throw new UnfitFile(`${path} is empty; it needs the columns ${required.join(', ')}`)
}

import { ConnectorFault } from '../fault.ts'

/** Salesforce refuses longer addresses at about 16 kB; proxies on the way earlier. */
export const maxAddressBytes = 14_000

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}

/** A quoted text literal (SOQL and SOSL Reference: Quoted String Escape Sequences). */
export const quoteText = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the backspace is one of the characters to escape
  `'${text.replace(/[\\'"\n\r\t\f\u0008]/g, (character) => escapes[character] ?? character)}'`

/** An instant as SOQL wants it, in UTC; SystemModstamp knows whole seconds only. */
export const instantLiteral = (instant: Date): string => `${instant.toISOString().slice(0, 19)}Z`

/** Object and field names stand unquoted in queries and paths, so nothing but a name may pass. */
export function checkName(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return name
  throw new ConnectorFault('configuration', `"${name}" is not a Salesforce name`, {
    code: 'INVALID_NAME',
    fields: [name],
  })
}

export interface Query {
  readonly object: string
  readonly fields: readonly string[]
  readonly where?: string
  readonly orderBy?: string
  readonly limit?: number
  /** Deleted and merged rows too. */
  readonly withDeleted?: boolean
}

/** Path and query of the call, below the version root. Throws `configuration` when it would grow too long. */
export function queryPath(query: Query): string {
  const clauses = [
    `SELECT ${query.fields.map(checkName).join(', ')} FROM ${checkName(query.object)}`,
    ...(query.where ? [`WHERE ${query.where}`] : []),
    ...(query.orderBy ? [`ORDER BY ${query.orderBy}`] : []),
    ...(query.limit ? [`LIMIT ${query.limit}`] : []),
  ]
  const path = `/${query.withDeleted ? 'queryAll' : 'query'}?q=${encodeURIComponent(clauses.join(' '))}`
  if (path.length > maxAddressBytes) {
    throw new ConnectorFault('configuration', `The query for ${query.object} names too many fields`, {
      code: 'QUERY_TOO_LONG',
    })
  }
  return path
}

/**
 * Slices `field IN (…)` so that each query's address stays within bounds; every value is in one slice, none twice.
 * A single value too long for any address is left out: Salesforce indexes no text of that length.
 */
export function sliceByValues(
  query: Query,
  field: string,
  values: readonly string[],
): readonly { readonly path: string; readonly values: readonly string[] }[] {
  const pathOf = (slice: readonly string[]) =>
    queryPath({ ...query, where: `${checkName(field)} IN (${slice.map(quoteText).join(', ')})` })
  const room = maxAddressBytes - pathOf([]).length
  const slices: string[][] = []
  let used = Number.POSITIVE_INFINITY
  for (const value of new Set(values)) {
    const size = encodeURIComponent(`${quoteText(value)}, `).length
    if (size > room) continue
    if (used + size > room) {
      slices.push([])
      used = 0
    }
    slices.at(-1)?.push(value)
    used += size
  }
  return slices.map((slice) => ({ path: pathOf(slice), values: slice }))
}

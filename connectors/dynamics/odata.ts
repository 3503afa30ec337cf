import { ConnectorFault } from '../fault.ts'

export const apiVersion = 'v9.2'
/** Where every address of the Web API begins, below the organisation's own. */
export const apiRoot = `/api/data/${apiVersion}/`
/** Dataverse takes 32 kB; proxies and other servers on the way stop at 16 kB. */
export const maxAddressBytes = 12_000

/** Logical names of tables and columns stand unquoted in addresses, so nothing but a name may pass. */
export function checkName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name
  throw new ConnectorFault('configuration', `"${name}" is not a name in Dataverse`, {
    code: 'INVALID_NAME',
    fields: [name],
  })
}

export const isRecordId = (id: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(id)

/** A literal as it stands in an address: a quote within is doubled, and everything that has a meaning is escaped. */
export const textLiteral = (text: string): string =>
  `'${encodeURIComponent(text.toWellFormed().replaceAll("'", "''"))}'`

/** One record by its id, below the root. */
export const recordPath = (entitySet: string, id: string): string => `${entitySet}(${id})`

/** One record by an alternate key, below the root. */
export const keyPath = (entitySet: string, field: string, value: string): string =>
  `${entitySet}(${checkName(field)}=${textLiteral(value)})`

export interface Query {
  readonly entitySet: string
  readonly select: readonly string[]
  /** Conditions of which one must hold, each fit for an address. */
  readonly anyOf?: readonly string[]
}

/** Address of a query, below the root. */
export function queryPath({ entitySet, select, anyOf = [] }: Query): string {
  const filter = anyOf.length > 0 ? `&$filter=${anyOf.join('%20or%20')}` : ''
  return `${entitySet}?$select=${select.join(',')}${filter}`
}

/**
 * Slices conditions so that each query's address stays within bounds, `size` conditions at most. A single condition too
 * long for any address is left out: no column that can be searched holds a value of that length.
 */
export function sliceConditions<T>(
  query: Query,
  wanted: readonly T[],
  conditionOf: (value: T) => string,
  size: number,
): readonly { readonly path: string; readonly values: readonly T[] }[] {
  const base = queryPath(query).length + '&$filter='.length
  if (base > maxAddressBytes * 0.75) {
    throw new ConnectorFault('configuration', `The query of ${query.entitySet} names too many columns`, {
      code: 'QUERY_TOO_LONG',
    })
  }
  const room = maxAddressBytes - base
  const slices: { values: T[]; conditions: string[] }[] = []
  let used = Number.POSITIVE_INFINITY
  for (const value of wanted) {
    const condition = conditionOf(value)
    const length = condition.length + '%20or%20'.length
    if (length > room) continue
    if (used + length > room || (slices.at(-1)?.values.length ?? 0) >= size) {
      slices.push({ values: [], conditions: [] })
      used = 0
    }
    slices.at(-1)?.values.push(value)
    slices.at(-1)?.conditions.push(condition)
    used += length
  }
  return slices.map(({ values, conditions }) => ({
    path: queryPath({ ...query, anyOf: conditions }),
    values,
  }))
}

/**
 * The part below the root of a link that Dataverse gave us (next page, changes since). Throws `configuration` on one that
 * points elsewhere: it would carry our token to another host.
 */
export function pathOfLink(link: string, organisationUrl: string): string {
  const root = `${organisationUrl}${apiRoot}`
  if (link.toLowerCase().startsWith(root.toLowerCase())) return link.slice(root.length)
  throw new ConnectorFault('configuration', 'Dataverse points to an address outside of the organisation', {
    code: 'FOREIGN_LINK',
  })
}

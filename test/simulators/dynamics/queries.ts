/** Reading many records: `$filter`, `$orderby`, `$top`, `$count` and pages by `Prefer: odata.maxpagesize`. */
import { errors } from './errors.ts'
import { holds, listPaths, type ReadPath } from './filter.ts'
import { type Filter, type Literal, parseFilter } from './filter-syntax.ts'
import type { Organisation } from './organisation.ts'
import { type Attribute, findByNavigation, findByProperty, type Row, type TableSchema } from './schema.ts'
import type { Table } from './tables.ts'

export const maxPageSize = 5000

interface Order {
  readonly attribute: Attribute
  readonly descending: boolean
}

export interface Query {
  readonly filter: Filter | null
  readonly orders: readonly Order[]
  readonly top: number
  readonly pageSize: number
  readonly after: PageMark | null
}

/** Where the pages before ended: how many records they held, and the last of them. */
export interface PageMark {
  readonly returned: number
  readonly lastId: string
}

export interface Page {
  readonly rows: readonly Row[]
  readonly next: PageMark | null
  readonly count: number | null
}

function findPath(organisation: Organisation, schema: TableSchema, path: string): void {
  const [first = '', ...rest] = path.split('/')
  if (rest.length === 0) {
    if (findByProperty(schema, first) === undefined) throw errors.noProperty(first, schema.logicalName)
    return
  }
  const navigation = findByNavigation(schema, first)
  const target = navigation === undefined ? undefined : organisation.tables.find(navigation.object)
  if (target === undefined) throw errors.noProperty(first, schema.logicalName)
  findPath(organisation, target.schema, rest.join('/'))
}

function readPathOf(organisation: Organisation, table: Table, row: Row, path: string): Literal {
  const [first = '', ...rest] = path.split('/')
  if (rest.length === 0) return row[findByProperty(table.schema, first)?.logicalName ?? ''] ?? null
  const navigation = findByNavigation(table.schema, first)
  const target = navigation === undefined ? undefined : organisation.tables.find(navigation.object)
  const linked = target?.rows.get(String(row[navigation?.attribute.logicalName ?? ''] ?? ''))
  return target === undefined || linked === undefined
    ? null
    : readPathOf(organisation, target, linked, rest.join('/'))
}

/** Throws where the filter names a property that the table does not have. */
export function readFilter(organisation: Organisation, schema: TableSchema, text: string): Filter {
  const filter = parseFilter(text)
  for (const path of listPaths(filter)) findPath(organisation, schema, path)
  return filter
}

export function readOrders(schema: TableSchema, text: string): readonly Order[] {
  return text.split(',').map((part) => {
    const [, name = '', direction] = /^\s*(\S+?)(?:\s+(asc|desc))?\s*$/.exec(part) ?? []
    const attribute = findByProperty(schema, name)
    if (attribute === undefined) throw errors.noProperty(name, schema.logicalName)
    return { attribute, descending: direction === 'desc' }
  })
}

/** Ids that can pass the filter, told by an index; null where only looking at each record tells. */
function findCandidates(
  organisation: Organisation,
  table: Table,
  filter: Filter,
): ReadonlySet<string> | null {
  const byValues = (path: string, values: readonly Literal[]): ReadonlySet<string> | null => {
    const attribute = findByProperty(table.schema, path)
    if (attribute === undefined || values.includes(null)) return null
    const { logicalName } = attribute
    if (logicalName === table.schema.primaryId)
      return new Set(values.map((value) => String(value).toLowerCase()))
    const found = new Set<string>()
    for (const value of values) {
      for (const id of organisation.tables.findBy(table, [logicalName], [value])) found.add(id)
    }
    return found
  }
  switch (filter.kind) {
    case 'compare':
      return filter.operator === 'eq' ? byValues(filter.path, [filter.value]) : null
    case 'in':
      return filter.negated ? null : byValues(filter.path, filter.values)
    case 'and': {
      const known = filter.parts.flatMap((part) => findCandidates(organisation, table, part) ?? [])
      return known.length === 0
        ? null
        : known.reduce((least, each) => (each.size < least.size ? each : least))
    }
    case 'or': {
      const parts = filter.parts.map((part) => findCandidates(organisation, table, part))
      const all = new Set<string>()
      for (const part of parts) {
        if (part === null) return null
        for (const id of part) all.add(id)
      }
      return all
    }
    case 'not':
    case 'text':
      return null
  }
}

function compareRows(orders: readonly Order[], primaryId: string, left: Row, right: Row): number {
  for (const { attribute, descending } of orders) {
    const a = left[attribute.logicalName] ?? null
    const b = right[attribute.logicalName] ?? null
    if (a === b) continue
    // The database sorts what is empty first.
    const less = a === null || (b !== null && a < b)
    return less === descending ? 1 : -1
  }
  const [a, b] = [String(left[primaryId]), String(right[primaryId])]
  return a === b ? 0 : a < b ? -1 : 1
}

/** Ids in the order of the answer, from the first after the page before. */
function* walk(organisation: Organisation, table: Table, query: Query): Generator<Row> {
  const { filter, orders, after } = query
  const { primaryId } = table.schema
  const passes = (row: Row) => {
    const read: ReadPath = (path) => readPathOf(organisation, table, row, path)
    return filter === null || holds(filter, read)
  }
  const candidates = filter === null ? null : findCandidates(organisation, table, filter)
  if (orders.length === 0) {
    const ids = candidates === null ? table.ids.all : [...candidates].sort()
    const from =
      after === null
        ? 0
        : candidates === null
          ? table.ids.placeAfter(after.lastId)
          : ids.findIndex((id) => id > after.lastId)
    for (let place = from < 0 ? ids.length : from; place < ids.length; place += 1) {
      const row = table.rows.get(ids[place] ?? '')
      if (row !== undefined && passes(row)) yield row
    }
    return
  }
  const rows: Row[] = []
  for (const id of candidates ?? table.ids.all) {
    const row = table.rows.get(id)
    if (row !== undefined && passes(row)) rows.push(row)
  }
  rows.sort((left, right) => compareRows(orders, primaryId, left, right))
  const last = after === null ? undefined : table.rows.get(after.lastId)
  yield* last === undefined ? rows : rows.filter((row) => compareRows(orders, primaryId, row, last) > 0)
}

export function runQuery(organisation: Organisation, table: Table, query: Query, counted: boolean): Page {
  const before = query.after?.returned ?? 0
  const left = Math.min(query.pageSize, query.top - before)
  const rows: Row[] = []
  let more = false
  for (const row of walk(organisation, table, query)) {
    if (rows.length >= left) {
      more = before + rows.length < query.top
      break
    }
    rows.push(row)
  }
  const lastId = String(rows.at(-1)?.[table.schema.primaryId])
  let count: number | null = null
  if (counted) {
    count = 0
    // Counting stops where Dataverse stops.
    for (const _row of walk(organisation, table, { ...query, after: null })) if (++count >= maxPageSize) break
  }
  return { rows, next: more ? { returned: before + rows.length, lastId } : null, count }
}

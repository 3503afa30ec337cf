/** Search: filters, one sort, pages by offset, nothing past 10,000, and an index that lags behind. */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import {
  isJsonObject,
  type JsonObject,
  objectPaths,
  readBody,
  readTable,
  readText,
  readTexts,
  showRow,
} from './bodies.ts'
import { invalidInput } from './errors.ts'
import type { Portal } from './portal.ts'
import type { Row } from './schema.ts'
import { type FilterGroups, readFilterGroups } from './search-filters.ts'
import type { Table } from './tables.ts'
import { readMoment } from './values.ts'

const maxResults = 10_000
const maxPage = 200
const maxBodyLength = 3_000

interface Sort {
  readonly property: string
  readonly descending: boolean
}

function readSort(table: Table, body: JsonObject): Sort | null {
  const given = body['sorts']
  if (given === undefined || given === null || (Array.isArray(given) && given.length === 0)) return null
  if (!Array.isArray(given) || given.length > 1) throw invalidInput('Only one sort can be applied')
  const [sort] = given as readonly unknown[]
  const text = readText(sort)
  const read: Sort = isJsonObject(sort)
    ? { property: readText(sort['propertyName']) ?? '', descending: sort['direction'] === 'DESCENDING' }
    : { property: text?.replace(/^-/, '') ?? '', descending: text?.startsWith('-') === true }
  if (!table.schema.properties.has(read.property))
    throw invalidInput(`Property "${read.property}" does not exist`)
  return read
}

/** The oldest moment of change that any match can have, where every group says so. */
function readChangedSince(table: Table, groups: FilterGroups): string | null {
  const floors = groups.map((filters) =>
    filters.flatMap(({ property, operator, value }) => {
      const about = property === table.schema.modifiedProperty
      if (!about || (operator !== 'GT' && operator !== 'GTE' && operator !== 'BETWEEN')) return []
      return readMoment(value) ?? []
    }),
  )
  if (floors.length === 0 || floors.some((each) => each.length === 0)) return null
  const since = Math.min(...floors.map((each) => Math.max(...each)))
  return new Date(since).toISOString()
}

/** Rows that ids or values name, where every group names some; null where only a scan finds them. */
function readNamed(table: Table, groups: FilterGroups): readonly Row[] | null {
  const visible = table.index.rows()
  const rows = new Set<Row>()
  for (const filters of groups) {
    const named = filters.find(({ property, operator }) => {
      const type = table.schema.properties.get(property)?.type
      const isText = type !== undefined && type !== 'number' && type !== 'date' && type !== 'datetime'
      return (operator === 'EQ' || operator === 'IN') && (property === 'hs_object_id' || isText)
    })
    if (named === undefined) return null
    const { property, operator, value, values } = named
    for (const each of operator === 'EQ' ? [value] : values) {
      if (property !== 'hs_object_id') {
        for (const row of table.index.withValue(property, each)) rows.add(row)
        continue
      }
      const row = visible.get(each)
      if (row !== undefined) rows.add(row)
    }
  }
  return groups.length === 0 ? null : [...rows]
}

function sortRows(table: Table, rows: readonly Row[], sort: Sort | null): readonly Row[] {
  const property = sort === null ? undefined : table.schema.properties.get(sort.property)
  if (sort === null || property === undefined)
    return [...rows].sort((left, right) => Number(left.id) - Number(right.id))
  const numeric = property.type === 'number'
  const moment = property.type === 'date' || property.type === 'datetime'
  const keyOf = (row: Row): number | string => {
    const text = row.properties[sort.property]
    if (text === undefined) return numeric || moment ? Number.NEGATIVE_INFINITY : ''
    if (numeric) return Number(text)
    return moment ? (readMoment(text) ?? 0) : text.toLowerCase()
  }
  const keyed = rows.map((row) => ({ row, key: keyOf(row) }))
  keyed.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
  if (sort.descending) keyed.reverse()
  return keyed.map(({ row }) => row)
}

function findMatches(portal: Portal, table: Table, body: JsonObject): readonly Row[] {
  const groups = readFilterGroups(portal, table, body)
  const sort = readSort(table, body)
  const query = readText(body['query'])?.toLowerCase() ?? ''
  const since = readChangedSince(table, groups)
  const candidates =
    readNamed(table, groups) ??
    (since === null ? [...table.index.rows().values()] : table.index.changedSince(since))
  const found = candidates.filter((row) => {
    if (groups.length > 0 && !groups.some((filters) => filters.every((each) => each.matches(row))))
      return false
    if (query === '') return true
    return table.schema.searched.some((name) => row.properties[name]?.toLowerCase().includes(query) === true)
  })
  return sortRows(table, found, sort)
}

interface Remembered {
  readonly key: string
  readonly version: number
  readonly rows: readonly Row[]
}

export function listSearchRoutes(portal: Portal): readonly ApiRoute[] {
  /** The pages of one search come one after the other: the last one found is kept until something changes. */
  const remembered = new Map<string, Remembered>()

  function find(table: Table, body: JsonObject): readonly Row[] {
    const { filterGroups, filters, sorts, query } = body
    const key = JSON.stringify({ filterGroups, filters, sorts, query })
    const version = table.index.version()
    const known = remembered.get(table.schema.name)
    if (known?.key === key && known.version === version) return known.rows
    const rows = findMatches(portal, table, body)
    remembered.set(table.schema.name, { key, version, rows })
    return rows
  }

  function search(call: ApiCall): ApiAnswer {
    const table = readTable(portal, call.params['objectType'])
    const body = readBody(call.body)
    if (JSON.stringify(body).length > maxBodyLength)
      throw invalidInput(`The body of a search has at most ${maxBodyLength} characters`)
    const limit = Number(body['limit'] ?? 10)
    if (!Number.isInteger(limit) || limit < 0 || limit > maxPage)
      throw invalidInput(`The limit of a search is at most ${maxPage}`)
    const after = Number(body['after'] || 0)
    if (!Number.isInteger(after) || after < 0)
      throw invalidInput(`after is no number: ${String(body['after'])}`)
    if (after + limit > maxResults)
      throw invalidInput(`There was a problem with the request: no results past ${maxResults} can be had`)
    const rows = find(table, body)
    const properties = readTexts(body['properties'])
    const asked = { properties: properties.length === 0 ? null : properties, history: [], associations: [] }
    const results = rows.slice(after, after + limit).map((row) => showRow(portal, table, row, asked))
    const next = after + limit
    const paging = limit > 0 && next < rows.length ? { paging: { next: { after: String(next) } } } : {}
    return { status: 200, body: { total: rows.length, results, ...paging }, records: results.length }
  }

  return [
    {
      method: 'POST',
      paths: objectPaths('/:objectType/search'),
      operation: 'search',
      access: 'search',
      handle: search,
    },
  ]
}

/** Reading request bodies and paths that every route reads alike. */
import { isJsonObject, type JsonObject } from '../json.ts'
import { CallError } from './errors.ts'
import type { Organisation } from './organisation.ts'
import type { Table } from './tables.ts'

export { isJsonObject, type JsonObject }

export function readBody(body: unknown): JsonObject {
  if (isJsonObject(body)) return body
  throw new CallError(
    400,
    'JSON_PARSER_ERROR',
    'The HTTP entity body is required, but this request has no entity body.',
  )
}

/** The object named in the path; 404 NOT_FOUND as for any path that leads nowhere. */
export function readTable(organisation: Organisation, name: string | undefined): Table {
  const table = organisation.tables.find(name ?? '')
  if (table === undefined) {
    throw new CallError(404, 'NOT_FOUND', 'The requested resource does not exist')
  }
  return table
}

/** The type a record of a collection names in its attributes. */
export function typeOf(record: unknown): string | null {
  if (!isJsonObject(record) || !isJsonObject(record['attributes'])) return null
  const type = record['attributes']['type']
  return typeof type === 'string' ? type : null
}

/** Fields of a JSON object regardless of the case of their names. */
export function pick(record: JsonObject, name: string): unknown {
  const wanted = name.toLowerCase()
  return Object.entries(record).find(([key]) => key.toLowerCase() === wanted)?.[1]
}

export function readFieldList(value: unknown): readonly string[] | null {
  if (typeof value === 'string' && value !== '') return value.split(',').map((each) => each.trim())
  if (Array.isArray(value)) return value.filter((each): each is string => typeof each === 'string')
  return null
}

/** Of the records that a collection is about, for the call log. */
export function namedIn(body: unknown): readonly string[] {
  if (!isJsonObject(body)) return []
  const records = Array.isArray(body['records']) ? body['records'] : []
  const own = records.flatMap((record: unknown) => (isJsonObject(record) ? (pick(record, 'id') ?? []) : []))
  return [...(readFieldList(body['ids']) ?? []), ...own].filter((id) => typeof id === 'string')
}

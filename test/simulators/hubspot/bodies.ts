/** Reading queries, bodies and paths that every route reads alike, and how a record is shown. */
import { isJsonObject, type JsonObject } from '../json.ts'
import { type ApiCall, type ApiVersion, crmPaths } from './api-server.ts'
import { invalidInput, refuseCall } from './errors.ts'
import { findTable, type Portal } from './portal.ts'
import type { Row } from './schema.ts'
import type { Table } from './tables.ts'

export { isJsonObject, type JsonObject }

export function readBody(body: unknown): JsonObject {
  if (isJsonObject(body)) return body
  throw invalidInput('Invalid input JSON on line 1, column 1: no object')
}

/** The object named in the path, by its plural, singular or type id. */
export function readTable(portal: Portal, name: string | undefined): Table {
  const table = findTable(portal, name ?? '')
  if (table === undefined) throw invalidInput(`Unable to infer object type from: ${name}`)
  return table
}

export const objectPaths = (rest: string) => crmPaths('objects', rest)

/** Lists come with commas or as repeated parameters. */
export function readList(value: string | readonly string[] | undefined): readonly string[] {
  return [value ?? []]
    .flat()
    .flatMap((each) => each.split(',').map((name) => name.trim()))
    .filter((name) => name !== '')
}

export const readText = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null

/** A text or number that the body must have. */
export function requireText(input: JsonObject, name: string): string {
  const text = readText(input[name])
  if (text !== null) return text
  throw invalidInput(`Invalid input JSON on line 1, column 1: Some required fields were not set: [${name}]`)
}

export const readTexts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []

export function readLimit(call: ApiCall, standard: number, max: number): number {
  const given = readList(call.query['limit'])[0]
  if (given === undefined) return standard
  const limit = Number(given)
  if (!Number.isInteger(limit) || limit < 0 || limit > max)
    throw invalidInput(`The limit must be a whole number up to ${max}; ${given} was given`)
  return limit
}

const maxInputs = 100

export function readInputs(body: unknown, most = maxInputs): readonly JsonObject[] {
  const inputs = readBody(body)['inputs']
  if (!Array.isArray(inputs) || !inputs.every(isJsonObject))
    throw invalidInput('Invalid input JSON on line 1, column 1: Some required fields were not set: [inputs]')
  if (inputs.length > most)
    throw refuseCall(400, 'VALIDATION_ERROR', `The maximum number of inputs in a batch request is ${most}`)
  return inputs
}

export interface Asked {
  /** Null: the default ones. */
  readonly properties: readonly string[] | null
  readonly history: readonly string[]
  readonly associations: readonly string[]
}

export function readAsked(call: ApiCall): Asked {
  const properties = readList(call.query['properties'])
  return {
    properties: properties.length === 0 ? null : properties,
    history: readList(call.query['propertiesWithHistory']),
    associations: readList(call.query['associations']),
  }
}

/** From version 2026-09 on, what an administrator requires is required of the API too. */
export const obeysRequired = (version: ApiVersion) => version >= '2026-09' && !version.startsWith('v')

function showHistory(portal: Portal, table: Table, row: Row, names: readonly string[]): JsonObject {
  const log = table.history.get(row.id) ?? []
  return Object.fromEntries(
    names.map((name) => [
      name,
      log
        .flatMap(({ at, by, source, sourceId, fields }) => {
          const value = fields[name]
          if (value === undefined) return []
          const user = source === 'INTEGRATION' ? portal.integrationUserId : by
          return [
            {
              value,
              timestamp: at,
              sourceType: source,
              ...(sourceId === null ? {} : { sourceId }),
              ...(user === 'system' ? {} : { updatedByUserId: Number(user) }),
            },
          ]
        })
        .reverse(),
    ]),
  )
}

function showAssociations(portal: Portal, table: Table, row: Row, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const to = readTable(portal, name).schema.name
      const results = [...portal.associations.read(table.schema.name, row.id, to)].flatMap(([id, labels]) =>
        [...labels].map((typeId) => ({ id, type: portal.associations.types.get(typeId)?.name })),
      )
      return results.length === 0 ? [] : [[to, { results }]]
    }),
  )
}

/** Names that do not exist are left out without a word; a property without a value is null. */
export function showRow(portal: Portal, table: Table, row: Row, asked: Asked): JsonObject {
  const { schema } = table
  const names =
    asked.properties === null
      ? schema.defaultProperties
      : ['createdate', schema.modifiedProperty, 'hs_object_id', ...asked.properties, ...asked.history]
  const properties = Object.fromEntries(
    names.filter((name) => schema.properties.has(name)).map((name) => [name, row.properties[name] ?? null]),
  )
  const history = asked.history.filter((name) => schema.properties.has(name))
  const associations = showAssociations(portal, table, row, asked.associations)
  return {
    id: row.id,
    properties,
    ...(history.length === 0 ? {} : { propertiesWithHistory: showHistory(portal, table, row, history) }),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    archived: row.archived,
    ...(row.archivedAt === null ? {} : { archivedAt: row.archivedAt }),
    ...(Object.keys(associations).length === 0 ? {} : { associations }),
  }
}

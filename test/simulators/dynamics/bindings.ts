/** References to records in bodies and addresses: by id, by alternate key, or by the Content-ID of an earlier part. */
import { errors } from './errors.ts'
import { type KeyLiteral, readPath, type Segment } from './odata-path.ts'
import type { Organisation } from './organisation.ts'
import type { Row, Scalar } from './schema.ts'
import type { Table } from './tables.ts'

/** The key of a record that may not exist yet. */
export type RecordKey =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'alternate'; readonly values: ReadonlyMap<string, Scalar> }

export function findEntitySet({ tables }: Pick<Organisation, 'tables'>, name: string): Table | undefined {
  for (const table of tables.all.values()) if (table.schema.entitySet === name) return table
  return undefined
}

/** `_parentaccountid_value` in a key names the lookup. */
const attributeOfKey = (name: string) => /^_(.+)_value$/.exec(name)?.[1] ?? name

/** Throws where the names are no active alternate key of the table. */
export function readRecordKey(table: Table, key: Segment['key']): RecordKey {
  if (key === null) throw errors.methodNotAllowed('PATCH')
  if (key.kind === 'id') return key
  const values = new Map<string, KeyLiteral>()
  for (const [name, value] of key.values) values.set(attributeOfKey(name), value)
  const names = [...values.keys()]
  const [only] = names
  if (names.length === 1 && only === table.schema.primaryId) {
    return { kind: 'id', id: String(values.get(only)) }
  }
  const fits = [...table.schema.keys.values()].some(
    (each) =>
      each.status === 'Active' &&
      each.attributes.length === names.length &&
      each.attributes.every((attribute) => values.has(attribute)),
  )
  if (!fits) throw errors.noKey(table.schema.logicalName, names)
  return { kind: 'alternate', values }
}

export function findRecord(organisation: Organisation, table: Table, key: RecordKey): Row | undefined {
  if (key.kind === 'id') return table.rows.get(key.id)
  const attributes = [...key.values.keys()].sort()
  const values = attributes.map((attribute) => key.values.get(attribute) ?? null)
  const [id] = organisation.tables.findBy(table, attributes, values)
  return id === undefined ? undefined : table.rows.get(id)
}

export function requireRecord(organisation: Organisation, table: Table, key: RecordKey): Row {
  const row = findRecord(organisation, table, key)
  if (row !== undefined) return row
  throw key.kind === 'id'
    ? errors.noRecord(table.schema.logicalName, key.id)
    : errors.noRecordByKey(table.schema.logicalName)
}

/**
 * The record behind `/accounts(guid)`, `accounts(key='x')` or an absolute address of this organisation. References to
 * Content-IDs (`$1`) are replaced before anything is read.
 */
export function resolveReference(
  organisation: Organisation,
  reference: unknown,
): { readonly table: Table; readonly id: string } {
  if (typeof reference !== 'string') throw errors.badRequest('A reference must be the address of a record.')
  const path = reference.replace(/^https?:\/\/[^/]+/, '').replace(/^\/?api\/data\/v\d+\.\d+\//, '')
  const [segment, ...rest] = readPath(path)
  const table = segment === undefined ? undefined : findEntitySet(organisation, segment.name)
  if (segment === undefined || table === undefined || rest.length > 0) {
    throw errors.noResource(segment?.name ?? reference)
  }
  const row = requireRecord(organisation, table, readRecordKey(table, segment.key))
  return { table, id: String(row[table.schema.primaryId]) }
}

/** Definitions by the key of an address. */
import { errors } from './errors.ts'
import type { Segment } from './odata-path.ts'
import type { Organisation } from './organisation.ts'
import type { TableSchema } from './schema.ts'

/** `(LogicalName='x')` or `(guid)`. */
export function findByKey<T extends { readonly logicalName: string; readonly metadataId: string }>(
  all: Iterable<T>,
  key: Segment['key'],
): T | undefined {
  for (const each of all) {
    if (key?.kind === 'id' && each.metadataId === key.id) return each
    if (key?.kind === 'named' && key.values.get('LogicalName') === each.logicalName) return each
  }
  return undefined
}

export function requireTableOfKey(organisation: Organisation, key: Segment['key']): TableSchema {
  const schemas = [...organisation.tables.all.values()].map(({ schema }) => schema)
  const schema = findByKey(schemas, key)
  if (schema !== undefined) return schema
  const name = key?.kind === 'id' ? key.id : String(key?.values.get('LogicalName') ?? '')
  throw errors.noRecord('EntityMetadata', name)
}

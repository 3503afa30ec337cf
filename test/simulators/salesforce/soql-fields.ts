/** Resolves field paths of a query (`Name`, `Account.Name`, `PRM_Partner__r.Owner.Name`) against the schema. */
import { CallError } from './errors.ts'
import type { Organisation } from './organisation.ts'
import {
  type FieldSchema,
  findField,
  findRelationship,
  type ObjectSchema,
  type Row,
  type Scalar,
} from './schema.ts'
import type { Table } from './tables.ts'

export interface FieldPath {
  readonly field: FieldSchema
  /** Reference fields to follow, outermost first, each with the table it leads to. */
  readonly steps: readonly { readonly relationship: FieldSchema; readonly table: Table }[]
  read(row: Row): Scalar
}

export function failField(schema: ObjectSchema, name: string): CallError {
  return new CallError(
    400,
    'INVALID_FIELD',
    `No such column '${name}' on entity '${schema.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`,
  )
}

export function resolvePath(
  organisation: Organisation,
  schema: ObjectSchema,
  path: string,
  alias?: string,
): FieldPath {
  const names = path.split('.')
  const first = names[0]?.toLowerCase()
  if (names.length > 1 && (first === alias?.toLowerCase() || first === schema.name.toLowerCase())) {
    // `Account.Name` on Account itself is the object's own name; on another object it is the relationship.
    if (first === alias?.toLowerCase() || findRelationship(schema, names[0] ?? '') === undefined)
      names.shift()
  }
  if (names.length > 6) throw new CallError(400, 'INVALID_FIELD', `relationship path too long: ${path}`)
  const steps: { relationship: FieldSchema; table: Table }[] = []
  let current = schema
  for (const name of names.slice(0, -1)) {
    const relationship = findRelationship(current, name)
    const table = organisation.tables.find(relationship?.referenceTo[0] ?? '')
    if (relationship === undefined || table === undefined) {
      throw new CallError(
        400,
        'INVALID_FIELD',
        `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
      )
    }
    steps.push({ relationship, table })
    current = table.schema
  }
  const last = names.at(-1) ?? ''
  const field = findField(current, last)
  if (field === undefined) throw failField(current, last)
  const fieldName = field.name
  if (steps.length === 0) return { field, steps, read: (row) => row[fieldName] ?? null }
  return {
    field,
    steps,
    read(row) {
      let reached: Row | undefined = row
      for (const step of steps) {
        reached = step.table.rows.get(String(reached[step.relationship.name]))
        if (reached === undefined) return null
      }
      return reached[fieldName] ?? null
    },
  }
}

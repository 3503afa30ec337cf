/** Rows as records of an answer, and rows by external id. */
import { apiBase } from './api-server.ts'
import { CallError } from './errors.ts'
import type { Organisation } from './organisation.ts'
import { type FieldSchema, findField, type Row } from './schema.ts'
import { foldKey, type Table } from './tables.ts'

/** All fields, or those named; an unknown one is 400 INVALID_FIELD. */
export function renderRow(table: Table, row: Row, fields: readonly string[] | null): Record<string, unknown> {
  const { schema } = table
  const record: Record<string, unknown> = {
    attributes: { type: schema.name, url: `${apiBase}/sobjects/${schema.name}/${row['Id']}` },
  }
  for (const name of fields ?? [...schema.fields.values()].map((field) => field.name)) {
    const field = findField(schema, name)
    if (field === undefined) {
      throw new CallError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${schema.name}`)
    }
    record[field.name] = row[field.name] ?? null
  }
  return record
}

/** Live rows with this value of an external id field; more than one only where the field is not unique. */
export function findByExternalId(
  organisation: Organisation,
  table: Table,
  field: FieldSchema,
  value: string,
): readonly Row[] {
  if (field.unique) {
    const id = organisation.tables.findUnique(table, field, value)
    const row = id === undefined ? undefined : table.rows.get(id)
    return row === undefined ? [] : [row]
  }
  const key = foldKey(field, value)
  return [...table.rows.values()].filter(
    (row) =>
      row['IsDeleted'] !== true && row[field.name] != null && foldKey(field, row[field.name] ?? null) === key,
  )
}

import { z } from 'zod'
import type { RemoteRecord, RemoteValue } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { isRemoteValue } from '../wire/remote-values.ts'

/** A row as Salesforce sends it, in a query or a collection. */
export const rowSchema = z.looseObject({ Id: z.string() })
export type Row = z.infer<typeof rowSchema>

export const queryReplySchema = z.object({
  done: z.boolean(),
  nextRecordsUrl: z.string().optional(),
  records: z.array(rowSchema),
})
export type QueryReply = z.infer<typeof queryReplySchema>

/** Read with every record, asked for or not: its clock and who changed it last. */
const clockField = 'SystemModstamp'
const userField = 'LastModifiedById'

/** The fields to ask for: what the caller wants and what every record carries, each once. */
export const readFields = (fields: readonly string[]): readonly string[] => [
  ...new Set(['Id', ...fields, clockField, userField]),
]

/** An id in its 15 or 18 character form; anything else names no record. */
export const isRecordId = (id: string): boolean => /^[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?$/.test(id)

/** `2026-11-20T10:00:00.000+0000`, null where the object has no such field. */
export function modifiedAtOf(row: Row): Date | null {
  const stated = row[clockField]
  const instant = new Date(typeof stated === 'string' ? stated : Number.NaN)
  return Number.isNaN(instant.getTime()) ? null : instant
}

export function toRecord(object: string, row: Row, fields: readonly string[]): RemoteRecord {
  const user = row[userField]
  return {
    object,
    id: row.Id,
    fields: Object.fromEntries(fields.map((field) => [field, fieldValue(object, row, field)])),
    modifiedAt: modifiedAtOf(row)?.toISOString() ?? null,
    modifiedBy: typeof user === 'string' ? user : null,
  }
}

/**
 * Throws `configuration` naming the field when it holds more than one value (an address, a location), or is not in the
 * row: taking that for empty would wipe our side.
 */
export function fieldValue(object: string, row: Row, field: string): RemoteValue {
  const value = row[field]
  if (isRemoteValue(value)) return value
  const problem = value === undefined ? 'was not sent' : 'holds more than one value'
  throw new ConnectorFault('configuration', `${object}.${field} ${problem}`, {
    code: value === undefined ? 'FIELD_NOT_SENT' : 'COMPOUND_FIELD',
    fields: [field],
  })
}

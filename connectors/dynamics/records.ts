import { z } from 'zod'
import type { Deletion, RemoteRecord, RemoteValue } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { isRemoteValue } from '../wire/remote-values.ts'
import { type Column, columnOf, isCurrencyLookup, readProperty, type Table } from './table.ts'

/** A row as Dataverse sends it. */
export const rowSchema = z.looseObject({})
export type Row = z.infer<typeof rowSchema>

export const rowsReplySchema = z.object({
  value: z.array(rowSchema),
  '@odata.nextLink': z.string().optional(),
  '@odata.deltaLink': z.string().optional(),
})
export type RowsReply = z.infer<typeof rowsReplySchema>

/** Read with every record, where the table has them: its clock, who changed it last, what it was merged into. */
const companions = ['modifiedon', 'modifiedby', 'masterid', 'merged']

/** The properties to ask for: what the caller wants and what every record carries, each once. */
export function selectOf(table: Table, fields: readonly string[]): readonly string[] {
  const own = companions.flatMap((name) => table.columns.get(name) ?? [])
  const wanted = fields.map((name) => columnOf(table, name))
  return [...new Set([table.idColumn, ...[...wanted, ...own].map(readProperty)])]
}

export function idOf(table: Table, row: Row): string {
  const id = row[table.idColumn]
  if (typeof id === 'string') return id.toLowerCase()
  throw new ConnectorFault('unavailable', `A row of ${table.name} came without its id`, { code: 'NO_ID' })
}

/** A record that was merged stays, inactive, and names the one that it went into. */
export function mergedInto(row: Row): string | null {
  const master = row['_masterid_value']
  return row['merged'] === true && typeof master === 'string' ? master.toLowerCase() : null
}

/** The currencies that rows name, for looking their codes up before the rows are turned into records. */
export function currencyIdsOf(
  table: Table,
  rows: readonly Row[],
  fields: readonly string[],
): readonly string[] {
  const columns = fields.map((name) => columnOf(table, name)).filter(isCurrencyLookup)
  const ids = rows.flatMap((row) => columns.map((column) => row[readProperty(column)]))
  return [...new Set(ids.filter((id) => typeof id === 'string').map((id) => id.toLowerCase()))]
}

/** Throws `configuration` naming a field that the row does not carry: taking that for empty would wipe our side. */
export function toRecord(
  table: Table,
  row: Row,
  fields: readonly string[],
  codes: ReadonlyMap<string, string>,
): RemoteRecord {
  const [modifiedAt, modifiedBy, version] = [row['modifiedon'], row['_modifiedby_value'], row['@odata.etag']]
  return {
    object: table.name,
    id: idOf(table, row),
    fields: Object.fromEntries(
      fields.map((name) => [name, columnValue(table, columnOf(table, name), row, codes)]),
    ),
    modifiedAt: typeof modifiedAt === 'string' ? modifiedAt : null,
    modifiedBy: typeof modifiedBy === 'string' ? modifiedBy.toLowerCase() : null,
    ...(typeof version === 'string' ? { version } : {}),
  }
}

function columnValue(
  table: Table,
  column: Column,
  row: Row,
  codes: ReadonlyMap<string, string>,
): RemoteValue {
  const value = row[readProperty(column)]
  if (typeof value === 'string' && isCurrencyLookup(column)) {
    const code = codes.get(value.toLowerCase())
    if (code !== undefined) return code
    throw unreadable(table, column, 'names a currency that cannot be read', 'CURRENCY_UNREADABLE')
  }
  if (isRemoteValue(value)) return value
  if (value === undefined) throw unreadable(table, column, 'was not sent', 'FIELD_NOT_SENT')
  throw unreadable(table, column, 'holds more than one value', 'COMPOUND_FIELD')
}

const unreadable = (table: Table, column: Column, problem: string, code: string): ConnectorFault =>
  new ConnectorFault('configuration', `${table.name}.${column.name} ${problem}`, {
    code,
    fields: [column.name],
  })

export const toMergeDeletion = (table: Table, row: Row, master: string): Deletion => ({
  object: table.name,
  id: idOf(table, row),
  mergedInto: master,
  deletedAt: typeof row['modifiedon'] === 'string' ? row['modifiedon'] : null,
})

import type { Missing, RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { createPlaces, followPages } from '../wire/found-rows.ts'
import { isRecordId, pathOfLink, sliceConditions, textLiteral } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { currencyIdsOf, idOf, mergedInto, type Row, rowsReplySchema, selectOf, toRecord } from './records.ts'
import { readJson } from './session.ts'
import { type Column, columnOf, isCurrencyLookup, isLookup, readProperty, type Table } from './table.ts'

export const readBatch = 100

/** Reads by id, 100 a call, in the order of `ids`. A record that was merged is missing, and says into which. */
export async function readRecords(
  organisation: Organisation,
  object: string,
  ids: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly (RemoteRecord | Missing)[]> {
  if (ids.length === 0) return []
  const table = await organisation.catalogue.table(object, signal, fields)
  const readable = [...new Set(ids.filter(isRecordId).map((id) => id.toLowerCase()))]
  const query = { entitySet: table.entitySet, select: selectOf(table, fields) }
  const found: Row[] = []
  for (const { path, values } of sliceConditions(
    query,
    readable,
    (id) => `${table.idColumn}%20eq%20${id}`,
    readBatch,
  )) {
    await eachPage(organisation, table, { path, records: values.length }, signal, (rows) => {
      found.push(...rows)
      return true
    })
  }
  const codes = await organisation.currencies.codesOf(currencyIdsOf(table, found, fields), signal)
  const rows = new Map(found.map((row) => [idOf(table, row), row]))
  return ids.map((id) => {
    const row = rows.get(id.toLowerCase())
    if (!row) return { object, id, missing: true }
    const master = mergedInto(row)
    if (master !== null) return { object, id, missing: true, mergedInto: master }
    return { ...toRecord(table, row, fields, codes), id }
  })
}

/** Finds by the value of one column, ignoring case as Dataverse does; at most two records per value, merged ones left out. */
export async function findRecords(
  organisation: Organisation,
  object: string,
  field: string,
  values: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly RemoteRecord[]> {
  if (values.length === 0) return []
  const table = await organisation.catalogue.table(object, signal, [...fields, field])
  const column = columnOf(table, field)
  const property = readProperty(column)
  const literals = await literalsOf(organisation, table, column, [...new Set(values)], signal)
  const query = { entitySet: table.entitySet, select: selectOf(table, [...fields, field]) }
  const chosen: Row[] = []
  const conditionOf = ({ literal }: Literal) => `${property}%20eq%20${literal}`
  for (const { path, values: slice } of sliceConditions(query, literals, conditionOf, readBatch)) {
    const places = createPlaces(slice.map(({ seen }) => seen))
    await eachPage(organisation, table, { path, records: slice.length }, signal, (rows) => {
      chosen.push(...rows.filter((row) => mergedInto(row) === null && places.take(String(row[property]))))
      return places.isOpen()
    })
  }
  const codes = await organisation.currencies.codesOf(currencyIdsOf(table, chosen, fields), signal)
  return chosen.map((row) => toRecord(table, row, fields, codes))
}

interface Literal {
  /** As it stands in the address. */
  readonly literal: string
  /** As a row that matches shows it, in lower case. */
  readonly seen: string
}

const textTypes: ReadonlySet<string> = new Set(['String', 'Memo', 'EntityName'])
const wholeTypes: ReadonlySet<string> = new Set(['Integer', 'BigInt', 'Picklist', 'State', 'Status'])
const wholeNumber = /^-?\d{1,18}$/

/** What no value of the column can be is left out: it matches nothing. */
async function literalsOf(
  { currencies }: Organisation,
  table: Table,
  column: Column,
  values: readonly string[],
  signal: AbortSignal,
): Promise<readonly Literal[]> {
  if (textTypes.has(column.type)) {
    return values.map((value) => ({ literal: textLiteral(value), seen: value.toLowerCase() }))
  }
  if (wholeTypes.has(column.type)) {
    return values.filter((value) => wholeNumber.test(value)).map((value) => ({ literal: value, seen: value }))
  }
  if (isCurrencyLookup(column)) {
    const ids = await currencies.idsOf(values, signal)
    return [...ids].filter(([code]) => values.includes(code)).map(([, id]) => ({ literal: id, seen: id }))
  }
  if (isLookup(column) || column.type === 'Uniqueidentifier') {
    const ids = values.filter(isRecordId).map((id) => id.toLowerCase())
    return ids.map((id) => ({ literal: id, seen: id }))
  }
  throw new ConnectorFault('configuration', `${table.name}.${column.name} cannot be searched by`, {
    code: 'NOT_SEARCHABLE',
    fields: [column.name],
  })
}

/** Hands on page after page until the last one, or until `take` wants no more. */
async function eachPage(
  { session, catalogue }: Organisation,
  table: Table,
  first: { readonly path: string; readonly records: number },
  signal: AbortSignal,
  take: (rows: readonly Row[]) => boolean,
): Promise<void> {
  const { name: object } = table
  await followPages(object, first.path, async (path) => {
    const call = { operation: 'read', object, records: first.records, method: 'GET', path } as const
    try {
      const reply = await session.send({ ...call, read: readJson(rowsReplySchema) }, signal)
      const next = reply['@odata.nextLink']
      if (!take(reply.value) || next === undefined) return null
      return pathOfLink(next, session.organisationUrl)
    } catch (error) {
      // A column that is not there any more: what we know of the table is old.
      if (error instanceof ConnectorFault && error.kind === 'configuration') catalogue.forget(object)
      throw error
    }
  })
}

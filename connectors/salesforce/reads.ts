import { z } from 'zod'
import type { Missing, RemoteRecord } from '../connector.ts'
import { createPlaces, followPages } from '../wire/found-rows.ts'
import {
  fieldValue,
  isRecordId,
  type QueryReply,
  queryReplySchema,
  type Row,
  readFields,
  rowSchema,
  toRecord,
} from './records.ts'
import type { Call, Session } from './session.ts'
import { checkName, type Query, sliceByValues } from './soql.ts'

export const readBatch = 2000

/** A record that was merged more often than that is found by its next read. */
const maxMerges = 5

/** The objects whose records can be merged; no other has `MasterRecordId` (Object Reference). */
export const mergeable: ReadonlySet<string> = new Set(['Account', 'Case', 'Contact', 'Individual', 'Lead'])

/** Reads by id, 2,000 a call, in the order of `ids`; then one query tells which of the missing were merged. */
export async function readRecords(
  session: Session,
  object: string,
  ids: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly (RemoteRecord | Missing)[]> {
  const rows = new Map<string, Row>()
  const readable = [...new Set(ids)].filter(isRecordId)
  for (let at = 0; at < readable.length; at += readBatch) {
    const slice = readable.slice(at, at + readBatch)
    const { value } = await session.send(
      {
        operation: 'read',
        object,
        records: slice.length,
        method: 'POST',
        path: `/composite/sobjects/${checkName(object)}`,
        body: { ids: slice, fields: readFields(fields).map(checkName) },
        read: (body) => z.array(rowSchema.nullable()).length(slice.length).parse(body),
      },
      signal,
    )
    value.forEach((row, index) => {
      const id = slice[index]
      if (row && id !== undefined) rows.set(id, row)
    })
  }
  const missing = readable.filter((id) => !rows.has(id))
  const survivors = await findSurvivors(session, object, missing, signal)
  return ids.map((id) => {
    const row = rows.get(id)
    if (row) return toRecord(object, row, fields)
    const mergedInto = survivors.get(id.slice(0, 15))
    return { object, id, missing: true, ...(mergedInto === undefined ? {} : { mergedInto }) }
  })
}

/**
 * Maps ids of merged records, in their 15 character form, to the record that is left of them: a record that others were
 * merged into may have been merged itself.
 */
async function findSurvivors(
  session: Session,
  object: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const masters = new Map<string, string>()
  let asked = ids
  for (let round = 0; round < maxMerges && asked.length > 0; round += 1) {
    const found = await findMasters(session, object, asked, signal)
    for (const [id, master] of found) masters.set(id, master)
    asked = [...new Set(found.values())].filter((master) => !masters.has(master.slice(0, 15)))
  }
  return new Map([...masters].map(([id, master]) => [id, lastOf(masters, master)]))
}

function lastOf(masters: ReadonlyMap<string, string>, master: string): string {
  let last = master
  for (let round = 0; round < maxMerges; round += 1) last = masters.get(last.slice(0, 15)) ?? last
  return last
}

async function findMasters(
  session: Session,
  object: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const survivors = new Map<string, string>()
  if (ids.length === 0 || !mergeable.has(object)) return survivors
  const query = { object, fields: ['Id', 'MasterRecordId'], withDeleted: true }
  for (const { path, values } of sliceByValues(query, 'Id', ids)) {
    await eachPage(session, { object, path, records: values.length }, signal, (rows) => {
      for (const { Id, MasterRecordId: master } of rows) {
        if (typeof master === 'string') survivors.set(Id.slice(0, 15), master)
      }
      return true
    })
  }
  return survivors
}

/** Finds by the value of one text field, ignoring case as Salesforce does; at most two records per value. */
export async function findRecords(
  session: Session,
  object: string,
  field: string,
  values: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly RemoteRecord[]> {
  const query: Query = { object, fields: [...new Set([...readFields(fields), field])] }
  const found: RemoteRecord[] = []
  for (const { path, values: slice } of sliceByValues(query, field, values)) {
    const places = createPlaces(slice)
    await eachPage(session, { object, path, records: slice.length }, signal, (rows) => {
      for (const row of rows) {
        if (places.take(String(fieldValue(object, row, field)))) found.push(toRecord(object, row, fields))
      }
      return places.isOpen()
    })
  }
  return found
}

/** Hands on page after page until the last one, or until `take` wants no more. */
async function eachPage(
  session: Session,
  first: { readonly object: string; readonly path: string; readonly records: number },
  signal: AbortSignal,
  take: (rows: readonly Row[]) => boolean,
): Promise<void> {
  const { object, records } = first
  await followPages(object, first.path, async (path) => {
    const read = (body: unknown) => queryReplySchema.parse(body)
    const call: Call<QueryReply> = { operation: 'read', object, records, method: 'GET', path, read }
    const { value } = await session.send(call, signal)
    return take(value.records) && !value.done ? value.nextRecordsUrl || null : null
  })
}

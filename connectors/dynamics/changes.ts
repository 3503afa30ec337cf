import { z } from 'zod'
import type { ChangePage, Deletion, RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { expiredVersionCode } from './fault-table.ts'
import { pathOfLink, queryPath } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { readRecords } from './reads.ts'
import {
  currencyIdsOf,
  idOf,
  mergedInto,
  type Row,
  rowsReplySchema,
  selectOf,
  toMergeDeletion,
  toRecord,
} from './records.ts'
import { readJson } from './session.ts'
import type { Table } from './table.ts'

export const changesBatch = 500

const deletedRowSchema = z.object({ '@odata.context': z.string().endsWith('$deletedEntity'), id: z.string() })

/**
 * Reads by change tracking: everything once, then by delta link what changed and what was deleted since. Latest states,
 * each record at most once a round. A delta link that has expired (after seven days, unless the organisation says
 * otherwise), or that brings a column which was deleted since, is answered by reading everything again; deletions of the
 * time between are left to reconciliation.
 */
export async function* readChanges(
  organisation: Organisation,
  object: string,
  cursorText: string | null,
  fields: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<ChangePage> {
  const { session, catalogue } = organisation
  let table = await catalogue.table(object, signal, fields)
  if (!table.changeTracking) table = await catalogue.look(object, signal)
  if (!table.changeTracking) throw trackingIsOff(object)
  const start = queryPath({ entitySet: table.entitySet, select: selectOf(table, fields) })
  let { link, fields: brought } = readCursor(cursorText, table)
  if (link === null) brought = fields
  let mayStartOver = link !== null

  for (;;) {
    let reply: z.infer<typeof rowsReplySchema>
    try {
      reply = await readPage(organisation, table, link ?? start, signal)
    } catch (error) {
      if (!mayStartOver || !(isExpired(error) || isOfFormerColumn(error, fields))) throw error
      ;[link, brought, mayStartOver] = [null, fields, false]
      continue
    }
    const next = reply['@odata.nextLink']
    const delta = reply['@odata.deltaLink']
    const following = next ?? delta
    if (following === undefined) throw trackingIsOff(object)
    link = pathOfLink(following, session.organisationUrl)
    const page = await splitRows(organisation, table, reply.value, fields, brought, signal)
    const done = next === undefined
    yield { ...page, cursor: writeCursor({ link, fields: brought }), done }
    if (done) return
  }
}

const readPage = ({ session, catalogue }: Organisation, table: Table, path: string, signal: AbortSignal) =>
  session
    .send(
      {
        operation: 'changes',
        object: table.name,
        records: changesBatch,
        method: 'GET',
        path,
        headers: { Prefer: `odata.track-changes,odata.maxpagesize=${changesBatch}` },
        read: readJson(rowsReplySchema),
      },
      signal,
    )
    .catch((error: unknown) => {
      if (error instanceof ConnectorFault && error.kind === 'configuration') catalogue.forget(table.name)
      throw error
    })

async function splitRows(
  organisation: Organisation,
  table: Table,
  rows: readonly Row[],
  fields: readonly string[],
  brought: readonly string[],
  signal: AbortSignal,
): Promise<Pick<ChangePage, 'records' | 'deletions'>> {
  const deletions: Deletion[] = []
  const live: Row[] = []
  for (const row of rows) {
    const deleted = deletedRowSchema.safeParse(row)
    const master = mergedInto(row)
    if (deleted.success) {
      deletions.push({ object: table.name, id: deleted.data.id.toLowerCase(), deletedAt: null })
    } else if (master !== null) deletions.push(toMergeDeletion(table, row, master))
    else live.push(row)
  }
  if (fields.every((field) => brought.includes(field))) {
    const codes = await organisation.currencies.codesOf(currencyIdsOf(table, live, fields), signal)
    return { records: live.map((row) => toRecord(table, row, fields, codes)), deletions }
  }
  // The link was begun for fewer columns than are asked for now: it still says which records changed.
  const ids = live.map((row) => idOf(table, row))
  const read = await readRecords(organisation, table.name, ids, fields, signal)
  const records = read.filter((answer): answer is RemoteRecord => !('missing' in answer))
  return { records, deletions }
}

const isExpired = (error: unknown): boolean =>
  error instanceof ConnectorFault && error.details.code === expiredVersionCode

/** The link brings a column that is there no more and that nobody asks for any more. */
const isOfFormerColumn = (error: unknown, fields: readonly string[]): boolean =>
  error instanceof ConnectorFault &&
  error.kind === 'configuration' &&
  error.details.fields !== undefined &&
  !error.details.fields.some((field) => fields.includes(field))

const trackingIsOff = (object: string): ConnectorFault =>
  new ConnectorFault(
    'configuration',
    `Change tracking is off for the table ${object}: switch "Track changes" on in its properties`,
    { code: 'CHANGE_TRACKING_OFF' },
  )

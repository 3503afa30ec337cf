import type { ChangePage, Connector, Deletion, RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { Reply } from '../wire/exchange.ts'
import { createBulkReader } from './bulk.ts'
import {
  advanceCursor,
  type BulkPlace,
  type Cursor,
  cursorCondition,
  cursorOrder,
  readBulkCursor,
  readCursor,
  restCursor,
  writeCursor,
} from './cursor.ts'
import { readFirstPass } from './first-pass.ts'
import { mergeable } from './reads.ts'
import { modifiedAtOf, queryReplySchema, type Row, readFields, toRecord } from './records.ts'
import type { Session } from './session.ts'
import { queryPath } from './soql.ts'

export const changesBatch = 2000

export type ChangeReader = Pick<Connector, 'changes'>

export interface ChangeReaderOptions {
  readonly overlapMs: number
  /** A first pass over so many rows is left to a query job. */
  readonly bulkFromRows: number
}

/**
 * Polls by SystemModstamp, which system-made changes move too. Live, deleted and merged rows come in one order from one
 * query (`queryAll`): a quiet poll costs a single call, and a deletion never overtakes the change before it.
 * Each page is a query of its own that says what it follows, so no server-side position can expire between pages.
 */
export function createChangeReader(
  session: Session,
  { overlapMs, bulkFromRows }: ChangeReaderOptions,
): ChangeReader {
  const bulk = createBulkReader(session)
  /** Objects such as User know no deletion; learned from Salesforce's own refusal. */
  const undeletable = new Set<string>()

  const deletionFieldsOf = (object: string): readonly string[] =>
    undeletable.has(object) ? [] : ['IsDeleted', ...(mergeable.has(object) ? ['MasterRecordId'] : [])]
  const rowFieldsOf = (object: string, fields: readonly string[]): readonly string[] => [
    ...new Set([...readFields(fields), ...deletionFieldsOf(object)]),
  ]

  /** Large tables are cheaper, and for Salesforce easier, to read by a job than sorted, page by page. */
  async function startFirstPass(object: string, fields: readonly string[], signal: AbortSignal) {
    const rows = await bulk.estimateRows(object, signal)
    if (rows === null || rows < bulkFromRows) return null
    const withDeleted = deletionFieldsOf(object).length > 0
    return bulk.start(object, rowFieldsOf(object, fields), withDeleted, signal)
  }

  async function readPage(object: string, cursor: Cursor, fields: readonly string[], signal: AbortSignal) {
    const where = cursorCondition(cursor)
    return session.send(
      {
        operation: 'changes',
        object,
        records: changesBatch,
        method: 'GET',
        path: queryPath({
          object,
          fields: rowFieldsOf(object, fields),
          ...(where === undefined ? {} : { where }),
          orderBy: cursorOrder,
          limit: changesBatch,
          withDeleted: deletionFieldsOf(object).length > 0,
        }),
        read: (body) => queryReplySchema.parse(body),
      },
      signal,
    )
  }

  async function* changes(
    object: string,
    cursorText: string | null,
    fields: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<ChangePage> {
    const firstPass = (place: BulkPlace) =>
      readFirstPass(
        bulk,
        {
          object,
          fields: rowFieldsOf(object, fields),
          place,
          pageRows: changesBatch,
          overlapMs,
          split: (rows) => splitRows(object, rows, fields),
        },
        signal,
      )
    const place = readBulkCursor(cursorText)
    let mayStart = cursorText === null
    let cursor = place === null ? readCursor(cursorText) : yield* firstPass(place)
    for (;;) {
      let reply: Awaited<ReturnType<typeof readPage>>
      try {
        reply = await readPage(object, cursor, fields, signal)
      } catch (error) {
        if (undeletable.has(object) || !lacksDeletion(error)) throw error
        undeletable.add(object)
        continue
      }
      const { records: rows, done: isWhole } = reply.value
      const next = moveBehind(object, cursor, rows, reply)
      const done = isWhole && rows.length < changesBatch
      cursor = done ? restCursor(next) : next
      yield { ...splitRows(object, rows, fields), cursor: writeCursor(cursor), done }
      if (done) return
      const started = mayStart ? await startFirstPass(object, fields, signal) : null
      mayStart = false
      if (started) cursor = yield* firstPass(started)
    }
  }

  function moveBehind(object: string, cursor: Cursor, rows: readonly Row[], reply: Reply<unknown>): Cursor {
    const last = rows.at(-1)
    if (!last) return cursor
    const modifiedAt = modifiedAtOf(last)
    if (!modifiedAt) {
      throw new ConnectorFault('configuration', `${object} does not say when it was changed`, {
        code: 'NO_SYSTEM_MODSTAMP',
        fields: ['SystemModstamp'],
      })
    }
    const next = advanceCursor(cursor, { modifiedAt, id: last.Id }, reply.answeredAt, overlapMs)
    if (next.after?.id === cursor.after?.id && next.after?.modstamp === cursor.after?.modstamp) {
      throw new ConnectorFault('unavailable', `Salesforce repeats a page of ${object}`, {
        code: 'CURSOR_STUCK',
      })
    }
    return next
  }

  return { changes }
}

function splitRows(
  object: string,
  rows: readonly Row[],
  fields: readonly string[],
): { readonly records: readonly RemoteRecord[]; readonly deletions: readonly Deletion[] } {
  const records: RemoteRecord[] = []
  const deletions: Deletion[] = []
  for (const row of rows) {
    if (row['IsDeleted'] !== true) records.push(toRecord(object, row, fields))
    else deletions.push(toDeletion(object, row))
  }
  return { records, deletions }
}

function toDeletion(object: string, row: Row): Deletion {
  const master = row['MasterRecordId']
  return {
    object,
    id: row.Id,
    ...(typeof master === 'string' ? { mergedInto: master } : {}),
    deletedAt: modifiedAtOf(row)?.toISOString() ?? null,
  }
}

const lacksDeletion = (error: unknown): boolean =>
  error instanceof ConnectorFault &&
  error.kind === 'configuration' &&
  (error.details.fields ?? []).includes('IsDeleted')

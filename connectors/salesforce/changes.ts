import type { ChangePage, Deletion, RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import {
  advanceCursor,
  type Cursor,
  cursorCondition,
  cursorOrder,
  readCursor,
  restCursor,
  writeCursor,
} from './cursor.ts'
import type { Reply } from './exchange.ts'
import { mergeable } from './reads.ts'
import { modifiedAtOf, queryReplySchema, type Row, readFields, toRecord } from './records.ts'
import type { Session } from './session.ts'
import { queryPath } from './soql.ts'

export const changesBatch = 2000

export interface ChangeReader {
  changes(
    object: string,
    cursorText: string | null,
    fields: readonly string[],
    signal: AbortSignal,
  ): AsyncIterable<ChangePage>
}

/**
 * Polls by SystemModstamp, which system-made changes move too. Live, deleted and merged rows come in one order from one
 * query (`queryAll`): a quiet poll costs a single call, and a deletion never overtakes the change before it.
 * Each page is a query of its own that says what it follows, so no server-side position can expire between pages.
 */
export function createChangeReader(session: Session, overlapMs: number): ChangeReader {
  /** Objects such as User know no deletion; learned from Salesforce's own refusal. */
  const undeletable = new Set<string>()

  async function readPage(object: string, cursor: Cursor, fields: readonly string[], signal: AbortSignal) {
    const deletionFields = undeletable.has(object)
      ? []
      : ['IsDeleted', ...(mergeable.has(object) ? ['MasterRecordId'] : [])]
    const where = cursorCondition(cursor)
    return session.send(
      {
        operation: 'changes',
        object,
        records: changesBatch,
        method: 'GET',
        path: queryPath({
          object,
          fields: [...new Set([...readFields(fields), ...deletionFields])],
          ...(where === undefined ? {} : { where }),
          orderBy: cursorOrder,
          limit: changesBatch,
          withDeleted: deletionFields.length > 0,
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
    let cursor = readCursor(cursorText)
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

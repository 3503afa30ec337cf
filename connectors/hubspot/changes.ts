import type { ChangePage, Connector, Deletion, FindKnown, RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { type CrmObject, crmObject } from './api-paths.ts'
import { listed } from './apis.ts'
import { type Cursor, type Place, readCursor, stepBehind, writeCursor } from './cursor.ts'
import { readSelected, type Selection, selectFields } from './reads.ts'
import { clockOf, instantOf, mergedInto, type Row } from './records.ts'
import { type SearchFilter, type SearchPage, searchLimit, searchPage } from './search.ts'
import type { Session } from './session.ts'

export const changesBatch = searchLimit
const deletedPage = 100
const minuteMs = 60_000

export type ChangeReader = Pick<Connector, 'changes'>

/**
 * Polls by the time of the last change. The search only tells which records changed: their values are read from the
 * records themselves, for the index may still hold what stood there before our own last write.
 * The latest minutes are searched again and again, so records that are known as they are now are not read again.
 */
export function createChangeReader(session: Session, overlapMs: number): ChangeReader {
  async function* changes(
    name: string,
    cursorText: string | null,
    fields: readonly string[],
    signal: AbortSignal,
    findKnown?: FindKnown,
  ): AsyncGenerator<ChangePage> {
    const object = crmObject(name)
    const selection = selectFields(object, fields)
    let cursor = readCursor(cursorText)
    for (;;) {
      const page = await searchChanges(object, cursor, signal)
      // What was deleted before the first poll began was never known to us.
      if (cursor.deleted === null) {
        const start = Math.max(timeOf(page) - overlapMs, 0)
        cursor = { ...cursor, deleted: { since: start, dueAt: 0 } }
      }
      const rows = new Map(page.rows.map((row) => [row.id, row]))
      const places = page.rows.map((row) => placeOf(object, row))
      const step = stepBehind(
        cursor,
        places,
        page.rows.length === searchLimit,
        page.answeredAt?.getTime() ?? null,
        overlapMs,
      )
      const known = await findKnown?.(
        step.places.map(({ at, id }) => ({ id, modifiedAt: new Date(at).toISOString() })),
      )
      const ids = step.places.flatMap(({ id }) => (known?.has(id) ? [] : [id]))
      const { records, deletions } = await readChanged(selection, ids, rows, signal)
      if (!step.done) {
        cursor = step.cursor
        yield { records, deletions, cursor: writeCursor(cursor), done: false }
        continue
      }
      const deleted = await readDeleted(object, step.cursor, timeOf(page), signal)
      const merged = new Set(deletions.map(({ id }) => id))
      yield {
        records,
        deletions: [...deletions, ...deleted.deletions.filter(({ id }) => !merged.has(id))],
        cursor: writeCursor(deleted.cursor),
        done: true,
      }
      return
    }
  }

  const timeOf = (page: SearchPage): number => (page.answeredAt ?? session.now()).getTime()

  function searchChanges(object: CrmObject, { after }: Cursor, signal: AbortSignal): Promise<SearchPage> {
    const clock = clockOf(object)
    const at = { propertyName: clock, value: String(after?.at ?? 0) }
    const isWithin = after !== null && after.id !== null
    const filters: readonly SearchFilter[] = isWithin
      ? [
          { ...at, operator: 'EQ' },
          { propertyName: 'hs_object_id', operator: 'GT', value: after.id ?? '0' },
        ]
      : [{ ...at, operator: 'GT' }]
    const sort = isWithin ? 'hs_object_id' : clock
    return searchPage(session, { operation: 'changes', object, properties: [], filters, sort }, signal)
  }

  /** A row that is gone since the search saw it is told by the list of deleted rows, or here if it was merged. */
  async function readChanged(
    selection: Selection,
    ids: readonly string[],
    rows: ReadonlyMap<string, Row>,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly RemoteRecord[]; readonly deletions: readonly Deletion[] }> {
    const { object } = selection
    const answers = await readSelected(session, 'changes', selection, ids, signal)
    const records: RemoteRecord[] = []
    const deletions: Deletion[] = []
    for (const answer of answers) {
      if ('missing' in answer) {
        if (answer.mergedInto === undefined) continue
        deletions.push({ object, id: answer.id, mergedInto: answer.mergedInto, deletedAt: null })
      } else {
        records.push(answer)
        const row = rows.get(answer.id)
        for (const id of row ? mergedInto(row) : []) {
          deletions.push({ object, id, mergedInto: answer.id, deletedAt: null })
        }
      }
    }
    return { records, deletions }
  }

  async function readDeleted(
    object: CrmObject,
    cursor: Cursor,
    now: number,
    signal: AbortSignal,
  ): Promise<{ readonly deletions: readonly Deletion[]; readonly cursor: Cursor }> {
    const { since, dueAt } = cursor.deleted ?? { since: now, dueAt: 0 }
    if (now < dueAt) return { deletions: [], cursor }
    const deletions: Deletion[] = []
    let after: string | undefined
    let pages = 0
    do {
      const { value } = await session.send(
        {
          operation: 'changes',
          object,
          records: deletedPage,
          ask: async (apis) =>
            listed(
              await apis
                .records()
                .getPage(object, deletedPage, after, ['hs_object_id'], undefined, undefined, true),
            ),
        },
        signal,
      )
      pages += 1
      for (const { id, archivedAt } of value.results) {
        if (archivedAt && archivedAt.getTime() < since) continue
        deletions.push({ object, id, deletedAt: archivedAt?.toISOString() ?? null })
      }
      after = value.paging?.next?.after
    } while (after !== undefined)
    const next = { since: Math.max(since, now - overlapMs), dueAt: now + (pages - 1) * minuteMs }
    return { deletions, cursor: { ...cursor, deleted: next } }
  }

  return { changes }
}

function placeOf(object: CrmObject, row: Row): Place {
  const changed = instantOf(row.properties[clockOf(object)])
  if (changed) return { at: changed.getTime(), id: row.id }
  throw new ConnectorFault('configuration', `${object} ${row.id} does not say when it was changed`, {
    code: 'NO_MODIFIED_DATE',
    fields: [clockOf(object)],
  })
}

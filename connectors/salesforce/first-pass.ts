import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangePage } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { BulkReader } from './bulk.ts'
import { type BulkPlace, type Cursor, cursorAtStart, writeBulkCursor } from './cursor.ts'
import type { Row } from './records.ts'
import { instantLiteral } from './soql.ts'

const longestLookMs = 15_000

export interface FirstPass {
  readonly object: string
  readonly fields: readonly string[]
  readonly place: BulkPlace
  readonly pageRows: number
  readonly overlapMs: number
  readonly split: (rows: readonly Row[]) => Pick<ChangePage, 'records' | 'deletions'>
}

/**
 * Hands on what a query job read, page by page, and answers where the poll goes on: shortly before the snapshot was asked
 * for, or at the beginning when the job failed. While the job runs, empty pages come, so that the caller keeps its place
 * and its lease. Every page says how old its records are.
 */
export async function* readFirstPass(
  bulk: BulkReader,
  { object, fields, place: start, pageRows, overlapMs, split }: FirstPass,
  signal: AbortSignal,
): AsyncGenerator<ChangePage, Cursor> {
  for (let lookMs = 1000; ; lookMs = Math.min(lookMs * 2, longestLookMs)) {
    yield { records: [], deletions: [], cursor: writeBulkCursor(start), done: false }
    const state = await bulk.stateOf(object, start.job, signal)
    if (state === 'failed') return cursorAtStart
    if (state === 'complete') break
    await rest(lookMs, signal)
  }
  const readers = await bulk.readersOf(object, fields, signal)
  let place = start
  for (;;) {
    const { rows, next, answeredAt } = await bulk.readSet(object, readers, place, signal)
    const readAt = performance.now()
    const ageThenMs = Math.max(0, (answeredAt ?? new Date()).getTime() - Date.parse(place.from))
    for (let at = place.skip; at < rows.length; at += pageRows) {
      const page = rows.slice(at, at + pageRows)
      const ageMs = Math.ceil(ageThenMs + performance.now() - readAt)
      const cursor = writeBulkCursor({ ...place, skip: at + page.length })
      yield { ...split(page), ageMs, cursor, done: false }
    }
    if (next === null) break
    place = { ...place, locator: next, skip: 0 }
  }
  const modstamp = instantLiteral(new Date(Date.parse(start.from) - overlapMs))
  return { after: { modstamp, id: '' }, unsettledFrom: null }
}

async function rest(forMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(forMs, undefined, { signal })
  } catch (cause) {
    throw new ConnectorFault(
      'unavailable',
      'The call was given up: CANCELLED',
      { code: 'CANCELLED' },
      { cause },
    )
  }
}

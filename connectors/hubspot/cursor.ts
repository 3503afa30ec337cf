import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'

/**
 * Where a poll stands. HubSpot sorts a search by one property only, so rows that share one instant come in any order, and
 * a page may end among them. The poll therefore knows two ways to go on:
 * - past an instant of which everything is delivered (`id` null), in the order of time;
 * - through one instant that many rows share, in the order of ids (`id` is the last one delivered, '0' before the first).
 * Each page is a search of its own that says what it follows, so the cap of 10,000 results is never met and no change in
 * between moves rows from one page to another.
 *
 * The search index lags behind, so the newest stretch of time may still gain rows behind our back. `unsettledFrom` is
 * where that stretch began, by the server's clock, when the poll first read into it; the next poll starts there again.
 *
 * Deleted rows are in a list of their own, without an order. It is read whole, the less often the longer it is.
 */
export interface Cursor {
  /** Milliseconds since 1970. Null: the beginning. */
  readonly after: { readonly at: number; readonly id: string | null } | null
  readonly unsettledFrom: number | null
  /** The list of deleted rows: rows deleted before `since` are delivered; not read again before `dueAt`. */
  readonly deleted: { readonly since: number; readonly dueAt: number } | null
}

const milliseconds = z.int().min(0)
const cursorSchema = z.strictObject({
  version: z.literal(1),
  after: z.strictObject({ at: milliseconds, id: z.string().regex(/^\d+$/).nullable() }).nullable(),
  unsettledFrom: milliseconds.nullable(),
  deleted: z.strictObject({ since: milliseconds, dueAt: milliseconds }).nullable(),
})

export const cursorAtStart: Cursor = { after: null, unsettledFrom: null, deleted: null }

export const writeCursor = (cursor: Cursor): string => JSON.stringify({ version: 1, ...cursor })

/** Throws `configuration` on a text that is no cursor of ours: reading from the beginning unasked could take hours. */
export function readCursor(text: string | null): Cursor {
  if (text === null) return cursorAtStart
  try {
    const { after, unsettledFrom, deleted } = cursorSchema.parse(JSON.parse(text))
    return { after, unsettledFrom, deleted }
  } catch (cause) {
    throw new ConnectorFault(
      'configuration',
      'The stored cursor is not one of HubSpot',
      { code: 'INVALID_CURSOR' },
      { cause },
    )
  }
}

/** One row of a page: when it was changed, and which it is. */
export interface Place {
  readonly at: number
  readonly id: string
}

export interface Step {
  /** The rows to deliver now; the others come again with the next page. */
  readonly places: readonly Place[]
  readonly cursor: Cursor
  /** Nothing follows. */
  readonly done: boolean
}

/**
 * The step behind a page. `isFull` says that more rows may follow. `serverTime` is HubSpot's clock; without it the newest
 * row stands for it, which repeats the last stretch in every poll but skips nothing.
 */
export function stepBehind(
  cursor: Cursor,
  rows: readonly Place[],
  isFull: boolean,
  serverTime: number | null,
  overlapMs: number,
): Step {
  const { places, after, done } = advance(cursor.after, rows, isFull)
  const newest = Math.max(...places.map(({ at }) => at), Number.NEGATIVE_INFINITY)
  const settledUntil = Math.max((serverTime ?? newest) - overlapMs, 0)
  const isUnsettled = places.length > 0 && newest >= settledUntil
  const next = {
    ...cursor,
    after,
    unsettledFrom: cursor.unsettledFrom ?? (isUnsettled ? settledUntil : null),
  }
  return { places, cursor: done ? restCursor(next) : next, done }
}

function advance(after: Cursor['after'], rows: readonly Place[], isFull: boolean) {
  const last = rows.at(-1)
  if (after !== null && after.id !== null) {
    // Through one instant by id; its end opens the way past it.
    const id = isFull && last ? last.id : null
    return { places: rows, after: { at: after.at, id }, done: false }
  }
  if (!last) return { places: rows, after, done: true }
  if (!isFull) return { places: rows, after: { at: last.at, id: null }, done: true }
  const whole = rows.filter(({ at }) => at < last.at)
  const lastWhole = whole.at(-1)
  return lastWhole
    ? { places: whole, after: { at: lastWhole.at, id: null }, done: false }
    : { places: [], after: { at: last.at, id: '0' }, done: false }
}

/** The cursor for the next poll, once a poll has reached the newest row. An instant is past when the one before it is. */
const restCursor = (cursor: Cursor): Cursor => ({
  ...cursor,
  after:
    cursor.unsettledFrom === null ? cursor.after : { at: Math.max(cursor.unsettledFrom - 1, 0), id: null },
  unsettledFrom: null,
})

import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'
import { instantLiteral, quoteText } from './soql.ts'

/**
 * Where a poll stands. Rows are read in the order (SystemModstamp, Id), so a place in that order says exactly what has been
 * delivered, however many rows share one second.
 *
 * A row gets its SystemModstamp when it is saved but shows only when its transaction commits, so the newest stretch of the
 * order may still gain rows behind our back. `unsettledFrom` is where that stretch began, by the server's clock, when the
 * poll first read into it; the poll runs on to the newest row, and the next one starts there again. Rows of the stretch
 * thus come more than once. A transaction that stays open longer than the overlap is left to reconciliation.
 */
export interface Cursor {
  /** Id '' stands before all rows of that second. Null: the beginning. */
  readonly after: { readonly modstamp: string; readonly id: string } | null
  readonly unsettledFrom: string | null
}

const second = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const cursorSchema = z.strictObject({
  version: z.literal(1),
  after: z.strictObject({ modstamp: second, id: z.string() }).nullable(),
  unsettledFrom: second.nullable(),
})

/** Where the reading of a job's results stands. */
export interface BulkPlace {
  readonly job: string
  /** When the snapshot was asked for, by the clock of Salesforce: what changed later is left to the poll. */
  readonly from: string
  /** Of the set that is being read; null for the first one. */
  readonly locator: string | null
  /** Rows of the set that were handed on already. */
  readonly skip: number
}

export const bulkPlaceSchema = z.strictObject({
  job: z.string().regex(/^[A-Za-z0-9]{15,18}$/),
  from: z.iso.datetime(),
  locator: z.string().nullable(),
  skip: z.int().min(0),
})

/** A first pass over a large table, which a query job reads. */
const bulkCursorSchema = z.strictObject({ version: z.literal(1), bulk: bulkPlaceSchema })

export const cursorAtStart: Cursor = { after: null, unsettledFrom: null }

export const writeBulkCursor = (bulk: BulkPlace): string => JSON.stringify({ version: 1, bulk })

/** Null for a cursor of another kind. */
export function readBulkCursor(text: string | null): BulkPlace | null {
  try {
    return bulkCursorSchema.parse(JSON.parse(text ?? 'null')).bulk
  } catch {
    return null
  }
}

export const writeCursor = (cursor: Cursor): string => JSON.stringify({ version: 1, ...cursor })

/** Throws `configuration` on a text that is no cursor of ours: reading from the beginning unasked could take hours. */
export function readCursor(text: string | null): Cursor {
  if (text === null) return cursorAtStart
  try {
    const { after, unsettledFrom } = cursorSchema.parse(JSON.parse(text))
    return { after, unsettledFrom }
  } catch (cause) {
    throw new ConnectorFault(
      'configuration',
      'The stored cursor is not one of Salesforce',
      { code: 'INVALID_CURSOR' },
      { cause },
    )
  }
}

export const cursorOrder = 'SystemModstamp, Id'

/** What follows the cursor. The bare range comes first so that the index on SystemModstamp serves it. */
export function cursorCondition({ after }: Cursor): string | undefined {
  if (!after) return undefined
  const from = `SystemModstamp >= ${after.modstamp}`
  if (after.id === '') return from
  return `${from} AND (SystemModstamp > ${after.modstamp} OR Id > ${quoteText(after.id)})`
}

/**
 * The cursor behind a page that ends with `last`. `serverTime` is Salesforce's clock; without it the newest row stands for
 * it, which repeats the last stretch in every poll but skips nothing.
 */
export function advanceCursor(
  cursor: Cursor,
  last: { readonly modifiedAt: Date; readonly id: string },
  serverTime: Date | null,
  overlapMs: number,
): Cursor {
  const modstamp = instantLiteral(last.modifiedAt)
  const settledUntil = instantLiteral(new Date((serverTime ?? last.modifiedAt).getTime() - overlapMs))
  const isUnsettled = modstamp >= settledUntil
  return {
    after: { modstamp, id: last.id },
    unsettledFrom: cursor.unsettledFrom ?? (isUnsettled ? settledUntil : null),
  }
}

/** The cursor for the next poll, once a poll has reached the newest row. */
export const restCursor = ({ after, unsettledFrom }: Cursor): Cursor => ({
  after: unsettledFrom === null ? after : { modstamp: unsettledFrom, id: '' },
  unsettledFrom: null,
})

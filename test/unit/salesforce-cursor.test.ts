import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  advanceCursor,
  type Cursor,
  cursorAtStart,
  cursorCondition,
  readCursor,
  restCursor,
  writeCursor,
} from '#connectors/salesforce/cursor.ts'

const minute = 60_000
const overlapMs = 5 * minute
const epoch = Date.parse('2026-11-20T10:00:00Z')

interface Row {
  readonly id: string
  /** Seconds since the epoch of the test: when it was saved, and when others could see it. */
  readonly savedAt: number
  readonly visibleAt: number
}
const instant = (seconds: number) => new Date(epoch + seconds * 1000)
const compare = (a: Row, b: Row) => a.savedAt - b.savedAt || (a.id < b.id ? -1 : 1)

/** The rows behind a cursor by its condition, read as Salesforce would. */
function behind(cursor: Cursor, rows: readonly Row[], at: number): readonly Row[] {
  const visible = rows.filter(({ visibleAt }) => visibleAt <= at).toSorted(compare)
  if (!cursor.after) return visible
  const from = (Date.parse(cursor.after.modstamp) - epoch) / 1000
  const { id } = cursor.after
  return visible.filter((row) => row.savedAt > from || (row.savedAt === from && row.id > id))
}

function poll(start: Cursor, rows: readonly Row[], at: number, pageSize: number, hasClock: boolean) {
  const delivered: string[] = []
  let cursor = start
  for (;;) {
    const page = behind(cursor, rows, at).slice(0, pageSize)
    delivered.push(...page.map(({ id }) => id))
    const last = page.at(-1)
    if (last) {
      const serverTime = hasClock ? instant(at) : null
      cursor = advanceCursor(
        cursor,
        { modifiedAt: instant(last.savedAt), id: last.id },
        serverTime,
        overlapMs,
      )
    }
    cursor = readCursor(writeCursor(cursor))
    if (page.length < pageSize) return { delivered, cursor: restCursor(cursor) }
  }
}

const rowsArbitrary = fc
  .array(
    fc.record({
      savedAt: fc.oneof(fc.integer({ min: 0, max: 1200 }), fc.constantFrom(60, 61, 600)),
      openSeconds: fc.integer({ min: 0, max: overlapMs / 1000 - 1 }),
    }),
    { maxLength: 60 },
  )
  .map((drafts) =>
    drafts.map(({ savedAt, openSeconds }, index) => ({
      id: `id${String(index).padStart(3, '0')}`,
      savedAt,
      visibleAt: savedAt + openSeconds,
    })),
  )

describe('polling by cursor', () => {
  it('delivers every row, however many share a second and however late they commit within the overlap', () => {
    fc.assert(
      fc.property(
        rowsArbitrary,
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 12 }),
        fc.boolean(),
        (rows, pageSize, times, hasClock) => {
          let cursor = cursorAtStart
          const seen = new Set<string>()
          for (const at of [...times.toSorted((a, b) => a - b), 3000]) {
            const result = poll(cursor, rows, at, pageSize, hasClock)
            for (const id of result.delivered) seen.add(id)
            cursor = result.cursor
          }
          expect([...seen].toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
        },
      ),
    )
  })

  it('delivers each row once within one poll', () => {
    fc.assert(
      fc.property(rowsArbitrary, fc.integer({ min: 1, max: 7 }), (rows, pageSize) => {
        const { delivered } = poll(cursorAtStart, rows, 3000, pageSize, true)
        expect(delivered).toHaveLength(rows.length)
      }),
    )
  })

  it('delivers nothing again once the newest row is older than the overlap', () => {
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        const first = poll(cursorAtStart, rows, 3000, 10, true)
        expect(poll(first.cursor, rows, 3001, 10, true)).toEqual({ delivered: [], cursor: first.cursor })
      }),
    )
  })
})

describe('a cursor', () => {
  const last = { modifiedAt: new Date(epoch), id: '006B' }

  it('stays at the newest row while it is old, and steps back by the overlap while it is young', () => {
    const old = advanceCursor(cursorAtStart, last, new Date(epoch + 6 * minute), overlapMs)
    expect(restCursor(old)).toEqual({
      after: { modstamp: '2026-11-20T10:00:00Z', id: '006B' },
      unsettledFrom: null,
    })
    const young = advanceCursor(cursorAtStart, last, new Date(epoch + minute), overlapMs)
    expect(restCursor(young)).toEqual({
      after: { modstamp: '2026-11-20T09:56:00Z', id: '' },
      unsettledFrom: null,
    })
  })

  it('remembers over the pages of a long poll where the young rows began', () => {
    const first = advanceCursor(cursorAtStart, last, new Date(epoch + minute), overlapMs)
    const later = { modifiedAt: new Date(epoch + 30 * minute), id: '006C' }
    const second = advanceCursor(first, later, new Date(epoch + 31 * minute), overlapMs)
    expect(restCursor(second).after?.modstamp).toBe('2026-11-20T09:56:00Z')
  })

  it('asks for the rest of a second by id, and for a whole second without one', () => {
    expect(cursorCondition(cursorAtStart)).toBeUndefined()
    const at = (id: string) =>
      cursorCondition({ after: { modstamp: '2026-11-20T10:00:00Z', id }, unsettledFrom: null })
    expect(at('')).toBe('SystemModstamp >= 2026-11-20T10:00:00Z')
    expect(at('006B')).toBe(
      "SystemModstamp >= 2026-11-20T10:00:00Z AND (SystemModstamp > 2026-11-20T10:00:00Z OR Id > '006B')",
    )
  })

  it.each([
    '',
    'x',
    '{}',
    '{"version":2,"after":null,"unsettledFrom":null}',
    '{"version":1,"after":{"modstamp":"2026-11-20T10:00:00Z OR Name != null","id":""},"unsettledFrom":null}',
  ])('is not read from %j', (text) => {
    expect(() => readCursor(text)).toThrow('not one of Salesforce')
  })
})

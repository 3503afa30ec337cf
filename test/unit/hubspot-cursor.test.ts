import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { ConnectorFault } from '#connectors/fault.ts'
import {
  type Cursor,
  cursorAtStart,
  type Place,
  readCursor,
  stepBehind,
  writeCursor,
} from '#connectors/hubspot/cursor.ts'

const pageSize = 3
const overlapMs = 10

/** What HubSpot's search answers: rows past an instant in the order of time, or of one instant in the order of ids. */
function search(
  rows: readonly Place[],
  { after }: Cursor,
  shuffle: (rows: Place[]) => Place[],
): readonly Place[] {
  if (after !== null && after.id !== null) {
    const { at, id } = after
    return rows
      .filter((row) => row.at === at && Number(row.id) > Number(id))
      .toSorted((a, b) => Number(a.id) - Number(b.id))
      .slice(0, pageSize)
  }
  const past = shuffle(rows.filter((row) => after === null || row.at > after.at))
  return past.toSorted((a, b) => a.at - b.at).slice(0, pageSize)
}

function pollAll(
  rows: readonly Place[],
  start: Cursor,
  serverTime: number,
  shuffle = (list: Place[]) => list,
) {
  let cursor = start
  const seen: Place[] = []
  for (let page = 0; page < 200; page += 1) {
    const found = search(rows, cursor, shuffle)
    const step = stepBehind(cursor, found, found.length === pageSize, serverTime, overlapMs)
    seen.push(...step.places)
    cursor = readCursor(writeCursor(step.cursor))
    if (step.done) return { seen, cursor }
  }
  throw new Error('the poll does not end')
}

const placesArb = fc
  .array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 })
  .map((times) => times.map((at, index): Place => ({ at, id: String(index + 1) })))
const keyOf = ({ at, id }: Place) => `${at}/${id}`

describe('a poll', () => {
  test('tells every row once, however rows share instants and pages end among them', () => {
    fc.assert(
      fc.property(placesArb, fc.boolean(), (rows, isReversed) => {
        const shuffle = (list: Place[]) => (isReversed ? list.toReversed() : list)
        const { seen } = pollAll(rows, cursorAtStart, 1_000_000, shuffle)
        expect(seen.map(keyOf).toSorted()).toEqual(rows.map(keyOf).toSorted())
      }),
    )
  })

  test('and the next one together miss nothing that the index showed late, within the overlap', () => {
    fc.assert(
      fc.property(placesArb, placesArb, (early, extra) => {
        const serverTime = 40
        // Rows that were changed shortly before the first poll and shown only after it.
        const late = extra
          .filter(({ at }) => at >= serverTime - overlapMs)
          .map(({ at, id }) => ({ at, id: String(1000 + Number(id)) }))
        const first = pollAll(early, cursorAtStart, serverTime)
        const second = pollAll([...early, ...late], first.cursor, serverTime + 5)
        const seen = new Set([...first.seen, ...second.seen].map(keyOf))
        for (const row of late) expect(seen).toContain(keyOf(row))
      }),
    )
  })

  test('of settled rows leaves a cursor behind the newest of them', () => {
    const rows = [{ at: 5, id: '1' }]
    const { cursor } = pollAll(rows, cursorAtStart, 1_000)
    expect(cursor.after).toEqual({ at: 5, id: null })
    expect(pollAll(rows, cursor, 1_000).seen).toEqual([])
  })

  test('without a clock of the server repeats its newest rows rather than skip any', () => {
    const { cursor } = stepBehind(cursorAtStart, [{ at: 500, id: '1' }], false, null, overlapMs)
    expect(cursor.after).toEqual({ at: 489, id: null })
  })
})

describe('a stored cursor', () => {
  it.each(['', 'x', '{}', '{"version":2}', '[]', '{"version":1,"after":{"at":"1","id":null}}'])(
    'that is not one of ours is refused: %s',
    (text) => {
      expect(() => readCursor(text)).toThrow(ConnectorFault)
    },
  )
  it('that is absent is the beginning', () => {
    expect(readCursor(null)).toEqual(cursorAtStart)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectorFault } from '#connectors/fault.ts'
import { readBulkCursor, readCursor, writeBulkCursor } from '#connectors/salesforce/cursor.ts'
import { readPushCursor, writePushCursor } from '#connectors/salesforce/push-cursor.ts'

const replayId = fc.oneof(fc.integer({ min: -2 }), fc.string({ minLength: 1 }), fc.constant(null))
const object = fc.stringMatching(/^[A-Z][A-Za-z]{0,12}(__c)?$/)

describe('the place in the change events', () => {
  it('is read as it was written, whatever the replay ids look like', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(object, replayId), { maxLength: 8 }), (pairs) => {
        const places = new Map(pairs)
        expect(readPushCursor(writePushCursor(places))).toEqual(places)
      }),
    )
  })

  it('is nowhere without a cursor, and never that of something else', () => {
    expect(readPushCursor(null)).toEqual(new Map())
    for (const text of ['', 'nonsense', '{}', '{"version":1}', '{"version":2,"replay":{}}']) {
      expect(() => readPushCursor(text)).toThrow(ConnectorFault)
    }
  })
})

describe('the place in a query job', () => {
  const place = { job: '750gL0000000001AAA', from: '2026-11-20T10:00:00Z', locator: 'MTAw', skip: 2000 }

  it('is read as it was written, and is no place of a poll', () => {
    const cursor = writeBulkCursor(place)
    expect(readBulkCursor(cursor)).toEqual(place)
    expect(() => readCursor(cursor)).toThrow(ConnectorFault)
  })

  it('is none for other cursors, and names nothing but a job', () => {
    const foreign = [null, '', 'nonsense "bulk"', '{"version":1,"after":null,"unsettledFrom":null}']
    for (const text of foreign) expect(readBulkCursor(text)).toBeNull()
    expect(readBulkCursor(writeBulkCursor({ ...place, job: '../../sobjects/User' }))).toBeNull()
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fullBatches } from '#src/sync/records/full-batches.ts'

interface Item {
  readonly name: number
  readonly ripe: boolean
}

const items = fc
  .array(fc.boolean(), { maxLength: 60 })
  .map((ripe) => ripe.map((isRipe, name): Item => ({ name, ripe: isRipe })))
const going = (given: readonly Item[], size: number) => fullBatches(given, size, ({ ripe }) => ripe)

test('whatever has waited enough goes, and nothing goes twice', () => {
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 12 }), (given, size) => {
      const gone = going(given, size)
      expect(given.filter(({ ripe }) => ripe).every((item) => gone.includes(item))).toBe(true)
      expect(new Set(gone).size).toBe(gone.length)
      expect(gone.every((item) => given.includes(item))).toBe(true)
    }),
  )
})

test('a batch that is not full goes only with one that has waited enough', () => {
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 12 }), (given, size) => {
      const gone = going(given, size)
      const lastBatch = gone.slice(gone.length - (gone.length % size || size))
      if (gone.length % size !== 0) expect(lastBatch.some(({ ripe }) => ripe)).toBe(true)
    }),
  )
})

test('no more is left behind than would not fill a batch', () => {
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 12 }), (given, size) => {
      expect(given.length - going(given, size).length).toBeLessThan(size)
    }),
  )
})

test('those that have waited come first, and a batch that goes anyway is filled up', () => {
  const given = [false, true, false, false, true].map((ripe, name) => ({ name, ripe }))
  expect(going(given, 4).map(({ name }) => name)).toEqual([1, 4, 0, 2])
  expect(going(given.slice(2, 4), 4)).toEqual([])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LabelCount, labels, measureQuality, shareOf } from '#src/conflicts/label-quality.ts'

const count = (band: LabelCount['band'], label: LabelCount['label'], count: number): LabelCount => ({
  ruleVersion: 3,
  matcherVersion: 1,
  band,
  label,
  count,
})

test('precision and recall of each band come out of what people decided', () => {
  const [all, version] = measureQuality([
    count('blocked', 'uphold', 18),
    count('blocked', 'override', 2),
    count('review', 'uphold', 10),
    count('review', 'override', 30),
    count('clear', 'uphold', 4),
    count('clear', 'override', 1),
  ])
  expect(version).toMatchObject({ ruleVersion: 3, matcherVersion: 1 })
  expect(all?.conflicts).toMatchObject({
    labelled: 65,
    bands: {
      blocked: { labelled: 20, right: 18, precision: { value: 0.9 }, recall: { value: 0.5625 } },
      review: { labelled: 40, right: 10, precision: { value: 0.25 }, recall: { value: 0.3125 } },
      flagged: { labelled: 60, right: 28, precision: { value: 0.4667 }, recall: { value: 0.875 } },
      clear: { labelled: 5, right: 1, precision: { value: 0.2 }, recall: { value: 0.0303 } },
    },
  })
  expect(all?.companies).toMatchObject({ labelled: 0, words: 'Nobody has decided anything yet.' })
})

test('with few decisions it says so, and the range is wide', () => {
  const [all] = measureQuality([count('review', 'uphold', 3)])
  expect(all?.conflicts.words).toContain('Only 3 decided')
  expect(all?.conflicts.words).toContain('upper bound')
  const precision = all?.conflicts.bands.review.precision
  expect(precision).toMatchObject({ value: 1, to: 1 })
  expect(precision?.from).toBeLessThan(0.5)
  expect(all?.conflicts.bands.blocked.precision).toBeNull()
})

test('a share lies within its range, which narrows as counts grow', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.integer({ min: 1, max: 500 }), (a, of) => {
      const hits = Math.min(a, of)
      const share = shareOf(hits, of)
      const tenfold = shareOf(hits * 10, of * 10)
      if (!share || !tenfold) throw new Error('A share of something is a share')
      expect(share.from).toBeLessThanOrEqual(share.value)
      expect(share.to).toBeGreaterThanOrEqual(share.value)
      expect(tenfold.to - tenfold.from).toBeLessThanOrEqual(share.to - share.from)
    }),
  )
})

test('every label counts once, in the total as in its version', () => {
  const counts = fc.array(
    fc.record({
      ruleVersion: fc.integer({ min: 1, max: 3 }),
      matcherVersion: fc.constant(1),
      band: fc.constantFrom('clear', 'review', 'blocked' as const),
      label: fc.constantFrom(...labels),
      count: fc.nat(50),
    }),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(counts as fc.Arbitrary<LabelCount[]>, (given) => {
      const [all, ...each] = measureQuality(given)
      const total = given.reduce((sum, one) => sum + one.count, 0)
      const sumOf = (one: typeof all) => (one?.conflicts.labelled ?? 0) + (one?.companies.labelled ?? 0)
      expect(sumOf(all)).toBe(total)
      expect(each.reduce((sum, one) => sum + sumOf(one), 0)).toBe(total)
    }),
  )
})

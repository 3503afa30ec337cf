import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  applyRate,
  currencyExponent,
  divideHalfEven,
  formatDecimal,
  parseDecimal,
  splitByWeights,
} from '#src/kernel/money.ts'

const currency = fc.constantFrom('USD', 'EUR', 'JPY', 'HUF', 'KWD', 'CLF')
const amount = fc.bigInt(-(10n ** 18n) + 1n, 10n ** 18n - 1n)

describe('amounts', () => {
  test('come back from their decimal text exactly, in every currency, up to eighteen digits', () => {
    fc.assert(
      fc.property(amount, currency, (minor, code) => {
        expect(parseDecimal(formatDecimal(minor, code), code)).toBe(minor)
      }),
    )
  })

  test.each([
    ['100.50', 'USD', 10_050n],
    ['100.5', 'USD', 10_050n],
    ['100.500', 'USD', 10_050n],
    ['100.505', 'USD', null],
    ['100', 'JPY', 100n],
    ['100.5', 'JPY', null],
    ['-0.01', 'USD', -1n],
    ['1e3', 'USD', null],
    ['', 'USD', null],
    ['9999999999999999.99', 'USD', 999_999_999_999_999_999n],
    ['10000000000000000.00', 'USD', null],
  ])('%s in %s is %s', (text, code, expected) => {
    expect(parseDecimal(text, code)).toBe(expected)
  })

  test('have the places that ISO 4217 gives their currency', () => {
    expect(['USD', 'JPY', 'KWD', 'CLF', 'HUF'].map(currencyExponent)).toEqual([2, 0, 3, 4, 2])
  })
})

describe('division', () => {
  test.each([
    [5n, 2n, 2n],
    [7n, 2n, 4n],
    [-5n, 2n, -2n],
    [-7n, 2n, -4n],
    [1n, 3n, 0n],
    [2n, 3n, 1n],
  ])('of %s by %s is %s: a half goes to the even neighbour', (numerator, denominator, expected) => {
    expect(divideHalfEven(numerator, denominator)).toBe(expected)
  })

  test('is never off by more than a half', () => {
    fc.assert(
      fc.property(amount, fc.bigInt(1n, 10n ** 9n), (numerator, denominator) => {
        const rest = numerator - divideHalfEven(numerator, denominator) * denominator
        expect((rest < 0n ? -rest : rest) * 2n <= denominator).toBe(true)
      }),
    )
  })

  test('by a rate of one million parts is the amount itself', () => {
    fc.assert(
      fc.property(amount, (minor) => {
        expect(applyRate(minor, 1_000_000)).toBe(minor)
      }),
    )
  })
})

describe('a split', () => {
  test('loses no cent and gives no share more than its part and one', () => {
    const weights = fc
      .array(fc.nat(1_000), { minLength: 1, maxLength: 20 })
      .filter((list) => list.some((weight) => weight > 0))
    fc.assert(
      fc.property(amount, weights, (minor, parts) => {
        const shares = splitByWeights(minor, parts)
        const total = BigInt(parts.reduce((sum, weight) => sum + weight, 0))
        expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(minor)
        shares.forEach((share, index) => {
          const distance = share * total - minor * BigInt(parts[index] ?? 0)
          expect((distance < 0n ? -distance : distance) < total).toBe(true)
        })
      }),
    )
  })

  test('among nobody is refused', () => {
    expect(() => splitByWeights(1n, [0, 0])).toThrow(RangeError)
  })
})

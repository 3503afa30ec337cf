/**
 * Exact money: integer minor units and the currency's own exponent. Nothing here touches floating point.
 * Division rounds half to even, once, where the caller says so.
 */
import { z } from 'zod'
import type { MoneyValue } from './field-value.ts'

export const currencySchema = z.string().regex(/^[A-Z]{3}$/, 'an ISO 4217 code such as USD')
export const minorUnitsSchema = z.codec(z.string().regex(/^-?\d{1,18}$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (amount) => amount.toString(),
})

export interface Money {
  readonly amountMinor: bigint
  readonly currency: string
}

/** ISO 4217 currencies whose minor unit is not a hundredth. (Locale data differs: it counts what is used in shops.) */
const unusualExponents: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
}
const exponents = new Map(
  Object.entries(unusualExponents).flatMap(([digits, codes]) =>
    codes.split(' ').map((code) => [code, Number(digits)] as const),
  ),
)

/** Decimal places of a currency by ISO 4217: 2 for USD, 0 for JPY, 3 for KWD. */
export const currencyExponent = (currency: string): number => exponents.get(currency) ?? 2

/** Eighteen digits of minor units, on the wire and in the database alike. */
const limitMinor = 10n ** 18n

/**
 * Minor units of a decimal text ("1234.5" USD -> 123450n).
 * Null when it is not a decimal, has more places than the currency, or more than eighteen digits in all.
 */
export function parseDecimal(text: string, currency: string): bigint | null {
  const match = /^(-?)(\d{1,18})(?:\.(\d+))?$/.exec(text.trim())
  if (!match) return null
  const [, sign, whole = '0', fraction = ''] = match
  const exponent = currencyExponent(currency)
  if (fraction.slice(exponent).replaceAll('0', '') !== '') return null
  const minor = BigInt(whole + fraction.slice(0, exponent).padEnd(exponent, '0'))
  if (minor >= limitMinor) return null
  return sign === '-' ? -minor : minor
}

/** Decimal text with exactly the currency's places (123450n USD -> "1234.50"). */
export function formatDecimal(amountMinor: bigint, currency: string): string {
  const exponent = currencyExponent(currency)
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(exponent + 1, '0')
  const sign = amountMinor < 0n ? '-' : ''
  if (exponent === 0) return sign + digits
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`
}

export const toMoneyValue = (money: Money): MoneyValue => ({
  amount: formatDecimal(money.amountMinor, money.currency),
  currency: money.currency,
})

/** numerator / denominator, rounded half to even (banker's rounding). The denominator is not zero. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n
  const n = numerator < 0n ? -numerator : numerator
  const d = denominator < 0n ? -denominator : denominator
  const quotient = n / d
  const twice = (n % d) * 2n
  const up = twice > d || (twice === d && quotient % 2n === 1n)
  const rounded = up ? quotient + 1n : quotient
  return negative ? -rounded : rounded
}

/** A rate in parts per million: 12.5 % is 125_000. */
export const ratePpmSchema = z.int().min(0).max(1_000_000)

/** `amountMinor` x rate, rounded half to even once. */
export const applyRate = (amountMinor: bigint, ratePpm: number): bigint =>
  divideHalfEven(amountMinor * BigInt(ratePpm), 1_000_000n)

/**
 * Splits an amount by weights so that no cent is lost: floor shares first, then the remaining units one by one to the
 * largest remainders (ties: the earlier share). Weights are not negative and not all zero.
 */
export function splitByWeights(amountMinor: bigint, weights: readonly number[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
  if (total <= 0n) throw new RangeError('weights must not all be zero')
  const negative = amountMinor < 0n
  const amount = negative ? -amountMinor : amountMinor
  const shares = weights.map((weight, index) => {
    const exact = amount * BigInt(weight)
    return { index, share: exact / total, remainder: exact % total }
  })
  let left = amount - shares.reduce((sum, { share }) => sum + share, 0n)
  const order = [...shares].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  )
  for (const entry of order) {
    if (left === 0n) break
    entry.share += 1n
    left -= 1n
  }
  return shares.map(({ share }) => (negative ? -share : share))
}

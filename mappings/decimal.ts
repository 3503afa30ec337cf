/** Exact decimals between texts and a CRM's JSON numbers; nothing is computed in floating point. */
import type { RemoteValue } from '../connectors/connector.ts'
import { divideHalfEven } from '../src/kernel/money.ts'

/** units / 10^places */
export interface Decimal {
  readonly units: bigint
  readonly places: number
}

const decimal = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/

/** A JSON number counts as the shortest decimal that names it. Null: not a decimal, or out of all proportion. */
export function readDecimal(value: RemoteValue): Decimal | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null
  const match = decimal.exec(String(value).trim())
  if (!match) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = BigInt(whole + fraction)
  const units = sign === '-' ? -digits : digits
  const places = fraction.length - Number(exponent)
  return places >= 0 ? { units, places } : { units: units * 10n ** BigInt(-places), places: 0 }
}

/** a x b, exactly. */
export const multiplyDecimals = (a: Decimal, b: Decimal): Decimal => ({
  units: a.units * b.units,
  places: a.places + b.places,
})

/** a / b, rounded half to even at `places`. `b` is not zero. */
export const divideDecimals = (a: Decimal, b: Decimal, places: number): Decimal => ({
  units: divideHalfEven(a.units * 10n ** BigInt(b.places + places), b.units * 10n ** BigInt(a.places)),
  places,
})

/** Rounded half to even; what has no more places already is returned as it is. */
export const roundDecimal = (value: Decimal, places: number): Decimal =>
  value.places <= places
    ? value
    : { units: divideHalfEven(value.units, 10n ** BigInt(value.places - places)), places }

/** The one canonical text of a number: no zeros in front or at the end, no exponent, no minus before zero. */
export function shortestText({ units, places }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '')
  return `${units < 0n ? '-' : ''}${whole}${fraction && `.${fraction}`}`
}

/** The JSON number that names exactly this decimal; null where there is none (beyond 15 to 17 digits). */
export function exactNumber(value: Decimal): number | null {
  const text = shortestText(value)
  const number = Number(text)
  const back = readDecimal(number)
  return back && shortestText(back) === text ? number : null
}

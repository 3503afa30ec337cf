import { formatDecimal } from '#src/kernel/money.ts'
import type { AwardBasis, DifferenceBasis } from './award-basis.ts'

const money = (amountMinor: bigint, currency: string): string =>
  `${formatDecimal(amountMinor, currency)} ${currency}`

/** 125_000 parts per million as "12.5 %". */
const percent = (ratePpm: number): string => `${trimZeros(decimal(BigInt(ratePpm), 4))} %`

/** An integer with its last `places` digits after the point. */
function decimal(amount: bigint, places: number): string {
  const digits = amount.toString().padStart(places + 1, '0')
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`
}

const trimZeros = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)

/** An award in plain sentences, each with its arithmetic; the last one ends in the amount of this payee. */
export function explainAward(basis: AwardBasis): readonly string[] {
  const { dealCurrency, currency, capMinor } = basis
  const base = money(basis.baseMinor, dealCurrency)
  const steps = [`The deal is worth ${money(basis.dealAmountMinor, dealCurrency)}.`]
  if (basis.division === 'scaled') {
    steps.push('Its products add up to another amount and were scaled to it, losing no cent.')
  }
  if (basis.rule.kind === 'percent') {
    if (basis.baseMinor !== basis.dealAmountMinor) steps.push(`Products that count: ${base}.`)
    steps.push(explainRate(basis, basis.rule.ratePpm, base))
  } else {
    steps.push(`A flat amount of ${money(basis.grossMinor, currency)} per deal.`)
  }
  if (capMinor !== null && basis.cappedMinor < basis.grossMinor) {
    steps.push(`The line pays at most ${money(capMinor, currency)} per deal.`)
  }
  if (basis.shareWeight !== basis.shareTotal) {
    const share = `${basis.shareWeight} of ${basis.shareTotal} shares of ${money(basis.cappedMinor, currency)}`
    steps.push(`${share}: ${money(basis.amountMinor, currency)}, odd cents to the largest remainders.`)
  }
  return steps
}

function explainRate(basis: AwardBasis, ratePpm: number, base: string): string {
  const exponent = formatDecimal(0n, basis.currency).split('.')[1]?.length ?? 0
  const exact = trimZeros(decimal(basis.baseMinor * BigInt(ratePpm), exponent + 6))
  const rounded = formatDecimal(basis.grossMinor, basis.currency)
  const result = `${percent(ratePpm)} of ${base} is`
  return exact === trimZeros(rounded)
    ? `${result} ${rounded} ${basis.currency}.`
    : `${result} ${exact}, rounded half to even: ${rounded} ${basis.currency}.`
}

/** A ledger entry of a deal's earnings: how the amount owed came about, and why just this difference was posted. */
export function explainDifference(basis: DifferenceBasis, currency: string): readonly string[] {
  const difference = money(basis.differenceMinor, currency)
  const posted =
    basis.earlierMinor === 0n
      ? []
      : [`Posted before: ${money(basis.earlierMinor, currency)}; the difference is ${difference}.`]
  if (basis.award) return [...explainAward(basis.award), ...posted]
  const why =
    basis.outcome === 'won'
      ? 'The plan line awards this partner nothing any more.'
      : `The deal is ${basis.outcome}; only a deal that is won earns.`
  return [why, ...posted]
}

/**
 * What the deals of this run owe by the plan that `setUpInstallation` publishes, worked out on its own: from the texts
 * of the file and whole numbers, without a line of the product. Where both agree to the cent, neither guessed.
 */

/** What is known of a deal in the CRM in the end. */
export interface Fact {
  readonly tier: 'gold' | 'silver'
  readonly products: readonly ('SUITE' | 'ROLLOUT')[]
  /** Decimal text in USD. */
  readonly amount: string
  readonly won: boolean
}

const percent = { gold: 15n, silver: 10n }
const mostCents = 25_000_00n
const servicesCents = 250_00n

/** Cents that the partner has earned; null where the products do not say how the amount divides, so that it waits. */
export function earnedCents({ tier, products, amount, won }: Fact): bigint | null {
  if (!won) return 0n
  const [product, another] = products
  if (!product || another) return null
  if (product === 'ROLLOUT') return servicesCents
  const share = roundToEven(centsOf(amount) * percent[tier])
  return share > mostCents ? mostCents : share
}

export function centsOf(amount: string): bigint {
  const [units = '0', cents = ''] = amount.split('.')
  return BigInt(units) * 100n + BigInt(cents.padEnd(2, '0').slice(0, 2))
}

/** Hundredths of a cent to cents: the last two digits decide, and 50 goes to the even neighbour. */
function roundToEven(hundredths: bigint): bigint {
  const digits = hundredths.toString().padStart(3, '0')
  const whole = BigInt(digits.slice(0, -2))
  const rest = Number(digits.slice(-2))
  const up = rest > 50 || (rest === 50 && Number(digits.at(-3)) % 2 === 1)
  return up ? whole + 1n : whole
}

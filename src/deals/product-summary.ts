import { currencyExponent, toMoneyValue } from '#src/kernel/money.ts'
import type { Deal } from './deal.ts'

/** Room that a summary takes at most, in characters. */
export const productSummaryLength = 2_000
/** Room for saying how many were left out. */
const restLength = 20

/**
 * The products of a registration in one line: "Commerce Suite (1,000.00 USD); Rollout package". Amounts stand there where
 * the registration divides its amount. What does not fit is counted: "... and 12 more". Null for none.
 * @param nameOf by id of the product
 */
export function summariseProducts(
  { products, currency }: Pick<Deal, 'products' | 'currency'>,
  nameOf: (productId: string) => string,
): string | null {
  const parts = products.map(({ productId, amountMinor }) =>
    amountMinor === null || currency === null
      ? nameOf(productId)
      : `${nameOf(productId)} (${amountText(amountMinor, currency)})`,
  )
  let text = ''
  for (const [index, part] of parts.entries()) {
    const longer = text === '' ? part : `${text}; ${part}`
    const room = index === parts.length - 1 ? productSummaryLength : productSummaryLength - restLength
    if (longer.length > room) return `${text} and ${parts.length - index} more`
    text = longer
  }
  return text || null
}

/** Grouped as people write it, exact to the last digit. */
function amountText(amountMinor: bigint, currency: string): string {
  const { amount } = toMoneyValue({ amountMinor, currency })
  const digits = currencyExponent(currency)
  const format = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return `${format.format(amount as `${number}`)} ${currency}`
}

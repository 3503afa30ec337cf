import { z } from 'zod'

/**
 * The canonical, JSON-safe value of one field, the same on our side and (after a transform) on theirs:
 * text, decimal numbers, dates (YYYY-MM-DD), instants (ISO, UTC) and ids are strings; money is a decimal with its currency.
 */
export const moneyValueSchema = z.strictObject({
  amount: z.string().regex(/^-?\d+(\.\d+)?$/),
  currency: z.string().regex(/^[A-Z]{3}$/),
})
export const fieldValueSchema = z.union([z.string(), z.boolean(), z.null(), moneyValueSchema])
export type MoneyValue = z.infer<typeof moneyValueSchema>
export type FieldValue = z.infer<typeof fieldValueSchema>

export const isMoneyValue = (value: FieldValue): value is MoneyValue =>
  typeof value === 'object' && value !== null

/** Blank: absent or empty text. `false` and `0` are values. */
export const isBlank = (value: FieldValue | undefined): boolean =>
  value === undefined || value === null || value === ''

/** Equality of canonical values; blank equals blank. */
export function sameValue(a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  if (isBlank(a) || isBlank(b)) return isBlank(a) && isBlank(b)
  if (typeof a === 'object' && typeof b === 'object' && a && b) {
    return a.amount === b.amount && a.currency === b.currency
  }
  return a === b
}

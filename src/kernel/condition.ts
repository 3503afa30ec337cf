/**
 * One AND/OR language for every rule: auto-approval, inclusion in a mapping, routing, incentive lines.
 * Conditions are data, checked against a catalogue of typed facts before they are stored; evaluating one is total.
 */
import { z } from 'zod'
import type { FieldIssue } from './errors.ts'
import { type FieldValue, fieldValueSchema, isBlank, isMoneyValue, sameValue } from './field-value.ts'
import type { FieldType } from './synced-entity.ts'

export const comparisons = [
  'equals',
  'not_equals',
  'in',
  'not_in',
  'at_least',
  'at_most',
  'greater_than',
  'less_than',
  'blank',
  'not_blank',
] as const
export type Comparison = (typeof comparisons)[number]

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | {
      readonly field: string
      readonly is: Comparison
      readonly value?: FieldValue | readonly FieldValue[] | undefined
    }

const leaf = z.strictObject({
  field: z.string().min(1).max(100),
  is: z.enum(comparisons),
  value: z.union([fieldValueSchema, z.array(fieldValueSchema).min(1).max(200)]).optional(),
})
export const conditionSchema: z.ZodType<Condition> = z
  .lazy(() =>
    z.union([
      z.strictObject({ all: z.array(conditionSchema).max(50) }),
      z.strictObject({ any: z.array(conditionSchema).max(50) }),
      z.strictObject({ not: conditionSchema }),
      leaf,
    ]),
  )
  .meta({ id: 'Condition' })

/** An empty `all` holds for everything. */
export const always: Condition = { all: [] }

export interface Fact {
  readonly name: string
  readonly type: FieldType
  readonly choices?: readonly string[] | undefined
}

const ordered = new Set<Comparison>(['at_least', 'at_most', 'greater_than', 'less_than'])
const orderedTypes = new Set<FieldType>(['number', 'money', 'date', 'datetime'])
const decimal = /^-?\d+(\.\d+)?$/

/** Problems of a condition against the facts it may ask for; `path` is a JSON pointer below `at`. */
export function checkCondition(condition: Condition, facts: readonly Fact[], at = ''): FieldIssue[] {
  if ('all' in condition)
    return condition.all.flatMap((part, i) => checkCondition(part, facts, `${at}/all/${i}`))
  if ('any' in condition)
    return condition.any.flatMap((part, i) => checkCondition(part, facts, `${at}/any/${i}`))
  if ('not' in condition) return checkCondition(condition.not, facts, `${at}/not`)
  const fact = facts.find(({ name }) => name === condition.field)
  if (!fact) {
    const known = facts.map(({ name }) => name).join(', ')
    return [
      { path: `${at}/field`, code: 'unknown_field', message: `"${condition.field}" is not one of: ${known}` },
    ]
  }
  return checkLeaf(condition, fact, at)
}

function checkLeaf(condition: Extract<Condition, { field: string }>, fact: Fact, at: string): FieldIssue[] {
  const issue = (code: string, message: string): FieldIssue[] => [{ path: `${at}/value`, code, message }]
  const { is, value } = condition
  if (is === 'blank' || is === 'not_blank') {
    return value === undefined ? [] : issue('unexpected_value', `"${is}" takes no value`)
  }
  if (value === undefined) return issue('missing_value', `"${is}" needs a value`)
  const list = is === 'in' || is === 'not_in'
  if (list !== Array.isArray(value)) {
    return issue('wrong_shape', list ? `"${is}" needs a list of values` : `"${is}" needs one value`)
  }
  if (ordered.has(is) && !orderedTypes.has(fact.type)) {
    return issue('wrong_type', `"${fact.name}" is of type ${fact.type} and has no order`)
  }
  const values = Array.isArray(value) ? (value as readonly FieldValue[]) : [value as FieldValue]
  for (const one of values) {
    if (fact.type === 'choice' && fact.choices && !fact.choices.includes(String(one))) {
      return issue(
        'unknown_choice',
        `"${String(one)}" is not a choice of ${fact.name}: ${fact.choices.join(', ')}`,
      )
    }
    if (!fitsType(one, fact.type))
      return issue('wrong_type', `The value does not fit ${fact.name}, a ${fact.type}`)
  }
  return []
}

function fitsType(value: FieldValue, type: FieldType): boolean {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'number':
      return typeof value === 'string' && decimal.test(value)
    case 'money':
      return isMoneyValue(value)
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)
    case 'datetime':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value))
    case 'text':
    case 'choice':
    case 'reference':
      return typeof value === 'string'
  }
}

/**
 * Does the condition hold? Total: a missing fact is blank; an ordered comparison with blank, or of money in two
 * currencies, does not hold (and neither does its opposite), so nothing is decided on a guess.
 */
export function evaluateCondition(
  condition: Condition,
  facts: Readonly<Record<string, FieldValue>>,
): boolean {
  if ('all' in condition) return condition.all.every((part) => evaluateCondition(part, facts))
  if ('any' in condition) return condition.any.some((part) => evaluateCondition(part, facts))
  if ('not' in condition) return !evaluateCondition(condition.not, facts)
  const actual = facts[condition.field] ?? null
  const expected = condition.value
  const one = (Array.isArray(expected) ? null : (expected ?? null)) as FieldValue
  const many = (Array.isArray(expected) ? expected : []) as readonly FieldValue[]
  switch (condition.is) {
    case 'blank':
      return isBlank(actual)
    case 'not_blank':
      return !isBlank(actual)
    case 'equals':
      return sameValue(actual, one)
    case 'not_equals':
      return !sameValue(actual, one)
    case 'in':
      return many.some((value) => sameValue(actual, value))
    case 'not_in':
      return !many.some((value) => sameValue(actual, value))
    case 'at_least':
      return holds(actual, one, (order) => order >= 0)
    case 'at_most':
      return holds(actual, one, (order) => order <= 0)
    case 'greater_than':
      return holds(actual, one, (order) => order > 0)
    case 'less_than':
      return holds(actual, one, (order) => order < 0)
  }
}

function holds(actual: FieldValue, expected: FieldValue, test: (order: number) => boolean): boolean {
  const order = compareValues(actual, expected)
  return order !== null && test(order)
}

/** Negative, zero or positive; null where the two have no common order. */
export function compareValues(a: FieldValue, b: FieldValue): number | null {
  if (isBlank(a) || isBlank(b)) return null
  if (isMoneyValue(a) && isMoneyValue(b)) {
    return a.currency === b.currency ? compareDecimals(a.amount, b.amount) : null
  }
  if (typeof a !== 'string' || typeof b !== 'string') return null
  if (decimal.test(a) && decimal.test(b)) return compareDecimals(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

function compareDecimals(a: string, b: string): number {
  const places = Math.max(fraction(a).length, fraction(b).length)
  const difference = scaled(a, places) - scaled(b, places)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

const fraction = (text: string): string => text.split('.')[1] ?? ''
const scaled = (text: string, places: number): bigint =>
  BigInt((text.split('.')[0] ?? '0').replace('-', '') + fraction(text).padEnd(places, '0')) *
  (text.startsWith('-') ? -1n : 1n)

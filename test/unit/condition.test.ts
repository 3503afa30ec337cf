import { describe, expect, test } from 'vitest'
import { type Condition, checkCondition, conditionSchema, evaluateCondition } from '#src/kernel/condition.ts'

const facts = [
  { name: 'amount', type: 'money' },
  { name: 'country', type: 'text' },
  { name: 'tier', type: 'choice', choices: ['gold', 'silver'] },
  { name: 'closing', type: 'date' },
] as const
const usd = (amount: string) => ({ amount, currency: 'USD' })

describe('a condition', () => {
  test.each<[string, Condition, boolean]>([
    ['an empty "all" holds', { all: [] }, true],
    ['an empty "any" does not', { any: [] }, false],
    ['money is compared by value', { field: 'amount', is: 'at_most', value: usd('1000.0') }, true],
    ['not by text', { field: 'amount', is: 'greater_than', value: usd('99.00') }, true],
    [
      'two currencies have no order',
      { field: 'amount', is: 'at_most', value: { amount: '9999', currency: 'EUR' } },
      false,
    ],
    [
      'nor has the opposite',
      { field: 'amount', is: 'greater_than', value: { amount: '1', currency: 'EUR' } },
      false,
    ],
    ['a missing fact is blank', { field: 'country', is: 'blank' }, true],
    ['and below nothing', { field: 'closing', is: 'less_than', value: '2027-01-01' }, false],
    ['lists', { field: 'tier', is: 'in', value: ['gold', 'silver'] }, true],
    [
      'nesting',
      {
        all: [
          { not: { field: 'tier', is: 'equals', value: 'silver' } },
          { any: [{ field: 'tier', is: 'equals', value: 'gold' }] },
        ],
      },
      true,
    ],
  ])('%s', (_name, condition, expected) => {
    expect(conditionSchema.parse(condition)).toEqual(condition)
    expect(evaluateCondition(condition, { amount: usd('1000.00'), tier: 'gold' })).toBe(expected)
  })

  test.each<[string, Condition, string, string]>([
    ['an unknown fact', { all: [{ field: 'colour', is: 'blank' }] }, '/all/0/field', 'unknown_field'],
    ['an order of text', { field: 'country', is: 'at_least', value: 'DE' }, '/value', 'wrong_type'],
    ['a list where one is asked', { field: 'country', is: 'equals', value: ['DE'] }, '/value', 'wrong_shape'],
    [
      'one where a list is asked',
      { not: { field: 'country', is: 'in', value: 'DE' } },
      '/not/value',
      'wrong_shape',
    ],
    ['a choice that is none', { field: 'tier', is: 'equals', value: 'bronze' }, '/value', 'unknown_choice'],
    ['a missing value', { field: 'tier', is: 'equals' }, '/value', 'missing_value'],
    ['text for money', { field: 'amount', is: 'at_least', value: '100' }, '/value', 'wrong_type'],
  ])('%s is named with its place', (_name, condition, path, code) => {
    expect(checkCondition(condition, facts)).toMatchObject([{ path, code }])
  })
})

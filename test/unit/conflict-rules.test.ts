import { expect, test } from 'vitest'
import { differencesOf } from '#src/conflicts/differences.ts'
import {
  checkRuleSet,
  defaultRuleSet,
  isPublishable,
  type RuleSet,
  ruleSetSchema,
} from '#src/conflicts/rule-set.ts'

const codesOf = (rules: RuleSet) => checkRuleSet(rules).map(({ path, code }) => `${path} ${code}`)

test('the rules of a new installation are sound', () => {
  expect(ruleSetSchema.parse(defaultRuleSet)).toEqual(defaultRuleSet)
  expect(checkRuleSet(defaultRuleSet)).toEqual([])
})

test('what is misspelled or belongs to no rule is refused', () => {
  expect(ruleSetSchema.safeParse({ ...defaultRuleSet, blocks: [] }).success).toBe(false)
  expect(ruleSetSchema.safeParse({ ...defaultRuleSet, winner: { order: ['oldest'] } }).success).toBe(false)
  const nameless = { reason: 'Sanctions', tell: 'Not for registration', company: { country: 'DE' } }
  expect(ruleSetSchema.safeParse({ ...defaultRuleSet, exclusions: [nameless] }).success).toBe(false)
})

test('crossed thresholds and contradicting stages are errors, each with its place', () => {
  const rules: RuleSet = {
    ...defaultRuleSet,
    sameDeal: {
      ...defaultRuleSet.sameDeal,
      company: { shownFrom: 80, reviewFrom: 70, blockedFrom: 60 },
    },
    directOpportunities: {
      ...defaultRuleSet.directOpportunities,
      blockedStages: ['Negotiation'],
      ignoredStages: ['  negotiation '],
    },
    winner: { order: ['first_registration', 'first_registration'] },
  }
  expect(codesOf(rules)).toEqual([
    '/sameDeal/company/reviewFrom thresholds_crossed',
    '/sameDeal/company/blockedFrom thresholds_crossed',
    '/winner/order/1 repeated',
    '/directOpportunities/blockedStages/0 contradiction',
  ])
  expect(isPublishable(checkRuleSet(rules))).toBe(false)
})

test('a difference names the value, and one entry of a list more moves no other', () => {
  const entry = (name: string) => ({ company: { name }, reason: 'Sanctions', tell: 'Not for registration' })
  const before = { ...defaultRuleSet, exclusions: [entry('Alpha'), entry('Beta')] }
  const after = {
    ...defaultRuleSet,
    sameDeal: { ...defaultRuleSet.sameDeal, windows: 'any' },
    exclusions: [entry('Beta')],
  }
  expect(differencesOf(before, after)).toEqual([
    { path: '/sameDeal/windows', kind: 'changed', before: '"overlap"', after: '"any"' },
    { path: '/exclusions/0', kind: 'removed', before: JSON.stringify(entry('Alpha')), after: null },
  ])
  expect(differencesOf(before, before)).toEqual([])
  expect(differencesOf({ order: [1, 2] }, { order: [2, 1] })).toEqual([
    { path: '/order', kind: 'changed', before: '[1,2]', after: '[2,1]' },
  ])
})

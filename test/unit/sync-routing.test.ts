import { describe, expect, test } from 'vitest'
import type { RoutingFacts } from '#src/deals/routing-facts.ts'
import type { Condition } from '#src/kernel/condition.ts'
import { newId } from '#src/kernel/ids.ts'
import { checkRouting, chooseConnection } from '#src/sync/memory/routing.ts'

const emea = newId<'connection'>()
const americas = newId<'connection'>()
const fallback = newId<'connection'>()
const rule = (connectionId: typeof emea, when: Condition) => ({ name: 'Rule', connectionId, when })
const of = (facts: RoutingFacts['facts'], productFamilies: readonly string[] = []): RoutingFacts => ({
  facts,
  productFamilies,
})
const region: Condition = { field: 'country', is: 'in', value: ['DE', 'FR'] }
const large: Condition = { field: 'amount', is: 'at_least', value: { amount: '100000', currency: 'EUR' } }
const phones: Condition = { field: 'productFamily', is: 'equals', value: 'phones' }
const goesTo = (rules: Parameters<typeof chooseConnection>[0]['rules'], facts: RoutingFacts) =>
  chooseConnection({ rules }, fallback, facts)

describe('the connection of a deal', () => {
  test('is that of the first rule that holds', () => {
    const rules = [rule(americas, large), rule(emea, region)]
    const big = of({ country: 'DE', amount: { amount: '100000', currency: 'EUR' } })
    expect(goesTo(rules, big)).toEqual({ connectionId: americas, rule: 0 })
    expect(goesTo(rules, of({ country: 'FR', amount: null }))).toEqual({ connectionId: emea, rule: 1 })
  })

  test('is the default where no rule holds, none included', () => {
    expect(goesTo([rule(emea, region)], of({ country: 'US' }))).toEqual({
      connectionId: fallback,
      rule: null,
    })
    expect(goesTo([], of({}))).toEqual({ connectionId: fallback, rule: null })
  })

  test('is not guessed from an amount in another currency', () => {
    const dollars = of({ amount: { amount: '900000', currency: 'USD' } })
    expect(goesTo([rule(americas, large)], dollars).connectionId).toBe(fallback)
  })

  test('may hang on one of several product families, and on there being none', () => {
    expect(goesTo([rule(emea, phones)], of({}, ['lines', 'phones'])).connectionId).toBe(emea)
    expect(goesTo([rule(emea, phones)], of({}, ['lines'])).connectionId).toBe(fallback)
    const none: Condition = { field: 'productFamily', is: 'blank' }
    expect(goesTo([rule(emea, none)], of({})).connectionId).toBe(emea)
    expect(goesTo([rule(emea, none)], of({}, ['lines'])).connectionId).toBe(fallback)
  })
})

test('a routing names facts that there are, values that fit and connections that exist', () => {
  const routing = {
    rules: [
      rule(emea, { field: 'colour', is: 'equals', value: 'red' }),
      rule(newId(), { field: 'amount', is: 'at_least', value: 'much' }),
    ],
    defaultConnectionId: americas,
  }
  expect(checkRouting(routing, new Set([emea])).map(({ path, code }) => [path, code])).toEqual([
    ['/body/rules/0/when/field', 'unknown_field'],
    ['/body/rules/1/when/value', 'wrong_type'],
    ['/body/rules/1/connectionId', 'unknown_connection'],
    ['/body/defaultConnectionId', 'unknown_connection'],
  ])
})

import { describe, expect, test } from 'vitest'
import { approvalFactsOf } from '#src/deals/approval-facts.ts'
import { checkEligibility } from '#src/deals/eligibility.ts'
import { checkCondition, evaluateCondition } from '#src/kernel/condition.ts'
import { dealFacts } from '#src/partners/programme.ts'
import { sampleDeal } from '#test/support/deals.ts'

const programme = { id: 'p', eligibility: { tierIds: null, countries: null } }
const member = (over: object = {}) => ({
  status: 'active' as const,
  memberships: [{ programmeId: 'p', tierId: 'gold', territories: [] as string[], ...over }],
})

describe('the gates of a programme', () => {
  test.each([
    ['an active member', member(), programme, 'DE', []],
    ['another programme’s member', member({ programmeId: 'q' }), programme, 'DE', ['not_a_member']],
    ['suspended', { ...member(), status: 'suspended' as const }, programme, 'DE', ['partner_not_active']],
    [
      'a tier that is not admitted',
      member(),
      { ...programme, eligibility: { tierIds: ['silver'], countries: null } },
      'DE',
      ['tier_not_admitted'],
    ],
    [
      'a country outside of the programme',
      member(),
      { ...programme, eligibility: { tierIds: null, countries: ['FR'] } },
      'DE',
      ['country_not_in_programme'],
    ],
    [
      'outside of its territory',
      member({ territories: ['FR'] }),
      programme,
      'DE',
      ['country_not_in_territory'],
    ],
    ['inside of its territory', member({ territories: ['FR', 'DE'] }), programme, 'DE', []],
    [
      'no country, but a territory',
      member({ territories: ['FR'] }),
      programme,
      null,
      ['country_not_in_territory'],
    ],
  ])('%s', (_name, partner, gates, country, closed) => {
    expect(checkEligibility(partner, gates, country)).toEqual(closed)
  })
})

describe('automatic approval', () => {
  const facts = approvalFactsOf(sampleDeal({ conflict: 'clear' }), {
    tierName: 'Gold',
    partnerStatus: 'active',
    familyCodes: ['voice', 'data', 'voice'],
  })

  test('every fact that a programme may ask for is supplied, and no other', () => {
    expect(Object.keys(facts).sort()).toEqual(dealFacts.map(({ name }) => name).sort())
  })

  test('a condition on amount, tier and verdict holds', () => {
    const condition = {
      all: [
        { field: 'amount', is: 'at_most', value: { amount: '50000', currency: 'EUR' } },
        { field: 'tier', is: 'equals', value: 'Gold' },
        { field: 'conflict', is: 'equals', value: 'clear' },
        { field: 'productFamilies', is: 'equals', value: 'data, voice' },
        { field: 'productFamilyCount', is: 'at_most', value: '2' },
      ],
    } as const
    expect(checkCondition(condition, dealFacts)).toEqual([])
    expect(evaluateCondition(condition, facts)).toBe(true)
  })
})

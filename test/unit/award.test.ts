import { expect, test } from 'vitest'
import { owed } from '#src/incentives/award.ts'
import { explainAward } from '#src/incentives/explanation.ts'
import { checkPlanDocument, planDocumentSchema } from '#src/incentives/plan.ts'
import { newId } from '#src/kernel/ids.ts'
import { partnerIds, planDocument, planLine, planVersion, wonDeal } from '#test/support/incentives.ts'

const amounts = (facts: Parameters<typeof owed>[0], plan: Parameters<typeof owed>[1]) =>
  owed(facts, plan).awards.map(({ amountMinor }) => amountMinor)

test.each(['open', 'lost'] as const)('a deal that is %s owes nothing', (outcome) => {
  expect(owed(wonDeal({ outcome }), planVersion(planLine()))).toEqual({ awards: [], holds: [] })
})

test('a percentage is rounded half to even, once', () => {
  const plan = planVersion(planLine({ pays: { kind: 'percent', ratePpm: 500_000 } }))
  expect(amounts(wonDeal({ amountMinor: 101n }), plan)).toEqual([50n])
  expect(amounts(wonDeal({ amountMinor: 103n }), plan)).toEqual([52n])
  const families = [newId(), newId()]
  const lines = families.map((familyId) => ({ familyId, amountMinor: 101n }))
  expect(amounts(wonDeal({ amountMinor: 202n, lines }), plan)).toEqual([101n])
})

test('lines that match add up, each with an award of its own', () => {
  const plan = planVersion(
    planLine(),
    planLine({ id: 'bonus', pays: { kind: 'flat', amountMinor: 5_000n, currency: 'EUR' } }),
  )
  const { awards } = owed(wonDeal(), plan)
  expect(awards.map(({ planLineId, amountMinor, currency }) => [planLineId, amountMinor, currency])).toEqual([
    ['base', 123_457n, 'USD'],
    ['bonus', 5_000n, 'EUR'],
  ])
})

test('a line for some product families counts only their part of the amount', () => {
  const [hardware, software] = [newId(), newId()]
  const lines = [
    { familyId: hardware, amountMinor: 70_000n },
    { familyId: software, amountMinor: 30_000n },
    { familyId: null, amountMinor: 5_000n },
  ]
  const byList = planVersion(planLine({ families: [software] }))
  const byCondition = planVersion(planLine({ when: { field: 'familyId', is: 'equals', value: software } }))
  for (const plan of [byList, byCondition]) {
    expect(amounts(wonDeal({ amountMinor: 105_000n, lines }), plan)).toEqual([3_000n])
  }
})

test('products that add up to something else are scaled to the amount, which is what counts', () => {
  const software = newId()
  const lines = [
    { familyId: software, amountMinor: 100n },
    { familyId: newId(), amountMinor: 200n },
  ]
  const plan = planVersion(planLine({ families: [software], pays: { kind: 'percent', ratePpm: 1_000_000 } }))
  expect(amounts(wonDeal({ amountMinor: 1_000n, lines }), plan)).toEqual([333n])
})

test('products without amounts leave the amount whole: for all of them it counts, for some of them it waits', () => {
  const software = newId()
  const lines = [
    { familyId: software, amountMinor: 0n },
    { familyId: newId(), amountMinor: 0n },
  ]
  const plan = planVersion(planLine(), planLine({ id: 'software', families: [software] }))
  const { awards, holds } = owed(wonDeal({ amountMinor: 1_000n, lines }), plan)
  expect(awards).toMatchObject([{ planLineId: 'base', amountMinor: 100n }])
  expect(holds).toMatchObject([{ planLineId: 'software', reason: 'amount_not_divided' }])
})

test('a tier that the line does not name earns nothing, and neither does a deal without one', () => {
  const [gold, silver] = [newId(), newId()]
  const plan = planVersion(planLine({ tiers: [gold] }))
  expect(amounts(wonDeal({ tierId: gold }), plan)).toEqual([123_457n])
  expect(amounts(wonDeal({ tierId: silver }), plan)).toEqual([])
  expect(amounts(wonDeal({ tierId: null }), plan)).toEqual([])
})

test('a condition may ask for amount, type, country and day', () => {
  const when = {
    all: [
      { field: 'amount', is: 'at_least' as const, value: { amount: '10000', currency: 'USD' } },
      { field: 'registrationType', is: 'in' as const, value: ['resale', 'referral'] },
      { field: 'country', is: 'equals' as const, value: 'DE' },
      { field: 'effectiveOn', is: 'at_most' as const, value: '2026-03-31' },
    ],
  }
  const plan = planVersion(planLine({ when }))
  expect(checkPlanDocument(plan.document)).toEqual([])
  expect(amounts(wonDeal({ country: 'DE' }), plan)).toEqual([123_457n])
  expect(amounts(wonDeal({ country: 'DE', amountMinor: 999_999n }), plan)).toEqual([])
  expect(amounts(wonDeal({ country: 'DE', effectiveOn: '2026-04-01' }), plan)).toEqual([])
  expect(amounts(wonDeal(), plan)).toEqual([])
})

test('a cap holds for the deal, before the split', () => {
  const payees = partnerIds(3)
  const plan = planVersion(planLine({ cap: { amountMinor: 100_000n, currency: 'USD' } }))
  const partners = payees.toReversed().map((partnerId) => ({ partnerId, shareWeight: 1 }))
  const { awards } = owed(wonDeal({ partners }), plan)
  expect(awards.map(({ payeeId, amountMinor }) => [payeeId, amountMinor])).toEqual([
    [payees[0], 33_334n],
    [payees[1], 33_333n],
    [payees[2], 33_333n],
  ])
})

test('what cannot be computed waits with its reason instead of being guessed', () => {
  const plan = planVersion(planLine())
  const partnerId = newId<'partner'>()
  const reasonOf = (changes: Parameters<typeof wonDeal>[0]) => {
    const { awards, holds } = owed(wonDeal(changes), plan)
    expect(awards).toEqual([])
    return holds.map(({ reason }) => reason)
  }
  expect(owed(wonDeal(), null).holds).toMatchObject([{ planLineId: null, reason: 'no_plan' }])
  expect(reasonOf({ amountMinor: -1n })).toEqual(['amount_negative'])
  expect(reasonOf({ partners: [] })).toEqual(['split_invalid'])
  const share = (shareWeight: number) => ({ partnerId, shareWeight })
  expect(reasonOf({ partners: [share(0)] })).toEqual(['split_invalid'])
  expect(reasonOf({ partners: [share(1.5)] })).toEqual(['split_invalid'])
  expect(reasonOf({ partners: [share(1), share(1)] })).toEqual(['split_invalid'])
  const capped = planVersion(
    planLine({ cap: { amountMinor: 5n, currency: 'EUR' } }),
    planLine({ id: 'other' }),
  )
  const { awards, holds } = owed(wonDeal(), capped)
  expect(awards).toMatchObject([{ planLineId: 'other' }])
  expect(holds).toMatchObject([{ planLineId: 'base', reason: 'cap_in_other_currency' }])
})

test('a deal in review is worked out, but waits as a whole', () => {
  const { awards, holds } = owed(wonDeal({ hold: 'customer_in_review' }), planVersion(planLine()))
  expect(awards).toHaveLength(1)
  expect(holds).toEqual([{ planLineId: null, reason: 'in_review', detail: 'customer_in_review' }])
})

test('the explanation can be followed to the cent', () => {
  const partners = partnerIds(2).map((partnerId, index) => ({ partnerId, shareWeight: index + 1 }))
  const plan = planVersion(
    planLine({
      pays: { kind: 'percent', ratePpm: 125_000 },
      cap: { amountMinor: 100_000n, currency: 'USD' },
    }),
  )
  const [first] = owed(wonDeal({ partners }), plan).awards
  expect(first && explainAward(first.basis)).toEqual([
    'The deal is worth 12345.67 USD.',
    '12.5 % of 12345.67 USD is 1543.20875, rounded half to even: 1543.21 USD.',
    'The line pays at most 1000.00 USD per deal.',
    '1 of 3 shares of 1000.00 USD: 333.33 USD, odd cents to the largest remainders.',
  ])
})

test('a plan that repeats a line, asks for an unknown fact or caps in another currency is refused by name', () => {
  const flat = { kind: 'flat', amountMinor: 5n, currency: 'USD' } as const
  const document = planDocument([
    planLine({ when: { field: 'weather', is: 'equals', value: 'fine' } }),
    planLine({ pays: flat, cap: { amountMinor: 5n, currency: 'EUR' } }),
  ])
  expect(checkPlanDocument(document)).toMatchObject([
    { path: '/lines/0/when/field', code: 'unknown_field' },
    { path: '/lines/1/id', code: 'repeated' },
    { path: '/lines/1/cap/currency', code: 'other_currency' },
  ])
  const stated = { ...planDocument([planLine()]), rounding: 'half_up' }
  expect(planDocumentSchema.safeParse(stated).success).toBe(false)
})

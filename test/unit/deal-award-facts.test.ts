import { describe, expect, test } from 'vitest'
import { awardFactsOf, holdOf } from '#src/deals/award-facts.ts'
import { newId } from '#src/kernel/ids.ts'
import { approvedDeal } from '#test/support/deals.ts'

const context = { programme: { currency: 'USD' }, split: undefined, today: '2026-05-04' }
const won = { outcome: 'won', outcomeOn: '2026-05-01', outcomeRevision: 3 } as const

describe('what incentives learn of a deal', () => {
  test('is its outcome, its money and its promise', () => {
    const deal = approvedDeal(won)
    expect(awardFactsOf(deal, context)).toMatchObject({
      dealId: deal.id,
      outcome: 'won',
      outcomeRevision: 3,
      effectiveOn: '2026-05-01',
      postedOn: '2026-05-04',
      amountMinor: 5_000_000n,
      currency: 'EUR',
      planVersionId: deal.planVersionId,
      partners: [{ partnerId: deal.partnerId, shareWeight: 1 }],
      hold: null,
    })
  })

  test('names the partners of the split, where there is one', () => {
    const split = [{ partnerId: newId<'partner'>(), shareWeight: 3 }]
    expect(awardFactsOf(approvedDeal(won), { ...context, split }).partners).toEqual(split)
  })

  test('is no win where a person disregarded it', () => {
    const deal = approvedDeal({ ...won, outcomeStanding: 'disregarded' })
    expect(awardFactsOf(deal, context)).toMatchObject({ outcome: 'open', hold: null })
  })
})

test.each([
  ['nothing in question', {}, null],
  ['a change was requested', { changeRequested: true }, 'change_requested'],
  ['the partner is in review', { reviewHold: 'partner_in_review' }, 'partner_in_review'],
  ['the win is unexpected', { outcomeStanding: 'unexpected' }, 'outcome_in_review'],
  ['it was won before the import', { outcomeStanding: 'historic' }, 'settled_before_import'],
  ['the amount is missing', { amountMinor: null }, 'amount_missing'],
  ['the win was recognised', { outcomeStanding: 'recognised' }, null],
] as const)('earnings wait or not when %s', (_name, over, hold) => {
  expect(holdOf(approvedDeal({ ...won, ...over }))).toBe(hold)
})

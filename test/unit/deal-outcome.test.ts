import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stateFacts } from '#src/deals/outcome.ts'
import { type FieldValue, fieldValueSchema } from '#src/kernel/field-value.ts'
import { approvedDeal, sampleDeal } from '#test/support/deals.ts'

const judgement = { today: '2026-05-04', lapseRule: 'keep_while_open' } as const
const state = (deal: Parameters<typeof stateFacts>[0], changes: Record<string, FieldValue>) =>
  stateFacts(deal, changes, judgement)

describe('a fact of the CRM', () => {
  test('a win of an approved registration is taken, on the day that the CRM closed it', () => {
    const { deal, outcomes } = state(approvedDeal(), { outcome: 'won', expectedCloseDate: '2026-04-30' })
    expect(deal).toMatchObject({
      outcome: 'won',
      outcomeOn: '2026-04-30',
      outcomeStanding: 'expected',
      outcomeRevision: 1,
    })
    expect(outcomes.every(({ kind }) => kind === 'applied')).toBe(true)
  })

  test('a close date ahead of us does not move the win into the future', () => {
    const { deal } = state(approvedDeal(), { outcome: 'won', expectedCloseDate: '2026-12-31' })
    expect(deal.outcomeOn).toBe('2026-05-04')
  })

  test.each([
    ['pending', sampleDeal({ status: 'submitted' }), 'won_while_submitted'],
    ['rejected', sampleDeal({ status: 'rejected' }), 'won_while_rejected'],
    ['withdrawn', sampleDeal({ status: 'withdrawn' }), 'won_while_withdrawn'],
    [
      'long expired',
      approvedDeal({ status: 'expired', protectedUntil: '2026-04-01' }),
      'won_outside_protection',
    ],
  ])('a win while %s is recorded and asks for a person', (_name, before, code) => {
    const { deal, outcomes } = state(before, { outcome: 'won' })
    expect(deal).toMatchObject({ outcome: 'won', outcomeStanding: 'unexpected', outcomeRevision: 1 })
    expect(outcomes).toEqual([expect.objectContaining({ field: 'outcome', kind: 'review', code })])
  })

  test('a re-opened deal is open again and its surprise is over', () => {
    const won = state(sampleDeal({ status: 'rejected' }), { outcome: 'won' }).deal
    const { deal } = state(won, { outcome: 'open' })
    expect(deal).toMatchObject({
      outcome: 'open',
      outcomeOn: null,
      outcomeStanding: 'expected',
      outcomeRevision: 2,
    })
  })

  test.each(['historic', 'disregarded'] as const)(
    'a %s win stays for a person to say, also when it is won again',
    (outcomeStanding) => {
      const old = approvedDeal({ outcome: 'won', outcomeOn: '2026-01-01', outcomeStanding })
      const again = state(state(old, { outcome: 'open' }).deal, { outcome: 'won' }).deal
      expect(again).toMatchObject({ outcome: 'won', outcomeStanding })
    },
  )

  test('the same outcome again changes nothing', () => {
    const won = state(approvedDeal(), { outcome: 'won' }).deal
    expect(state(won, { outcome: 'won' }).deal).toEqual(won)
  })

  test('the amount may change after the win and counts', () => {
    const won = state(approvedDeal(), { outcome: 'won' }).deal
    const { deal } = state(won, { amount: { amount: '61000.50', currency: 'USD' } })
    expect(deal).toMatchObject({ amountMinor: 6_100_050n, currency: 'USD', outcomeRevision: 2 })
  })

  test('several counted changes in one go raise the revision once', () => {
    const { deal } = state(approvedDeal(), { amount: { amount: '7', currency: 'EUR' }, outcome: 'won' })
    expect(deal.outcomeRevision).toBe(1)
  })

  test.each([
    ['a removed amount of a won deal', { amount: null }, 'amount_removed'],
    ['a negative amount', { amount: { amount: '-1', currency: 'EUR' } }, 'amount_negative'],
    ['half a cent', { amount: { amount: '1.005', currency: 'EUR' } }, 'amount_not_exact'],
    ['an unknown outcome', { outcome: 'maybe' }, 'unknown_outcome'],
    ['a partner taken away', { partner: null }, 'partner_changed_in_crm'],
    ['another customer', { customer: 'x' }, 'customer_changed_in_crm'],
    ['a field of ours', { status: 'approved' }, 'not_ours_to_take'],
    ['a day that is none', { expectedCloseDate: '31.12.2026' }, 'not_a_day'],
  ])('%s is kept for a person', (_name, changes, code) => {
    const won = approvedDeal({ outcome: 'won', outcomeOn: '2026-04-01', outcomeRevision: 1 })
    const { deal, outcomes } = state(won, changes as Record<string, FieldValue>)
    expect(outcomes).toEqual([expect.objectContaining({ kind: 'review', code })])
    expect(deal).toMatchObject({ amountMinor: won.amountMinor, outcome: 'won', outcomeRevision: 1 })
  })

  test('a disputed amount holds earnings until the CRM states one again', () => {
    const won = approvedDeal({ outcome: 'won' })
    const held = state(won, { amount: null }).deal
    expect(held.reviewHold).toBe('amount_in_review')
    expect(state(held, { amount: { amount: '5', currency: 'EUR' } }).deal.reviewHold).toBeNull()
  })

  test('a blank amount or close date of an open deal is taken as blank', () => {
    const { deal } = state(approvedDeal(), { amount: null, expectedCloseDate: null })
    expect(deal).toMatchObject({ amountMinor: null, expectedCloseDate: null })
  })

  test('every fact gets its answer, whatever it is, and no rule is broken', () => {
    const value = fc.oneof(
      fc.constantFrom('won', 'lost', 'open', '2026-05-01', '', null, true),
      fc.string(),
      fc.record({
        amount: fc.constantFrom('1', '-1', '0', '12.345', '99999999'),
        currency: fc.constant('EUR'),
      }),
    )
    const field = fc.constantFrom(
      'amount',
      'expectedCloseDate',
      'outcome',
      'stage',
      'partner',
      'title',
      '__x',
    )
    fc.assert(
      fc.property(fc.array(fc.dictionary(field, value), { maxLength: 8 }), (polls) => {
        let deal = approvedDeal()
        const { registeredAt, status } = deal
        for (const changes of polls) {
          for (const one of Object.values(changes)) fieldValueSchema.parse(one)
          const stated = state(deal, changes)
          expect(stated.outcomes.map((outcome) => outcome.field).sort()).toEqual(Object.keys(changes).sort())
          expect(stated.deal.outcomeRevision - deal.outcomeRevision).toBeLessThanOrEqual(1)
          expect(stated.deal.outcomeOn === null).toBe(stated.deal.outcome === 'open')
          deal = stated.deal
        }
        expect([deal.registeredAt, deal.status]).toEqual([registeredAt, status])
      }),
    )
  })
})

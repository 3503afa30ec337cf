import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  extendedUntil,
  isDueToExpire,
  isExpectedWin,
  isProtectedOn,
  protectFrom,
  reminderDue,
} from '#src/deals/protection.ts'
import { addDays, dayIn } from '#src/kernel/calendar.ts'
import { approvedDeal, sampleDeal } from '#test/support/deals.ts'

describe('protection', () => {
  test('lasts ninety days after the day of approval, both ends protected', () => {
    const range = protectFrom('2026-01-01', 90)
    expect(range).toEqual({ from: '2026-01-01', to: '2026-04-01' })
    const deal = approvedDeal({ protectedFrom: range.from, protectedUntil: range.to })
    expect(isProtectedOn(deal, '2025-12-31', 'lapse')).toBe(false)
    expect(isProtectedOn(deal, '2026-01-01', 'lapse')).toBe(true)
    expect(isProtectedOn(deal, '2026-04-01', 'lapse')).toBe(true)
    expect(isProtectedOn(deal, '2026-04-02', 'lapse')).toBe(false)
  })

  test('starts on the day that it is in the zone of the programme', () => {
    const instant = new Date('2026-01-01T23:30:00Z')
    expect(protectFrom(dayIn(instant, 'America/New_York'), 90).from).toBe('2026-01-01')
    expect(protectFrom(dayIn(instant, 'Asia/Tokyo'), 90).from).toBe('2026-01-02')
  })

  test('an open opportunity keeps it only under that rule, and only while linked', () => {
    const linked = approvedDeal({ crmState: 'linked' })
    const later = '2026-12-01'
    expect(isProtectedOn(linked, later, 'keep_while_open')).toBe(true)
    expect(isProtectedOn(linked, later, 'lapse')).toBe(false)
    expect(isProtectedOn({ ...linked, crmState: 'gone' }, later, 'keep_while_open')).toBe(false)
    expect(isProtectedOn({ ...linked, outcome: 'lost' }, later, 'keep_while_open')).toBe(false)
  })

  test('what is protected does not expire, and what is due to expire is not protected', () => {
    const statuses = ['approved', 'expired', 'cancelled', 'submitted'] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...statuses),
        fc.constantFrom('none', 'linked', 'gone' as const),
        fc.constantFrom('open', 'won', 'lost' as const),
        fc.constantFrom('lapse', 'keep_while_open' as const),
        fc.integer({ min: 0, max: 400 }),
        (status, crmState, outcome, rule, days) => {
          const deal = approvedDeal({ status, crmState, outcome })
          const day = addDays('2026-03-04', days)
          expect(isDueToExpire(deal, day, rule) && isProtectedOn(deal, day, rule)).toBe(false)
        },
      ),
    )
  })

  test('an extension never shortens it', () => {
    expect(extendedUntil('2026-06-02', '2026-05-20', 30)).toBe('2026-07-02')
    expect(extendedUntil('2026-06-02', '2026-08-01', 30)).toBe('2026-08-31')
  })

  test('reminds at each lead once', () => {
    const sent: number[] = []
    let reminded: number | null = null
    for (let left = 20; left >= -2; left -= 1) {
      const due = reminderDue('2026-06-30', addDays('2026-06-30', -left), reminded)
      if (due !== null) {
        sent.push(due)
        reminded = due
      }
    }
    expect(sent).toEqual([14, 3])
  })

  test('a worker that was away sends only the nearest reminder', () => {
    expect(reminderDue('2026-06-30', '2026-06-28', null)).toBe(3)
  })
})

describe('a win', () => {
  test.each([
    ['approved, within the range', approvedDeal(), '2026-06-02', true],
    ['approved, won the day before approval was recorded', approvedDeal(), '2026-03-01', true],
    ['approved, after the range, linked', approvedDeal({ crmState: 'linked' }), '2026-07-01', true],
    ['approved, after the range, not linked', approvedDeal(), '2026-07-01', false],
    ['expired, but won before the end', approvedDeal({ status: 'expired' }), '2026-06-01', true],
    ['long expired', approvedDeal({ status: 'expired' }), '2026-09-01', false],
    ['cancelled', approvedDeal({ status: 'cancelled' }), '2026-04-01', false],
    ['pending', sampleDeal({ status: 'in_review' }), '2026-04-01', false],
    ['rejected', sampleDeal({ status: 'rejected' }), '2026-04-01', false],
    ['withdrawn', sampleDeal({ status: 'withdrawn' }), '2026-04-01', false],
  ])('%s: expected or not', (_name, deal, day, expected) => {
    expect(isExpectedWin(deal, day, 'keep_while_open')).toBe(expected)
  })
})

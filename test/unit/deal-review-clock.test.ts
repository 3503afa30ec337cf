import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { businessMsBetween, pauseClock, resumeClock, startClock } from '#src/deals/review-clock.ts'
import { defaultCalendar } from '#src/kernel/calendar.ts'

const terms = {
  timeZone: 'Europe/Berlin',
  calendar: { ...defaultCalendar, holidays: ['2026-05-01'] },
  reviewTargetBusinessDays: 2,
  reviewOverdueBusinessDays: 5,
}
const monday = new Date('2026-03-02T10:00:00Z')
const hours = (n: number) => n * 3_600_000
const later = (from: Date, ms: number) => new Date(from.getTime() + ms)

describe('the review clock', () => {
  test('counts business days in the zone of the programme', () => {
    const clock = startClock(monday, terms)
    expect(clock.targetAt.toISOString()).toBe('2026-03-04T10:00:00.000Z')
    expect(clock.overdueAt.toISOString()).toBe('2026-03-09T10:00:00.000Z')
  })

  test('leaves out weekends and holidays', () => {
    const clock = startClock(new Date('2026-04-30T10:00:00Z'), terms)
    expect(clock.targetAt.toISOString()).toBe('2026-05-05T10:00:00.000Z')
  })

  test('stands still while the question is open', () => {
    const asked = later(monday, hours(24))
    const paused = pauseClock(startClock(monday, terms), asked)
    expect(paused.pausedAt).toEqual(asked)
    const answered = new Date('2026-03-12T10:00:00Z')
    const resumed = resumeClock(paused, answered, terms)
    expect(resumed.pausedAt).toBeNull()
    expect(resumed.targetAt.toISOString()).toBe('2026-03-13T10:00:00.000Z')
    expect(resumed.overdueAt.toISOString()).toBe('2026-03-18T10:00:00.000Z')
  })

  test('a weekend inside the pause is nobody’s time', () => {
    const friday = new Date('2026-03-06T16:00:00Z')
    const paused = pauseClock(startClock(friday, terms), new Date('2026-03-06T20:00:00Z'))
    const resumed = resumeClock(paused, new Date('2026-03-09T20:00:00Z'), terms)
    expect(resumed.targetAt.toISOString()).toBe('2026-03-11T16:00:00.000Z')
  })

  test('what was missed before the question stays missed', () => {
    const clock = startClock(monday, terms)
    const tooLate = later(clock.targetAt, hours(1))
    const resumed = resumeClock(pauseClock(clock, tooLate), later(tooLate, hours(48)), terms)
    expect(resumed.targetAt).toEqual(clock.targetAt)
    expect(resumed.overdueAt > clock.overdueAt).toBe(true)
  })

  test('a second question while one is open changes nothing', () => {
    const paused = pauseClock(startClock(monday, terms), later(monday, hours(1)))
    expect(pauseClock(paused, later(monday, hours(9)))).toBe(paused)
  })

  test('any pauses keep the vendor’s business time', () => {
    const start = new Date('2026-01-01T00:00:00Z').getTime()
    const moment = fc
      .integer({ min: 0, max: hours(24 * 300) / 60_000 })
      .map((minutes) => start + minutes * 60_000)
    fc.assert(
      fc.property(
        moment,
        fc.array(fc.integer({ min: 1, max: 60 * 24 * 9 }), { maxLength: 6 }),
        (at, steps) => {
          let now = new Date(at)
          let clock = startClock(now, terms)
          let used = 0
          const whole = businessMsBetween(now, clock.overdueAt, terms)
          for (const [i, minutes] of steps.entries()) {
            const next = later(now, minutes * 60_000)
            if (i % 2 === 0) {
              used += businessMsBetween(now, next, terms)
              if (used >= whole) return
              clock = pauseClock(clock, next)
            } else {
              clock = resumeClock(clock, next, terms)
            }
            now = next
          }
          if (clock.pausedAt !== null) clock = resumeClock(clock, now, terms)
          expect(businessMsBetween(now, clock.overdueAt, terms)).toBe(whole - used)
        },
      ),
    )
  })
})

import { expect, test } from 'vitest'
import { addBusinessDays, dayIn, daysBetween, defaultCalendar, startOfDay } from '#src/kernel/calendar.ts'

const berlin = 'Europe/Berlin'

test('a day is that of the zone', () => {
  expect(dayIn(new Date('2026-11-20T23:30:00Z'), berlin)).toBe('2026-11-21')
  expect(dayIn(new Date('2026-11-20T23:30:00Z'), 'America/New_York')).toBe('2026-11-20')
  expect(startOfDay('2026-03-29', berlin).toISOString()).toBe('2026-03-28T23:00:00.000Z')
  expect(daysBetween('2026-03-28', '2026-03-30')).toBe(2)
})

test('business days keep the hour, over weekends, holidays and the change of clocks', () => {
  const friday = new Date('2026-03-27T14:00:00Z')
  expect(addBusinessDays(friday, 1, defaultCalendar, berlin).toISOString()).toBe('2026-03-30T13:00:00.000Z')
  const holidays = { ...defaultCalendar, holidays: ['2026-03-30'] }
  expect(addBusinessDays(friday, 1, holidays, berlin).toISOString()).toBe('2026-03-31T13:00:00.000Z')
})

test('what begins on a day off counts from the start of the next working day', () => {
  expect(addBusinessDays(new Date('2026-11-21T10:00:00Z'), 2, defaultCalendar, berlin).toISOString()).toBe(
    '2026-11-24T23:00:00.000Z',
  )
})

test('a calendar in which nobody works for ten years is refused', () => {
  const never = { workingDays: [], holidays: [] }
  expect(() => addBusinessDays(new Date('2026-11-21T10:00:00Z'), 1, never, berlin)).toThrow(RangeError)
})

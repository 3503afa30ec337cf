import {
  addBusinessDays,
  addDays,
  type BusinessCalendar,
  type Day,
  dayIn,
  startOfDay,
} from '#src/kernel/calendar.ts'
import type { ReviewClock } from './deal.ts'

/** What a programme says about review time. */
export interface ReviewTerms {
  readonly timeZone: string
  readonly calendar: BusinessCalendar
  readonly reviewTargetBusinessDays: number
  readonly reviewOverdueBusinessDays: number
}

/** The clock of a registration that was submitted at `now`. */
export const startClock = (now: Date, terms: ReviewTerms): ReviewClock => ({
  startedAt: now,
  targetAt: addBusinessDays(now, terms.reviewTargetBusinessDays, terms.calendar, terms.timeZone),
  overdueAt: addBusinessDays(now, terms.reviewOverdueBusinessDays, terms.calendar, terms.timeZone),
  pausedAt: null,
})

/** The vendor asked a question: the time until the answer is not the vendor's. */
export const pauseClock = (clock: ReviewClock, now: Date): ReviewClock =>
  clock.pausedAt === null ? { ...clock, pausedAt: now } : clock

/** The answer came: what business time was left before the question is left again. What was missed stays missed. */
export function resumeClock(clock: ReviewClock, now: Date, terms: ReviewTerms): ReviewClock {
  const { pausedAt } = clock
  if (pausedAt === null) return clock
  const move = (deadline: Date): Date =>
    deadline <= pausedAt
      ? deadline
      : addBusinessTime(now, businessMsBetween(pausedAt, deadline, terms), terms)
  return {
    ...clock,
    pausedAt: null,
    targetAt: move(clock.targetAt),
    overdueAt: move(clock.overdueAt),
  }
}

const mostDays = 3_653

type Zone = Pick<ReviewTerms, 'calendar' | 'timeZone'>

/** Time on working days between two instants; a working day counts whole, as business days do. */
export function businessMsBetween(from: Date, to: Date, { calendar, timeZone }: Zone): number {
  let total = 0
  let day = dayIn(from, timeZone)
  for (let steps = 0; steps < mostDays; steps += 1) {
    const start = startOfDay(day, timeZone)
    if (start >= to) return total
    const end = startOfDay(addDays(day, 1), timeZone)
    if (worksOn(day, calendar)) {
      total += Math.min(end.getTime(), to.getTime()) - Math.max(start.getTime(), from.getTime())
    }
    day = addDays(day, 1)
  }
  return total
}

/** The first working instant with `ms` of business time between it and `from`. */
export function addBusinessTime(from: Date, ms: number, { calendar, timeZone }: Zone): Date {
  let left = ms
  let day = dayIn(from, timeZone)
  for (let steps = 0; steps < mostDays; steps += 1) {
    if (worksOn(day, calendar)) {
      const start = Math.max(startOfDay(day, timeZone).getTime(), from.getTime())
      const length = startOfDay(addDays(day, 1), timeZone).getTime() - start
      if (left < length) return new Date(start + left)
      left -= length
    }
    day = addDays(day, 1)
  }
  throw new RangeError('The business calendar has no working day within ten years')
}

function worksOn(day: Day, calendar: BusinessCalendar): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay() || 7
  return calendar.workingDays.includes(weekday) && !calendar.holidays.includes(day)
}

/** Days and business time in a programme's own time zone. Pure: the caller says what time it is. */
import { Temporal } from 'temporal-polyfill'
import { z } from 'zod'

export const daySchema = z.iso.date()
/** A day, YYYY-MM-DD. */
export type Day = string

export const timeZoneSchema = z
  .string()
  .max(64)
  .refine(isTimeZone, { message: 'an IANA time zone such as Europe/Berlin' })

/** Working weekdays (1 = Monday ... 7 = Sunday) and the days that are not worked, as a programme sets them. */
export const businessCalendarSchema = z
  .strictObject({
    workingDays: z.array(z.int().min(1).max(7)).min(1).max(7),
    holidays: z.array(daySchema).max(1_000),
  })
  .meta({ id: 'BusinessCalendar' })
export type BusinessCalendar = z.infer<typeof businessCalendarSchema>

export const defaultCalendar: BusinessCalendar = { workingDays: [1, 2, 3, 4, 5], holidays: [] }

function isTimeZone(zone: string): boolean {
  try {
    Temporal.Now.zonedDateTimeISO(zone)
    return true
  } catch {
    return false
  }
}

const zoned = (instant: Date, timeZone: string) =>
  Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone)

/** The day that it is in `timeZone` at `instant`. */
export const dayIn = (instant: Date, timeZone: string): Day =>
  zoned(instant, timeZone).toPlainDate().toString()

const dayMs = 86_400_000

/** Days have no zone, so counting them in UTC is exact. @throws RangeError when `day` is not a day */
export const addDays = (day: Day, days: number): Day =>
  new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10)

/** Whole days from `a` to `b`; negative when `b` is earlier. */
export const daysBetween = (a: Day, b: Day): number =>
  Temporal.PlainDate.from(a).until(Temporal.PlainDate.from(b), { largestUnit: 'day' }).days

/** First instant of a day in a time zone. */
export const startOfDay = (day: Day, timeZone: string): Date =>
  new Date(Temporal.PlainDate.from(day).toZonedDateTime(timeZone).epochMilliseconds)

/**
 * The instant `businessDays` working days after `from`, at the same time of day. A start on a day off counts from the
 * start of the next working day. Gives up after ten years of days off (a calendar without a working day in reach).
 */
export function addBusinessDays(
  from: Date,
  businessDays: number,
  calendar: BusinessCalendar,
  timeZone: string,
): Date {
  const holidays = new Set(calendar.holidays)
  const works = (day: Temporal.PlainDate) =>
    calendar.workingDays.includes(day.dayOfWeek) && !holidays.has(day.toString())
  let moment = zoned(from, timeZone)
  let steps = 0
  const advance = () => {
    steps += 1
    if (steps > 3_653) throw new RangeError('The business calendar has no working day within ten years')
    moment = moment.add({ days: 1 })
  }
  while (!works(moment.toPlainDate())) {
    advance()
    moment = moment.startOfDay()
  }
  for (let left = businessDays; left > 0; left -= 1) {
    do advance()
    while (!works(moment.toPlainDate()))
  }
  return new Date(moment.epochMilliseconds)
}

/** The accounting period (YYYY-MM) of a day. */
export const periodOf = (day: Day): string => day.slice(0, 7)

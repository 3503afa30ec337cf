import { z } from 'zod'
import { dayIn, startOfDay, timeZoneSchema } from '../../src/kernel/calendar.ts'
import { isDay, readInstant } from '../instant.ts'
import { issueOf, type LineNames, show, type Transform } from './transform.ts'

/** How a CRM writes an instant: ISO text in UTC, or milliseconds since 1970 as a number. */
const instantForm = ['iso', 'epoch'] as const

/**
 * A day without a time. Where the CRM holds an instant instead, a day is its first instant in `timeZone` (the
 * connection's zone unless stated) and an instant is the day that it falls on there.
 */
export const dateSchema = z.strictObject({
  kind: z.literal('date'),
  form: z.enum(['date', ...instantForm]).optional(),
  timeZone: timeZoneSchema.optional(),
})

/** An instant, to the second unless stated: Salesforce keeps no milliseconds. */
export const datetimeSchema = z.strictObject({
  kind: z.literal('datetime'),
  form: z.enum(instantForm).optional(),
  precision: z.enum(['second', 'millisecond']).optional(),
})

export function bindDate(via: z.infer<typeof dateSchema>, line: LineNames): Transform {
  const [field] = line.remote
  const { form = 'date' } = via
  return {
    direction: 'both',
    localTypes: ['date'],
    remoteTypes: form === 'date' ? ['date'] : ['datetime', 'date', 'number'],
    maxRemotes: 1,
    toRemote(value, ctx) {
      if (typeof value !== 'string' || !isDay(value)) {
        return issueOf(line, 'not_a_date', `${show(value)} is not a day of the calendar`)
      }
      if (form === 'date') return { ok: true, fields: { [field]: value } }
      const timeZone = via.timeZone ?? ctx.timeZone
      const instant = startOfDay(value, timeZone)
      return dayIn(instant, timeZone) === value && readInstant(instant.getTime())
        ? { ok: true, fields: { [field]: writeInstant(instant, form) } }
        : issueOf(line, 'not_a_date', `${show(value)} does not exist in the time zone ${timeZone}`)
    },
    toLocal(remote, ctx) {
      const raw = remote[field] ?? null
      if (form === 'date') {
        return typeof raw === 'string' && isDay(raw)
          ? { ok: true, value: raw }
          : issueOf(line, 'not_a_date', `the CRM holds ${show(raw)}, which is not a day (YYYY-MM-DD)`)
      }
      const instant = readInstant(raw)
      return instant
        ? { ok: true, value: dayIn(instant, via.timeZone ?? ctx.timeZone) }
        : issueOf(line, 'not_a_date', `the CRM holds ${show(raw)}, which is not an instant with its zone`)
    },
  }
}

export function bindDatetime(via: z.infer<typeof datetimeSchema>, line: LineNames): Transform {
  const [field] = line.remote
  const { form = 'iso', precision = 'second' } = via
  const stepMs = precision === 'second' ? 1_000 : 1
  const cut = (instant: Date) => new Date(Math.floor(instant.getTime() / stepMs) * stepMs)
  return {
    direction: 'both',
    localTypes: ['datetime'],
    remoteTypes: form === 'epoch' ? ['datetime', 'number'] : ['datetime'],
    maxRemotes: 1,
    toRemote(value) {
      const instant = typeof value === 'string' ? readInstant(value) : null
      return instant
        ? { ok: true, fields: { [field]: writeInstant(cut(instant), form) } }
        : issueOf(line, 'not_a_date', `${show(value)} is not an instant`)
    },
    toLocal(remote) {
      const raw = remote[field] ?? null
      const instant = readInstant(raw)
      return instant
        ? { ok: true, value: cut(instant).toISOString() }
        : issueOf(line, 'not_a_date', `the CRM holds ${show(raw)}, which is not an instant with its zone`)
    },
  }
}

const writeInstant = (instant: Date, form: (typeof instantForm)[number]): string | number =>
  form === 'epoch' ? instant.getTime() : instant.toISOString()

import type { DayRange } from '#src/conflicts/claim.ts'
import { addDays, type Day, daysBetween } from '#src/kernel/calendar.ts'
import type { Deal } from './deal.ts'
import type { CrmState } from './deal-status.ts'

/** `keep_while_open`: an open opportunity in the CRM keeps the protection beyond its end. */
export type LapseRule = 'keep_while_open' | 'lapse'

/** Starts on the day of approval and lasts `days` full days after it, in the programme's zone. */
export const protectFrom = (approvedOn: Day, days: number): DayRange & { readonly to: Day } => ({
  from: approvedOn,
  to: addDays(approvedOn, days),
})

/** An extension adds to the promised end, or to today where an open opportunity kept it beyond that. */
export const extendedUntil = (until: Day, today: Day, days: number): Day =>
  addDays(until < today ? today : until, days)

type Protected = Pick<Deal, 'status' | 'outcome' | 'crmState' | 'protectedFrom' | 'protectedUntil'>

/** On its way from one CRM to another it is as good as linked. */
const isLinked = (state: CrmState): boolean => state === 'linked' || state === 'merged' || state === 'pending'

/** An open opportunity stands behind the registration and the programme lets it keep the protection. */
export const isKeptOpen = (deal: Protected, rule: LapseRule): boolean =>
  rule === 'keep_while_open' &&
  deal.status === 'approved' &&
  deal.outcome === 'open' &&
  isLinked(deal.crmState)

/** Is the registration protected on `day`? By its range, never by its status alone. */
export function isProtectedOn(deal: Protected, day: Day, rule: LapseRule): boolean {
  if (deal.protectedFrom === null || deal.protectedUntil === null || day < deal.protectedFrom) return false
  if (deal.status === 'cancelled') return false
  return day <= deal.protectedUntil || isKeptOpen(deal, rule)
}

/** Over, open, and nothing keeps it. A won or lost registration does not expire: it has its outcome. */
export const isDueToExpire = (deal: Protected, today: Day, rule: LapseRule): boolean =>
  deal.status === 'approved' &&
  deal.outcome === 'open' &&
  deal.protectedUntil !== null &&
  deal.protectedUntil < today &&
  !isKeptOpen(deal, rule)

/** Leads, in days before the end of protection, at which partner and vendor are reminded. */
export const reminderDays = [14, 3] as const

/** The reminder that is due now; null when none is, or it went out already. */
export function reminderDue(until: Day, today: Day, remindedDays: number | null): number | null {
  const left = daysBetween(today, until)
  if (left < 0) return null
  const due = reminderDays.filter((days) => left <= days).at(-1)
  if (due === undefined) return null
  return remindedDays !== null && remindedDays <= due ? null : due
}

/**
 * Is this win one that the registration was promised something for? Approved, and won while protected; an approved
 * deal won before its approval was recorded counts, since the close date is the CRM's.
 */
export function isExpectedWin(deal: Protected, wonOn: Day, rule: LapseRule): boolean {
  if (deal.status !== 'approved' && deal.status !== 'expired') return false
  if (deal.protectedUntil === null || wonOn <= deal.protectedUntil) return true
  return isKeptOpen(deal, rule)
}

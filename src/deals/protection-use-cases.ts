import type { Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { addDays, dayIn } from '#src/kernel/calendar.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { Programme } from '#src/partners/programme.ts'
import type { Deal } from './deal.ts'
import {
  lockDueToExpire,
  lockDueToKeep,
  lockDueToRemind,
  type ProgrammeDay,
  protectingProgrammes,
} from './deal-due-store.ts'
import type { DealDeps } from './deps-step.ts'
import { type DealChange, recordChanges } from './journal-step.ts'
import { isDueToExpire, reminderDays, reminderDue } from './protection.ts'

/** The clock work of protection: jobs call these again and again until they return 0. */
export function createProtectionUseCases(deps: DealDeps) {
  const expiry = systemActor('protection expiry')

  async function programmeDays(tx: Tx, now: Date): Promise<(ProgrammeDay & { programme: Programme })[]> {
    const programmes = await deps.partners.findProgrammes(tx, await protectingProgrammes(tx))
    return [...programmes.values()].map((programme) => ({
      programme,
      programmeId: programme.id,
      today: dayIn(now, programme.timeZone),
      keepsOpen: programme.lapseRule === 'keep_while_open',
    }))
  }

  /** False when somebody else holds the customer in the days to come. */
  async function keepClaim(tx: Tx, { id, number, protectedFrom }: Deal): Promise<boolean> {
    if (protectedFrom === null) throw new Error(`Deal ${number} has no protection to keep`)
    try {
      await deps.conflicts.extendClaims(tx, id, { from: protectedFrom, to: null })
      return true
    } catch (error) {
      if (error instanceof Refused && error.code === 'already_held') return false
      throw error
    }
  }

  return {
    /**
     * Expires up to `limit` registrations whose protection is over, each by the day in its programme's zone, unless an
     * open opportunity keeps it. Several workers may run it at once.
     * @returns how many expired
     */
    async expireDue(tx: Tx, now: Date, limit: number): Promise<number> {
      const days = await programmeDays(tx, now)
      const rules = new Map(days.map((day) => [day.programmeId, day]))
      const due = (await lockDueToExpire(tx, days, limit)).filter((deal) => {
        const day = rules.get(deal.programmeId)
        return day !== undefined && isDueToExpire(deal, day.today, day.programme.lapseRule)
      })
      if (due.length === 0) return 0
      await deps.conflicts.closeClaims(
        tx,
        due.map(({ id }) => id),
      )
      await recordChanges(
        tx,
        expiry,
        deps,
        due.map((deal) => ({
          before: deal,
          after: { ...deal, status: 'expired', protectionKept: false },
          kind: 'expired',
          data: { protectedUntil: deal.protectedUntil },
          notices: [
            { kind: 'deal_expired', to: 'partner' },
            { kind: 'deal_expired', to: 'vendor' },
          ],
        })),
      )
      return due.length
    },

    /**
     * Where an open opportunity keeps the protection, the claim becomes open-ended the day before it would end, so that
     * there is no gap through which another partner could slip.
     * @returns how many were kept
     */
    async keepOpen(tx: Tx, now: Date, limit: number): Promise<number> {
      const days = (await programmeDays(tx, now)).map((day) => ({ ...day, today: addDays(day.today, 1) }))
      const due = await lockDueToKeep(tx, days, limit)
      const changes: DealChange[] = []
      for (const deal of due) {
        const held = await keepClaim(tx, deal)
        changes.push({
          before: deal,
          // Where somebody else holds the days after, it keeps its own days only; that is a conflict to decide.
          after: { ...deal, protectionKept: true, conflict: held ? deal.conflict : 'suspected' },
          kind: held ? 'protection_kept' : 'protection_contested',
          visibility: held ? 'public' : 'internal',
          data: { protectedUntil: deal.protectedUntil },
        })
      }
      await recordChanges(tx, expiry, deps, changes)
      const contested = changes.flatMap(({ after, kind }) =>
        kind === 'protection_contested' ? [after.id] : [],
      )
      if (contested.length > 0) await deps.conflicts.watchDeals(tx, contested)
      return due.length
    },

    /**
     * Reminds partner and vendor before protection ends, once per lead.
     * @returns how many deals were reminded of
     */
    async remindExpiring(tx: Tx, now: Date, limit: number): Promise<number> {
      const days = await programmeDays(tx, now)
      const todays = new Map(days.map(({ programmeId, today }) => [programmeId, today]))
      const deals = await lockDueToRemind(tx, days, reminderDays, limit)
      await recordChanges(
        tx,
        expiry,
        deps,
        deals.map((deal) => {
          const today = todays.get(deal.programmeId)
          if (today === undefined || deal.protectedUntil === null)
            throw new Error(`Deal ${deal.number} has no end`)
          const remindedDays = reminderDue(deal.protectedUntil, today, deal.remindedDays)
          const data = { protectedUntil: deal.protectedUntil }
          return {
            before: deal,
            after: { ...deal, remindedDays },
            kind: 'expiring',
            data,
            announce: false,
            notices: [
              { kind: 'deal_expiring', to: 'partner', data },
              { kind: 'deal_expiring', to: 'vendor', data },
            ],
          }
        }),
      )
      return deals.length
    },
  }
}

import type { AwardFacts } from '#src/incentives/award.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { Programme } from '#src/partners/programme.ts'
import { type Deal, type DealShare, sharesOf } from './deal.ts'
import { linesOf } from './deal-details.ts'

/** Why the earnings of a deal wait; null when nothing stands against them. */
export function holdOf(deal: Deal): string | null {
  if (deal.changeRequested) return 'change_requested'
  if (deal.reviewHold !== null) return deal.reviewHold
  if (deal.outcomeStanding === 'unexpected') return 'outcome_in_review'
  if (deal.outcomeStanding === 'historic') return 'settled_before_import'
  if (deal.outcome === 'won' && deal.amountMinor === null) return 'amount_missing'
  return null
}

/** What incentives look at. A win that a person disregarded counts as none. */
export function awardFactsOf(
  deal: Deal,
  context: {
    readonly programme: Pick<Programme, 'currency'>
    readonly split: readonly DealShare[] | undefined
    readonly today: Day
  },
): AwardFacts {
  return {
    dealId: deal.id,
    outcome: deal.outcomeStanding === 'disregarded' ? 'open' : deal.outcome,
    outcomeRevision: deal.outcomeRevision,
    effectiveOn: deal.outcomeOn ?? context.today,
    postedOn: context.today,
    amountMinor: deal.amountMinor ?? 0n,
    currency: deal.currency ?? context.programme.currency,
    lines: linesOf(deal),
    partners: sharesOf(deal, context.split),
    tierId: deal.tierId,
    registrationType: deal.registrationType,
    country: deal.country,
    planVersionId: deal.planVersionId,
    hold: holdOf(deal),
  }
}

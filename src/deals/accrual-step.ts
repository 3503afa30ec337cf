import type { Tx } from '#src/database/database.ts'
import type { AwardFacts } from '#src/incentives/award.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { awardFactsOf } from './award-facts.ts'
import type { Deal } from './deal.ts'
import { findSplits } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { programmesOf } from './lookup-step.ts'

/** Facts of many deals, with two queries in all. */
export async function loadAwardFacts(deps: DealDeps, tx: Tx, deals: readonly Deal[]): Promise<AwardFacts[]> {
  const programmeOf = await programmesOf(deps, tx, deals)
  const splits = await findSplits(
    tx,
    deals.map(({ id }) => id),
  )
  const now = deps.clock.now()
  return deals.map((deal) => {
    const programme = programmeOf(deal)
    return awardFactsOf(deal, {
      programme,
      split: splits.get(deal.id),
      today: dayIn(now, programme.timeZone),
    })
  })
}

/** Posts what these deals owe now, under the locks on them. Deals that were never won have nothing to post. */
export async function accrueDeals(
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  deals: readonly Deal[],
): Promise<void> {
  if (deals.length === 0) return
  await deps.incentives.accrue(tx, actor, await loadAwardFacts(deps, tx, deals))
}

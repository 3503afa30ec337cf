import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { PlanVersionId, ProgrammeId } from '#src/kernel/ids.ts'
import { openPeriod, postingPeriod } from '#src/ledger/ledger.ts'
import { earnedByDeal, postEntries } from '#src/ledger/ledger-use-cases.ts'
import { findDifferences, type PlannedEntry, planEntry, planRelease } from './accrual.ts'
import { type AwardFacts, type Evaluation, owed } from './award.ts'
import {
  auditOf,
  earningsPayable,
  earningsPosted,
  holdsText,
  type PostedEarning,
} from './earning-records-step.ts'
import {
  addHoldbacks,
  type DealState,
  holdReleases,
  lockHoldbacks,
  readDealStates,
  readHeldDeals,
  readHoldbacks,
  saveDealStates,
  takeDue,
  takeFromHoldbacks,
} from './incentive-store.ts'
import type { PlanVersion } from './plan.ts'
import { asPlanVersion, readVersionInForce, readVersionsById } from './plan-store.ts'

export interface Accrued {
  readonly posted: readonly PostedEarning[]
  /** Deals whose earnings wait, with the reasons. */
  readonly held: readonly Pick<DealState, 'dealId' | 'holds'>[]
}

export interface EarningsPreview extends Evaluation {
  readonly plan: PlanVersion | null
  readonly posted: Awaited<ReturnType<typeof earnedByDeal>>
  readonly pending: Awaited<ReturnType<typeof readHoldbacks>>
}

interface Evaluated {
  readonly facts: AwardFacts
  readonly plan: PlanVersion | null
  readonly evaluation: Evaluation
}

export function createIncentiveUseCases(deps: { readonly events: EventBus<Tx>; readonly clock: Clock }) {
  // Versions never change, so one that was read once need not be read again.
  const versions = new Map<PlanVersionId, PlanVersion>()

  async function loadPlans(
    tx: Tx,
    ids: readonly PlanVersionId[],
  ): Promise<ReadonlyMap<PlanVersionId, PlanVersion>> {
    const unknown = [...new Set(ids)].filter((id) => !versions.has(id))
    if (unknown.length > 0) {
      for (const row of await readVersionsById(tx, unknown)) versions.set(row.id, asPlanVersion(row))
    }
    return versions
  }

  async function evaluate(tx: Tx, facts: readonly AwardFacts[]): Promise<readonly Evaluated[]> {
    const plans = await loadPlans(
      tx,
      facts.flatMap(({ planVersionId }) => planVersionId ?? []),
    )
    return facts.map((deal) => {
      const plan = deal.planVersionId === null ? null : (plans.get(deal.planVersionId) ?? null)
      return { facts: deal, plan, evaluation: owed(deal, plan) }
    })
  }

  async function post(tx: Tx, actor: Actor, facts: readonly AwardFacts[]): Promise<Accrued> {
    const dealIds = facts.map(({ dealId }) => dealId)
    if (new Set(dealIds).size !== dealIds.length) throw new RangeError('A deal is accrued once in a batch')
    const known = await readDealStates(tx, dealIds)
    const current = facts.filter(
      ({ dealId, outcomeRevision }) =>
        outcomeRevision >= (known.get(dealId)?.outcomeRevision ?? outcomeRevision),
    )
    const evaluated = await evaluate(tx, current)
    const states = evaluated.map(stateOf)
    const changed = states.filter((state) => !sameState(state, known.get(state.dealId)))
    await holdReleases(
      tx,
      changed
        .filter((state) => isHeld(state) !== isHeld(known.get(state.dealId)))
        .map((state) => ({ dealId: state.dealId, held: isHeld(state) })),
    )
    const planned = await planEntries(tx, evaluated)
    const posted = await writePlanned(tx, actor, planned)
    await saveDealStates(tx, changed)
    await recordAudit(tx, actor, auditOf(posted, changed, known))
    return { posted, held: states.filter(({ holds }) => holds.length > 0) }
  }

  async function planEntries(tx: Tx, evaluated: readonly Evaluated[]): Promise<readonly PlannedEntry[]> {
    const earned = await earnedByDeal(
      tx,
      evaluated.map(({ facts }) => facts.dealId),
    )
    const earnedOf = Map.groupBy(earned, ({ dealId }) => dealId)
    const found = evaluated.map((deal) => ({
      ...deal,
      differences: findDifferences(deal.evaluation, earnedOf.get(deal.facts.dealId) ?? []),
    }))
    const shrinking = found.filter(({ differences }) =>
      differences.some(({ owedMinor, earlierMinor }) => owedMinor < earlierMinor),
    )
    const holdbacks = await lockHoldbacks(
      tx,
      shrinking.map(({ facts }) => facts.dealId),
    )
    const holdbacksOf = Map.groupBy(holdbacks, ({ dealId }) => dealId)
    const open = openPeriod(deps.clock.now())
    return found.flatMap(({ facts, plan, differences }) =>
      differences.map((difference) =>
        planEntry(
          facts,
          plan,
          difference,
          holdbacksOf.get(facts.dealId) ?? [],
          postingPeriod(facts.postedOn, open),
        ),
      ),
    )
  }

  return {
    /** The version in force in a programme on a day, to be pinned to a deal at its approval; null when there is none. */
    pinPlanVersion: (tx: Tx, programmeId: ProgrammeId, day: Day): Promise<PlanVersionId | null> =>
      asSystem(tx, (system) => readVersionInForce(system, programmeId, day)),

    listHeldDeals: readHeldDeals,

    /** Plan versions by id, for whoever explains what was earned by them. */
    findPlans: (tx: Tx, ids: readonly PlanVersionId[]): Promise<ReadonlyMap<PlanVersionId, PlanVersion>> =>
      asSystem(tx, (system) => loadPlans(system, ids)),

    /** What a deal would earn by these facts, step by step, next to what was posted and what is still held back. */
    previewEarnings: (tx: Tx, facts: AwardFacts): Promise<EarningsPreview> =>
      asSystem(tx, async (system) => {
        const [deal] = await evaluate(system, [facts])
        const posted = await earnedByDeal(system, [facts.dealId])
        const pending = await readHoldbacks(system, facts.dealId)
        return {
          ...(deal?.evaluation ?? { awards: [], holds: [] }),
          plan: deal?.plan ?? null,
          posted,
          pending,
        }
      }),

    /**
     * Brings the ledger to what these deals owe now: posts owed less posted, set-based for any number of deals, under the
     * locks on them that the caller holds. Repeating it posts nothing; facts of an older revision than the last are left
     * aside; a deal on hold keeps what it has and releases nothing. Call it once per unit of work, with all its deals.
     */
    async accrue(tx: Tx, actor: Actor, facts: readonly AwardFacts[]): Promise<Accrued> {
      if (facts.length === 0) return { posted: [], held: [] }
      const accrued = await asSystem(tx, (system) => post(system, actor, facts))
      await deps.events.publish(tx, actor, earningsPosted(accrued.posted))
      return accrued
    },

    /**
     * Makes payable what was held back until `today`, at most `limit` entries; repeat until it returns fewer. Harmless
     * when it runs twice or at the same time.
     * @returns how many entries were released
     */
    async releaseDue(tx: Tx, actor: Actor, today: Day, limit: number): Promise<number> {
      return asSystem(tx, async (system) => {
        const due = await takeDue(system, today, limit)
        const period = postingPeriod(today, openPeriod(deps.clock.now()))
        await postEntries(
          system,
          actor,
          due.map((holdback) => planRelease(holdback, today, period)),
        )
        await recordAudit(
          system,
          actor,
          due.map(({ entryId, dealId, payeeId, remainingMinor, currency }) => ({
            action: 'earnings.released',
            subject: { kind: 'deal', id: dealId },
            partnerId: payeeId,
            after: { entryId, amountMinor: remainingMinor, currency },
          })),
        )
        await deps.events.publish(system, actor, earningsPayable(due))
        return due.length
      })
    },
  }
}

export type IncentiveUseCases = ReturnType<typeof createIncentiveUseCases>

const stateOf = ({ facts, evaluation }: Evaluated): DealState => ({
  dealId: facts.dealId,
  outcomeRevision: facts.outcomeRevision,
  planVersionId: facts.planVersionId,
  holds: evaluation.holds,
})

const isHeld = (state: DealState | undefined): boolean =>
  state?.holds.some(({ planLineId }) => planLineId === null) ?? false

const sameState = (state: DealState, known: DealState | undefined): boolean =>
  known !== undefined &&
  state.outcomeRevision === known.outcomeRevision &&
  state.planVersionId === known.planVersionId &&
  holdsText(state) === holdsText(known)

async function writePlanned(
  tx: Tx,
  actor: Actor,
  planned: readonly PlannedEntry[],
): Promise<readonly PostedEarning[]> {
  const written = await postEntries(
    tx,
    actor,
    planned.map(({ draft }) => draft),
  )
  const posted = planned.flatMap((entry, index) => {
    const row = written[index]
    const { dealId } = entry.draft
    return row?.inserted && dealId ? [{ ...entry, dealId, entryId: row.id }] : []
  })
  await takeFromHoldbacks(
    tx,
    posted.flatMap(({ taken }) => taken),
  )
  await addHoldbacks(
    tx,
    posted.flatMap(({ key, dealId, entryId, draft, holdback }) =>
      holdback && draft.planVersionId
        ? { ...key, dealId, entryId, planVersionId: draft.planVersionId, ...holdback }
        : [],
    ),
  )
  return posted.map(({ key, dealId, entryId, differenceMinor }) => ({
    ...key,
    dealId,
    entryId,
    differenceMinor,
  }))
}

import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { NotificationKind } from '#src/kernel/events.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { DealId } from '#src/kernel/ids.ts'
import type { ApplyOutcome } from '#src/kernel/synced-entity.ts'
import type { Programme } from '#src/partners/programme.ts'
import { accrueDeals } from './accrual-step.ts'
import { checkAndClaim } from './claim-step.ts'
import type { Deal } from './deal.ts'
import { lockDeals } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { type DealChange, recordChanges } from './journal-step.ts'
import { programmesOf } from './lookup-step.ts'
import { stateFacts } from './outcome.ts'
import { isProtectedOn } from './protection.ts'

/** What a CRM states of one deal. */
export interface DealFacts {
  readonly id: DealId
  readonly changes: Readonly<Record<string, FieldValue>>
}

/** A deal before and after what was stated of it. */
interface Stated {
  readonly before: Deal
  readonly after: Deal
  readonly programme: Programme
}

export type OutcomeUseCases = ReturnType<typeof createOutcomeUseCases>

export function createOutcomeUseCases(deps: DealDeps) {
  async function stateAll(
    tx: Tx,
    items: readonly DealFacts[],
  ): Promise<{ stated: Stated[]; outcomes: Map<DealId, readonly ApplyOutcome[]> }> {
    const locked = await lockDeals(
      tx,
      items.map(({ id }) => id),
    )
    const programmeOf = await programmesOf(deps, tx, [...locked.values()])
    const now = deps.clock.now()
    const current = new Map(locked)
    const outcomes = new Map<DealId, readonly ApplyOutcome[]>()
    for (const { id, changes } of items) {
      const deal = current.get(id)
      if (!deal) {
        outcomes.set(id, Object.keys(changes).map(noSuchDeal))
        continue
      }
      const { timeZone, lapseRule } = programmeOf(deal)
      const next = stateFacts(deal, changes, { today: dayIn(now, timeZone), lapseRule })
      current.set(id, next.deal)
      outcomes.set(id, [...(outcomes.get(id) ?? []), ...next.outcomes])
    }
    const stated = [...locked.values()].flatMap((before) => {
      const after = current.get(before.id)
      return after && after !== before ? [{ before, after, programme: programmeOf(before) }] : []
    })
    return { stated, outcomes }
  }

  /** A lost deal frees its customer at once; a won one keeps it for its promised days, and no longer. */
  async function freeCustomers(tx: Tx, stated: readonly Stated[]): Promise<Stated[]> {
    const freed = stated.filter(
      ({ before, after: { outcome } }) =>
        before.status === 'approved' &&
        before.outcome !== outcome &&
        (outcome === 'lost' || (outcome === 'won' && before.protectionKept)),
    )
    if (freed.length === 0) return [...stated]
    const ids = new Set(freed.map(({ before }) => before.id))
    await deps.conflicts.closeClaims(tx, [...ids])
    return stated.map((one) =>
      ids.has(one.before.id) ? { ...one, after: { ...one.after, protectionKept: false } } : one,
    )
  }

  /** A lost deal that is no longer lost asks for its customer again; null when somebody else holds it by now. */
  async function reclaim(tx: Tx, actor: Actor, { after, programme }: Stated): Promise<Deal | null> {
    const { protectedFrom, protectedUntil } = after
    if (protectedFrom === null || protectedUntil === null) return after
    const today = dayIn(deps.clock.now(), programme.timeZone)
    const [checked = after] = await checkAndClaim(deps, tx, actor, [{ deal: after, programme, today }])
    const kept = today > protectedUntil
    try {
      await deps.conflicts.holdClaims(tx, after.id, { from: protectedFrom, to: kept ? null : protectedUntil })
      // Who asked for the customer meanwhile is in a case with it now; until that is decided it holds.
      const conflict = checked.conflict === 'clear' ? after.conflict : checked.conflict
      return { ...after, conflict, protectionKept: kept }
    } catch (error) {
      if (error instanceof Refused && error.code === 'already_held') return null
      throw error
    }
  }

  const isBack = ({ before, after, programme }: Stated): boolean =>
    before.outcome === 'lost' &&
    after.outcome !== 'lost' &&
    isProtectedOn(after, dayIn(deps.clock.now(), programme.timeZone), programme.lapseRule)

  return {
    /**
     * States facts of a CRM in many deals at once, in a handful of statements: state, ledger, history and notices of all
     * of them. Nothing is refused; what needs a person comes back as `review`.
     */
    async applyFacts(
      tx: Tx,
      actor: Actor,
      items: readonly DealFacts[],
    ): Promise<Map<DealId, readonly ApplyOutcome[]>> {
      const { stated, outcomes } = await stateAll(tx, items)
      const settled: Stated[] = []
      for (const one of await freeCustomers(tx, stated)) {
        const reclaimed = isBack(one) ? await reclaim(tx, actor, one) : one.after
        settled.push({ ...one, after: reclaimed ?? { ...one.after, conflict: 'suspected' } })
        if (reclaimed) continue
        const { id } = one.before
        const others = (outcomes.get(id) ?? []).filter(({ field }) => field !== 'outcome')
        outcomes.set(id, [...others, protectionTaken])
      }
      const saved = await recordChanges(tx, actor, deps, settled.map(describe))
      const earning = saved.filter((deal, index) => {
        const before = settled[index]?.before
        const counted = before && before.outcomeRevision !== deal.outcomeRevision
        return counted && (deal.outcome === 'won' || before.outcome === 'won')
      })
      await accrueDeals(deps, tx, actor, earning)
      return outcomes
    },
  }
}

const noSuchDeal = (field: string): ApplyOutcome => ({
  field,
  kind: 'review',
  code: 'no_such_deal',
  message: 'The deal behind this link is not there any more',
})

const protectionTaken: ApplyOutcome = {
  field: 'outcome',
  kind: 'review',
  code: 'protection_taken',
  message: 'The deal is open again, but another registration holds its customer by now',
}

const outcomeNotices = {
  won: 'deal_won',
  lost: 'deal_lost',
  open: 'deal_reopened',
} as const satisfies Record<Deal['outcome'], NotificationKind>

function describe({ before, after }: Stated): DealChange {
  const change = {
    before,
    after,
    // The CRM knows what it said; only what follows from it on our side is news.
    announce: before.conflict !== after.conflict,
  }
  if (before.outcome === after.outcome) {
    const { stage, expectedCloseDate } = after
    return { ...change, kind: 'facts_stated', data: { stage, expectedCloseDate } }
  }
  const kind = outcomeNotices[after.outcome]
  return {
    ...change,
    kind: kind.replace('deal_', ''),
    data: { on: after.outcomeOn, stage: after.stage },
    notices: [
      { kind, to: 'partner' },
      { kind, to: 'vendor' },
    ],
  }
}

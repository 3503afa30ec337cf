import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { InvalidInput, Refused } from '#src/kernel/errors.ts'
import type { NotificationKind } from '#src/kernel/events.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { ConnectionId, DealId } from '#src/kernel/ids.ts'
import type { ApplyOutcome } from '#src/kernel/synced-entity.ts'
import type { Programme } from '#src/partners/programme.ts'
import { accrueDeals } from './accrual-step.ts'
import { checkAndClaim } from './claim-step.ts'
import type { Deal, DealShare } from './deal.ts'
import type { CrmState } from './deal-status.ts'
import { findSplits, lockDeals, replaceSplit } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { type DealChange, recordChanges } from './journal-step.ts'
import { lockDeal, programmesOf } from './lookup-step.ts'
import { stateFacts } from './outcome.ts'
import { isProtectedOn } from './protection.ts'

/** What a CRM states of one deal. */
export interface DealFacts {
  readonly id: DealId
  readonly changes: Readonly<Record<string, FieldValue>>
}

/** What the sync engine found out about the opportunity behind a deal. */
export interface CrmLink {
  readonly dealId: DealId
  readonly state: CrmState
  readonly connectionId: ConnectionId | null
  readonly remoteId: string | null
  readonly url: string | null
}

export type OutcomeUseCases = ReturnType<typeof createOutcomeUseCases>

export function createOutcomeUseCases(deps: DealDeps) {
  /** A lost deal that is open again asks for its customer again; somebody else may hold it by now. */
  async function reclaim(
    tx: Tx,
    actor: Actor,
    deal: Deal,
    programme: Programme,
  ): Promise<{ deal: Deal; taken: boolean }> {
    const { protectedFrom, protectedUntil } = deal
    if (protectedFrom === null || protectedUntil === null) return { deal, taken: false }
    const today = dayIn(deps.clock.now(), programme.timeZone)
    const [checked] = await checkAndClaim(deps, tx, actor, [{ deal, programme, today }])
    const kept = today > protectedUntil
    try {
      await deps.conflicts.holdClaims(tx, deal.id, { from: protectedFrom, to: kept ? null : protectedUntil })
      return { deal: { ...deal, protectionKept: kept }, taken: false }
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'already_held')) throw error
      return {
        deal: {
          ...deal,
          conflict: checked?.conflict === 'clear' ? 'suspected' : (checked?.conflict ?? null),
        },
        taken: true,
      }
    }
  }

  async function applyFacts(
    tx: Tx,
    actor: Actor,
    items: readonly DealFacts[],
  ): Promise<Map<DealId, readonly ApplyOutcome[]>> {
    const locked = await lockDeals(
      tx,
      items.map(({ id }) => id),
    )
    const programmeOf = await programmesOf(deps, tx, [...locked.values()])
    const now = deps.clock.now()
    const after = new Map(locked)
    const results = new Map<DealId, ApplyOutcome[]>()
    for (const { id, changes } of items) {
      const deal = after.get(id)
      if (!deal) {
        results.set(id, Object.keys(changes).map(noSuchDeal))
        continue
      }
      const { timeZone, lapseRule } = programmeOf(deal)
      const stated = stateFacts(deal, changes, { today: dayIn(now, timeZone), lapseRule })
      after.set(id, stated.deal)
      results.set(id, [...(results.get(id) ?? []), ...stated.outcomes])
    }
    const touched = [...locked.values()].flatMap((before) => {
      const stated = after.get(before.id)
      return stated && stated !== before ? [{ before, after: stated, programme: programmeOf(before) }] : []
    })
    // A deal that ended its run frees the customer; a won one keeps it for its days.
    const freed = touched.filter(
      ({ before, after: { outcome } }) =>
        before.status === 'approved' &&
        before.outcome !== outcome &&
        (outcome === 'lost' || (outcome === 'won' && before.protectionKept)),
    )
    if (freed.length > 0)
      await deps.conflicts.closeClaims(
        tx,
        freed.map(({ before }) => before.id),
      )
    const steps: { before: Deal; after: Deal }[] = []
    for (const { before, after: stated, programme } of touched) {
      const day = dayIn(now, programme.timeZone)
      const back =
        before.outcome === 'lost' &&
        stated.outcome !== 'lost' &&
        isProtectedOn(stated, day, programme.lapseRule)
      if (!back) {
        const ended = stated.outcome !== 'open'
        steps.push({
          before,
          after: ended && stated.protectionKept ? { ...stated, protectionKept: false } : stated,
        })
        continue
      }
      const { deal, taken } = await reclaim(tx, actor, stated, programme)
      steps.push({ before, after: deal })
      if (taken) {
        const told = results.get(before.id) ?? []
        results.set(before.id, [...told.filter(({ field }) => field !== 'outcome'), protectionTaken])
      }
    }
    const saved = await recordChanges(
      tx,
      actor,
      deps,
      steps.map(({ before, after: now }) => ({
        before,
        after: now,
        ...describe(before, now),
        // The CRM knows what it said; only what follows from it on our side is news.
        announce: before.conflict !== now.conflict,
      })),
    )
    const earning = saved.filter((deal, index) => {
      const before = steps[index]?.before
      const counted = before && before.outcomeRevision !== deal.outcomeRevision
      return counted && (deal.outcome === 'won' || before.outcome === 'won')
    })
    await accrueDeals(deps, tx, actor, earning)
    return results
  }

  return {
    /**
     * States facts of a CRM in many deals at once, in a handful of statements: state, ledger, history and notices of all
     * of them. Nothing is refused; what needs a person comes back as `review`.
     */
    applyFacts,

    /** The state of the links behind deals, as the sync engine keeps them. */
    async setCrmLinks(tx: Tx, actor: Actor, links: readonly CrmLink[]): Promise<void> {
      const deals = await lockDeals(
        tx,
        links.map(({ dealId }) => dealId),
      )
      const changes = links.flatMap((link): DealChange[] => {
        const before = deals.get(link.dealId)
        if (!before) return []
        const linked = link.state === 'linked' || link.state === 'merged'
        return [
          {
            before,
            after: {
              ...before,
              crmState: link.state,
              crmConnectionId: link.connectionId,
              crmRemoteId: link.remoteId,
              crmUrl: link.url,
              protectionKept: before.protectionKept && linked,
            },
            kind: `crm_${link.state}`,
            visibility: 'internal',
            data: { remoteId: link.remoteId },
            announce: false,
          },
        ]
      })
      const dropped = changes.filter(({ before, after }) => before?.protectionKept && !after.protectionKept)
      if (dropped.length > 0)
        await deps.conflicts.closeClaims(
          tx,
          dropped.map(({ after }) => after.id),
        )
      await recordChanges(tx, actor, deps, changes)
    },

    /** Puts the earnings of a deal on hold while a fact is disputed, or lets them go on (null). */
    async setReviewHold(tx: Tx, actor: Actor, dealId: DealId, hold: string | null): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, null)
      if (deal.reviewHold === hold) return deal
      const [saved] = await recordChanges(tx, actor, deps, [
        {
          before: deal,
          after: { ...deal, reviewHold: hold },
          kind: hold === null ? 'hold_released' : 'held',
          visibility: 'internal',
          data: { hold },
        },
      ])
      if (saved?.outcome === 'won') await accrueDeals(deps, tx, actor, [saved])
      return saved ?? deal
    },

    /**
     * Shares the earnings of a deal between partners by weight; all of it to the registrant when the list is empty.
     * @throws InvalidInput when a partner is unknown or named twice
     */
    async setSplit(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      { shares, reason }: { readonly shares: readonly DealShare[]; readonly reason: string },
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      const ids = shares.map(({ partnerId }) => partnerId)
      const found = await deps.partners.findPartners(tx, ids)
      const issues = ids.flatMap((id, index) => {
        const path = `/shares/${index}/partnerId`
        if (!found.has(id)) return [{ path, code: 'unknown_partner', message: 'There is no such partner' }]
        if (ids.indexOf(id) < index) return [{ path, code: 'repeated_partner', message: 'Named twice' }]
        return []
      })
      if (issues.length > 0) throw new InvalidInput('The split cannot be made', issues)
      const [before] = (await findSplits(tx, [dealId])).values()
      await replaceSplit(tx, dealId, shares)
      const [saved] = await recordChanges(tx, actor, deps, [
        {
          before: deal,
          after: { ...deal, outcomeRevision: deal.outcomeRevision + 1 },
          kind: 'split',
          reason,
          visibility: 'internal',
          data: { before: describeSplit(before), after: describeSplit(shares), reason },
        },
      ])
      if (saved?.outcome === 'won') await accrueDeals(deps, tx, actor, [saved])
      return saved ?? deal
    },

    /** Who shares the earnings; a partner learns its own share only. */
    splitOf: (tx: Tx, actor: Actor, deal: Deal): Promise<readonly DealShare[]> =>
      asSystem(tx, async (system) => {
        const shares = (await findSplits(system, [deal.id])).get(deal.id) ?? [
          { partnerId: deal.partnerId, shareWeight: 1 },
        ]
        return actor.kind === 'partner'
          ? shares.filter(({ partnerId }) => partnerId === actor.partnerId)
          : shares
      }),
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

const describeSplit = (shares: readonly DealShare[] | undefined): string =>
  (shares ?? []).map(({ partnerId, shareWeight }) => `${partnerId}: ${shareWeight}`).join(', ')

const outcomeNotices = {
  won: 'deal_won',
  lost: 'deal_lost',
  open: 'deal_reopened',
} as const satisfies Record<Deal['outcome'], NotificationKind>

function describe(before: Deal, after: Deal): Pick<DealChange, 'kind' | 'data' | 'notices'> {
  if (before.outcome === after.outcome) {
    return { kind: 'facts_stated', data: { stage: after.stage, expectedCloseDate: after.expectedCloseDate } }
  }
  const kind = outcomeNotices[after.outcome]
  return {
    kind: kind.replace('deal_', ''),
    data: { on: after.outcomeOn, stage: after.stage },
    notices: [
      { kind, to: 'partner' },
      { kind, to: 'vendor' },
    ],
  }
}

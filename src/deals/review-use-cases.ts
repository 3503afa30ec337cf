import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { EventOf } from '#src/kernel/events.ts'
import type { ConnectionId, DealId } from '#src/kernel/ids.ts'
import { approveDeals } from './approval-step.ts'
import type { Deal } from './deal.ts'
import {
  awaitsDecision,
  type ConflictState,
  conflictPermitsApproval,
  conflictStates,
  type RejectionCode,
} from './deal-status.ts'
import { lockDeals } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { type DealChange, recordChanges } from './journal-step.ts'
import { getDeal, getProgramme, lockDeal, requireNext } from './lookup-step.ts'
import { extendedUntil } from './protection.ts'
import { pauseClock } from './review-clock.ts'

export interface ApprovalInput {
  /** What happens in the CRM: a new opportunity as the mapping says, or one that is there already. */
  readonly crm:
    | { readonly kind: 'create' }
    | { readonly kind: 'link'; readonly remoteId: string; readonly connectionId?: ConnectionId | null }
  readonly protectionDays: number | null
  readonly reason: string | null
}

export function createReviewUseCases(deps: DealDeps) {
  const saveOne = async (tx: Tx, actor: Actor, change: DealChange): Promise<Deal> => {
    const [saved] = await recordChanges(tx, actor, deps, [change])
    return saved ?? change.after
  }

  return {
    /** Somebody looks at it now; a suspected conflict is under review from here on. */
    async startReview(tx: Tx, actor: Actor, dealId: DealId, expectedRevision: number | null): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      return saveOne(tx, actor, {
        before: deal,
        after: {
          ...deal,
          status: requireNext(deal, 'start_review'),
          conflict: deal.conflict === 'suspected' ? 'under_review' : deal.conflict,
        },
        kind: 'review_started',
      })
    },

    /** Asks the partner; the review clock stands still until the answer. */
    async returnWithQuestion(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      question: string,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      return saveOne(tx, actor, {
        before: deal,
        after: {
          ...deal,
          status: requireNext(deal, 'return'),
          review: deal.review && pauseClock(deal.review, deps.clock.now()),
        },
        kind: 'returned',
        reason: question,
        data: { question },
        notices: [{ kind: 'deal_returned', to: 'partner', data: { question } }],
      })
    },

    /**
     * Approves: protection starts today in the programme's zone, the claim is held, tier and plan are pinned.
     * @throws Refused `wrong_status`, `conflict_undecided`, `conflict_upheld`, `already_held`; NotFound for a connection
     */
    async approve(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      { crm, protectionDays, reason }: ApprovalInput,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      requireNext(deal, 'approve')
      if (crm.kind === 'link' && crm.connectionId) await deps.crm.assertConnection(tx, crm.connectionId)
      requireNoConflict(deal)
      const programme = await getProgramme(deps, tx, deal.programmeId)
      const partners = await deps.partners.findPartners(tx, [deal.partnerId])
      const partner = partners.get(deal.partnerId)
      const [approved] = await approveDeals(deps, tx, actor, [
        {
          deal,
          programme,
          partner,
          protectionDays,
          reason,
          connectionId: crm.kind === 'link' ? (crm.connectionId ?? null) : null,
        },
      ])
      if (crm.kind === 'link') {
        await deps.events.publish(tx, actor, [
          {
            type: 'link_requested',
            entity: 'deal',
            id: dealId,
            connectionId: approved?.crmConnectionId ?? null,
            remoteId: crm.remoteId,
            priority: 'live',
          },
        ])
      }
      // Linking has changed it once more.
      return crm.kind === 'link' ? getDeal(tx, dealId) : (approved ?? deal)
    },

    /** Closes the registration with a code that the partner sees; the claim is free again. */
    async reject(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      { code, reason }: { readonly code: RejectionCode; readonly reason: string },
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      const status = requireNext(deal, 'reject')
      await deps.conflicts.closeClaims(tx, [dealId])
      return saveOne(tx, actor, {
        before: deal,
        after: {
          ...deal,
          status,
          decidedAt: deps.clock.now(),
          decidedBy: actor.name,
          decisionCode: code,
          decisionReason: reason,
        },
        kind: 'rejected',
        reason,
        data: { code, reason },
        notices: [{ kind: 'deal_rejected', to: 'partner', data: { code, reason } }],
      })
    },

    /** The vendor takes an approval back: protection ends today, what is already earned stays. */
    async cancel(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      reason: string,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      const status = requireNext(deal, 'cancel')
      await deps.conflicts.closeClaims(tx, [dealId])
      return saveOne(tx, actor, {
        before: deal,
        after: { ...deal, status, protectionKept: false },
        kind: 'cancelled',
        reason,
        data: { reason },
        notices: [{ kind: 'deal_cancelled', to: 'partner', data: { reason } }],
      })
    },

    /**
     * Prolongs the protection, as a decision with its reason; without `days` by what the programme says.
     * @throws Refused `wrong_status`, `has_outcome`, `already_held`
     */
    async extend(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      { days, reason }: { readonly days: number | null; readonly reason: string },
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      requireNext(deal, 'extend')
      if (deal.outcome !== 'open') throw new Refused('has_outcome', `The deal is ${deal.outcome} already`)
      if (!deal.protectedFrom || !deal.protectedUntil)
        throw new Error(`Deal ${deal.number} has no protection`)
      const programme = await getProgramme(deps, tx, deal.programmeId)
      const today = dayIn(deps.clock.now(), programme.timeZone)
      const until = extendedUntil(deal.protectedUntil, today, days ?? programme.extensionDays)
      await deps.conflicts.extendClaims(tx, dealId, { from: deal.protectedFrom, to: until })
      return saveOne(tx, actor, {
        before: deal,
        after: { ...deal, protectedUntil: until, protectionKept: false, remindedDays: null },
        kind: 'extended',
        reason,
        data: { before: deal.protectedUntil, protectedUntil: until, reason },
        notices: [{ kind: 'deal_extended', to: 'partner', data: { protectedUntil: until } }],
      })
    },

    /** Reacts to a decision on the conflict of a deal, wherever it was taken. */
    async onConflictDecided(
      tx: Tx,
      actor: Actor,
      decisions: readonly EventOf<'conflict_decided'>[],
    ): Promise<void> {
      const deals = await lockDeals(
        tx,
        decisions.map(({ dealId }) => dealId),
      )
      const changes = decisions.flatMap(({ dealId, verdict }): DealChange[] => {
        const deal = deals.get(dealId)
        if (!deal) return []
        if (!awaitsDecision(deal.status) && deal.status !== 'approved') {
          throw new Refused(
            'not_in_review',
            `The registration is ${deal.status.replace('_', ' ')}: nothing to decide`,
          )
        }
        return [
          {
            before: deal,
            after: { ...deal, conflict: asConflict(verdict) },
            kind: 'conflict_decided',
            data: { verdict },
          },
        ]
      })
      await recordChanges(tx, actor, deps, changes)
    },

    /** A later look found a rival: the deal is suspected again, its approval stands until somebody decides. */
    async onConflictFound(tx: Tx, actor: Actor, found: readonly EventOf<'conflict_found'>[]): Promise<void> {
      const deals = await lockDeals(
        tx,
        found.map(({ dealId }) => dealId),
      )
      const changes = [...deals.values()]
        .filter(({ status }) => awaitsDecision(status) || status === 'approved')
        .map(
          (deal): DealChange => ({
            before: deal,
            after: { ...deal, conflict: deal.status === 'in_review' ? 'under_review' : 'suspected' },
            kind: 'conflict_found',
            visibility: 'internal',
          }),
        )
      await recordChanges(tx, actor, deps, changes)
    },

    /** What stood in the way is gone: whoever waits in line may go on. */
    async onConflictCleared(
      tx: Tx,
      actor: Actor,
      cleared: readonly EventOf<'conflict_cleared'>[],
    ): Promise<void> {
      const deals = await lockDeals(
        tx,
        cleared.map(({ dealId }) => dealId),
      )
      const changes = [...deals.values()]
        .filter(({ status }) => awaitsDecision(status) || status === 'approved')
        .filter(({ conflict }) => conflict !== null && !conflictPermitsApproval(conflict))
        .map(
          (deal): DealChange => ({
            before: deal,
            after: { ...deal, conflict: 'clear' },
            kind: 'conflict_cleared',
            notices: [
              { kind: 'conflict_cleared', to: 'partner' },
              { kind: 'conflict_cleared', to: 'vendor' },
            ],
          }),
        )
      await recordChanges(tx, actor, deps, changes)
    },
  }
}

function requireNoConflict(deal: Deal): void {
  if (conflictPermitsApproval(deal.conflict)) return
  if (deal.conflict === 'upheld') {
    throw new Refused('conflict_upheld', 'The conflict was upheld: reject the registration as a duplicate')
  }
  throw new Refused('conflict_undecided', 'Decide the suspected conflict first: override or uphold it')
}

function asConflict(verdict: string): ConflictState {
  const state = conflictStates.find((known) => known === verdict)
  if (!state) throw new Error(`"${verdict}" is no state of a conflict`)
  return state
}

import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { InvalidInput, Refused } from '#src/kernel/errors.ts'
import type { ConnectionId, DealId } from '#src/kernel/ids.ts'
import { accrueDeals, loadAwardFacts } from './accrual-step.ts'
import { type Deal, type DealShare, sharesOf } from './deal.ts'
import type { CrmState } from './deal-status.ts'
import { findSplits, lockDeals, replaceSplit } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { tierIn } from './eligibility.ts'
import { type DealChange, recordChanges } from './journal-step.ts'
import { getDeal, getProgramme, lockDeal } from './lookup-step.ts'

/** What the sync engine found out about the opportunity behind a deal. */
export interface CrmLink {
  readonly dealId: DealId
  readonly state: CrmState
  readonly connectionId: ConnectionId | null
  readonly remoteId: string | null
  readonly url: string | null
}

export function createEarningUseCases(deps: DealDeps) {
  const saveOne = async (tx: Tx, actor: Actor, change: DealChange): Promise<Deal> => {
    const [saved] = await recordChanges(tx, actor, deps, [change])
    return saved ?? change.after
  }

  async function planOfToday(tx: Tx, deal: Deal) {
    const programme = await getProgramme(deps, tx, deal.programmeId)
    const partners = await deps.partners.findPartners(tx, [deal.partnerId])
    return {
      tierId: tierIn(partners.get(deal.partnerId), deal.programmeId),
      planVersionId: await deps.incentives.pinPlanVersion(
        tx,
        deal.programmeId,
        dayIn(deps.clock.now(), programme.timeZone),
      ),
    }
  }

  return {
    /**
     * What a win was worth that the registration did not promise: recognised it earns under the plan of that day,
     * disregarded it earns nothing. Either way the outcome stays what the CRM says.
     * @throws Refused `nothing_to_settle`
     */
    async settleOutcome(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      { recognise, reason }: { readonly recognise: boolean; readonly reason: string },
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      const open = deal.outcome === 'won' && deal.outcomeStanding !== 'expected'
      if (!open) throw new Refused('nothing_to_settle', 'The outcome of this deal is not in question')
      const programme = await getProgramme(deps, tx, deal.programmeId)
      const wonOn = deal.outcomeOn ?? dayIn(deps.clock.now(), programme.timeZone)
      const planVersionId =
        deal.planVersionId ??
        (recognise ? await deps.incentives.pinPlanVersion(tx, deal.programmeId, wonOn) : null)
      const saved = await saveOne(tx, actor, {
        before: deal,
        after: {
          ...deal,
          outcomeStanding: recognise ? 'recognised' : 'disregarded',
          planVersionId,
          outcomeRevision: deal.outcomeRevision + 1,
        },
        kind: recognise ? 'outcome_recognised' : 'outcome_disregarded',
        reason,
        visibility: 'internal',
        data: { reason },
      })
      await accrueDeals(deps, tx, actor, [saved])
      await deps.events.publish(tx, actor, [
        { type: 'outcome_settled', dealId, recognised: recognise, reason },
      ])
      return saved
    },

    /**
     * What the deal earns as it stands, or would earn if it were won today: step by step, next to what was posted. Before
     * approval by the plan and tier of today, which are no promise. A partner sees its own share only.
     */
    async earningsOf(tx: Tx, actor: Actor, dealId: DealId) {
      const deal = await getDeal(tx, dealId)
      return asSystem(tx, async (system) => {
        const [facts] = await loadAwardFacts(deps, system, [deal])
        if (!facts) throw new Error(`Deal ${deal.number} has no facts`)
        const promised = deal.planVersionId !== null
        const preview = await deps.incentives.previewEarnings(system, {
          ...facts,
          ...(promised ? {} : await planOfToday(system, deal)),
          outcome: deal.outcomeStanding === 'disregarded' ? 'open' : 'won',
        })
        const own = ({ payeeId }: { readonly payeeId: string }) =>
          actor.kind !== 'partner' || payeeId === actor.partnerId
        return {
          earned: facts.outcome === 'won',
          promised,
          awards: preview.awards.filter(own),
          holds: preview.holds,
          posted: preview.posted.filter(own),
          pending: preview.pending.filter(own),
        }
      })
    },

    /** The state of the links behind deals, as the sync engine keeps them. */
    async setCrmLinks(tx: Tx, actor: Actor, links: readonly CrmLink[]): Promise<void> {
      const deals = await lockDeals(
        tx,
        links.map(({ dealId }) => dealId),
      )
      const changes = links.flatMap((link): DealChange[] => {
        const before = deals.get(link.dealId)
        if (!before) return []
        const linked = link.state === 'linked' || link.state === 'merged' || link.state === 'pending'
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
        const shares = sharesOf(deal, (await findSplits(system, [deal.id])).get(deal.id))
        return actor.kind === 'partner'
          ? shares.filter(({ partnerId }) => partnerId === actor.partnerId)
          : shares
      }),
  }
}

const describeSplit = (shares: readonly DealShare[] | undefined): string =>
  (shares ?? []).map(({ partnerId, shareWeight }) => `${partnerId}: ${shareWeight}`).join(', ')

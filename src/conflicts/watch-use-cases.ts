import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { EventOf } from '#src/kernel/events.ts'
import type { CustomerId, DealId } from '#src/kernel/ids.ts'
import type { CaseId } from './case.ts'
import type { CaseDeps } from './case-deps-step.ts'
import { addEntries } from './case-entry-store.ts'
import { openCases } from './case-opening-step.ts'
import { closeMootCases, settleParties } from './case-settlement-store.ts'
import type { ClaimId } from './claim.ts'
import { lockClaims } from './claim-store.ts'
import { findCandidates } from './comparison.ts'
import { readTerms } from './judgement-step.ts'
import { customersUnder, repointClaims } from './merge-store.ts'
import { asSubject, findCleared, type Recheck, recheckDeals } from './recheck-step.ts'
import { findClaims, searchClaims } from './search-store.ts'
import {
  customersApart,
  dealsWaitingFor,
  holdAgain,
  markCustomers,
  markForWatch,
  takeWatched,
} from './watch-store.ts'
import { isCollision } from './winner.ts'

export function createWatchUseCases(deps: CaseDeps) {
  const { clock, events, canonicalOf } = deps

  /** Which deals the marked claims concern, and which claims are gone. */
  async function takeMarks(system: Tx, limit: number) {
    const marks = await takeWatched(system, limit)
    const claims = await findClaims(
      system,
      marks.map(({ claimId }) => claimId),
    )
    const terms = await readTerms(system, clock.now())
    const mirrored = claims.filter(({ source }) => source !== 'registration')
    const found =
      mirrored.length > 0
        ? (await searchClaims(system, mirrored.map(asSubject), clock.now(), true)).findings
        : []
    const met = mirrored.flatMap((opportunity, index) =>
      (found[index]?.claims ?? []).filter((registration) =>
        findCandidates(terms, asSubject(registration), [opportunity]).some(isCollision),
      ),
    )
    const dealIds = new Map<DealId, Recheck>()
    for (const { dealId } of met) if (dealId) dealIds.set(dealId, { forced: false, cause: 'direct' })
    const byClaim = new Map(marks.map((mark) => [mark.claimId, mark]))
    for (const { source, dealId, claimId } of claims) {
      const mark = claimId === null ? undefined : byClaim.get(claimId)
      if (source === 'registration' && dealId && mark) dealIds.set(dealId, mark)
    }
    const live = new Set(claims.map(({ claimId }) => claimId))
    const gone = marks.flatMap(({ claimId }) => (live.has(claimId) ? [] : [claimId]))
    return { marks, dealIds, gone }
  }

  /** Cases in which nothing is left to decide end; whose way is free goes on, and is told. */
  async function settle(
    system: Tx,
    actor: Actor,
    gone: readonly ClaimId[],
    cleared: readonly { readonly dealId: DealId; readonly checkId: string }[],
  ): Promise<void> {
    if (gone.length === 0 && cleared.length === 0) return
    const now = clock.now()
    const dealIds = cleared.map(({ dealId }) => dealId)
    const checks = new Map(cleared.map(({ dealId, checkId }) => [dealId, checkId]))
    const ended = await settleParties(system, now, { dealIds: [], claimIds: gone }, 'ended')
    const freed = await settleParties(system, now, { dealIds, claimIds: [] }, 'cleared')
    const holders = await holdAgain(system, dealIds)
    const trace = (kind: string) => (party: { readonly caseId: CaseId; readonly dealId: DealId }) => ({
      caseId: party.caseId,
      dealId: party.dealId,
      kind,
      data: { checkId: checks.get(party.dealId) ?? null },
    })
    const closed = await closeMootCases(system, now, [
      ...new Set([...ended, ...freed].map(({ caseId }) => caseId)),
    ])
    const entries = [
      ...ended.map(trace('ended')),
      ...freed.map(trace('cleared')),
      ...closed.map((caseId) => ({ caseId, dealId: null, kind: 'closed', data: { as: 'moot' } })),
    ]
    await addEntries(system, actor, now, entries)
    await recordAudit(system, actor, [
      ...entries.map(({ caseId, dealId, kind, data }) => ({
        action: `conflict_case.${kind}`,
        subject: { kind: 'conflict_case', id: caseId },
        after: { dealId, ...data },
      })),
      ...holders.map((dealId) => ({
        action: 'claim.held_again',
        subject: { kind: 'deal', id: dealId },
        before: { standing: 'contested' },
        after: { standing: 'held' },
      })),
    ])
  }

  return {
    /**
     * Looks again at what changed since registrations were checked: direct opportunities that appeared, customers that
     * were merged or have another name, claims that are over. A new collision becomes a kept check, a case, and the event
     * `conflict_found`; a deal in whose way nothing stands any more is told by `conflict_cleared`. Never under the claims
     * lock while others are told, since whoever reacts locks deals. Call it until it returns 0.
     * @returns how many claims were looked at
     */
    async watchClaims(tx: Tx, actor: Actor, limit = 100): Promise<number> {
      const { taken, gone, found, cleared } = await asSystem(tx, async (system) => {
        const { marks, dealIds, gone } = await takeMarks(system, limit)
        const found = await recheckDeals(deps, system, dealIds)
        const known = new Set(found.map(({ dealId }) => dealId))
        const waiting = await dealsWaitingFor(
          system,
          marks.map(({ claimId }) => claimId),
        )
        const cleared = await findCleared(
          deps,
          system,
          waiting.flatMap(({ dealId }) => (known.has(dealId) ? [] : [dealId])),
        )
        return { taken: marks.length, gone, found, cleared }
      })
      await events.publish(tx, actor, [
        ...found.map(({ dealId, checkId }) => ({ type: 'conflict_found' as const, dealId, checkId })),
        ...cleared.map(({ dealId, checkId }) => ({ type: 'conflict_cleared' as const, dealId, checkId })),
        ...found.map(({ dealId }) => ({
          type: 'notification' as const,
          // Mails about a whole file of imported registrations are gathered.
          priority: found.length > 1 ? ('bulk' as const) : ('live' as const),
          kind: 'conflict_found' as const,
          partnerId: null,
          subject: { kind: 'deal', id: dealId },
          data: {},
        })),
      ])
      if (found.length + gone.length + cleared.length === 0) return taken
      await asSystem(tx, async (system) => {
        await lockClaims(system)
        await openCases(deps, system, actor, found)
        await settle(system, actor, gone, cleared)
      })
      return taken
    },

    /**
     * Claims follow their customers when these are merged, or when that is undone. Of two holders that meet, the later
     * one becomes contested; it and the pending ones are compared again by `watchClaims`.
     */
    async onCustomersMerged(
      tx: Tx,
      actor: Actor,
      merges: readonly EventOf<'customers_merged'>[],
    ): Promise<void> {
      const named: CustomerId[] = merges.flatMap(({ from, into }) => [from, into])
      const { contested, heldAgain } = await asSystem(tx, async (system) => {
        await lockClaims(system)
        const customers = new Set([...named, ...(await customersUnder(system, named))])
        const canonical = await canonicalOf(system, [...customers])
        const changes = await repointClaims(system, canonical)
        const lost = changes.contested.map(({ claimId }) => claimId)
        await markForWatch(system, lost, { forced: true, cause: 'merge' })
        await markForWatch(system, changes.live, { cause: 'merge' })
        return changes
      })
      await recordAudit(tx, actor, [
        ...contested.map(({ claimId, dealId }) => ({
          action: 'claim.contested',
          subject: { kind: 'claim', id: claimId },
          before: { standing: 'held' },
          after: { standing: 'contested', dealId },
        })),
        ...heldAgain.map(({ claimId, dealId }) => ({
          action: 'claim.held_again',
          subject: { kind: 'claim', id: claimId },
          before: { standing: 'contested' },
          after: { standing: 'held', dealId },
        })),
      ])
    },

    /**
     * A CRM made one account of several, so that customers of ours are one company: their claims meet. What a person keeps
     * apart stays so. A merge is a pointer and can be undone.
     */
    async onAccountsMerged(
      tx: Tx,
      actor: Actor,
      merges: readonly { readonly from: CustomerId; readonly into: CustomerId }[],
    ): Promise<void> {
      for (const { from, into } of merges) {
        const canonical = await canonicalOf(tx, [from, into])
        const [one, other] = [canonical.get(from), canonical.get(into)]
        if (!one || !other || one === other) continue
        const apart = await asSystem(tx, (system) => customersApart(system, [one, other]))
        if (apart.has([one, other].sort().join(' '))) continue
        await deps.customers.mergeCustomers(
          tx,
          actor,
          one,
          other,
          'Their accounts were merged in the CRM',
          null,
        )
      }
    },

    /** A customer that has another name, domain or country may turn out to be one that somebody else registered. */
    async onRecordsChanged(
      tx: Tx,
      _actor: Actor,
      changes: readonly EventOf<'record_changed'>[],
    ): Promise<void> {
      const customerIds = changes.flatMap(({ entity, id, isNew }) =>
        entity === 'customer' && !isNew ? [id as CustomerId] : [],
      )
      if (customerIds.length === 0) return
      await asSystem(tx, (system) => markCustomers(system, customerIds))
    },
  }
}

import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { EventBus, EventOf } from '#src/kernel/events.ts'
import { type CustomerId, type DealId, newId } from '#src/kernel/ids.ts'
import { type CheckRecord, keepChecks } from './check-store.ts'
import type { CheckSubject, FoundClaim } from './claim.ts'
import { lockClaims } from './claim-store.ts'
import { findCandidates } from './comparison.ts'
import { customersUnder, repointClaims } from './merge-store.ts'
import { type Candidate, ruleVersion } from './score.ts'
import { claimsOfDeals, findClaims, readSearchState, searchClaims } from './search-store.ts'
import { judge } from './verdict.ts'
import { knownCollisions, markForWatch, takeWatched } from './watch-store.ts'

export interface WatchDeps {
  readonly clock: Clock
  readonly events: EventBus<Tx>
  /** The canonical customer of each of these: itself unless it was merged. */
  readonly canonicalOf: (tx: Tx, ids: readonly CustomerId[]) => Promise<ReadonlyMap<CustomerId, CustomerId>>
}

const asSubject = (claim: FoundClaim): CheckSubject => ({
  dealId: claim.dealId,
  partnerId: claim.partnerId,
  customerId: claim.customerId,
  company: claim.company,
  familyIds: claim.familyIds,
  range: claim.range,
})

const isStrongCollision = ({ band, collides }: Candidate): boolean => band === 'strong' && collides

export function createWatchUseCases({ clock, events, canonicalOf }: WatchDeps) {
  /** Checks registered deals again. Keeps and announces only what meets a claim that no check of the deal has met. */
  async function recheck(tx: Tx, actor: Actor, dealIds: readonly DealId[]): Promise<void> {
    const found = await asSystem(tx, async (system) => {
      const startedAt = clock.now()
      const { horizon, mirror } = await readSearchState(system, startedAt)
      const subjects = (await claimsOfDeals(system, dealIds)).map(asSubject)
      if (subjects.length === 0) return []
      const { hits, incomplete } = await searchClaims(system, subjects)
      const known = await knownCollisions(
        system,
        hits.flatMap(({ claim }) => claim.claimId ?? []),
      )
      const checks = subjects.flatMap((subject, index): CheckRecord[] => {
        const claims = hits.filter((hit) => hit.subject === index).map(({ claim }) => claim)
        const candidates = findCandidates(subject, claims)
        const isNew = ({ claim }: Candidate) => !known.has(`${subject.dealId} ${claim.claimId}`)
        if (!candidates.some((candidate) => isStrongCollision(candidate) && isNew(candidate))) return []
        return [
          {
            checkId: newId(),
            purpose: 'watch',
            subject,
            ...judge({ candidates, mirror, complete: !incomplete.has(index) }),
            ruleVersion,
            horizon,
            claimSeq: null,
            mirror,
            candidates,
            checkedAt: startedAt,
            durationMs: clock.now().getTime() - startedAt.getTime(),
          },
        ]
      })
      await keepChecks(system, checks)
      return checks.flatMap(({ checkId, subject }) =>
        subject.dealId ? [{ checkId, dealId: subject.dealId }] : [],
      )
    })
    await events.publish(tx, actor, [
      ...found.map(({ checkId, dealId }) => ({ type: 'conflict_found' as const, dealId, checkId })),
      ...found.map(({ dealId }) => ({
        type: 'notification' as const,
        kind: 'conflict_found' as const,
        partnerId: null,
        subject: { kind: 'deal', id: dealId },
        data: {},
      })),
    ])
  }

  return {
    /**
     * Compares claims that appeared later (direct opportunities, customers merged) with the registrations that were
     * checked before them; a new collision becomes a kept check and the event `conflict_found`. Never under the claims
     * lock, since whoever reacts locks deals. Call it until it returns 0.
     * @returns how many claims were looked at
     */
    async watchClaims(tx: Tx, actor: Actor, limit = 100): Promise<number> {
      const { taken, dealIds } = await asSystem(tx, async (system) => {
        const claimIds = await takeWatched(system, limit)
        const claims = await findClaims(system, claimIds)
        const mirrored = claims.filter(({ source }) => source !== 'registration')
        const { hits } = await searchClaims(system, mirrored.map(asSubject), true)
        const met = hits.filter(({ subject, claim }) => {
          const opportunity = mirrored[subject]
          return opportunity && findCandidates(asSubject(claim), [opportunity]).some(isStrongCollision)
        })
        const own = claims.filter(({ source }) => source === 'registration')
        return {
          taken: claimIds.length,
          dealIds: new Set([...own, ...met.map(({ claim }) => claim)].flatMap(({ dealId }) => dealId ?? [])),
        }
      })
      if (dealIds.size > 0) await recheck(tx, actor, [...dealIds])
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
        await markForWatch(system, [...changes.moved, ...changes.contested.map(({ claimId }) => claimId)])
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
  }
}

import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { EventBus, EventOf } from '#src/kernel/events.ts'
import { type CustomerId, type DealId, newId } from '#src/kernel/ids.ts'
import { type CheckRecord, keepChecks, knownCollisions } from './check-store.ts'
import type { CheckSubject, FoundClaim } from './claim.ts'
import { lockClaims } from './claim-store.ts'
import { findCandidates } from './comparison.ts'
import { judgeClaims } from './judgement.ts'
import { type FindWins, readTerms, readWins, searchInTime } from './judgement-step.ts'
import { customersUnder, repointClaims } from './merge-store.ts'
import type { Candidate } from './score.ts'
import { claimsOfDeals, findClaims, searchClaims } from './search-store.ts'
import { markForWatch, takeWatched } from './watch-store.ts'
import { isCollision } from './winner.ts'

export interface WatchDeps {
  readonly clock: Clock
  readonly events: EventBus<Tx>
  readonly findWins: FindWins
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
  productIds: claim.productIds,
  registrationType: claim.registrationType,
  registeredAt: claim.registeredAt,
})

/** Does the candidate put the claim in question? A registration that came later has a check of its own. */
const questions = (candidate: Candidate, own: FoundClaim): boolean => {
  if (!isCollision(candidate)) return false
  const { source, standing, claimId } = candidate.claim
  if (source !== 'registration' || standing === 'held') return true
  return own.standing !== 'held' && claimId !== null && own.claimId !== null && claimId < own.claimId
}

export function createWatchUseCases({ clock, events, canonicalOf, findWins }: WatchDeps) {
  /** Checks registered deals again. Keeps and announces only what meets a claim that no check of the deal has met. */
  async function recheck(tx: Tx, actor: Actor, dealIds: readonly DealId[]): Promise<void> {
    const opened = await asSystem(tx, async (system) => {
      const startedAt = clock.now()
      const claims = await claimsOfDeals(system, dealIds)
      if (claims.length === 0) return []
      const terms = await readTerms(system, startedAt)
      const subjects = claims.map(asSubject)
      const { horizon, mirror, findings } = await searchInTime(system, subjects, startedAt)
      const wins = await readWins(system, findWins, terms, subjects)
      const known = await knownCollisions(system, dealIds)
      const checks = claims.flatMap((own, index): CheckRecord[] => {
        const subject = asSubject(own)
        const { claims: found = [], gaps = [] } = findings[index] ?? {}
        const past = own.customerId === null ? [] : (wins.get(own.customerId) ?? [])
        const judged = judgeClaims(terms, subject, found, { mirror, gaps, wins: past })
        const isNew = ({ claim }: Candidate) => !known.has(`${own.dealId} ${claim.claimId}`)
        if (!judged.candidates.some((candidate) => isNew(candidate) && questions(candidate, own))) return []
        return [
          {
            ...judged,
            checkId: newId(),
            purpose: 'watch',
            subject,
            horizon,
            claimSeq: null,
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
      ...opened.map(({ checkId, dealId }) => ({ type: 'conflict_found' as const, dealId, checkId })),
      ...opened.map(({ dealId }) => ({
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
        const own = claims.filter(({ source }) => source === 'registration')
        return {
          taken: claimIds.length,
          dealIds: new Set([...own, ...met].flatMap(({ dealId }) => dealId ?? [])),
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
        await markForWatch(system, changes.live)
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

import {
  asSystem,
  LostRace,
  leaveForLast,
  savepoint,
  type Tx,
  takeLastSteps,
  violatedConstraint,
} from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { DealId } from '#src/kernel/ids.ts'
import type { CaseDeps } from './case-deps-step.ts'
import { openCases } from './case-opening-step.ts'
import type { ClaimSubject, DayRange } from './claim.ts'
import {
  closeClaimsOf,
  fileRegistrations,
  type Hold,
  holdClaimsOf,
  lockClaims,
  reviveClaimsOf,
  setClaimRange,
} from './claim-store.ts'
import { type CheckResult, compareAll, compareNewer } from './comparison-step.ts'
import { scopeOf } from './same-deal.ts'
import { claimsOfDeals } from './search-store.ts'
import { markForWatch, markKnownToCases } from './watch-store.ts'

export function createClaimUseCases(deps: Pick<CaseDeps, 'clock' | 'registrations' | 'findWins'>) {
  const { clock, findWins } = deps
  /**
   * Checks registrations against every other claim and files them, as one step that two callers cannot do at once. The
   * search runs now, without a lock. At the end of the unit of work, under the claims lock, whatever was claimed
   * meanwhile is compared too, and claims and checks are filed, and a case for what is suspected; where that changes a
   * verdict, the unit of work runs once more, with the lock from the start. Whatever fails throws, so nothing is ever filed
   * unchecked.
   * @returns one result per subject, in order; of two alike in one batch the later one is suspected
   */
  async function checkMany(
    tx: Tx,
    actor: Actor,
    subjects: readonly ClaimSubject[],
  ): Promise<readonly CheckResult[]> {
    if (subjects.length === 0) return []
    const startedAt = clock.now()
    const comparison = await asSystem(tx, (system) => compareAll(system, subjects, startedAt, findWins))
    const { compared } = comparison
    const durationMs = clock.now().getTime() - startedAt.getTime()
    leaveForLast(tx, async (system) => {
      await lockClaims(system)
      const current = await compareNewer(system, comparison)
      const filed = await fileRegistrations(
        system,
        subjects.map((claim, index) => {
          const own = current[index]
          if (!own) throw new Error('A registration was left without its check')
          const { claimId, claims: _claims, ...check } = own
          const scopeIds = scopeOf(comparison.terms.rules, claim)
          return {
            claimId,
            claim,
            scopeIds,
            check: { ...check, purpose: 'submit', checkedAt: startedAt, durationMs },
          }
        }),
      )
      if (filed.some(({ canonicalId }, index) => canonicalId !== compared[index]?.subject.customerId)) {
        throw new LostRace('A customer was merged while its registration was checked')
      }
      const findings = filed.flatMap(({ claimId, dealId }, index) => {
        const own = current[index]
        const partnerId = subjects[index]?.partnerId
        if (!own || !partnerId || own.verdict === 'clear') return []
        const { checkId, candidates } = own
        return [{ dealId, partnerId, claimId, checkId, candidates, cause: 'submit' as const }]
      })
      await openCases(deps, system, actor, findings)
    })
    return compared.map(({ claimId: _id, subject: _subject, claims: _claims, ...result }) => result)
  }

  return {
    checkMany,

    /** `checkMany` of one. */
    async checkAndClaim(tx: Tx, actor: Actor, subject: ClaimSubject): Promise<CheckResult> {
      const [result] = await checkMany(tx, actor, [subject])
      if (!result) throw new Error('The check came back empty')
      return result
    },

    /**
     * At approval: the deal holds its customer and families for these days, and nobody else may.
     * @throws Refused `already_held`, `no_claim`; the unit of work stays usable
     */
    async holdClaims(tx: Tx, dealId: DealId, range: DayRange): Promise<void> {
      const [outcome] = await holdEach(tx, [{ dealId, range }])
      refuse(outcome ?? 'no_claim')
    },

    /** The same for many deals at once; of two that collide with each other the earlier one holds. In their order. */
    holdEach,

    /**
     * New days for the claim of a deal, whatever its standing.
     * @throws Refused `already_held`, `no_claim`; the unit of work stays usable
     */
    async extendClaims(tx: Tx, dealId: DealId, range: DayRange): Promise<void> {
      const outcome = await asSystem(tx, async (system): Promise<HoldOutcome> => {
        await takeLastSteps(system)
        await lockClaims(system)
        const changed = await unlessHeld(system, (inner) => setClaimRange(inner, dealId, range))
        if (changed === null) return 'already_held'
        return changed ? 'held' : 'no_claim'
      })
      refuse(outcome)
    },

    /** Withdrawn, rejected, cancelled, expired: the deal claims nothing any more. Deals without a claim are passed over. */
    async closeClaims(tx: Tx, dealIds: readonly DealId[]): Promise<void> {
      await asSystem(tx, async (system) => {
        await takeLastSteps(system)
        // Who waits for one of them is looked at again by the watch.
        await markKnownToCases(system, await closeClaimsOf(system, dealIds))
      })
    },

    /** Closed registrations claim again, as pending; the watch compares them with what was claimed meanwhile. */
    async reviveClaims(tx: Tx, dealIds: readonly DealId[]): Promise<void> {
      await asSystem(tx, async (system) => {
        await takeLastSteps(system)
        await lockClaims(system)
        await markForWatch(system, await reviveClaimsOf(system, dealIds))
      })
    },

    /** Looks at the claims of these deals again, soon, even at what was met before: somebody is in their way. */
    async watchDeals(tx: Tx, dealIds: readonly DealId[]): Promise<void> {
      await asSystem(tx, async (system) => {
        await takeLastSteps(system)
        const claims = await claimsOfDeals(system, dealIds)
        const claimIds = claims.flatMap(({ claimId }) => claimId ?? [])
        await markForWatch(system, claimIds, { forced: true, cause: 'protection' })
      })
    },
  }
}

export type HoldOutcome = 'held' | 'no_claim' | 'already_held'

async function holdEach(tx: Tx, holds: readonly Hold[]): Promise<readonly HoldOutcome[]> {
  if (holds.length === 0) return []
  return asSystem(tx, async (system) => {
    await takeLastSteps(system)
    await lockClaims(system)
    return holdTogether(system, holds)
  })
}

/** One statement for all; where somebody is in the way, halves find who. */
async function holdTogether(tx: Tx, holds: readonly Hold[]): Promise<readonly HoldOutcome[]> {
  const held = await unlessHeld(tx, (inner) => holdClaimsOf(inner, holds))
  if (held) return holds.map(({ dealId }) => (held.has(dealId) ? 'held' : 'no_claim'))
  if (holds.length === 1) return ['already_held']
  const middle = Math.ceil(holds.length / 2)
  const earlier = await holdTogether(tx, holds.slice(0, middle))
  return [...earlier, ...(await holdTogether(tx, holds.slice(middle)))]
}

/** Null when another registration holds what the change asks for: nothing of it was done. */
async function unlessHeld<T>(tx: Tx, change: (tx: Tx) => Promise<T>): Promise<T | null> {
  try {
    return await savepoint(tx, change)
  } catch (error) {
    if (violatedConstraint(error) === 'claim_one_holder') return null
    throw error
  }
}

function refuse(outcome: HoldOutcome): void {
  if (outcome === 'no_claim') throw new Refused('no_claim', 'The registration has no live claim')
  if (outcome === 'already_held') {
    throw new Refused(
      'already_held',
      'Another registration holds this customer and one of these product families in that time',
    )
  }
}

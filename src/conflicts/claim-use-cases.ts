import { asSystem, savepoint, type Tx, violatedConstraint } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { Refused } from '#src/kernel/errors.ts'
import { type DealId, newId } from '#src/kernel/ids.ts'
import { type CheckId, keepChecks } from './check-store.ts'
import type { ClaimSubject, DayRange } from './claim.ts'
import {
  closeClaimsOf,
  fileRegistrations,
  type Hold,
  holdClaimsOf,
  lockClaims,
  setClaimRange,
} from './claim-store.ts'
import { asCheckSubject, asFiledClaim, createClaimIndex, findCandidates, keptOf } from './comparison.ts'
import { type Candidate, ruleVersion } from './score.ts'
import { claimsSince, readSearchState, type SearchResult, searchClaims } from './search-store.ts'
import { judge, type MirrorState, type Verdict, type VerdictReason } from './verdict.ts'

export interface CheckResult {
  readonly checkId: CheckId
  readonly verdict: Verdict
  readonly reasons: readonly VerdictReason[]
  readonly claimSeq: bigint
  readonly ruleVersion: number
  readonly mirror: MirrorState
  /** The best of those found. */
  readonly candidates: readonly Candidate[]
  readonly candidatesFound: number
}

/** Newer claims beyond this number are found by a second search instead of one by one. */
const comparedOneByOne = 300

export function createClaimUseCases({ clock }: { readonly clock: Clock }) {
  /**
   * Checks registrations against every other claim and files them, as one step that two callers cannot do at once: the
   * search runs without a lock; then, under the claims lock, whatever was claimed meanwhile is compared too.
   * Call it late in the unit of work. Whatever fails throws, so nothing is ever filed unchecked.
   * @returns one result per subject, in order; of two alike in one batch the later one is suspected
   */
  async function checkMany(
    tx: Tx,
    _actor: Actor,
    subjects: readonly ClaimSubject[],
  ): Promise<readonly CheckResult[]> {
    if (subjects.length === 0) return []
    return asSystem(tx, (system) => checkAndFile(system, subjects))
  }

  async function checkAndFile(tx: Tx, subjects: readonly ClaimSubject[]): Promise<readonly CheckResult[]> {
    const startedAt = clock.now()
    const asked = subjects.map(asCheckSubject)
    const { horizon, mirror } = await readSearchState(tx, startedAt)
    const ahead = await searchClaims(tx, asked)
    await lockClaims(tx)
    const newer = await claimsSince(tx, horizon, comparedOneByOne)
    const complete = newer.length <= comparedOneByOne
    const found: SearchResult = complete ? ahead : await searchClaims(tx, asked)
    const filed = await fileRegistrations(tx, subjects)
    const durationMs = clock.now().getTime() - startedAt.getTime()
    const later = createClaimIndex()
    for (const claim of complete ? newer : []) later.add(claim)
    const results = subjects.map((given, index) => {
      const claim = filed[index]
      if (!claim) throw new Error('A registration was left without its claim')
      const subject = { ...asCheckSubject(given), customerId: claim.canonicalId }
      const ranked = findCandidates(subject, [...(found.claims.get(index) ?? []), ...later.find(subject)])
      later.add(asFiledClaim(subject, claim.claimId))
      return {
        checkId: newId<'conflict_check'>(),
        claimSeq: claim.claimSeq,
        subject,
        ...judge({ candidates: ranked, mirror, complete: !found.incomplete.has(index) }),
        ruleVersion,
        mirror,
        candidates: keptOf(ranked),
        candidatesFound: ranked.length,
      }
    })
    await keepChecks(
      tx,
      results.map((result) => ({
        ...result,
        purpose: 'submit',
        horizon: result.claimSeq - 1n,
        checkedAt: startedAt,
        durationMs,
      })),
    )
    return results.map(({ subject: _, ...result }) => result)
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
        await lockClaims(system)
        const changed = await unlessHeld(system, (inner) => setClaimRange(inner, dealId, range))
        if (changed === null) return 'already_held'
        return changed ? 'held' : 'no_claim'
      })
      refuse(outcome)
    },

    /** Withdrawn, rejected, cancelled, expired: the deal claims nothing any more. Deals without a claim are passed over. */
    async closeClaims(tx: Tx, dealIds: readonly DealId[]): Promise<void> {
      await asSystem(tx, (system) => closeClaimsOf(system, dealIds))
    },
  }
}

export type HoldOutcome = 'held' | 'no_claim' | 'already_held'

async function holdEach(tx: Tx, holds: readonly Hold[]): Promise<readonly HoldOutcome[]> {
  if (holds.length === 0) return []
  return asSystem(tx, async (system) => {
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

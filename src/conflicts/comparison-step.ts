import { isRerun, LostRace, type Tx } from '#src/database/database.ts'
import { newId } from '#src/kernel/ids.ts'
import type { CheckId } from './check-store.ts'
import type { CheckSubject, ClaimId, ClaimSubject, FoundClaim } from './claim.ts'
import { lockClaims } from './claim-store.ts'
import { asCheckSubject, asFiledClaim, createClaimIndex, findCandidates, keptOf } from './comparison.ts'
import { type Candidate, ruleVersion } from './score.ts'
import { claimsSince, type Findings, searchClaims } from './search-store.ts'
import { judge, type MirrorState, type Verdict, type VerdictReason } from './verdict.ts'

export interface CheckResult {
  readonly checkId: CheckId
  readonly verdict: Verdict
  readonly reasons: readonly VerdictReason[]
  readonly ruleVersion: number
  readonly mirror: MirrorState
  /** The best of those found. */
  readonly candidates: readonly Candidate[]
  readonly candidatesFound: number
}

/** Newer claims beyond this number are found by searching again instead of one by one. */
const comparedOneByOne = 300

/** A subject with all claims that it was compared with so far. */
export interface Compared extends CheckResult {
  readonly claimId: ClaimId
  readonly subject: CheckSubject
  readonly claims: readonly FoundClaim[]
  /** All claims that might have mattered were read. */
  readonly complete: boolean
}

/** Searches for all subjects at once; of those of the batch each one meets the ones before it. */
export async function compareAll(
  tx: Tx,
  subjects: readonly ClaimSubject[],
  startedAt: Date,
): Promise<{ horizon: bigint; compared: readonly Compared[] }> {
  if (isRerun(tx)) await lockClaims(tx)
  const asked = subjects.map(asCheckSubject)
  const { horizon, mirror, findings } = await searchClaims(tx, asked, startedAt)
  const batch = createClaimIndex()
  const compared = asked.map((stated, index): Compared => {
    const { canonicalId, claims, complete } = findings[index] ?? nothingFound
    const subject = { ...stated, customerId: canonicalId }
    const claimId = newId<'claim'>()
    const own = { checkId: newId<'conflict_check'>(), claimId, subject, mirror, complete }
    const result = judgeBy(own, [...claims, ...batch.find(subject)])
    batch.add(asFiledClaim(subject, claimId))
    return result
  })
  return { horizon, compared }
}

const nothingFound: Findings = { canonicalId: null, claims: [], complete: true }

function judgeBy(
  own: Pick<Compared, 'checkId' | 'claimId' | 'subject' | 'mirror' | 'complete'>,
  claims: readonly FoundClaim[],
): Compared {
  const ranked = findCandidates(own.subject, claims)
  return {
    ...own,
    ...judge({ candidates: ranked, mirror: own.mirror, complete: own.complete }),
    ruleVersion,
    candidates: keptOf(ranked),
    candidatesFound: ranked.length,
    claims,
  }
}

/**
 * Under the claims lock: compares with what was claimed since the search.
 * @throws LostRace when that changes a verdict, or is too much to compare one by one
 */
export async function compareNewer(
  tx: Tx,
  horizon: bigint,
  compared: readonly Compared[],
): Promise<readonly Compared[]> {
  const newer = await claimsSince(tx, horizon, comparedOneByOne)
  if (newer.length === 0) return compared
  if (newer.length > comparedOneByOne) throw new LostRace('Many claims were filed while this one was checked')
  const index = createClaimIndex()
  for (const claim of newer) index.add(claim)
  return compared.map((before) => {
    const met = index.find(before.subject)
    if (met.length === 0) return before
    const now = judgeBy(before, [...before.claims, ...met])
    if (now.verdict !== before.verdict) throw new LostRace('A claim was filed while this one was checked')
    return now
  })
}

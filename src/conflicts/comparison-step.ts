import { isRerun, LostRace, type Tx } from '#src/database/database.ts'
import { newId } from '#src/kernel/ids.ts'
import type { CheckId } from './check-store.ts'
import { type CheckSubject, type ClaimId, type ClaimSubject, type FoundClaim, isSound } from './claim.ts'
import { lockClaims } from './claim-store.ts'
import { asCheckSubject, asFiledClaim, createClaimIndex } from './comparison.ts'
import { type Judgement, judgeClaims, type NumberedTerms } from './judgement.ts'
import { type FindWins, readTerms, readWins, searchInTime } from './judgement-step.ts'
import { claimsSince } from './search-store.ts'
import type { PastWin } from './winner.ts'

export interface CheckResult extends Judgement {
  readonly checkId: CheckId
}

/** Newer claims beyond this number are found by searching again instead of one by one. */
const comparedOneByOne = 300

/** A subject with all claims that it was compared with so far. */
export interface Compared extends CheckResult {
  readonly claimId: ClaimId
  readonly subject: CheckSubject
  readonly claims: readonly FoundClaim[]
}

/** What stays when a subject is judged once more. */
export interface Comparison {
  readonly horizon: bigint
  readonly terms: NumberedTerms
  readonly compared: readonly Compared[]
}

/** Searches for all subjects at once; of those of the batch each one meets the ones before it. */
export async function compareAll(
  tx: Tx,
  subjects: readonly ClaimSubject[],
  startedAt: Date,
  findWins: FindWins,
): Promise<Comparison> {
  if (isRerun(tx)) await lockClaims(tx)
  const terms = await readTerms(tx, startedAt)
  const asked = subjects.map(asCheckSubject)
  const { horizon, mirror, findings } = await searchInTime(tx, asked, startedAt)
  const located = asked.map((subject, index) => {
    const found = findings[index]
    if (!found) throw new Error('The search came back without one of its subjects')
    return { subject: { ...subject, customerId: found.canonicalId }, found }
  })
  const wins = await readWins(
    tx,
    findWins,
    terms,
    located.map(({ subject }) => subject),
  )
  const batch = createClaimIndex()
  const compared = located.map(({ subject, found }): Compared => {
    const claimId = newId<'claim'>()
    const claims = [...found.claims, ...batch.find(subject)]
    const facts = { mirror, gaps: found.gaps, wins: winsAt(wins, subject) }
    const judged = judgeClaims(terms, subject, claims, facts)
    batch.add(asFiledClaim(subject, claimId, startedAt))
    return { ...judged, checkId: newId<'conflict_check'>(), claimId, subject, claims }
  })
  return { horizon, terms, compared }
}

const winsAt = (
  wins: ReadonlyMap<string, readonly PastWin[]>,
  { customerId }: CheckSubject,
): readonly PastWin[] => (customerId === null ? [] : (wins.get(customerId) ?? []))

/**
 * Under the claims lock: compares with what was claimed since the search.
 * @throws LostRace when that changes a verdict, or is too much to compare one by one
 */
export async function compareNewer(
  tx: Tx,
  { horizon, terms, compared }: Comparison,
): Promise<readonly Compared[]> {
  const newer = await claimsSince(tx, horizon, comparedOneByOne)
  if (newer.length === 0) return compared
  // What cannot be read cannot be told apart in memory either: the search finds it by its keys.
  if (!newer.every(isSound)) throw new LostRace('A damaged claim was filed while this one was checked')
  if (newer.length > comparedOneByOne) throw new LostRace('Many claims were filed while this one was checked')
  const index = createClaimIndex()
  for (const claim of newer) index.add(claim)
  return compared.map((before) => {
    const met = index.find(before.subject)
    if (met.length === 0) return before
    const claims = [...before.claims, ...met]
    const { mirror, inputs, subject } = before
    const now = judgeClaims(terms, subject, claims, { mirror, gaps: inputs.gaps, wins: inputs.wins })
    if (now.verdict !== before.verdict) throw new LostRace('A claim was filed while this one was checked')
    return { ...before, ...now, claims }
  })
}

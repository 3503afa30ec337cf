/** One subject compared with the claims that were found, and ruled on: the whole of a check that is calculation. Pure. */
import { type CheckSubject, type FoundClaim, isSound } from './claim.ts'
import { findCandidates, keptOf } from './comparison.ts'
import { findListed, type ListHit } from './listed-accounts.ts'
import type { Terms } from './same-deal.ts'
import { type Candidate, matcherVersion } from './score.ts'
import { judge, type MirrorState, type Ruling, type SearchGap } from './verdict.ts'
import type { PastWin } from './winner.ts'

/** The rules that a check goes by, with their version. */
export interface NumberedTerms extends Terms {
  readonly version: number
}

/** What a check looked at beside its candidates, kept with it so that it can be judged again. */
export interface CheckInputs {
  readonly asOf: string
  readonly gaps: readonly SearchGap[]
  readonly wins: readonly PastWin[]
}

/** A ruling with all that it rests on. */
export interface Judgement extends Ruling {
  readonly ruleVersion: number
  readonly matcherVersion: number
  readonly mirror: MirrorState
  /** The best of those found; the ruling rests on them alone. */
  readonly candidates: readonly Candidate[]
  readonly candidatesFound: number
  readonly listed: readonly ListHit[]
  readonly inputs: CheckInputs
}

/** Compares a subject with the claims that were found and rules on it. */
export function judgeClaims(
  terms: NumberedTerms,
  subject: CheckSubject,
  claims: readonly FoundClaim[],
  found: {
    readonly mirror: MirrorState
    readonly gaps: readonly SearchGap[]
    readonly wins: readonly PastWin[]
  },
): Judgement {
  const sound = claims.filter(isSound)
  const gaps = new Set([...found.gaps, ...(sound.length < claims.length ? (['damaged'] as const) : [])])
  const ranked = findCandidates(terms, subject, sound)
  const candidates = keptOf(ranked)
  const listed = findListed(terms.rules, terms.asOf, subject)
  const inputs = { asOf: terms.asOf, gaps: [...gaps], wins: found.wins }
  const facts = { subject, candidates, mirror: found.mirror, gaps: inputs.gaps, listed, wins: found.wins }
  return {
    ...judge(terms, facts),
    ruleVersion: terms.version,
    matcherVersion,
    mirror: found.mirror,
    candidates,
    candidatesFound: ranked.length,
    listed,
    inputs,
  }
}

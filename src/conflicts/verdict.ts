/** From candidates to a verdict, and what a partner may hear of it. Pure. */
import type { Candidate } from './score.ts'

export type Verdict = 'clear' | 'suspected'
export type MirrorState = 'none' | 'fresh' | 'stale'
/** `too_many`: so many claims on this company that not all could be compared. */
export type VerdictReason = 'candidate' | 'mirror_stale' | 'too_many'

export interface VerdictFacts {
  readonly candidates: readonly Candidate[]
  readonly mirror: MirrorState
  readonly complete: boolean
}

/** Clear only if the search was complete, the mirror can be trusted and nothing strong collides. */
export function judge(facts: VerdictFacts): { verdict: Verdict; reasons: readonly VerdictReason[] } {
  const reasons: VerdictReason[] = []
  if (facts.candidates.some(({ band, collides }) => band === 'strong' && collides)) reasons.push('candidate')
  if (facts.mirror === 'stale') reasons.push('mirror_stale')
  if (!facts.complete) reasons.push('too_many')
  return { verdict: reasons.length > 0 ? 'suspected' : 'clear', reasons }
}

/** The best first: what collides, then by score, then the older claim. */
export function rankCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...candidates].sort(
    (a, b) =>
      Number(b.collides) - Number(a.collides) ||
      b.score - a.score ||
      ((a.claim.claimId ?? '') < (b.claim.claimId ?? '') ? -1 : 1),
  )
}

/** All that a partner learns: that there is a conflict, never with whom, what or since when. */
export function conflictForPartner(check: { readonly verdict: Verdict }): {
  conflict: boolean
  message: string
} {
  return check.verdict === 'suspected'
    ? { conflict: true, message: 'This may overlap with other activity and is reviewed before a decision.' }
    : { conflict: false, message: 'No overlapping activity was found.' }
}

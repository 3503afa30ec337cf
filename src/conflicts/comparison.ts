/** Search results, newer claims and batch-mates become candidates per subject. Pure. */
import type { CheckSubject, ClaimId, ClaimSubject, FoundClaim } from './claim.ts'
import { type Candidate, scoreClaim } from './score.ts'
import { filingKeys, lookupKeys } from './search-keys.ts'
import { rankCandidates } from './verdict.ts'

/** More than these are not kept for one check; what collides comes first. */
const keptPerCheck = 50

/** Never a claim of the deal itself, nor the opportunity that it is linked to. */
const isOwnDeal = (subject: CheckSubject, claim: FoundClaim): boolean =>
  subject.dealId !== null && claim.dealId === subject.dealId

/** Candidates among claims; the last version of a claim given twice counts. */
export function findCandidates(subject: CheckSubject, claims: readonly FoundClaim[]): readonly Candidate[] {
  const newest = new Map(claims.map((claim) => [claim.claimId, claim]))
  const candidates = [...newest.values()].flatMap((claim) => {
    const candidate = isOwnDeal(subject, claim) ? null : scoreClaim(subject, claim)
    return candidate ? [candidate] : []
  })
  return rankCandidates(candidates).slice(0, keptPerCheck)
}

/** For each subject of a batch the claims of subjects before it that share a key. */
export function earlierMates(
  subjects: readonly CheckSubject[],
  claims: readonly FoundClaim[],
): readonly (readonly FoundClaim[])[] {
  const filed = new Map<string, Set<number>>()
  return subjects.map((subject, index) => {
    const mates = new Set<number>()
    for (const { key } of lookupKeys(subject.company)) {
      for (const mate of filed.get(key) ?? []) mates.add(mate)
    }
    subjects.slice(0, index).forEach((other, mate) => {
      if (subject.customerId !== null && other.customerId === subject.customerId) mates.add(mate)
    })
    for (const key of filingKeys(subject.company)) {
      const under = filed.get(key)
      if (under) under.add(index)
      else filed.set(key, new Set([index]))
    }
    return [...mates].flatMap((mate) => claims[mate] ?? [])
  })
}

export const asCheckSubject = (subject: ClaimSubject): CheckSubject => ({
  dealId: subject.sourceId,
  partnerId: subject.partnerId,
  customerId: subject.customerId,
  company: subject.company,
  familyIds: subject.familyIds,
  range: { from: subject.from, to: subject.to },
})

/** The claim that a subject becomes once it is filed. */
export const asFiledClaim = (subject: ClaimSubject, claimId: ClaimId): FoundClaim => ({
  ...asCheckSubject(subject),
  claimId,
  source: 'registration',
  standing: 'pending',
  connectionId: null,
  remoteId: null,
  amountMinor: null,
  currency: null,
  stage: null,
  openedOn: null,
})

/** Claims become candidates of a subject; claims newer than a search are found in memory. Pure. */
import type { CheckSubject, ClaimId, ClaimSubject, FoundClaim } from './claim.ts'
import type { Terms } from './same-deal.ts'
import { type Candidate, scoreClaim } from './score.ts'
import { filingKeys, lookupKeys } from './search-keys.ts'
import { rankCandidates } from './verdict.ts'

/** How many candidates are kept for one check, the best first. */
const strongKept = 20
const possibleKept = 10

/** Never a claim of the deal itself, nor the opportunity that it is linked to. */
const isOwnDeal = (subject: CheckSubject, claim: FoundClaim): boolean =>
  subject.dealId !== null && claim.dealId === subject.dealId

/** Candidates among claims, the best first; the last version of a claim given twice counts. */
export function findCandidates(
  terms: Terms,
  subject: CheckSubject,
  claims: readonly FoundClaim[],
): readonly Candidate[] {
  const newest = new Map(claims.map((claim) => [claim.claimId, claim]))
  const candidates = [...newest.values()].flatMap((claim) => {
    const candidate = isOwnDeal(subject, claim) ? null : scoreClaim(terms, subject, claim)
    return candidate ? [candidate] : []
  })
  return rankCandidates(candidates)
}

/**
 * The part of ranked candidates that is kept with a check: a company with hundreds of claims needs no more as evidence.
 * The oldest claim that collides is among them, since it may be the one that wins.
 */
export function keptOf(ranked: readonly Candidate[]): readonly Candidate[] {
  const strong = ranked.filter(({ band }) => band === 'strong')
  const kept = strong.slice(0, strongKept)
  const oldest = strong
    .filter(({ collides }) => collides)
    .reduce<Candidate | null>((first, one) => (first && sinceOf(first) <= sinceOf(one) ? first : one), null)
  return [
    ...kept,
    ...(oldest && !kept.includes(oldest) ? [oldest] : []),
    ...ranked.filter(({ band }) => band === 'possible').slice(0, possibleKept),
  ]
}

/** Since when a claim stands, to compare; one that does not say since when has always been there. */
const sinceOf = ({ claim }: Candidate): string =>
  `${claim.registeredAt ?? claim.openedOn ?? ''} ${claim.claimId ?? ''}`

export interface ClaimIndex {
  add(claim: FoundClaim): void
  /** Claims added so far that share a key or the customer with the subject. */
  find(subject: CheckSubject): readonly FoundClaim[]
}

/** What the search does in the database, for the few claims that are newer than the search. */
export function createClaimIndex(): ClaimIndex {
  const filed = new Map<string, FoundClaim[]>()
  const withCustomer = (keys: readonly string[], customerId: string | null): readonly string[] =>
    customerId === null ? keys : [...keys, `customer ${customerId}`]
  return {
    add(claim) {
      for (const key of withCustomer(filingKeys(claim.company), claim.customerId)) {
        const under = filed.get(key)
        if (under) under.push(claim)
        else filed.set(key, [claim])
      }
    },
    find({ company, customerId }) {
      const keys = withCustomer(
        lookupKeys(company).map(({ key }) => key),
        customerId,
      )
      return [...new Set(keys.flatMap((key) => filed.get(key) ?? []))]
    },
  }
}

export const asCheckSubject = (subject: ClaimSubject): CheckSubject => ({
  dealId: subject.sourceId,
  partnerId: subject.partnerId,
  customerId: subject.customerId,
  company: subject.company,
  familyIds: subject.familyIds,
  range: { from: subject.from, to: subject.to },
  productIds: subject.productIds,
  registrationType: subject.registrationType,
  registeredAt: subject.registeredAt,
})

/** The claim that a subject becomes once it is filed, at `filedAt`. */
export const asFiledClaim = (subject: CheckSubject, claimId: ClaimId, filedAt: Date): FoundClaim => ({
  ...subject,
  registeredAt: subject.registeredAt ?? filedAt.toISOString(),
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

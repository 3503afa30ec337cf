/** Scores one claim against what is being checked and says why. Pure: the same two sides always score the same. */
import type { CheckSubject, FoundClaim } from './claim.ts'
import type { CandidateKind, Evidence, MatchKey } from './evidence.ts'
import { nameLikeness } from './name-likeness.ts'
import { compareCircumstances, type Terms } from './same-deal.ts'

export type { CandidateKind, Evidence, MatchKey } from './evidence.ts'

/** Rises with every change of keys or weights, so that an old score can be told from a new one. */
export const matcherVersion = 1

/** From here on two names count as alike. */
const candidateFrom = 60

const otherDomainPenalty = 15
const otherCountryPenalty = 20
const siblingDomainBonus = 10
const sameCountryBonus = 2

export interface Candidate {
  readonly kind: CandidateKind
  readonly key: MatchKey
  /** 0 to 100. */
  readonly score: number
  /** `strong`: taken for the same company; `possible`: shown only. */
  readonly band: 'strong' | 'possible'
  /** Would both stand for the same deal, as the rules say? Accounts and links never collide. */
  readonly collides: boolean
  readonly evidence: readonly Evidence[]
  readonly claim: FoundClaim
}

/**
 * Null when the two are not alike.
 * @param likenessOf how alike the names are; a caller with many claims of one company remembers it
 */
export function scoreClaim(
  terms: Terms,
  subject: CheckSubject,
  claim: FoundClaim,
  likenessOf: (a: string, b: string) => number = nameLikeness,
): Candidate | null {
  const { shownFrom, reviewFrom } = terms.rules.sameDeal.company
  const likeness = likenessOf(subject.company.nameKey, claim.company.nameKey)
  const { key, score, evidence } = scoreCompany(subject, claim, likeness)
  if (score < shownFrom) return null
  const kind = kindOf(subject, claim)
  const circumstances = compareCircumstances(terms, subject, claim, kind)
  const competes = kind === 'rival' || kind === 'own' || kind === 'direct'
  return {
    kind,
    key,
    score,
    band: score >= reviewFrom ? 'strong' : 'possible',
    collides: competes && circumstances.same,
    evidence: [...evidence, ...circumstances.evidence],
    claim,
  }
}

function kindOf(subject: CheckSubject, claim: FoundClaim): CandidateKind {
  if (claim.source === 'account') return 'account'
  if (claim.partnerId === null) return 'direct'
  if (claim.partnerId !== subject.partnerId) return 'rival'
  return claim.source === 'registration' ? 'own' : 'link'
}

function scoreCompany(subject: CheckSubject, claim: FoundClaim, likeness: number) {
  const [ours, theirs] = [subject.company, claim.company]
  const sameCustomer = subject.customerId !== null && subject.customerId === claim.customerId
  const bothDomains = ours.domain !== null && theirs.domain !== null
  const sameDomain = bothDomains && ours.domain === theirs.domain
  const bothCountries = ours.country !== null && theirs.country !== null
  const sameCountry = bothCountries && ours.country === theirs.country

  const evidence: Evidence[] = []
  const state = (point: Evidence['point'], holds: boolean, a: string | null, b: string | null) =>
    evidence.push({ point, speaks: holds ? 'for' : 'against', ours: a, theirs: b })
  if (sameCustomer) state('customer', true, subject.customerId, claim.customerId)
  if (bothDomains) state('domain', sameDomain, ours.domain, theirs.domain)
  state('name', likeness * 100 >= candidateFrom, ours.name, theirs.name)
  if (bothCountries) state('country', sameCountry, ours.country, theirs.country)

  // One resolved customer or one registrable domain is the same company, however it is spelled and wherever it sits.
  if (sameCustomer) return { key: 'customer' as const, score: 100, evidence }
  if (sameDomain) return { key: 'domain' as const, score: 90 + Math.round(likeness * 9), evidence }
  const domainChange = !bothDomains
    ? 0
    : sameLabel(ours.domain, theirs.domain)
      ? siblingDomainBonus
      : -otherDomainPenalty
  const countryChange = !bothCountries ? 0 : sameCountry ? sameCountryBonus : -otherCountryPenalty
  const score = Math.round(likeness * 96 + domainChange + countryChange)
  const key = likeness === 1 ? ('name' as const) : ('spelling' as const)
  return { key, score: Math.min(98, Math.max(0, score)), evidence }
}

/** acme.com and acme.de: what stands before the public suffix is the same. */
const sameLabel = (a: string | null, b: string | null): boolean =>
  a !== null && b !== null && a.split('.')[0] === b.split('.')[0]

/** How surely two descriptions mean one company, and why. Pure and symmetric: the same two always score the same. */
import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import { nameLikeness } from './name-likeness.ts'

/** From here on two companies count as the same one. */
export const strongFrom = 75
/** Below this a claim is no candidate. */
export const candidateFrom = 60

const otherDomainPenalty = 15
const otherCountryPenalty = 20
const siblingDomainBonus = 10
const sameCountryBonus = 2

export interface CompanyEvidence {
  readonly point: 'domain' | 'name' | 'country'
  readonly speaks: 'for' | 'against'
  readonly ours: string | null
  readonly theirs: string | null
}

export interface CompanyLikeness {
  /** By what the two are most surely the same. */
  readonly key: 'domain' | 'name' | 'spelling'
  /** 0 to 100. */
  readonly score: number
  readonly evidence: readonly CompanyEvidence[]
}

export function compareCompanies(ours: CompanyIdentity, theirs: CompanyIdentity): CompanyLikeness {
  const likeness = nameLikeness(ours.nameKey, theirs.nameKey)
  const bothDomains = ours.domain !== null && theirs.domain !== null
  const sameDomain = bothDomains && ours.domain === theirs.domain
  const bothCountries = ours.country !== null && theirs.country !== null
  const sameCountry = bothCountries && ours.country === theirs.country

  const evidence: CompanyEvidence[] = []
  const state = (point: CompanyEvidence['point'], holds: boolean, a: string | null, b: string | null) =>
    evidence.push({ point, speaks: holds ? 'for' : 'against', ours: a, theirs: b })
  if (bothDomains) state('domain', sameDomain, ours.domain, theirs.domain)
  state('name', likeness * 100 >= candidateFrom, ours.name, theirs.name)
  if (bothCountries) state('country', sameCountry, ours.country, theirs.country)

  // One registrable domain is the same company, however it is spelled and wherever it sits.
  if (sameDomain) return { key: 'domain', score: 90 + Math.round(likeness * 9), evidence }
  const domainChange = !bothDomains
    ? 0
    : sameLabel(ours.domain, theirs.domain)
      ? siblingDomainBonus
      : -otherDomainPenalty
  const countryChange = !bothCountries ? 0 : sameCountry ? sameCountryBonus : -otherCountryPenalty
  const score = likeness * 96 + domainChange + countryChange
  return { key: likeness === 1 ? 'name' : 'spelling', score: Math.min(98, Math.max(0, score)), evidence }
}

/** acme.com and acme.de: what stands before the public suffix is the same. */
const sameLabel = (a: string | null, b: string | null): boolean =>
  a !== null && b !== null && a.split('.')[0] === b.split('.')[0]

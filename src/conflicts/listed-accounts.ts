/** Companies on the lists of a rule set, found as claims are: by keys, then by score. Pure. */
import { identifyCompany } from '#src/customers/company-identity.ts'
import type { CustomerId, PartnerId } from '#src/kernel/ids.ts'
import type { CheckSubject, FoundClaim } from './claim.ts'
import { companyPoints } from './company-likeness.ts'
import type { Evidence, MatchKey } from './evidence.ts'
import type { ListedCompany, RuleSet } from './rule-set.ts'
import { scoreClaim } from './score.ts'
import { filingKeys, lookupKeys } from './search-keys.ts'

export type ListName = 'exclusion' | 'named_account' | 'house_account'

/** An entry of a list that means the company of a subject. */
export interface ListHit {
  readonly list: ListName
  /** Its place in the list of the rule version. */
  readonly index: number
  readonly score: number
  readonly key: MatchKey
  readonly evidence: readonly Evidence[]
  /** Of a named account. */
  readonly partnerId: PartnerId | null
  /** Of an exclusion, for the vendor; the owner of a house account. */
  readonly reason: string | null
  /** Of an exclusion, for the partner. */
  readonly tell: string | null
}

interface Entry {
  readonly hit: Pick<ListHit, 'list' | 'index' | 'partnerId' | 'reason' | 'tell'>
  /** The company as a claim without circumstances, so that one comparison serves both. */
  readonly claim: FoundClaim
}

const asClaim = ({ name, domain, country, customerId }: ListedCompany): FoundClaim => ({
  claimId: null,
  source: 'account',
  standing: 'held',
  dealId: null,
  connectionId: null,
  remoteId: null,
  partnerId: null,
  customerId: customerId ?? null,
  // Without a name nothing is alike by name.
  company: identifyCompany({ name: name ?? '', domain, country }),
  familyIds: [],
  range: { from: null, to: null },
  amountMinor: null,
  currency: null,
  stage: null,
  openedOn: null,
})

function entriesOf({ exclusions, namedAccounts, houseAccounts }: RuleSet): readonly Entry[] {
  const none = { partnerId: null, reason: null, tell: null }
  return [
    ...exclusions.map(({ company, reason, tell }, index) => ({
      hit: { ...none, list: 'exclusion' as const, index, reason, tell },
      claim: asClaim(company),
    })),
    ...namedAccounts.accounts.map(({ company, partnerId }, index) => ({
      hit: { ...none, list: 'named_account' as const, index, partnerId },
      claim: asClaim(company),
    })),
    ...houseAccounts.accounts.map(({ company, owner }, index) => ({
      hit: { ...none, list: 'house_account' as const, index, reason: owner ?? null },
      claim: asClaim(company),
    })),
  ]
}

/** Entries by the keys under which they are found; made once for each version of the rules. */
const indexes = new WeakMap<RuleSet, ReadonlyMap<string, readonly Entry[]>>()

function indexOf(rules: RuleSet): ReadonlyMap<string, readonly Entry[]> {
  const known = indexes.get(rules)
  if (known) return known
  const filed = new Map<string, Entry[]>()
  for (const entry of entriesOf(rules)) {
    for (const key of keysOf(filingKeys(entry.claim.company), entry.claim.customerId)) {
      const under = filed.get(key)
      if (under) under.push(entry)
      else filed.set(key, [entry])
    }
  }
  indexes.set(rules, filed)
  return filed
}

const keysOf = (keys: readonly string[], customerId: CustomerId | null): readonly string[] =>
  customerId === null ? keys : [...keys, `customer ${customerId}`]

/** Entries that mean the subject's company, the surest first. */
export function findListed(rules: RuleSet, asOf: string, subject: CheckSubject): readonly ListHit[] {
  const filed = indexOf(rules)
  if (filed.size === 0) return []
  const lookups = lookupKeys(subject.company).map(({ key }) => key)
  const met = new Set(keysOf(lookups, subject.customerId).flatMap((key) => filed.get(key) ?? []))
  return [...met]
    .flatMap(({ hit, claim }): ListHit[] => {
      const candidate = scoreClaim({ rules, asOf }, subject, claim)
      if (candidate?.band !== 'strong') return []
      const { score, key } = candidate
      const evidence = candidate.evidence.filter(({ point }) => aboutCompanies.has(point))
      return [{ ...hit, score, key, evidence }]
    })
    .sort((a, b) => b.score - a.score || (a.list < b.list ? -1 : a.list > b.list ? 1 : a.index - b.index))
}

const aboutCompanies: ReadonlySet<Evidence['point']> = new Set(['customer', ...companyPoints])

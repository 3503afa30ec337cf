import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CheckSubject, FoundClaim } from '#src/conflicts/claim.ts'
import { findCandidates } from '#src/conflicts/comparison.ts'
import { editDistance, nameLikeness } from '#src/conflicts/name-likeness.ts'
import { defaultRuleSet } from '#src/conflicts/rule-set.ts'
import { type Candidate, scoreClaim } from '#src/conflicts/score.ts'
import { filingKeys, lookupKeys } from '#src/conflicts/search-keys.ts'
import { type CompanyDescription, identifyCompany } from '#src/customers/company-identity.ts'
import { newId } from '#src/kernel/ids.ts'

const terms = { rules: defaultRuleSet, asOf: '2026-01-01' }
const strongFrom = defaultRuleSet.sameDeal.company.reviewFrom

const subject = (company: CompanyDescription, changes: Partial<CheckSubject> = {}): CheckSubject => ({
  dealId: newId(),
  partnerId: newId(),
  customerId: null,
  company: identifyCompany(company),
  familyIds: [],
  range: { from: '2026-01-01', to: '2026-03-31' },
  ...changes,
})

const claim = (company: CompanyDescription, changes: Partial<FoundClaim> = {}): FoundClaim => ({
  claimId: newId(),
  source: 'registration',
  standing: 'held',
  dealId: newId(),
  connectionId: null,
  remoteId: null,
  partnerId: newId(),
  customerId: null,
  company: identifyCompany(company),
  familyIds: [],
  range: { from: '2026-01-01', to: '2026-03-31' },
  amountMinor: null,
  currency: null,
  stage: null,
  openedOn: null,
  ...changes,
})

const scored = (a: CheckSubject, b: FoundClaim): Candidate => {
  const candidate = scoreClaim(terms, a, b)
  if (!candidate) throw new Error('Not a candidate')
  return candidate
}
const likeness = (a: string, b: string) =>
  nameLikeness(identifyCompany({ name: a }).nameKey, identifyCompany({ name: b }).nameKey)

test.each([
  ['Siemens AG', 'SIEMENS AKTIENGESELLSCHAFT'],
  ['International Business Machines', 'Intl Business Machines Corp'],
  ['Data Dog', 'Datadog Inc'],
  ['Deutsche Telekom', 'Telekom Deutsche'],
  ['Nordwind Energy GmbH', 'Nordwind Energy EMEA'],
  ['Kontravolt Netzwerke', 'Kontravlt Netzwreke'],
  ['Müller & Söhne', 'Mueller und Soehne'],
  ['IBM', 'International Business Machines'],
])('%s and %s are spelled alike', (a, b) => {
  expect(likeness(a, b) * 100).toBeGreaterThanOrEqual(strongFrom)
})

test.each([
  ['Blackstone Partners IV', 'Blackstone Partners V'],
  ['First Community Corp', 'First Financial Corp'],
  ['Bowne Solutions France', 'Bowne Technology Germany'],
  ['Casi Pharmaceuticals', 'CNS Pharmaceuticals'],
  ['Saudi Arabian Gas', 'Saudi Airlines'],
  ['Amber Systems', 'Umbra Systems'],
])('%s and %s are different companies', (a, b) => {
  expect(likeness(a, b) * 100).toBeLessThan(strongFrom)
})

test('edits between two texts are counted, a swap of neighbours as one', () => {
  expect([editDistance('abc', 'acb'), editDistance('', 'abc'), editDistance('kitten', 'sitting')]).toEqual([
    1, 3, 3,
  ])
})

const word = fc.stringMatching(/^[a-z]{2,10}$/)
const nameKey = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(' '))

test('likeness is symmetric, between 0 and 1, and 1 for the same name', () => {
  fc.assert(
    fc.property(nameKey, nameKey, (a, b) => {
      const value = nameLikeness(a, b)
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(1)
      expect(nameLikeness(b, a)).toBe(value)
      expect(nameLikeness(a, a)).toBe(1)
    }),
  )
})

test('a name with one character changed, missing, doubled or swapped shares a key with the original', () => {
  const company = (nameKey: string) => ({ name: nameKey, nameKey, domain: null, country: null, city: null })
  const single = fc.stringMatching(/^[b-df-hj-np-tv-z]{4,14}$/)
  fc.assert(
    fc.property(single, fc.nat(), fc.constantFrom('change', 'drop', 'double'), (name, at, kind) => {
      const i = at % name.length
      const typed =
        kind === 'change'
          ? `${name.slice(0, i)}q${name.slice(i + 1)}`
          : kind === 'drop'
            ? name.slice(0, i) + name.slice(i + 1)
            : name.slice(0, i) + name.charAt(i) + name.slice(i)
      const filed = new Set(filingKeys(company(name)))
      expect(lookupKeys(company(typed)).some(({ key }) => filed.has(key))).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('one customer or one domain makes a strong candidate, whatever the names and countries', () => {
  const customerId = newId<'customer'>()
  const same = scored(
    subject({ name: 'Alpha', country: 'DE' }, { customerId }),
    claim({ name: 'Omega', country: 'US' }, { customerId }),
  )
  expect(same).toMatchObject({ key: 'customer', score: 100, band: 'strong' })
  const domain = scored(
    subject({ name: 'Alpha', domain: 'alpha.example.com' }),
    claim({ name: 'Omega', domain: 'https://shop.alpha.example.com/x' }),
  )
  expect(domain).toMatchObject({ key: 'domain', band: 'strong' })
})

test('another domain and another country speak against the same name', () => {
  const plain = scored(subject({ name: 'Alpha Werke' }), claim({ name: 'Alpha Werke' }))
  const other = scored(
    subject({ name: 'Alpha Werke', domain: 'alpha-werke.de', country: 'DE' }),
    claim({ name: 'Alpha Werke', domain: 'alphaworks.com', country: 'US' }),
  )
  expect(other.score).toBeLessThan(plain.score)
  expect(other.band).toBe('possible')
  expect(other.evidence).toContainEqual({
    point: 'domain',
    speaks: 'against',
    ours: 'alpha-werke.de',
    theirs: 'alphaworks.com',
  })
  expect(other.evidence).toContainEqual({ point: 'country', speaks: 'against', ours: 'DE', theirs: 'US' })
})

test('acme.com and acme.de speak for each other', () => {
  const candidate = scored(
    subject({ name: 'Acme', domain: 'acme.com' }),
    claim({ name: 'Acme', domain: 'acme.de' }),
  )
  expect(candidate.band).toBe('strong')
})

test('disjoint product families or days do not collide', () => {
  const [a, b] = [newId(), newId()]
  const one = subject({ name: 'Alpha Werke' }, { familyIds: [a] })
  expect(scored(one, claim({ name: 'Alpha Werke' }, { familyIds: [b] })).collides).toBe(false)
  expect(scored(one, claim({ name: 'Alpha Werke' }, { familyIds: [a, b] })).collides).toBe(true)
  expect(scored(one, claim({ name: 'Alpha Werke' })).collides).toBe(true)
  const later = claim({ name: 'Alpha Werke' }, { range: { from: '2026-04-01', to: null } })
  expect(scored(one, later).collides).toBe(false)
})

test('a pending registration has no last day, since its days start with its approval', () => {
  const old = claim(
    { name: 'Alpha Werke' },
    { standing: 'pending', range: { from: '2025-01-01', to: '2025-03-31' } },
  )
  expect(scored(subject({ name: 'Alpha Werke' }), old).collides).toBe(true)
  expect(scored(subject({ name: 'Alpha Werke' }), { ...old, standing: 'held' }).collides).toBe(false)
})

test('accounts and own opportunities are shown and never collide; direct opportunities and rivals do', () => {
  const partnerId = newId<'partner'>()
  const one = subject({ name: 'Alpha Werke' }, { partnerId })
  const kindOf = (changes: Partial<FoundClaim>) => {
    const { kind, collides } = scored(one, claim({ name: 'Alpha Werke' }, changes))
    return [kind, collides]
  }
  expect(kindOf({ source: 'account', partnerId: null })).toEqual(['account', false])
  expect(kindOf({ source: 'opportunity', partnerId })).toEqual(['link', false])
  expect(kindOf({ source: 'opportunity', partnerId: null })).toEqual(['direct', true])
  expect(kindOf({ source: 'opportunity' })).toEqual(['rival', true])
  expect(kindOf({})).toEqual(['rival', true])
  expect(kindOf({ partnerId })).toEqual(['own', true])
})

test('a deal never meets itself nor the opportunity that it is linked to', () => {
  const one = subject({ name: 'Alpha Werke' })
  const linked = claim(
    { name: 'Alpha Werke' },
    { source: 'opportunity', dealId: one.dealId, partnerId: null },
  )
  expect(
    findCandidates(terms, one, [linked, claim({ name: 'Alpha Werke' }, { dealId: one.dealId })]),
  ).toEqual([])
})

test('of one claim given twice the later version counts', () => {
  const old = claim({ name: 'Alpha Werke' })
  const renamed = { ...old, company: identifyCompany({ name: 'Zebra' }) }
  expect(findCandidates(terms, subject({ name: 'Alpha Werke' }), [old, renamed])).toEqual([])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CheckSubject, FoundClaim } from '#src/conflicts/claim.ts'
import { candidateFrom, compareCompanies } from '#src/conflicts/company-likeness.ts'
import { findCandidates } from '#src/conflicts/comparison.ts'
import { editDistance } from '#src/conflicts/name-likeness.ts'
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
const chance = (a: CompanyDescription, b: CompanyDescription): number =>
  compareCompanies(identifyCompany(a), identifyCompany(b)).score

test.each([
  ['Siemens AG', 'SIEMENS AKTIENGESELLSCHAFT'],
  ['International Business Machines', 'Intl Business Machines Corp'],
  ['Data Dog', 'Datadog Inc'],
  ['Deutsche Telekom', 'Telekom Deutsche'],
  ['Nordwind Energy GmbH', 'Nordwind Energy EMEA'],
  ['Kontravolt Netzwerke', 'Kontravlt Netzwreke'],
  ['Müller & Söhne', 'Mueller und Soehne'],
  ['IBM', 'International Business Machines'],
  ['Van der Bilt Corp', 'Vanderbilt'],
  ['LIMITED LIABILITY COMPANY ISKUSSTVO KRASOTY', 'Iskusstvo Krasoty'],
  ['Акционерное общество «Газпром»', 'Gazprom JSC'],
  ['华为技术有限公司', 'Huawei Jishu'],
  ['NUTRICIA N.V., ZOETERMEER', 'Nutricia BV'],
  ['U.S. Department of State', 'United States Department of State'],
  ['Brigade Forty-four', 'Brigade 44'],
])('%s and %s are spelled alike', (a, b) => {
  expect(chance({ name: a }, { name: b })).toBeGreaterThanOrEqual(strongFrom)
})

test.each([
  ['Blackstone Partners IV', 'Blackstone Partners V'],
  ['First Community Corp', 'First Financial Corp'],
  ['Bowne Solutions France', 'Bowne Technology Germany'],
  ['Casi Pharmaceuticals', 'CNS Pharmaceuticals'],
  ['Saudi Arabian Gas', 'Saudi Airlines'],
  ['Amber Systems', 'Umbra Systems'],
  ['Aimei Health Technology', 'Aimei Health Technology II'],
  ['Bowne Global Solutions (France)', 'Bowne Global Solutions (Germany)'],
  ['Blackstone', 'Blackstone Real Estate Income Fund'],
  ['BAE Systems', 'BAE Industries'],
  ['ABB', 'ABC'],
])('%s and %s are different companies', (a, b) => {
  expect(chance({ name: a }, { name: b })).toBeLessThan(strongFrom)
})

test('edits between two texts are counted, a swap of neighbours as one', () => {
  expect([editDistance('abc', 'acb'), editDistance('', 'abc'), editDistance('kitten', 'sitting')]).toEqual([
    1, 3, 3,
  ])
})

const cell = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const described: fc.Arbitrary<CompanyDescription> = fc.record({
  name: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc
      .array(
        fc.constantFrom(
          'Acme',
          'acme',
          'Nordwind',
          'Group',
          'II',
          '2',
          'GmbH',
          'N.V.',
          'EMEA',
          '&',
          'Алмаз',
          '华为',
        ),
        {
          minLength: 1,
          maxLength: 6,
        },
      )
      .map((words) => words.join(' ')),
  ),
  domain: cell(fc.constantFrom('acme.com', 'acme.de', 'nordwind.io', 'not a domain')),
  country: cell(fc.constantFrom('DE', 'US', 'nowhere')),
  city: cell(fc.constantFrom('Berlin', 'New York', 'New York City', '  ')),
  postalCode: cell(fc.constantFrom('10115', '10-115', '?')),
  phone: cell(fc.constantFrom('+49 30 123456', '030/123456', '7', 'call me')),
  address: cell(fc.constantFrom('Hauptstr. 5', '5 Main St', '!')),
  identifiers: cell(fc.record({ vat: cell(fc.constantFrom('DE 123456789', 'DE987654321')) })),
})

test('two companies are as likely one whichever comes first, whatever is written, and the same in themselves', () => {
  fc.assert(
    fc.property(described, described, (a, b) => {
      const [one, other] = [identifyCompany(a), identifyCompany(b)]
      const { score, key, evidence } = compareCompanies(one, other)
      expect(score).toBeGreaterThan(0)
      expect(score).toBeLessThan(100)
      const back = compareCompanies(other, one)
      expect([back.score, back.key]).toEqual([score, key])
      expect(back.evidence.map(({ point, points }) => [point, points])).toEqual(
        evidence.map(({ point, points }) => [point, points]),
      )
      if (/\p{L}{3}/u.test(a.name)) {
        expect(compareCompanies(one, one).score).toBeGreaterThanOrEqual(candidateFrom)
      }
    }),
    {
      numRuns: 2_000,
      examples: [[{ name: 'Acme II Nordwind' }, { name: 'Acme II GmbH Nordwind N.V.' }]],
    },
  )
})

test('what agrees never makes two companies less likely one, what differs never more', () => {
  const facts = [
    { domain: ['acme.com', 'acme.com', 'other.com'] },
    { country: ['DE', 'DE', 'US'] },
    { city: ['Berlin', 'berlin', 'Hamburg'] },
    { postalCode: ['10115', '10 115', '20095'] },
    { phone: ['+49301234567', '+49 30 1234567', '+49309999999'] },
    { address: ['Hauptstr. 5', 'Hauptstraße 5', 'Ring 17'] },
  ] as const
  fc.assert(
    fc.property(described, described, fc.constantFrom(...facts), (a, b, fact) => {
      const [[field, [value, same, other]]] = Object.entries(fact) as [[string, readonly string[]]]
      const bare = (company: CompanyDescription) => ({ name: company.name })
      const without = chance(bare(a), bare(b))
      const withOther = { ...bare(b), [field]: other }
      expect(chance({ ...bare(a), [field]: value }, { ...bare(b), [field]: same })).toBeGreaterThanOrEqual(
        without,
      )
      // A web address that spells the other name speaks for it before it is known to differ.
      if (field !== 'domain') {
        expect(chance({ ...bare(a), [field]: value }, withOther)).toBeLessThanOrEqual(without)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('a number of a register that both have settles it, one that differs speaks against', () => {
  const vat = (number: string) => ({ name: 'Alpha Werke', identifiers: { vat: number } })
  const same = compareCompanies(
    identifyCompany({ ...vat('DE 123.456.789'), name: 'Omega' }),
    identifyCompany(vat('de123456789')),
  )
  expect([same.key, same.score >= strongFrom]).toEqual(['identifier', true])
  expect(chance(vat('DE123456789'), vat('DE987654321'))).toBeLessThan(
    chance({ name: 'Alpha Werke' }, { name: 'Alpha Werke' }),
  )
})

test('the points of all evidence add up to the odds', () => {
  const { score, evidence } = compareCompanies(
    identifyCompany({ name: 'Nordwind Energie GmbH', country: 'DE', city: 'Kiel' }),
    identifyCompany({ name: 'Nordwind Energy AG', country: 'DE', city: 'Bremen' }),
  )
  expect(evidence.map(({ point }) => point)).toEqual(['name', 'legal_form', 'country', 'city'])
  const points = evidence.reduce((total, each) => total + each.points, 0)
  const odds = 10 * Math.log10(score / (100 - score))
  expect(Math.abs(points - odds)).toBeLessThanOrEqual(2.5)
})

test('a name with one character changed, missing, doubled or swapped shares a key with the original', () => {
  const company = (name: string) => identifyCompany({ name })
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
  expect(other.evidence).toContainEqual(
    expect.objectContaining({
      point: 'domain',
      speaks: 'against',
      ours: 'alpha-werke.de',
      theirs: 'alphaworks.com',
    }),
  )
  expect(other.evidence).toContainEqual(
    expect.objectContaining({ point: 'country', speaks: 'against', ours: 'DE', theirs: 'US' }),
  )
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

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CheckSubject, FoundClaim } from '#src/conflicts/claim.ts'
import { isSound } from '#src/conflicts/claim.ts'
import { type Judgement, judgeClaims } from '#src/conflicts/judgement.ts'
import { asFoundClaim, type CheckToReplay, judgeOtherwise, replayCheck } from '#src/conflicts/replay.ts'
import { defaultRuleSet, type RuleSet, winnerRules } from '#src/conflicts/rule-set.ts'
import { conflictForPartner } from '#src/conflicts/verdict.ts'
import type { PastWin } from '#src/conflicts/winner.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import { newId } from '#src/kernel/ids.ts'

const me = newId<'partner'>()
const [other, third] = [newId<'partner'>(), newId<'partner'>()]
const today = '2026-03-01'

const subjectOf = (over: Partial<CheckSubject> = {}): CheckSubject => ({
  dealId: newId(),
  partnerId: me,
  customerId: null,
  company: identifyCompany({ name: 'Alpha Werke' }),
  familyIds: [],
  range: { from: today, to: '2026-05-31' },
  registrationType: 'resale',
  registeredAt: null,
  ...over,
})
const claimOf = (over: Partial<FoundClaim> = {}): FoundClaim => ({
  claimId: newId(),
  source: 'registration',
  standing: 'pending',
  dealId: newId(),
  connectionId: null,
  remoteId: null,
  partnerId: other,
  customerId: null,
  company: identifyCompany({ name: 'Alpha Werke' }),
  familyIds: [],
  range: { from: '2026-02-01', to: '2026-04-30' },
  amountMinor: null,
  currency: null,
  stage: null,
  openedOn: null,
  registeredAt: '2026-02-01T10:00:00.000Z',
  ...over,
})
const directOf = (over: Partial<FoundClaim> = {}): FoundClaim =>
  claimOf({
    source: 'opportunity',
    partnerId: null,
    dealId: null,
    standing: 'held',
    stage: 'Proposal',
    openedOn: '2026-01-10',
    registeredAt: null,
    range: { from: null, to: null },
    ...over,
  })
const winOf = (over: Partial<PastWin> = {}): PastWin => ({
  dealId: newId(),
  partnerId: other,
  wonOn: '2025-12-01',
  familyIds: [],
  ...over,
})

const rulesWith = (over: Partial<RuleSet>): RuleSet => ({ ...defaultRuleSet, ...over })
const check = (
  claims: readonly FoundClaim[],
  given: {
    rules?: RuleSet
    subject?: CheckSubject
    wins?: readonly PastWin[]
    mirror?: 'none' | 'fresh' | 'stale'
    gaps?: readonly ('too_many' | 'cut_off' | 'damaged')[]
  } = {},
): Judgement =>
  judgeClaims(
    { version: 7, rules: given.rules ?? defaultRuleSet, asOf: today },
    given.subject ?? subjectOf(),
    claims,
    { mirror: given.mirror ?? 'fresh', gaps: given.gaps ?? [], wins: given.wins ?? [] },
  )

describe('the band', () => {
  test('is clear only when the search was complete, the mirror is good and nothing competes', () => {
    expect(check([])).toMatchObject({ band: 'clear', verdict: 'clear', reasons: [], winner: null })
    expect(check([], { mirror: 'none' }).band).toBe('clear')
    expect(check([], { mirror: 'stale' })).toMatchObject({ band: 'review', reasons: ['mirror_stale'] })
    for (const gap of ['too_many', 'cut_off', 'damaged'] as const) {
      expect(check([], { gaps: [gap] })).toMatchObject({
        verdict: 'suspected',
        band: 'review',
        reasons: [gap],
      })
    }
  })

  test('is blocked where another partner surely has the company, review where it only may', () => {
    expect(check([claimOf()])).toMatchObject({ band: 'blocked', reasons: ['candidate'] })
    const alike = claimOf({ company: identifyCompany({ name: 'Alpha Werke', country: 'DE' }) })
    const abroad = subjectOf({ company: identifyCompany({ name: 'Alpha Werk', country: 'US' }) })
    expect(check([alike], { subject: abroad }).candidates[0]?.score).toBeLessThan(90)
    expect(check([alike], { subject: abroad }).band).toBe('review')
  })

  test('is review for a second registration of the same partner', () => {
    expect(check([claimOf({ partnerId: me })])).toMatchObject({ band: 'review', verdict: 'suspected' })
  })

  test('thresholds are the rule set’s: a stricter one asks fewer people', () => {
    const company = { shownFrom: 60, reviewFrom: 100, blockedFrom: 100 }
    const rules = rulesWith({ sameDeal: { ...defaultRuleSet.sameDeal, company } })
    expect(check([claimOf()], { rules })).toMatchObject({ band: 'clear', candidatesFound: 1 })
  })
})

describe('the same deal', () => {
  const [family, product, otherProduct] = [newId(), newId<'product'>(), newId<'product'>()]
  const same = (over: Partial<RuleSet['sameDeal']>) =>
    rulesWith({ sameDeal: { ...defaultRuleSet.sameDeal, ...over } })

  test('may need the same product, the same family, or any product', () => {
    const subject = subjectOf({ familyIds: [family], productIds: [product] })
    const sister = claimOf({ familyIds: [family], productIds: [otherProduct] })
    const elsewhere = claimOf({ familyIds: [newId()] })
    expect(check([sister], { subject }).verdict).toBe('suspected')
    expect(check([sister], { subject, rules: same({ products: 'product' }) }).verdict).toBe('clear')
    const unnamed = claimOf({ familyIds: [family] })
    expect(check([unnamed], { subject, rules: same({ products: 'product' }) }).verdict).toBe('suspected')
    expect(check([elsewhere], { subject }).verdict).toBe('clear')
    expect(check([elsewhere], { subject, rules: same({ products: 'any' }) }).verdict).toBe('suspected')
  })

  test('may need overlapping days, or none', () => {
    const over = claimOf({ standing: 'held', range: { from: '2025-01-01', to: '2025-03-31' } })
    expect(check([over]).verdict).toBe('clear')
    expect(check([over], { rules: same({ windows: 'any' }) }).verdict).toBe('suspected')
  })

  test('may need the same country, where an unknown one is taken for the same', () => {
    const rules = same({ territory: 'same_country' })
    const customerId = newId<'customer'>()
    const german = subjectOf({ customerId, company: identifyCompany({ name: 'Alpha', country: 'DE' }) })
    const american = claimOf({ customerId, company: identifyCompany({ name: 'Alpha', country: 'US' }) })
    expect(check([american], { subject: german }).verdict).toBe('suspected')
    expect(check([american], { subject: german, rules }).verdict).toBe('clear')
    const nowhere = claimOf({ customerId, company: identifyCompany({ name: 'Alpha' }) })
    expect(check([nowhere], { subject: german, rules }).verdict).toBe('suspected')
  })

  test('leaves out direct opportunities of ignored stages and beyond their age, and says why', () => {
    const rules = rulesWith({
      directOpportunities: {
        effect: 'review',
        blockedStages: ['Negotiation'],
        ignoredStages: ['prospecting'],
        ignoredAfterDays: 180,
      },
    })
    const early = check([directOf({ stage: 'Prospecting' })], { rules })
    expect(early.verdict).toBe('clear')
    expect(early.candidates[0]?.evidence).toContainEqual({
      point: 'stage',
      speaks: 'against',
      ours: null,
      theirs: 'Prospecting',
    })
    expect(check([directOf({ openedOn: '2025-01-01' })], { rules }).verdict).toBe('clear')
    expect(check([directOf()], { rules })).toMatchObject({ band: 'review', winner: { side: 'direct' } })
    expect(check([directOf({ stage: 'negotiation' })], { rules }).band).toBe('blocked')
  })
})

describe('the winner', () => {
  test('is the first complete registration; what is submitted now came last', () => {
    const [older, younger] = [
      claimOf({ partnerId: third, registeredAt: '2026-01-01T00:00:00.000Z' }),
      claimOf({ registeredAt: '2026-02-01T00:00:00.000Z' }),
    ]
    expect(check([younger, older]).winner).toEqual({
      by: 'first_registration',
      side: 'partner',
      partnerId: third,
      claimId: older.claimId,
    })
    const earlier = subjectOf({ registeredAt: '2025-12-01T00:00:00.000Z' })
    expect(check([younger, older], { subject: earlier })).toMatchObject({
      band: 'review',
      winner: { by: 'first_registration', side: 'subject', partnerId: me },
    })
  })

  test('of a renewal is who won there last, in one of its families', () => {
    const [family, elsewhere] = [newId(), newId()]
    const renewal = subjectOf({ registrationType: 'renewal', familyIds: [family] })
    const wins = [
      winOf({ partnerId: third, wonOn: '2026-01-01', familyIds: [elsewhere] }),
      winOf({ partnerId: other, wonOn: '2025-06-01', familyIds: [family] }),
      winOf({ partnerId: me, wonOn: '2024-06-01', familyIds: [family] }),
    ]
    expect(check([], { subject: renewal, wins })).toMatchObject({
      band: 'review',
      reasons: ['incumbent'],
      winner: { by: 'incumbent', side: 'partner', partnerId: other, claimId: null },
    })
    const mine = wins.filter(({ partnerId }) => partnerId !== other)
    expect(check([], { subject: renewal, wins: mine }).band).toBe('clear')
    expect(check([claimOf()], { subject: renewal, wins: mine })).toMatchObject({
      band: 'review',
      winner: { by: 'incumbent', side: 'subject' },
    })
    expect(check([], { wins }).band).toBe('clear')
  })

  test('at an active customer is who won there lately, if the rules say so', () => {
    const rules = rulesWith({ activeCustomers: { withinDays: 365, effect: 'blocked' } })
    expect(check([], { wins: [winOf()] }).band).toBe('clear')
    expect(check([], { rules, wins: [winOf()] })).toMatchObject({
      band: 'blocked',
      reasons: ['active_customer'],
      winner: { by: 'active_customer', partnerId: other },
    })
    expect(check([], { rules, wins: [winOf({ wonOn: '2024-01-01' })] }).band).toBe('clear')
    expect(check([], { rules, wins: [winOf({ partnerId: me })] }).band).toBe('clear')
  })

  test('at a named account is its partner, at a house account the direct team', () => {
    const named = rulesWith({
      namedAccounts: {
        effect: 'blocked',
        accounts: [{ partnerId: other, company: { name: 'Alpha Werke GmbH' } }],
      },
    })
    expect(check([], { rules: named })).toMatchObject({
      band: 'blocked',
      reasons: ['named_account'],
      winner: { by: 'named_account', side: 'partner', partnerId: other },
    })
    expect(check([], { rules: named, subject: subjectOf({ partnerId: other }) }).band).toBe('clear')
    expect(
      check([claimOf({ partnerId: me })], { rules: named, subject: subjectOf({ partnerId: other }) }),
    ).toMatchObject({
      band: 'review',
      winner: { by: 'named_account', side: 'subject' },
    })
    const house = rulesWith({
      houseAccounts: { effect: 'review', accounts: [{ company: { domain: 'alpha-werke.example.com' } }] },
    })
    const subject = subjectOf({
      company: identifyCompany({ name: 'Alfa', domain: 'https://alpha-werke.example.com' }),
    })
    expect(check([], { rules: house, subject })).toMatchObject({
      band: 'review',
      winner: { by: 'house_account', side: 'direct' },
    })
    expect(check([], { rules: house }).band).toBe('clear')
  })

  test('follows the order of the rules', () => {
    const direct = directOf()
    expect(check([claimOf(), direct]).winner?.by).toBe('direct_opportunity')
    const rules = rulesWith({ winner: { order: ['first_registration', 'direct_opportunity'] } })
    expect(check([claimOf(), direct], { rules }).winner?.by).toBe('first_registration')
  })

  test('is not the direct team when it came after the registration', () => {
    const late = directOf({ openedOn: '2026-02-20' })
    const subject = subjectOf({ registeredAt: '2026-02-01T00:00:00.000Z' })
    expect(check([late], { subject }).winner).toBeNull()
  })
})

describe('an excluded company', () => {
  const rules = rulesWith({
    exclusions: [
      { company: { name: 'Alpha Werke' }, reason: 'Sanctions list', tell: 'We cannot sell to this company.' },
    ],
  })

  test('is nobody’s, in spellings alike too, and the partner is told why', () => {
    const judged = check([], {
      rules,
      subject: subjectOf({ company: identifyCompany({ name: 'ALPHA WERKE AG' }) }),
    })
    expect(judged).toMatchObject({
      band: 'blocked',
      reasons: ['excluded'],
      told: 'We cannot sell to this company.',
    })
    expect(judged.listed).toMatchObject([{ list: 'exclusion', index: 0, reason: 'Sanctions list' }])
    expect(conflictForPartner(rules, judged)).toEqual({
      conflict: true,
      message: 'We cannot sell to this company.',
    })
  })

  test('stays blocked for the partner that registered first', () => {
    const subject = subjectOf({ registeredAt: '2020-01-01T00:00:00.000Z' })
    expect(check([claimOf()], { rules, subject }).band).toBe('blocked')
  })
})

test('a partner that asks learns that there is a conflict and nothing else', () => {
  const texts = {
    ...defaultRuleSet.texts,
    review: 'Looked at',
    blocked: 'Taken',
    asked: 'Something is there',
  }
  const rules = rulesWith({ texts })
  const answers = [
    check([claimOf()], { rules }),
    check([directOf()], { rules }),
    check([], { rules, mirror: 'stale' }),
  ]
  expect(new Set(answers.map((judged) => JSON.stringify(conflictForPartner(rules, judged))))).toEqual(
    new Set([JSON.stringify({ conflict: true, message: 'Something is there' })]),
  )
  expect(conflictForPartner(rules, check([], { rules }))).toEqual({ conflict: false, message: texts.clear })
})

const uuids = fc.constantFrom(newId<'partner'>(), other, third, me)
const days = fc.constantFrom('2025-06-01', '2026-01-15', '2026-02-01', '2026-03-10', null)
const anyClaim: fc.Arbitrary<FoundClaim> = fc
  .record({
    name: fc.constantFrom('Alpha Werke', 'Alpha Werk', 'ALPHA WERKE GMBH', 'Alpha Weber', 'Omega'),
    country: fc.constantFrom('DE', 'US', undefined),
    source: fc.constantFrom('registration', 'opportunity', 'account' as const),
    standing: fc.constantFrom('pending', 'held', 'contested' as const),
    partnerId: fc.oneof(uuids, fc.constant(null)),
    openedOn: days,
    registeredOn: days,
    from: days,
    amountMinor: fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.constant(null)),
    stage: fc.constantFrom('Proposal', 'Prospecting', null),
  })
  .map(({ name, country, from, registeredOn, ...rest }) =>
    claimOf({
      ...rest,
      company: identifyCompany({ name, country }),
      range: { from, to: null },
      registeredAt: registeredOn === null ? null : `${registeredOn}T08:00:00.000Z`,
      partnerId: rest.source === 'registration' ? (rest.partnerId ?? other) : rest.partnerId,
    }),
  )
const anyRules: fc.Arbitrary<RuleSet> = fc
  .record({
    products: fc.constantFrom('product', 'family', 'any' as const),
    windows: fc.constantFrom('overlap', 'any' as const),
    territory: fc.constantFrom('any', 'same_country' as const),
    reviewFrom: fc.integer({ min: 60, max: 90 }),
    order: fc.shuffledSubarray([...winnerRules], { minLength: 1 }),
    withinDays: fc.constantFrom(null, 400),
    listed: fc.boolean(),
  })
  .map(({ products, windows, territory, reviewFrom, order, withinDays, listed }) =>
    rulesWith({
      sameDeal: {
        products,
        windows,
        territory,
        company: { shownFrom: 60, reviewFrom, blockedFrom: 92 },
      },
      winner: { order },
      activeCustomers: { withinDays, effect: 'blocked' },
      houseAccounts: {
        effect: 'blocked',
        accounts: listed ? [{ company: { name: 'Alpha Werke' } }] : [],
      },
    }),
  )
const anyCheck = fc.record({
  rules: anyRules,
  claims: fc.array(anyClaim, { maxLength: 45 }),
  wins: fc.array(
    uuids.map((partnerId) => winOf({ partnerId })),
    { maxLength: 3 },
  ),
  mirror: fc.constantFrom('none', 'fresh', 'stale' as const),
  gaps: fc.subarray(['too_many', 'cut_off', 'damaged'] as const),
  type: fc.constantFrom('resale', 'renewal'),
})

/** As it comes back from where it is kept. */
const kept = (subject: CheckSubject, judged: Judgement): CheckToReplay => {
  const plain = JSON.parse(canonicalJson({ subject, judged }))
  return {
    ...plain.judged,
    subject: plain.subject,
    candidates: plain.judged.candidates.map(({ claim, ...scored }: { claim: never }) => ({
      ...scored,
      claim: asFoundClaim(claim),
    })),
    ruling: { winner: plain.judged.winner, told: plain.judged.told, listed: plain.judged.listed },
    checkedOn: today,
  }
}

describe('whatever is found', () => {
  test('a check is clear exactly when there is no reason against it, and then nobody wins', () => {
    fc.assert(
      fc.property(anyCheck, ({ claims, ...given }) => {
        const judged = check(claims, { ...given, subject: subjectOf({ registrationType: given.type }) })
        expect(judged.verdict === 'clear').toBe(judged.reasons.length === 0)
        expect(judged.band === 'clear').toBe(judged.verdict === 'clear')
        if (judged.band === 'clear') expect(judged.winner).toBeNull()
        if (judged.band === 'blocked') expect(judged.winner?.side).not.toBe('subject')
        if (given.mirror === 'stale' || given.gaps.length > 0) expect(judged.verdict).toBe('suspected')
      }),
    )
  })

  test('one more claim never turns a suspicion into clear', () => {
    fc.assert(
      fc.property(anyCheck, anyClaim, ({ claims, ...given }, extra) => {
        const subject = subjectOf()
        const before = check(claims, { ...given, subject })
        const after = check([...claims, extra], { ...given, subject })
        if (before.verdict === 'suspected') expect(after.verdict).toBe('suspected')
      }),
    )
  })

  test('the order in which claims are found changes nothing', () => {
    fc.assert(
      fc.property(anyCheck, ({ claims, ...given }) => {
        const subject = subjectOf()
        const [a, b] = [
          check(claims, { ...given, subject }),
          check(claims.toReversed(), { ...given, subject }),
        ]
        expect(b).toEqual(a)
      }),
    )
  })

  test('a kept check replays to the same answer, and other rules are judged on the same inputs', () => {
    fc.assert(
      fc.property(anyCheck, anyRules, ({ claims, ...given }, others) => {
        const subject = subjectOf({ registrationType: given.type })
        const judged = check(claims, { ...given, subject })
        const record = kept(subject, judged)
        const terms = { version: 7, rules: given.rules, asOf: '1999-01-01' }
        const replay = replayCheck(terms, record)
        expect(replay.differences).toEqual([])
        expect(replay.same).toBe(true)
        expect(replay.replayed.band).toBe(judged.band)
        expect(judgeOtherwise(terms, record).differences).toEqual([])
        const otherwise = judgeOtherwise({ version: 8, rules: others, asOf: today }, record)
        expect(otherwise.ruling.verdict === otherwise.ruling.band).toBe(otherwise.ruling.band === 'clear')
      }),
    )
  })

  test('a kept check that was tampered with does not replay', () => {
    const subject = subjectOf()
    const record = kept(subject, check([claimOf()], { subject }))
    const terms = { version: 7, rules: defaultRuleSet, asOf: today }
    const cleared = replayCheck(terms, { ...record, band: 'clear', verdict: 'clear' })
    expect(cleared.same).toBe(false)
    expect(cleared.differences.map(({ path }) => path)).toEqual(['/band', '/verdict'])
    const [first] = record.candidates
    if (!first) throw new Error('There is one candidate')
    const rescored = replayCheck(terms, { ...record, candidates: [{ ...first, score: 91 }] })
    expect(rescored.differences).toMatchObject([
      { path: `/candidates/${first.claim.claimId}/score`, before: '91', after: String(first.score) },
    ])
  })

  test('a damaged claim is never compared away', () => {
    const damage: readonly Partial<FoundClaim>[] = [
      { claimId: null },
      { company: { ...identifyCompany({ name: 'Alpha Werke' }), nameKey: ' ' } },
      { familyIds: [null as unknown as string] },
      { standing: 'broken' as 'held' },
      { range: { from: '2026-02-01', to: '2026-01-01' } },
    ]
    for (const over of damage) {
      const claim = claimOf(over)
      expect(isSound(claim)).toBe(false)
      expect(check([claim])).toMatchObject({ verdict: 'suspected', reasons: ['damaged'] })
    }
  })
})

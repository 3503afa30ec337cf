import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkRoutes } from '#src/conflicts/check-routes.ts'
import type { ClaimSubject } from '#src/conflicts/claim.ts'
import { conflictRoutes } from '#src/conflicts/conflict-routes.ts'
import { createConflictUseCases } from '#src/conflicts/conflict-use-cases.ts'
import { recordLabel } from '#src/conflicts/label-step.ts'
import { defaultRuleSet, type RuleSet } from '#src/conflicts/rule-set.ts'
import { ruleSetRoutes } from '#src/conflicts/rule-set-routes.ts'
import { matcherVersion } from '#src/conflicts/score.ts'
import type { Tx } from '#src/database/database.ts'
import { buildServer } from '#src/http/server.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { systemClock } from '#src/kernel/clock.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { mirrorRowOf, registrationOf, sellerOf, standInDeps } from '#test/support/conflicts.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const conflicts = createConflictUseCases({
  clock: systemClock,
  events: createEventBus<Tx>({}),
  canonicalOf: async (_tx, ids) => new Map(ids.map((id) => [id, id])),
  ...standInDeps(),
  findWins: async () => [],
})
const seller = sellerOf()
const actors: Readonly<Record<string, Actor>> = {
  seller,
  rival: sellerOf(),
  mapper: sellerOf(),
  admin: { kind: 'vendor', id: newId(), name: 'Ada', roles: ['administrator'] },
  channel: { kind: 'vendor', id: newId(), name: 'Chris', roles: ['channel_manager'] },
  auditor: { kind: 'vendor', id: newId(), name: 'Aud', roles: ['auditor'] },
}
let app: Awaited<ReturnType<typeof buildServer>>
beforeAll(async () => {
  app = await buildServer({
    database: db.database,
    routes: [...conflictRoutes(conflicts), ...checkRoutes(conflicts), ...ruleSetRoutes(conflicts)],
    authenticate: async (token) => actors[token] ?? null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
})
afterAll(() => app.close())

const call = async (
  who: string,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  payload?: object,
  headers: Record<string, string> = {},
) => {
  const answer = await app.inject({
    method,
    url: `/api/v1${path}`,
    headers: { authorization: `Bearer ${who}`, ...headers },
    ...(payload === undefined ? {} : { payload }),
  })
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() }
}
const submit = (subject: ClaimSubject) => {
  const actor = sellerOf(subject.partnerId)
  return db.database.transact(actor, (tx) => conflicts.checkAndClaim(tx, actor, subject))
}
const publish = async (over: Partial<RuleSet>): Promise<number> => {
  await call('channel', 'PUT', '/conflict-rules/draft', { document: { ...defaultRuleSet, ...over } })
  const { body } = await call('admin', 'POST', '/conflict-rules/draft/publish', { note: 'For a test' })
  return body.version
}

describe('the conflict rules', () => {
  test('start as version 1, which is what the product proposes', async () => {
    const { status, body } = await call('auditor', 'GET', '/conflict-rules')
    expect([status, body.published.version, body.published.state, body.draft]).toEqual([
      200,
      1,
      'published',
      null,
    ])
    expect(body.published.document).toEqual(defaultRuleSet)
    expect((await call('seller', 'GET', '/conflict-rules')).status).toBe(403)
  })

  test('are drafted with errors and all, and published only without', async () => {
    const crossed = {
      ...defaultRuleSet,
      sameDeal: {
        ...defaultRuleSet.sameDeal,
        company: { shownFrom: 60, reviewFrom: 95, blockedFrom: 80 },
      },
    }
    const saved = await call('channel', 'PUT', '/conflict-rules/draft', { document: crossed })
    expect(saved.body).toMatchObject({ revision: 1, basedOn: 1, issues: [{ code: 'thresholds_crossed' }] })
    expect((await call('channel', 'POST', '/conflict-rules/draft/check')).body.publishable).toBe(false)
    expect((await call('channel', 'POST', '/conflict-rules/draft/publish', { note: 'x' })).status).toBe(403)
    const refused = await call('admin', 'POST', '/conflict-rules/draft/publish', { note: 'Too early' })
    expect(refused).toMatchObject({ status: 409, body: { code: 'rules_not_publishable' } })
    const stale = await call(
      'channel',
      'PUT',
      '/conflict-rules/draft',
      { document: crossed },
      { 'if-match': '"7"' },
    )
    expect(stale.status).toBe(412)
    expect((await call('channel', 'DELETE', '/conflict-rules/draft')).status).toBe(204)
    expect((await call('admin', 'POST', '/conflict-rules/draft/publish', { note: 'x' })).body.code).toBe(
      'no_draft',
    )
  })

  test('rise with every publication, are compared and brought back, and every step is on record', async () => {
    const excluded = {
      company: { name: 'Embargo Handel' },
      reason: 'Sanctions',
      tell: 'Not for registration.',
    }
    expect(await publish({ exclusions: [excluded] })).toBe(2)
    const diff = await call('auditor', 'GET', '/conflict-rules/diff?from=1&to=2')
    expect(diff.body.changes).toEqual([
      { path: '/exclusions/0', kind: 'added', before: null, after: JSON.stringify(excluded) },
    ])
    const blocked = await submit(registrationOf('Embargo Handel GmbH'))
    expect(blocked).toMatchObject({ band: 'blocked', reasons: ['excluded'], ruleVersion: 2 })
    const back = await call('admin', 'POST', '/conflict-rules/rollback', { version: 1, note: 'Lifted' })
    expect(back.body).toMatchObject({ version: 3, basedOn: 1, state: 'published', document: defaultRuleSet })
    const free = await submit(registrationOf('Embargo Handel Zwei'))
    expect(free.ruleVersion).toBe(3)
    const again = await call('admin', 'POST', '/conflict-rules/rollback', { version: 3, note: 'Again' })
    expect(again.body.code).toBe('already_published')
    const list = await call('auditor', 'GET', '/conflict-rules/versions?limit=2')
    expect(list.body.items.map(({ version, state }: Record<string, unknown>) => [version, state])).toEqual([
      [3, 'published'],
      [2, 'superseded'],
    ])
    const rest = await call('auditor', 'GET', `/conflict-rules/versions?cursor=${list.body.nextCursor}`)
    expect(rest.body).toMatchObject({ items: [{ version: 1 }], nextCursor: null })
    const { rows } = await db.database.transact(system, (tx) =>
      sql<{ action: string }>`
        select action from audit_entry where subject_kind = 'conflict_rules' order by id desc limit 3`.execute(
        tx,
      ),
    )
    expect(rows.map(({ action }) => action)).toEqual([
      'conflict_rules.rolled_back',
      'conflict_rules.published',
      'conflict_rules.draft_saved',
    ])
  })

  test('a draft made from a version that is no longer in force says so', async () => {
    const document = { ...defaultRuleSet, winner: { order: ['first_registration'] } }
    await call('channel', 'PUT', '/conflict-rules/draft', { document, basedOn: 1 })
    const outdated = await call('admin', 'POST', '/conflict-rules/draft/publish', { note: 'Outdated' })
    expect(outdated.body.code).toBe('draft_outdated')
    await call('channel', 'DELETE', '/conflict-rules/draft')
  })

  test('of two that publish at once one is late', async () => {
    await call('channel', 'PUT', '/conflict-rules/draft', { document: defaultRuleSet })
    const answers = await Promise.all(
      [1, 2, 3].map(() => call('admin', 'POST', '/conflict-rules/draft/publish', { note: 'At once' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })
})

describe('a check as proof', () => {
  test('shows what it was decided by, and replays to the same answer', async () => {
    const rival = registrationOf('Beweis Maschinen')
    await submit(rival)
    await db.database.transact(system, (tx) =>
      conflicts.recordMirror(tx, [mirrorRowOf('Beweis Maschinen AG')]),
    )
    const subject = registrationOf('Beweis Maschinen GmbH', {
      registrationType: 'resale',
      productIds: [newId()],
    })
    const { checkId, ruleVersion } = await submit(subject)
    const record = await call('auditor', 'GET', `/conflict-checks/${checkId}`)
    expect(record.body).toMatchObject({
      id: checkId,
      dealId: subject.sourceId,
      band: 'blocked',
      verdict: 'suspected',
      ruleVersion,
      matcherVersion,
      mirror: 'none',
      ruling: { winner: { by: 'direct_opportunity', side: 'direct' } },
      subject: {
        partnerId: subject.partnerId,
        registrationType: 'resale',
        company: { nameKey: 'beweis maschinen' },
      },
      inputs: { gaps: [], wins: [] },
    })
    const replay = await call('auditor', 'POST', `/conflict-checks/${checkId}/replay`, {})
    expect(replay.body).toMatchObject({
      same: true,
      differences: [],
      replayed: { band: 'blocked', winner: { by: 'direct_opportunity' } },
      rescored: { differences: [] },
      otherwise: { differences: [] },
    })
    expect((await call('seller', 'GET', `/conflict-checks/${checkId}`)).status).toBe(403)
    expect((await call('auditor', 'GET', `/conflict-checks/${newId()}`)).status).toBe(404)
  })

  test('replays the same after what it met has changed, and after the rules have', async () => {
    const rival = registrationOf('Vergangen Werke')
    await submit(rival)
    const { checkId, ruleVersion } = await submit(registrationOf('Vergangen Werke'))
    await db.database.transact(system, (tx) => conflicts.closeClaims(tx, [rival.sourceId]))
    const newest = await publish({
      sameDeal: { ...defaultRuleSet.sameDeal, company: { shownFrom: 60, reviewFrom: 100, blockedFrom: 100 } },
    })
    const { body } = await call('auditor', 'POST', `/conflict-checks/${checkId}/replay`, {})
    expect(body).toMatchObject({
      ruleVersion,
      same: true,
      replayed: { band: 'blocked' },
      otherwise: { rules: newest, ruling: { band: 'clear', verdict: 'clear', winner: null } },
    })
    expect(body.otherwise.differences).toContainEqual({
      path: '/band',
      kind: 'changed',
      before: '"blocked"',
      after: '"clear"',
    })
    const named = await call('auditor', 'POST', `/conflict-checks/${checkId}/replay`, { rules: ruleVersion })
    expect(named.body.otherwise).toMatchObject({ rules: ruleVersion, differences: [] })
    const noDraft = await call('auditor', 'POST', `/conflict-checks/${checkId}/replay`, { rules: 'draft' })
    expect(noDraft.body.code).toBe('no_draft')
    await publish({})
  })

  test('a check from before rules had versions replays as far as it was kept', async () => {
    await submit(registrationOf('Altbestand'))
    const { checkId } = await submit(registrationOf('Altbestand'))
    const old = newId()
    await db.database.transact(system, (tx) =>
      sql`insert into conflict_check (id, purpose, deal_id, partner_id, verdict, reasons, rule_version,
          claim_seq_horizon, claim_seq, mirror, subject, candidates, candidates_found, checked_at, duration_ms)
        select ${old}, purpose, null, partner_id, verdict, reasons, 1, claim_seq_horizon, claim_seq, mirror, subject,
          candidates, candidates_found, checked_at, duration_ms
        from conflict_check where id = ${checkId}`.execute(tx),
    )
    const { body } = await call('auditor', 'POST', `/conflict-checks/${old}/replay`, { rules: 1 })
    expect(body).toMatchObject({ same: true, differences: [], otherwise: { differences: [] } })
  })
})

describe('what a partner is told', () => {
  test('is in the words of the rules, by the newest check or what people decided on it', async () => {
    const texts = {
      ...defaultRuleSet.texts,
      blocked: 'Somebody else was here first.',
      upheld: 'It stays with them.',
    }
    await publish({ texts })
    await submit(registrationOf('Geheim Partner'))
    const subject = registrationOf('Geheim Partner', { partnerId: seller.partnerId })
    await submit(subject)
    const notice = (who: string) => call(who, 'GET', `/deals/${subject.sourceId}/conflict-notice`)
    expect((await notice('seller')).body).toEqual({
      conflict: true,
      message: 'Somebody else was here first.',
    })
    expect((await notice('rival')).status).toBe(404)
    const decide = (decision: string) =>
      call('channel', 'POST', `/deals/${subject.sourceId}/conflict/decision`, {
        decision,
        reason: 'After talking to the customer',
      })
    await decide('uphold')
    expect((await notice('seller')).body).toEqual({ conflict: true, message: 'It stays with them.' })
    await decide('override')
    expect((await notice('seller')).body).toEqual({ conflict: false, message: texts.clear })
    await publish({})
  })
})

describe('labels', () => {
  test('keep decisions with what people were shown; the newest on one check counts', async () => {
    const version = await publish({ winner: { order: ['first_registration'] } })
    const quality = async () => {
      const { body } = await call('auditor', 'GET', '/conflict-quality')
      return body.items.find(({ ruleVersion }: { ruleVersion: number | null }) => ruleVersion === version)
    }
    const collide = async (name: string) => {
      await submit(registrationOf(name))
      const subject = registrationOf(name)
      return { subject, result: await submit(subject) }
    }
    const decide = (subject: ClaimSubject, decision: string) =>
      call('channel', 'POST', `/deals/${subject.sourceId}/conflict/decision`, {
        decision,
        reason: 'After talking to the customer',
      })
    const [one, two] = [await collide('Etikett Eins'), await collide('Zweites Schildchen')]
    await decide(one.subject, 'override')
    await decide(one.subject, 'uphold')
    await decide(two.subject, 'override')
    expect((await quality()).conflicts).toMatchObject({
      labelled: 2,
      bands: {
        blocked: { labelled: 2, right: 1, precision: { value: 0.5 }, recall: { value: 1 } },
        clear: { labelled: 0, precision: null },
      },
    })
    const claimId = one.result.candidates[0]?.claim.claimId ?? ''
    await db.database.transact(system, async (tx) => {
      const base = { checkId: one.result.checkId, decidedBy: 'test', decidedAt: new Date() }
      await recordLabel(tx, { ...base, label: 'same_company', claimId })
      await recordLabel(tx, { ...base, label: 'different_company', claimId: newId() })
    })
    expect((await quality()).companies).toMatchObject({
      labelled: 2,
      bands: { blocked: { labelled: 1, right: 1 }, clear: { labelled: 1, right: 1 } },
      words: expect.stringContaining('Only 2 decided'),
    })
    const { rows } = await db.database.transact(system, (tx) =>
      sql<{ label: string; score: number; band: string }>`
        select label, score, band from conflict_label where check_id = ${one.result.checkId} order by id`.execute(
        tx,
      ),
    )
    const score = one.result.candidates[0]?.score
    expect(rows.slice(0, 3)).toEqual([
      { label: 'override', score, band: 'blocked' },
      { label: 'uphold', score, band: 'blocked' },
      { label: 'same_company', score, band: 'blocked' },
    ])
    expect((await call('seller', 'GET', '/conflict-quality')).status).toBe(403)
    const later = await call('auditor', 'GET', '/conflict-quality?since=2100-01-01')
    expect(later.body.items).toHaveLength(1)
    await publish({})
  })
})

describe('asking first', () => {
  const questions = { perMinute: 100, perDay: 1_000, overlapsPerDay: 6, perCompanyPerDay: 3 }
  const asking = (who: string) => (name: string) =>
    call(who, 'POST', '/conflict-checks', { company: { name } })

  test('about one company is limited, whatever its spelling, and others may still be asked about', async () => {
    await publish({ questions })
    await submit(registrationOf('Pipeline Perle'))
    const ask = asking('seller')
    const spellings = [
      'Pipeline Perle',
      'PIPELINE PERLE GMBH',
      'Pipeline Perl',
      'Perle Pipeline',
      'Pipeline-Perle AG',
    ]
    const answers: number[] = []
    for (const name of spellings) answers.push((await ask(name)).status)
    expect(answers).toEqual([200, 200, 200, 429, 429])
    expect((await ask('Niemand kennt uns')).body.conflict).toBe(false)
    expect((await asking('rival')('Pipeline Perle')).body.conflict).toBe(true)
  })

  test('of many companies brings few overlaps to light, so that no pipeline is mapped', async () => {
    await publish({ questions })
    const words = [
      'Ahorn',
      'Birke',
      'Zeder',
      'Douglasie',
      'Esche',
      'Fichte',
      'Ginkgo',
      'Hasel',
      'Ilex',
      'Kiefer',
    ]
    for (const word of words) await submit(registrationOf(`${word} Holzhandel`))
    const found: string[] = []
    for (const word of words) {
      const { status, body } = await asking('mapper')(`${word} Holzhandel`)
      if (status === 200 && body.conflict) found.push(word)
      if (status === 429) expect(body.code).toBe('too_many')
    }
    expect(found).toEqual(words.slice(0, 6))
    expect((await asking('mapper')('Niemand kennt uns auch hier')).status).toBe(429)
    await publish({})
  })
})

import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClaimSubject } from '#src/conflicts/claim.ts'
import { conflictRoutes } from '#src/conflicts/conflict-routes.ts'
import { createConflictUseCases } from '#src/conflicts/conflict-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import { buildServer } from '#src/http/server.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { systemClock } from '#src/kernel/clock.ts'
import { createEventBus, type DomainEvent } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { mirrorRowOf, registrationOf, sellerOf, standInDeps } from '#test/support/conflicts.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const decided: DomainEvent[] = []
const conflicts = createConflictUseCases({
  ...standInDeps(),
  clock: systemClock,
  events: createEventBus<Tx>({
    conflict_decided: [async (_tx, _actor, events) => void decided.push(...events)],
  }),
  canonicalOf: async (_tx, ids) => new Map(ids.map((id) => [id, id])),
  findWins: async () => [],
})

const seller = sellerOf()
const curious = sellerOf()
const actors: Readonly<Record<string, Actor>> = {
  seller,
  curious,
  colleague: sellerOf(curious.partnerId),
  channel: { kind: 'vendor', id: newId(), name: 'Chris', roles: ['channel_manager'] },
  auditor: { kind: 'vendor', id: newId(), name: 'Aud', roles: ['auditor'] },
}
let app: Awaited<ReturnType<typeof buildServer>>
beforeAll(async () => {
  app = await buildServer({
    database: db.database,
    routes: conflictRoutes(conflicts),
    authenticate: async (token) => actors[token] ?? null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
})
afterAll(() => app.close())

const submit = (subject: ClaimSubject) => {
  const actor = sellerOf(subject.partnerId)
  return db.database.transact(actor, (tx) => conflicts.checkAndClaim(tx, actor, subject))
}
const get = (who: string, dealId: string) =>
  app.inject({
    method: 'GET',
    url: `/api/v1/deals/${dealId}/conflict`,
    headers: { authorization: `Bearer ${who}` },
  })
const post = (who: string, url: string, payload: object) =>
  app.inject({ method: 'POST', url: `/api/v1${url}`, headers: { authorization: `Bearer ${who}` }, payload })
const decide = (who: string, dealId: string, payload: object) =>
  post(who, `/deals/${dealId}/conflict/decision`, payload)

test('the vendor sees every candidate with what speaks for and against it', async () => {
  const rival = registrationOf('Beweisstueck Eins')
  await submit(rival)
  await db.database.transact(system, (tx) =>
    conflicts.recordMirror(tx, [mirrorRowOf('Beweisstueck Eins AG')]),
  )
  const subject = registrationOf('Beweisstueck Eins GmbH')
  const result = await submit(subject)
  const answer = await get('auditor', subject.sourceId)
  expect(answer.statusCode).toBe(200)
  const [check] = answer.json().checks
  expect(check).toMatchObject({
    id: result.checkId,
    purpose: 'submit',
    verdict: 'suspected',
    reasons: ['candidate'],
    ruleVersion: result.ruleVersion,
    claimSeq: String(BigInt(check.claimSeqHorizon) + 1n),
    mirror: 'none',
  })
  expect(check.candidates).toHaveLength(2)
  expect(check.candidates).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        kind: 'rival',
        key: 'name',
        band: 'strong',
        claim: expect.objectContaining({
          dealId: rival.sourceId,
          partnerId: rival.partnerId,
          amountMinor: null,
        }),
      }),
      expect.objectContaining({
        kind: 'direct',
        claim: expect.objectContaining({ amountMinor: '1200000', currency: 'EUR', stage: 'Proposal' }),
      }),
    ]),
  )
})

test('partners may not read the evidence, and an unchecked deal has none', async () => {
  const subject = registrationOf('Nicht fuer Partner')
  await submit(subject)
  expect((await get('seller', subject.sourceId)).statusCode).toBe(403)
  expect((await get('auditor', newId())).statusCode).toBe(404)
})

test('a decision needs a suspected check, a role and a reason, and is announced', async () => {
  const clear = registrationOf('Entscheidung')
  const suspected = registrationOf('Entscheidung GmbH')
  await submit(clear)
  await submit(suspected)
  const override = { decision: 'override', reason: 'The customer named this partner in writing' }
  expect((await decide('auditor', suspected.sourceId, override)).statusCode).toBe(403)
  expect((await decide('channel', suspected.sourceId, { ...override, reason: 'too short' })).statusCode).toBe(
    422,
  )
  expect((await decide('channel', clear.sourceId, override)).json()).toMatchObject({ code: 'no_conflict' })
  expect((await decide('channel', newId(), override)).statusCode).toBe(404)
  expect(decided).toEqual([])

  const answer = await decide('channel', suspected.sourceId, override)
  expect(answer.json().decisions).toMatchObject([{ ...override, decidedByName: 'Chris' }])
  expect(decided).toEqual([{ type: 'conflict_decided', dealId: suspected.sourceId, verdict: 'overridden' }])

  const uphold = { decision: 'uphold', reason: 'The letter turned out to be outdated' }
  const again = await decide('channel', suspected.sourceId, uphold)
  expect(again.json().decisions.map(({ decision }: { decision: string }) => decision)).toEqual([
    'uphold',
    'override',
  ])
  const audited = await db.database.transact(system, (tx) =>
    sql<{ action: string; reason: string }>`
      select action, reason from audit_entry where subject_id = ${suspected.sourceId} order by id`.execute(
      tx,
    ),
  )
  expect(audited.rows).toEqual([
    { action: 'conflict.overridden', reason: override.reason },
    { action: 'conflict.upheld', reason: uphold.reason },
  ])
})

test('a partner that asks first learns only whether there is an overlap, and the question is on record', async () => {
  await submit(registrationOf('Geheime Gesellschaft'))
  const ask = (name: string) => post('seller', '/conflict-checks', { company: { name } })
  const yes = await ask('Geheime Gesellschaft mbH')
  expect([yes.statusCode, Object.keys(yes.json()), yes.json().conflict]).toEqual([
    200,
    ['conflict', 'message'],
    true,
  ])
  expect((await ask('Ganz neue Firma')).json().conflict).toBe(false)
  const { rows } = await db.database.transact(system, (tx) =>
    sql<{ partnerId: string }>`select partner_id from audit_entry where action = 'conflict.asked'`.execute(
      tx,
    ),
  )
  expect(rows).toEqual([{ partnerId: seller.partnerId }, { partnerId: seller.partnerId }])
  expect((await post('channel', '/conflict-checks', { company: { name: 'X' } })).statusCode).toBe(403)
})

test('a partner may ask thirty times a minute, all its people and requests at once together', async () => {
  let asked = 0
  const ask = (who: string) => {
    asked += 1
    return post(who, '/conflict-checks', { company: { name: `Immer wieder ${asked}` } })
  }
  const answers = await Promise.all(
    Array.from({ length: 36 }, (_, index) => ask(index % 2 ? 'curious' : 'colleague')),
  )
  expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(30)
  const refused = answers.find(({ statusCode }) => statusCode !== 200)
  expect([refused?.statusCode, refused?.json().code]).toEqual([429, 'too_many'])
  expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(30)
  const { rows } = await db.database.transact(system, (tx) =>
    sql<{ count: bigint }>`
      select count(*) from conflict_check where purpose = 'question' and partner_id = ${curious.partnerId}`.execute(
      tx,
    ),
  )
  expect(rows).toEqual([{ count: 30n }])
  expect((await ask('seller')).statusCode).toBe(200)
})

test('asking claims nothing', async () => {
  await post('seller', '/conflict-checks', { company: { name: 'Nur gefragt' } })
  expect((await submit(registrationOf('Nur gefragt'))).verdict).toBe('clear')
})

test('nobody edits a check or a decision', async () => {
  for (const table of ['conflict_check', 'conflict_decision']) {
    await expect(
      db.database.transact(system, (tx) => sql`delete from ${sql.table(table)}`.execute(tx)),
    ).rejects.toThrow(/permission/)
  }
})

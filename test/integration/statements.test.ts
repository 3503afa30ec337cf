import { parse } from 'csv-parse/sync'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tx } from '#src/database/database.ts'
import { buildServer } from '#src/http/server.ts'
import type { AwardFacts } from '#src/incentives/award.ts'
import { incentiveRoutes } from '#src/incentives/incentive-routes.ts'
import { createIncentiveUseCases } from '#src/incentives/incentive-use-cases.ts'
import { planRoutes } from '#src/incentives/plan-routes.ts'
import { createPlanUseCases } from '#src/incentives/plan-use-cases.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { newId, type PlanVersionId } from '#src/kernel/ids.ts'
import { ledgerRoutes } from '#src/ledger/ledger-routes.ts'
import { statementRoutes } from '#src/payouts/statement-routes.ts'
import { createStatementUseCases } from '#src/payouts/statement-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'
import { planLine, wonDeal } from '#test/support/incentives.ts'

const db = useDatabase()
const system = systemActor('test')
const [ada, bob] = [newId<'partner'>(), newId<'partner'>()]
const actors: Readonly<Record<string, Actor>> = {
  finance: { kind: 'vendor', id: newId(), name: 'Fay', roles: ['finance'] },
  seller: { kind: 'partner', id: newId(), name: 'Sam', roles: ['partner_seller'], partnerId: ada },
  ada: { kind: 'partner', id: newId(), name: 'Ada', roles: ['partner_finance'], partnerId: ada },
  bob: {
    kind: 'partner',
    id: newId(),
    name: 'Bob',
    roles: ['partner_administrator'],
    partnerId: bob,
  },
}
let today = new Date('2026-03-10T12:00:00Z')
const clock = { now: () => today }
const incentives = createIncentiveUseCases({ events: createEventBus<Tx>({}), clock })
const routes = [
  ...planRoutes(createPlanUseCases({ programmes: { getProgramme: async () => undefined } })),
  ...incentiveRoutes(incentives),
  ...ledgerRoutes(),
  ...statementRoutes(createStatementUseCases({ clock, incentives })),
]
let app: Awaited<ReturnType<typeof buildServer>>
beforeAll(async () => {
  app = await buildServer({
    database: db.database,
    routes,
    authenticate: async (token) => actors[token] ?? null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
})
afterAll(() => app.close())

const get = async (who: string, url: string) => {
  const answer = await app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${who}` } })
  return { status: answer.statusCode, json: () => answer.json(), text: answer.body, headers: answer.headers }
}
const post = (url: string, payload: object, who = 'finance') =>
  app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${who}` } })

let planVersionId: PlanVersionId
let facts: AwardFacts
const line = (changes: object) => ({
  ...planLine(),
  ...changes,
  cap: { amountMinor: '100000', currency: 'USD' },
})

async function accrue(changes: Partial<AwardFacts>): Promise<void> {
  facts = { ...facts, ...changes, outcomeRevision: facts.outcomeRevision + 1 }
  await db.database.transact(system, (tx) => incentives.accrue(tx, system, [facts]))
}

test('finance writes a plan, adds a version and puts it in force; a document with faults is refused by place', async () => {
  const programmeId = newId()
  const plan = (await post('/api/v1/incentive-plans', { programmeId, name: '=Plan' })).json()
  expect((await post('/api/v1/incentive-plans', { programmeId, name: '=plan' })).json().code).toBe(
    'name_taken',
  )
  const versions = `/api/v1/incentive-plans/${plan.id}/versions`
  const document = {
    schema: 1,
    lines: [line({ name: '=Commission' })],
    holdbackDays: 10,
    rounding: 'half_even',
    splitRounding: 'largest_remainder',
  }
  const faulty = { ...document, lines: [line({ when: { field: 'weather', is: 'blank' } })] }
  const refused = await post(versions, { document: faulty })
  expect([refused.statusCode, refused.json().errors ?? refused.json().issues]).toMatchObject([
    422,
    [{ path: expect.stringContaining('/lines/0/when/field') }],
  ])
  const version = (await post(versions, { document })).json()
  expect(version).toMatchObject({ number: 1, document, publications: [] })
  const published = await post(`${versions}/${version.id}/publish`, { from: '2026-01-01' })
  expect(published.json().publications).toMatchObject([{ from: '2026-01-01' }])
  expect((await post(`${versions}/${version.id}/publish`, { from: '2026-01-01' }, 'ada')).statusCode).toBe(
    403,
  )
  expect((await get('finance', '/api/v1/incentive-plans?limit=1')).json().items).toMatchObject([
    { id: plan.id },
  ])
  expect((await get('finance', versions)).json().items).toMatchObject([{ id: version.id }])
  planVersionId = version.id
  facts = wonDeal({
    planVersionId,
    outcomeRevision: 0,
    effectiveOn: '2026-03-10',
    postedOn: '2026-03-10',
    partners: [
      { partnerId: ada, shareWeight: 2 },
      { partnerId: bob, shareWeight: 1 },
    ],
  })
})

test('a statement opens with what was, explains each entry to the cent and closes with the sum', async () => {
  await accrue({})
  await db.database.transact(system, (tx) => incentives.releaseDue(tx, system, '2026-03-20', 100))
  today = new Date('2026-04-05T12:00:00Z')
  await accrue({ outcome: 'lost', effectiveOn: '2026-04-05', postedOn: '2026-04-05' })
  const march = (await get('ada', '/api/v1/statements?period=2026-03')).json()
  expect(march).toMatchObject({ partnerId: ada, period: '2026-03', final: true })
  const [account] = march.accounts
  expect(account).toMatchObject({
    currency: 'USD',
    opening: { pendingMinor: '0', payableMinor: '0' },
    closing: { pendingMinor: '0', payableMinor: '66667' },
  })
  expect(account.lines).toMatchObject([
    {
      kind: 'accrual',
      dealId: facts.dealId,
      planLine: { id: 'base', name: '=Commission' },
      pendingMinor: '66667',
      payableMinor: '0',
      explanation: [
        'The deal is worth 12345.67 USD.',
        '10 % of 12345.67 USD is 1234.567, rounded half to even: 1234.57 USD.',
        'The line pays at most 1000.00 USD per deal.',
        '2 of 3 shares of 1000.00 USD: 666.67 USD, odd cents to the largest remainders.',
      ],
    },
    { kind: 'release', pendingMinor: '-66667', payableMinor: '66667' },
  ])
  const april = (await get('ada', '/api/v1/statements?period=2026-04')).json()
  expect(april).toMatchObject({ final: false })
  expect(april.accounts[0]).toMatchObject({
    opening: { pendingMinor: '0', payableMinor: '66667' },
    lines: [{ kind: 'adjustment', payableMinor: '-66667', adjusts: account.lines[0].entryId }],
    closing: { pendingMinor: '0', payableMinor: '0' },
  })
  expect(april.accounts[0].lines[0].explanation).toEqual([
    'The deal is lost; only a deal that is won earns.',
    'Posted before: 666.67 USD; the difference is -666.67 USD.',
  ])
})

test('a statement of a period that is over stays as it is, also when something is posted to it late', async () => {
  const before = (await get('ada', '/api/v1/statements?period=2026-03')).text
  await accrue({ outcome: 'won', effectiveOn: '2026-03-31', postedOn: '2026-03-31' })
  expect((await get('ada', '/api/v1/statements?period=2026-03')).text).toBe(before)
  const april = (await get('ada', '/api/v1/statements?period=2026-04')).json()
  expect(april.accounts[0].lines.at(-1)).toMatchObject({ effectiveOn: '2026-03-31', pendingMinor: '66667' })
})

test('the CSV says the same as the JSON and keeps formulas out of spreadsheets', async () => {
  const answer = await get('finance', `/api/v1/statements/csv?period=2026-03&partnerId=${ada}`)
  expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8')
  const rows: Record<string, string>[] = parse(answer.text, { columns: true })
  expect(rows.map(({ row, pending, payable }) => [row, pending, payable])).toEqual([
    ['opening', '0.00', '0.00'],
    ['accrual', '666.67', '0.00'],
    ['release', '-666.67', '666.67'],
    ['closing', '0.00', '666.67'],
  ])
  expect(rows[1]).toMatchObject({ plan_line: "'=Commission", deal_id: facts.dealId, currency: 'USD' })
})

test('a partner reads its own statement and entries only; a seller reads none; the vendor must name the partner', async () => {
  expect((await get('ada', `/api/v1/statements?period=2026-03&partnerId=${bob}`)).status).toBe(404)
  expect((await get('seller', '/api/v1/statements?period=2026-03')).status).toBe(403)
  expect((await get('finance', '/api/v1/statements?period=2026-03')).status).toBe(422)
  const own = (await get('ada', '/api/v1/ledger/entries?limit=200')).json().items
  const foreign = (await get('ada', `/api/v1/ledger/entries?partnerId=${bob}`)).json().items
  const all = (await get('finance', '/api/v1/ledger/entries?limit=200')).json().items
  expect(own.every((entry: { partnerId: string }) => entry.partnerId === ada)).toBe(true)
  expect([own.length, foreign.length, all.length]).toEqual([4, 0, 8])
  expect(own[0].postings).toMatchObject([
    { debit: null, credit: { kind: 'partner_pending', partnerId: ada } },
  ])
})

test('entries are listed page by page and by filter', async () => {
  const seen: string[] = []
  let cursor = ''
  do {
    const page = (await get('finance', `/api/v1/ledger/entries?limit=3&sort=postedAt${cursor}`)).json()
    seen.push(...page.items.map(({ id }: { id: string }) => id))
    cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : ''
  } while (cursor)
  expect([seen.length, new Set(seen).size]).toEqual([8, 8])
  const releases = (await get('finance', '/api/v1/ledger/entries?kind=release&period=2026-03')).json().items
  expect(releases).toHaveLength(2)
})

test('balances are listed per account; a partner sees its own, the accounts of a currency net to zero', async () => {
  const own = (await get('bob', '/api/v1/ledger/accounts')).json().items
  expect(own).toEqual([
    { kind: 'partner_payable', partnerId: bob, currency: 'USD', balanceMinor: '0' },
    { kind: 'partner_pending', partnerId: bob, currency: 'USD', balanceMinor: '33333' },
  ])
  const all: { balanceMinor: string; kind: string }[] = []
  let cursor = ''
  do {
    const page = (await get('finance', `/api/v1/ledger/accounts?limit=2${cursor}`)).json()
    all.push(...page.items)
    cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : ''
  } while (cursor)
  expect(all).toHaveLength(5)
  expect(all.reduce((sum, { balanceMinor }) => sum + BigInt(balanceMinor), 0n)).toBe(0n)
  expect(all.at(-1)).toMatchObject({ kind: 'incentive_expense', balanceMinor: '-100000' })
})

test('deals whose earnings wait are listed with the reason, to the vendor only', async () => {
  const waiting = wonDeal({ planVersionId, hold: 'customer_in_review' })
  await db.database.transact(system, (tx) => incentives.accrue(tx, system, [waiting]))
  const { items } = (await get('finance', '/api/v1/earnings-on-hold')).json()
  expect(items).toMatchObject([
    {
      dealId: waiting.dealId,
      holds: [{ planLineId: null, reason: 'in_review', detail: 'customer_in_review' }],
    },
  ])
  expect((await get('ada', '/api/v1/earnings-on-hold')).status).toBe(403)
})

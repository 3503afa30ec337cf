import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { caseRoutes } from '#src/conflicts/case-routes.ts'
import { buildServer } from '#src/http/server.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const { db, world, run, conflicts, deals, manager, submit, approve, details } = useDealWorld()
const vendor = (role: 'auditor' | 'approver' | 'finance'): Actor => ({
  kind: 'vendor',
  id: newId(),
  name: role,
  roles: [role],
})
const actors = (): Readonly<Record<string, Actor>> => ({
  manager,
  seller: world.seller,
  rival: world.rival,
  auditor: vendor('auditor'),
  approver: vendor('approver'),
  finance: vendor('finance'),
})

let app: Awaited<ReturnType<typeof buildServer>>
beforeAll(async () => {
  const known = actors()
  app = await buildServer({
    database: db.database,
    routes: caseRoutes(conflicts),
    authenticate: async (token) => known[token] ?? null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
})
afterAll(() => app.close())

const call = async (
  who: string,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  payload?: object,
  headers: Record<string, string> = {},
) => {
  const answer = await app.inject({
    method,
    url: `/api/v1/conflict-cases${path}`,
    headers: { authorization: `Bearer ${who}`, ...headers },
    ...(payload ? { payload } : {}),
  })
  return { status: answer.statusCode, etag: answer.headers['etag'], body: answer.json() }
}
const words = ['Brunhild', 'Kastanie', 'Moorhuhn', 'Zeppelin', 'Quarz', 'Falke', 'Jupiter', 'Enzian']
async function meeting() {
  const name = words.pop()
  if (!name) throw new Error('More words are needed')
  const company = details({ companyName: name, domain: `${name.toLowerCase()}.com` })
  const held = await approve(world.seller, company)
  const late = await submit(world.rival, { ...company, contactEmail: 'other@rival-mail.com' })
  const { body } = await call('manager', 'GET', `?dealId=${late.id}`)
  return { held, late, id: body.items[0].id as string }
}
const reason = 'The customer told us so in writing'
const uphold = { decision: { kind: 'uphold' }, reason, message: 'Somebody else was first' }

describe('conflict cases over HTTP', () => {
  test('are listed by filters, sorted and page by page', async () => {
    const { held, late, id } = await meeting()
    const { id: other } = await meeting()
    const ids = async (query: string, who = 'manager') =>
      (await call(who, 'GET', query)).body.items.map((item: { id: string }) => item.id)
    expect(await ids('?sort=createdAt')).toEqual([id, other])
    expect(await ids('?sort=-createdAt')).toEqual([other, id])
    expect(await ids(`?dealId=${held.id}`)).toEqual([id])
    expect(await ids(`?partnerId=${world.rivalId}&status=open&programmeId=${late.programmeId}`)).toHaveLength(
      2,
    )
    expect(await ids('?status=decided&status=closed')).toEqual([])
    expect(await ids('?overdue=true')).toEqual([])
    expect(await ids(`?assigneeId=${newId()}`)).toEqual([])
    const first = (await call('auditor', 'GET', '?limit=1&sort=overdueAt')).body
    expect(await ids(`?limit=1&sort=overdueAt&cursor=${first.nextCursor}`)).toEqual([other])
    expect((await call('manager', 'GET', '?sort=number')).status).toBe(422)
    // A partner is shown only where its own deal is in question.
    expect(await ids('?sort=createdAt', 'rival')).toEqual([id, other])
    expect(await ids(`?dealId=${late.id}`, 'rival')).toEqual([id])
    expect(await ids('', 'seller')).toEqual([])
    expect((await call('rival', 'GET', '?sort=overdueAt')).status).toBe(422)
    expect((await call('finance', 'GET', '')).status).toBe(403)
  })

  test('are decided by who read the last state, once, also when the request is sent again', async () => {
    const { late, id } = await meeting()
    const { etag } = await call('manager', 'GET', `/${id}`)
    const { body: commented } = await call('approver', 'POST', `/${id}/comments`, { body: 'Looks the same' })
    expect(commented.timeline.at(-1)).toMatchObject({ kind: 'comment', data: { body: 'Looks the same' } })
    expect((await call('approver', 'POST', `/${id}/decision`, uphold)).status).toBe(403)
    expect((await call('auditor', 'POST', `/${id}/decision`, uphold)).status).toBe(403)
    const stale = await call('manager', 'POST', `/${id}/decision`, uphold, { 'if-match': '"99"' })
    expect(stale.status).toBe(412)
    const short = { ...uphold, reason: 'because' }
    expect((await call('manager', 'POST', `/${id}/decision`, short)).status).toBe(422)
    const headers = { 'if-match': String(etag), 'idempotency-key': newId() }
    const decided = await call('manager', 'POST', `/${id}/decision`, uphold, headers)
    expect([decided.status, decided.body.status, decided.body.deals.length]).toEqual([200, 'decided', 2])
    const again = await call('manager', 'POST', `/${id}/decision`, uphold, headers)
    expect([again.status, again.body.decisions.length]).toEqual([200, 1])
    const refused = await call('manager', 'POST', `/${id}/decision`, uphold)
    expect([refused.status, refused.body.code]).toEqual([409, 'not_open'])
    expect((await run(manager, (tx) => deals.getDeal(tx, late.id))).status).toBe('rejected')
    expect((await call('manager', 'POST', `/${newId()}/decision`, uphold)).status).toBe(404)
  })

  test('show a partner its own deal, the text to it, and whether it may appeal; nothing of anybody else', async () => {
    const { held, late, id } = await meeting()
    await call('manager', 'POST', `/${id}/decision`, uphold)
    const { body, etag } = await call('rival', 'GET', `/${id}`)
    expect(body).toEqual({
      id,
      revision: expect.any(Number),
      deals: [
        {
          dealId: late.id,
          number: late.number,
          since: expect.any(String),
          status: 'decided',
          outcome: 'not_granted',
          mayAppeal: true,
          message: 'Somebody else was first',
          decidedAt: expect.any(String),
          appealUntil: expect.any(String),
          appealedAt: null,
          appealText: null,
          answer: null,
          answerMessage: null,
          answeredAt: null,
        },
      ],
    })
    const appeal = { dealId: late.id, text: 'We asked them a year before' }
    expect((await call('seller', 'GET', `/${id}`)).status).toBe(404)
    expect((await call('seller', 'POST', `/${id}/appeal`, appeal)).status).toBe(404)
    expect((await call('rival', 'POST', `/${id}/appeal`, { ...appeal, dealId: held.id })).status).toBe(404)
    expect((await call('manager', 'POST', `/${id}/appeal`, appeal)).status).toBe(403)
    const outdated = await call('rival', 'POST', `/${id}/appeal`, appeal, { 'if-match': '"99"' })
    expect(outdated.status).toBe(412)
    const heard = await call('rival', 'POST', `/${id}/appeal`, appeal, { 'if-match': String(etag) })
    expect(heard.body.deals).toMatchObject([{ status: 'appealed', mayAppeal: false }])
    const answered = await call('manager', 'POST', `/${id}/appeal/answer`, {
      grant: { kind: 'override' },
      reason: 'They sent us the letter',
      message: 'You were right',
    })
    expect([answered.status, answered.body.closedAs]).toEqual([200, 'answered'])
    expect((await call('rival', 'GET', `/${id}`)).body.deals).toMatchObject([
      { status: 'closed', outcome: 'goes_on', answer: 'granted', answerMessage: 'You were right' },
    ])
    expect(await run(manager, (tx) => deals.getDeal(tx, late.id))).toMatchObject({
      status: 'in_review',
      conflict: 'overridden',
    })
  })
})

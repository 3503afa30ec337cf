import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dealRoutes } from '#src/deals/deal-routes.ts'
import { buildServer } from '#src/http/server.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const { db, world, deals, manager, details } = useDealWorld()
const auditor: Actor = { kind: 'vendor', id: newId(), name: 'Otto', roles: ['auditor'] }

let app: Awaited<ReturnType<typeof buildServer>>
beforeAll(async () => {
  const actors: Record<string, Actor> = { manager, auditor, seller: world.seller, rival: world.rival }
  app = await buildServer({
    database: db.database,
    routes: dealRoutes(deals),
    authenticate: async (token) => actors[token] ?? null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
})
afterAll(() => app.close())

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH'
const call = async (
  token: string,
  method: Method,
  path: string,
  payload?: object,
  headers: Record<string, string> = {},
) => {
  const response = await app.inject({
    method,
    url: `/api/v1/deals${path}`,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(payload ? { payload } : {}),
  })
  return { status: response.statusCode, body: response.json(), headers: response.headers }
}
const registration = (over: object = {}) => {
  const { amountMinor, ...rest } = details()
  return { ...rest, amountMinor: String(amountMinor), programmeId: world.programmeId, submit: true, ...over }
}

describe('the deals API', () => {
  test('registers in one step, and a partner never sees what is the vendor’s', async () => {
    const created = await call('seller', 'POST', '', registration())
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({ status: 'submitted', conflict: 'clear', amountMinor: '5000000' })
    expect(created.headers.location).toBe(`/api/v1/deals/${created.body.id}`)
    const vendor = await call('manager', 'GET', `/${created.body.id}`)
    const { customerId } = vendor.body.vendor
    expect(customerId).toMatch(/^[0-9a-f-]{36}$/)
    for (const path of [
      '',
      `/${created.body.id}`,
      `/${created.body.id}/timeline`,
      `/${created.body.id}/earnings`,
    ]) {
      const { status, body } = await call('seller', 'GET', path)
      expect(status).toBe(200)
      expect(JSON.stringify(body)).not.toContain(customerId)
      expect(JSON.stringify(body)).not.toContain('"vendor":')
    }
    expect((await call('rival', 'GET', `/${created.body.id}`)).status).toBe(404)
    expect((await call('seller', 'GET', `?customerId=${customerId}`)).status).toBe(403)
  })

  test('the same request with the same key registers once', async () => {
    const body = registration()
    const key = { 'idempotency-key': 'once-and-only-once' }
    const first = await call('seller', 'POST', '', body, key)
    const again = await call('seller', 'POST', '', body, key)
    expect(again.body).toEqual(first.body)
  })

  test('names every field that is missing', async () => {
    const { status, body } = await call(
      'seller',
      'POST',
      '',
      registration({ need: 'short', contactName: undefined }),
    )
    expect(status).toBe(422)
    expect(body.issues.map(({ path }: { path: string }) => path)).toEqual(['/body/contactName', '/body/need'])
  })

  test('takes no amount without a currency, in a draft either', async () => {
    const draft = await call('seller', 'POST', '', registration({ currency: undefined, submit: false }))
    expect([draft.status, draft.body.issues[0].path]).toEqual([422, '/body/currency'])
    const { body: deal } = await call('seller', 'POST', '', registration({ submit: false }))
    const edit = await call('seller', 'PATCH', `/${deal.id}`, { currency: null })
    expect([edit.status, edit.body.issues[0].path]).toEqual([422, '/body/currency'])
  })

  test('walks a registration to approval and answers with its revision', async () => {
    const { body: deal } = await call('seller', 'POST', '', registration())
    const review = await call('manager', 'POST', `/${deal.id}/review`)
    expect(review.body.status).toBe('in_review')
    expect(review.headers.etag).toBe(`"${review.body.revision}"`)
    const returned = await call('manager', 'POST', `/${deal.id}/return`, { question: 'How many seats?' })
    expect(returned.body.review.pausedAt).not.toBeNull()
    const stale = await call('seller', 'PATCH', `/${deal.id}`, { notes: 'x' }, { 'if-match': '"1"' })
    expect(stale.status).toBe(412)
    const etag = String(returned.headers.etag)
    expect((await call('seller', 'PATCH', `/${deal.id}`, { notes: '50' }, { 'if-match': etag })).status).toBe(
      200,
    )
    expect((await call('seller', 'POST', `/${deal.id}/answer`, { answer: '50 seats' })).body.status).toBe(
      'submitted',
    )
    expect((await call('seller', 'POST', `/${deal.id}/approve`, {})).status).toBe(403)
    expect((await call('auditor', 'POST', `/${deal.id}/approve`, {})).status).toBe(403)
    const approved = await call('manager', 'POST', `/${deal.id}/approve`, {})
    expect(approved.body).toMatchObject({
      status: 'approved',
      protection: { kept: false },
      decision: { code: 'approved' },
    })
    const twice = await call('manager', 'POST', `/${deal.id}/approve`, {})
    expect(twice).toMatchObject({ status: 409, body: { code: 'wrong_status' } })
    expect((await call('manager', 'POST', `/${deal.id}/extend`, { reason: 'Postponed' })).status).toBe(200)
    const timeline = await call('seller', 'GET', `/${deal.id}/timeline?limit=3`)
    expect(timeline.body.items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'extended',
      'approved',
      'answered',
    ])
    const rest = await call('seller', 'GET', `/${deal.id}/timeline?cursor=${timeline.body.nextCursor}`)
    expect(rest.body.items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'edited',
      'returned',
      'review_started',
      'submitted',
    ])
  })

  test('carries a change request from the partner to the vendor and back', async () => {
    const { body: deal } = await call('seller', 'POST', '', registration())
    await call('manager', 'POST', `/${deal.id}/approve`, {})
    const changes = { amountMinor: '7000000', products: [{ productId: world.phone, amountMinor: '7000000' }] }
    const request = await call('seller', 'POST', `/${deal.id}/change-requests`, {
      changes,
      reason: 'More seats',
    })
    expect(request).toMatchObject({
      status: 201,
      body: { status: 'open', changes: { amountMinor: '7000000' } },
    })
    const path = `/${deal.id}/change-requests/${request.body.id}/decision`
    const accepted = await call('manager', 'POST', path, { accept: true, reason: 'Fine' })
    expect(accepted.body).toMatchObject({ amountMinor: '7000000', changeRequested: false })
    const list = await call('seller', 'GET', `/${deal.id}/change-requests`)
    expect(list.body.items).toMatchObject([{ status: 'accepted', decisionReason: 'Fine' }])
  })

  test('lists by several statuses, in the order asked for, page by page', async () => {
    const seen: string[] = []
    let path = '?status=submitted&status=approved&sort=companyName&limit=2'
    for (let page = 0; page < 20; page += 1) {
      const { status, body } = await call('manager', 'GET', path)
      expect(status).toBe(200)
      seen.push(...body.items.map(({ companyName }: { companyName: string }) => companyName.toLowerCase()))
      if (!body.nextCursor) break
      path = `?status=submitted&status=approved&sort=companyName&limit=2&cursor=${body.nextCursor}`
    }
    expect(seen.length).toBeGreaterThan(3)
    expect(seen).toEqual([...seen].sort())
  })

  test('is described completely: no answer or body without a schema', async () => {
    const document = (await app.inject({ method: 'GET', url: '/openapi.json' })).json()
    const { Deal } = document.components.schemas
    expect(Deal.properties.amountMinor).not.toEqual({})
    for (const [path, operations] of Object.entries<Record<string, { responses: object }>>(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        expect(JSON.stringify(operation.responses), `${method} ${path}`).not.toContain('"schema":{}')
      }
    }
    const answers = JSON.stringify(document.components.schemas)
    expect(answers).not.toMatch(/"(amountMinor|earnedMinor|registeredAt)":\{\}/)
  })
})

import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditRoutes } from '#src/audit/audit-routes.ts'
import { createAuditUseCases } from '#src/audit/audit-use-cases.ts'
import { customerRoutes } from '#src/customers/customer-routes.ts'
import { createCustomerUseCases } from '#src/customers/customer-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import { buildServer } from '#src/http/server.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { notificationRoutes } from '#src/notifications/notification-routes.ts'
import { createNotificationUseCases } from '#src/notifications/notification-use-cases.ts'
import { partnerRoutes } from '#src/partners/partner-routes.ts'
import { createPartnerUseCases } from '#src/partners/partner-use-cases.ts'
import { productRoutes } from '#src/products/product-routes.ts'
import { createProductUseCases } from '#src/products/product-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const events = createEventBus<Tx>({})
const partners = createPartnerUseCases({ events, clock: { now: () => new Date() } })

let app: Awaited<ReturnType<typeof buildServer>>
let admin = ''
let partnerAdmin = ''
let acme = ''

beforeAll(async () => {
  app = await buildServer({
    database: db.database,
    routes: [
      ...partnerRoutes(partners),
      ...customerRoutes(createCustomerUseCases({ events })),
      ...productRoutes(createProductUseCases()),
      ...notificationRoutes(createNotificationUseCases({ partners })),
      ...auditRoutes(createAuditUseCases()),
    ],
    authenticate: (token) => db.database.transact(system, (tx) => partners.authenticate(tx, token)),
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
  admin = (await db.database.transact(system, (tx) => partners.bootstrapAdministrator(tx))) ?? ''
  acme = (await call('POST', '/partners', admin, { name: 'Acme', currency: 'EUR' })).json().id
  const user = { partnerId: acme, email: 'pa@acme.example', name: 'Pat', roles: ['partner_administrator'] }
  const { id } = (await call('POST', '/users', admin, user)).json()
  partnerAdmin = (await call('POST', '/tokens', admin, { userId: id, name: 'Pat' })).json().secret
})
afterAll(() => app.close())

const call = (
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  token: string,
  payload?: object,
  headers: Record<string, string> = {},
) =>
  app.inject({
    method,
    url: `/api/v1${path}`,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(payload ? { payload } : {}),
  })

test('a token says who it acts for', async () => {
  expect((await call('GET', '/me', partnerAdmin)).json()).toMatchObject({
    kind: 'partner',
    name: 'Pat',
    roles: ['partner_administrator'],
    partnerId: acme,
  })
})

test('every operation is documented with what it takes and gives', async () => {
  const answer = await app.inject({ url: '/openapi.json' })
  const document = answer.json()
  expect(Object.keys(document.paths)).toContain('/api/v1/partners/{partnerId}/memberships/{programmeId}')
  expect(document.components.schemas.Partner.properties.createdAt).toMatchObject({ type: 'string' })
})

describe('programmes and memberships', () => {
  test('are set up by the administrator and shown to members without their inner rules', async () => {
    const rules = { name: 'Resale', timeZone: 'Europe/Berlin', currency: 'EUR' }
    const created = await call('POST', '/programmes', admin, rules)
    expect(created.statusCode).toBe(201)
    expect(created.json()).toMatchObject({ protectionDays: 90, autoApproval: null })
    const programme = created.json().id
    const tier = (
      await call('POST', `/programmes/${programme}/tiers`, admin, { name: 'Gold', rank: 2 })
    ).json()
    expect((await call('GET', `/programmes/${programme}`, partnerAdmin)).statusCode).toBe(404)
    const path = `/partners/${acme}/memberships/${programme}`
    const joined = await call('PUT', path, admin, { tierId: tier.id, territories: ['Germany'] })
    expect(joined.json().memberships).toEqual([
      { programmeId: programme, tierId: tier.id, tierName: 'Gold', territories: ['DE'] },
    ])
    const seen = (await call('GET', `/programmes/${programme}`, partnerAdmin)).json()
    expect(seen).toMatchObject({ name: 'Resale', protectionDays: 90 })
    expect(seen).not.toHaveProperty('autoApproval')
    expect(seen).not.toHaveProperty('eligibility')
    expect((await call('GET', '/programmes', partnerAdmin)).json().items).toHaveLength(1)
    expect((await call('DELETE', `/tiers/${tier.id}`, admin)).json().code).toBe('tier_in_use')
    expect((await call('DELETE', path, admin)).json().memberships).toEqual([])
    expect((await call('DELETE', `/tiers/${tier.id}`, admin)).statusCode).toBe(204)
  })

  test('are changed against the revision that was read', async () => {
    const read = await call('GET', `/partners/${acme}`, admin)
    const etag = String(read.headers.etag)
    const first = await call('PATCH', `/partners/${acme}`, admin, { city: 'Ulm' }, { 'if-match': etag })
    expect([first.statusCode, first.json().city]).toEqual([200, 'Ulm'])
    const second = await call('PATCH', `/partners/${acme}`, admin, { city: 'Bonn' }, { 'if-match': etag })
    expect(second.statusCode).toBe(412)
  })
})

describe('a partner administrator', () => {
  test('manages people and tokens of its own organisation', async () => {
    const input = { email: 'new@acme.example', name: 'New', roles: ['partner_seller'] }
    const user = await call('POST', '/users', partnerAdmin, input)
    expect([user.statusCode, user.json().partnerId]).toEqual([201, acme])
    const made = await call('POST', '/tokens', partnerAdmin, { userId: user.json().id, name: 'Laptop' })
    expect(made.json().secret).toMatch(/^cp_/)
    const revoked = await call('POST', `/tokens/${made.json().token.id}/revoke`, partnerAdmin)
    expect(revoked.json().revokedAt).not.toBeNull()
    expect((await call('GET', '/me', made.json().secret)).statusCode).toBe(401)
    const emails = (await call('GET', '/users', partnerAdmin))
      .json()
      .items.map((each: { email: string }) => each.email)
    expect(emails.sort()).toEqual(['new@acme.example', 'pa@acme.example'])
  })

  test('gets a secret once: a replay of the same request has none', async () => {
    const { id } = (await call('GET', '/me', partnerAdmin)).json()
    const send = () =>
      call('POST', '/tokens', partnerAdmin, { userId: id, name: 'Once' }, { 'idempotency-key': 'once-1' })
    const first = await send()
    const replay = await send()
    expect(first.json().secret).toMatch(/^cp_/)
    expect(replay.body).not.toContain('cp_')
  })

  test('reaches neither customers nor the audit trail, nor programmes for writing', async () => {
    for (const [method, path] of [
      ['GET', '/customers'],
      ['GET', '/audit-entries'],
      ['GET', '/mails'],
      ['POST', '/programmes'],
      ['POST', '/partners'],
    ] as const) {
      expect((await call(method, path, partnerAdmin, method === 'POST' ? {} : undefined)).statusCode).toBe(
        403,
      )
    }
  })
})

test('text that no database keeps is refused by naming the field', async () => {
  for (const name of ['a\0b', 'a\ud800b']) {
    const answer = await call('POST', '/partners', admin, { name, currency: 'EUR' })
    expect([answer.statusCode, answer.json().issues[0].path]).toEqual([422, '/body/name'])
  }
  expect((await call('GET', '/partners?search=%00', admin)).statusCode).toBe(422)
})

describe('lists', () => {
  test('go on where the page before ended, and refuse a cursor of another order', async () => {
    for (const code of ['A', 'B', 'C']) {
      await call('POST', '/product-families', admin, { name: `Family ${code}`, code })
    }
    const codes = (page: { items: { code: string }[] }) => page.items.map(({ code }) => code)
    const first = (await call('GET', '/product-families?limit=2&sort=-code', admin)).json()
    expect(codes(first)).toEqual(['C', 'B'])
    const next = `/product-families?limit=2&cursor=${first.nextCursor}`
    const second = (await call('GET', `${next}&sort=-code`, admin)).json()
    expect([codes(second), second.nextCursor]).toEqual([['A'], null])
    expect((await call('GET', `${next}&sort=name`, admin)).statusCode).toBe(422)
  })
})

describe('the audit trail', () => {
  test('shows the auditor who changed a record, when and why', async () => {
    const { id: a } = (await call('POST', '/customers', admin, { name: 'Merge one' })).json()
    const { id: b } = (await call('POST', '/customers', admin, { name: 'Merge two' })).json()
    const merged = await call('POST', `/customers/${a}/merge`, admin, { into: b, reason: 'Same address' })
    expect(merged.json().mergedInto).toBe(b)
    const entries = (await call('GET', `/audit-entries?subjectKind=customer&subjectId=${a}`, admin)).json()
      .items
    expect(entries.map(({ action }: { action: string }) => action)).toEqual([
      'customer.merged',
      'customer.created',
    ])
    expect(entries[0]).toMatchObject({
      actor: { kind: 'vendor', name: 'Administrator' },
      reason: 'Same address',
      before: { mergedInto: null },
      after: { mergedInto: b },
    })
    const later = (await call('GET', '/audit-entries?from=2999-01-01T00:00:00Z', admin)).json()
    expect(later.items).toEqual([])
    const ofPartner = (await call('GET', `/audit-entries?partnerId=${acme}&limit=200`, admin)).json().items
    expect(ofPartner.length).toBeGreaterThan(3)
    expect(JSON.stringify(ofPartner)).not.toContain('cp_')
    expect((await call('GET', `/audit-entries?actorId=${newId()}`, admin)).json().items).toEqual([])
  })
})

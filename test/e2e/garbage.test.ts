import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Application } from '#src/application.ts'
import { problemSchema } from '#src/http/problem.ts'
import type { Route } from '#src/http/route.ts'
import { partnerRoles, type Role, systemActor } from '#src/kernel/actor.ts'
import { createRoutes } from '#src/routes.ts'
import { createApi } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'
import { bodiesOf, pathsOf, queriesOf } from '#test/support/garbage.ts'

/** More of them, and others, by hand: GARBAGE_RUNS=300 GARBAGE_SEED=7. */
const runsPerRoute = Number(process.env['GARBAGE_RUNS'] ?? 16)
const seed = Number(process.env['GARBAGE_SEED'] ?? 20_261)

const db = useDatabase()
let application: Application & { readonly url: string }
let routes: readonly Route[]
let adminToken: string
let partnerToken: string
const known = new Map<string, unknown[]>()
const know = (name: string, ...values: unknown[]) => known.set(name, [...(known.get(name) ?? []), ...values])
const knownOf = (name: string): readonly unknown[] =>
  known.get(name) ?? known.get(name.replace(/s$/, '')) ?? []

/** Nobody listens there. */
const credentials = {
  grant: 'client_credentials',
  loginUrl: 'http://127.0.0.1:9',
  clientId: 'id',
  clientSecret: 'secret',
}

const planDocument = {
  schema: 1,
  lines: [
    {
      id: 'base',
      name: 'Base',
      when: { all: [] },
      pays: { kind: 'percent', ratePpm: 100_000 },
      families: null,
      tiers: null,
      cap: null,
    },
  ],
  holdbackDays: 30,
  rounding: 'half_even',
  splitRounding: 'largest_remainder',
}

beforeAll(async () => {
  application = await startApplication(db.database, db.url)
  routes = createRoutes(application.capabilities)
  adminToken = (await application.bootstrapToken()) ?? ''
  const admin = createApi(application.url, adminToken)
  const programme = await admin.post('/api/v1/programmes', {
    name: 'Programme',
    timeZone: 'UTC',
    currency: 'USD',
  })
  const tier = await admin.post(`/api/v1/programmes/${programme.id}/tiers`, { name: 'Gold', rank: 1 })
  const partner = await admin.post('/api/v1/partners', { name: 'Partner', currency: 'USD' })
  await admin.call('PUT', `/api/v1/partners/${partner.id}/memberships/${programme.id}`, { tierId: tier.id })
  const user = await admin.post('/api/v1/users', {
    partnerId: partner.id,
    email: 'somebody@example.org',
    name: 'Somebody',
    roles: [...partnerRoles],
  })
  const ended = await admin.post('/api/v1/partners', { name: 'Another', currency: 'USD' })
  const spare = await admin.post('/api/v1/users', {
    email: 'spare@example.org',
    name: 'Spare',
    roles: ['auditor'],
  })
  const { secret } = await admin.post('/api/v1/tokens', { userId: user.id, name: 'Token' })
  const { token } = await admin.post('/api/v1/tokens', { userId: spare.id, name: 'Token' })
  partnerToken = secret
  const family = await admin.post('/api/v1/product-families', { name: 'Phones', code: 'phones' })
  const product = await admin.post('/api/v1/products', { familyId: family.id, name: 'Phone', code: 'phone' })
  const plan = await admin.post('/api/v1/incentive-plans', { programmeId: programme.id, name: 'Plan' })
  const version = await admin.post(`/api/v1/incentive-plans/${plan.id}/versions`, {
    document: planDocument,
  })
  const customer = await admin.post('/api/v1/customers', { name: 'Customer' })
  const connection = await admin.post('/api/v1/connections', {
    name: 'CRM',
    vendor: 'salesforce',
    credentials,
  })
  const { items: mappings } = await admin.get(`/api/v1/connections/${connection.id}/mappings`)
  const seller = createApi(application.url, partnerToken)
  const register = (index: number, submit: boolean) =>
    seller.post('/api/v1/deals', {
      programmeId: programme.id,
      companyName: `Zeppelin Works ${index}`,
      country: 'DE',
      contactName: 'Somebody',
      contactEmail: `somebody@zeppelin-works-${index}.com`,
      need: 'They need a new system for their hangars',
      amountMinor: '500000',
      currency: 'USD',
      expectedCloseDate: '2027-01-31',
      registrationType: 'resale',
      products: [],
      submit,
    })
  const deals = await Promise.all(Array.from({ length: 30 }, (_, index) => register(index, index > 1)))
  for (const { id } of deals.slice(2, 10)) await admin.post(`/api/v1/deals/${id}/approve`)
  for (const { id } of deals.slice(10, 14))
    await admin.post(`/api/v1/deals/${id}/return`, { question: 'Who decides?' })
  for (const { id } of deals.slice(2, 5)) {
    const asked = { changes: { amountMinor: '600000' }, reason: 'They want more of it' }
    know('requestId', (await seller.post(`/api/v1/deals/${id}/change-requests`, asked)).id)
  }
  know('dealId', ...deals.map(({ id }) => id))
  know('programmeId', programme.id)
  know('tierId', tier.id)
  // Not those behind the tokens: they must outlast whatever is done to these.
  know('partnerId', ended.id)
  know('userId', spare.id)
  know('deciderId', spare.id)
  know('tokenId', token.id)
  know('familyId', family.id)
  know('productId', product.id)
  know('planId', plan.id)
  const twin = await admin.post('/api/v1/customers', { name: 'Twin' })
  know('customerId', customer.id, twin.id)
  know('into', twin.id)
  know('versionId', version.id)
  know('connectionId', connection.id)
  know('entity', 'deal', 'customer', 'partner')
  know('object', 'Opportunity')
  know('version', '1')
  know('currency', 'USD', 'EUR')
  know('country', 'DE')
  know('territories', 'DE')
  know('timeZone', 'UTC')
  know('registrationType', 'resale')
  know('vendor', 'salesforce')
  know('domain', 'example.org')
  know('amountMinor', '100', '500000')
  know('roles', 'auditor')
  know('period', '2026-11')
  know(
    'document',
    planDocument,
    ...mappings.map(({ published }: { published: { document: unknown } }) => published.document),
  )
  know('credentials', credentials)
  for (const name of ['name', 'code'])
    know(name, ...Array.from({ length: 40 }, (_, index) => `${name} ${index}`))
  know('local', 'companyName')
  know('remote', 'Name')
  know('field', 'amount', 'country')
})
afterAll(() => application.close(5_000))

/** What is in the database, but for what is kept of requests themselves. */
async function fingerprint(): Promise<string> {
  return db.database.transact(systemActor('test'), async (tx) => {
    const tables = await sql<{ name: string }>`
      select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
        and relname not in ('idempotency_key', 'call_count') and has_table_privilege(oid, 'select') order by 1`.execute(
      tx,
    )
    const parts = tables.rows.map(
      ({ name }) => `select '${name}', count(*), sum(hashtext(t::text)) from ${name} t`,
    )
    const { rows } = await sql.raw(parts.join(' union all ')).execute(tx)
    return JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  })
}

const isForPartners = ({ access }: Route) =>
  access !== 'anyone' && (access as readonly Role[]).some((role) => role.startsWith('partner'))
const isForVendor = ({ access }: Route) =>
  access !== 'anyone' && (access as readonly Role[]).some((role) => !role.startsWith('partner'))

function requestsOf(route: Route) {
  const tokens = [
    ...(isForVendor(route) ? [adminToken] : []),
    ...(isForPartners(route) ? [partnerToken] : []),
  ]
  return fc.record({
    token: fc.constantFrom(...(tokens.length > 0 ? tokens : [adminToken])),
    url: fc
      .tuple(pathsOf(route.path, knownOf), queriesOf(route.query, knownOf))
      .map(([path, query]) => path + query),
    body: route.body ? bodiesOf(route.body, knownOf) : fc.constantFrom(undefined, '{}'),
    etag: fc.constantFrom(...Array.from({ length: 12 }, () => undefined), '"1"', '"999999999"', 'x'),
  })
}

test(
  'no garbage makes any route fail, and what is refused leaves no trace',
  async () => {
    let before = await fingerprint()
    let refused = 0
    let accepted = 0
    for (const route of routes) {
      if (route.run.kind === 'stream') continue
      await fc.assert(
        fc.asyncProperty(requestsOf(route), async ({ token, url, body, etag }) => {
          const answer = await application.server.inject({
            method: route.method,
            url,
            headers: {
              authorization: `Bearer ${token}`,
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
              ...(etag === undefined ? {} : { 'if-match': etag }),
            },
            ...(body === undefined || route.method === 'GET' ? {} : { payload: body }),
          })
          expect(answer.statusCode, answer.body).toBeLessThan(500)
          if (answer.statusCode < 400) {
            accepted += 1
            before = ''
            return
          }
          refused += 1
          expect(answer.headers['content-type']).toBe('application/problem+json')
          const problem = problemSchema.parse(answer.json())
          expect(problem.status).toBe(answer.statusCode)
          expect(problem.issues?.filter(({ path }) => path !== '' && !path.startsWith('/')) ?? []).toEqual([])
          if (route.method === 'GET') return
          const after = await fingerprint()
          if (before !== '' && route.run.kind === 'transaction') expect(after).toBe(before)
          before = after
        }),
        { numRuns: runsPerRoute, seed, endOnFailure: true },
      )
    }
    expect(refused).toBeGreaterThan(routes.length)
    expect(accepted).toBeGreaterThan(routes.length)
  },
  Number(process.env['GARBAGE_MS'] ?? 60_000),
)

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Application } from '#src/application.ts'
import type { Route } from '#src/http/route.ts'
import { partnerRoles, type Role, vendorRoles } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { createRoutes } from '#src/routes.ts'
import { createApi } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'
import { sampleOf } from '#test/support/sample.ts'

const db = useDatabase()
let application: Application & { readonly url: string }
let routes: readonly Route[]
const tokens = new Map<Role, string>()
/** Ids of records of the partner that the callers do not belong to, by the name of the parameter. */
const theirs = new Map<string, string>()
const secretsOfTheirs: string[] = []

beforeAll(async () => {
  application = await startApplication(db.database, db.url)
  routes = createRoutes(application.capabilities)
  const admin = createApi(application.url, (await application.bootstrapToken()) ?? '')
  const programme = await admin.post('/api/v1/programmes', {
    name: 'Programme',
    timeZone: 'UTC',
    currency: 'USD',
  })
  const tier = await admin.post(`/api/v1/programmes/${programme.id}/tiers`, { name: 'Gold', rank: 1 })
  const addPartner = async (name: string) => {
    const partner = await admin.post('/api/v1/partners', { name, currency: 'USD', externalRef: name })
    await admin.call('PUT', `/api/v1/partners/${partner.id}/memberships/${programme.id}`, { tierId: tier.id })
    return partner
  }
  const addUser = async (role: Role, partnerId: string | null, name: string) => {
    const user = await admin.post('/api/v1/users', {
      partnerId,
      email: `${role}.${name.replaceAll(' ', '-')}@example.org`,
      name,
      roles: [role],
    })
    const { secret, token } = await admin.post('/api/v1/tokens', { userId: user.id, name: role })
    return { user, secret: secret as string, token }
  }
  const [mine, other] = [await addPartner('Callers Ltd'), await addPartner('Zymurgy Secretive Holdings')]
  for (const role of vendorRoles) tokens.set(role, (await addUser(role, null, role)).secret)
  for (const role of partnerRoles) tokens.set(role, (await addUser(role, mine.id, role)).secret)
  const stranger = await addUser('partner_administrator', other.id, 'Stranger Nomenklatura')
  const owner = createApi(application.url, (await addUser('partner_seller', other.id, 'Owner')).secret)
  const deal = await owner.post('/api/v1/deals', {
    programmeId: programme.id,
    companyName: 'Quixotic Zeppelin Works',
    country: 'DE',
    contactName: 'Somebody',
    contactEmail: 'somebody@zeppelin-works.com',
    need: 'They need a new system for their hangars',
    amountMinor: '500000',
    currency: 'USD',
    expectedCloseDate: '2027-01-31',
    registrationType: 'resale',
    products: [],
    submit: true,
  })
  // The same once more: a conflict of the other partner's own deals.
  const again = await owner.post('/api/v1/deals', {
    programmeId: programme.id,
    companyName: 'Quixotic Zeppelin Works',
    country: 'DE',
    contactName: 'Somebody',
    contactEmail: 'somebody@zeppelin-works.com',
    need: 'They need a second system for their hangars',
    amountMinor: '500000',
    currency: 'USD',
    expectedCloseDate: '2027-01-31',
    registrationType: 'resale',
    products: [],
    submit: true,
  })
  const [found] = (await owner.get(`/api/v1/conflict-cases?dealId=${again.id}`)).items
  for (const [name, id] of Object.entries({
    dealId: deal.id,
    caseId: found.id,
    partnerId: other.id,
    userId: stranger.user.id,
    tokenId: stranger.token.id,
    programmeId: programme.id,
    tierId: tier.id,
  })) {
    theirs.set(name, id as string)
  }
  secretsOfTheirs.push(
    deal.id,
    found.id,
    other.id,
    stranger.user.id,
    'Quixotic Zeppelin',
    'Zymurgy Secretive',
    'Stranger Nomenklatura',
  )
})
afterAll(() => application.close(5_000))

const idOf = (name: string): string => theirs.get(name) ?? newId()
const urlOf = (route: Route, extra = ''): string =>
  route.path.replaceAll(/:(\w+)/g, (_, name: string) => samplePathPart(name)) + extra
const samplePathPart = (name: string): string =>
  name.endsWith('Id')
    ? idOf(name)
    : ({ entity: 'deal', object: 'Opportunity', version: '1', kind: 'deals' }[name] ?? 'sample')

async function call(route: Route, token: string | null, extra = '') {
  const body = route.body ? sampleOf(route.body, idOf) : undefined
  const answer = await fetch(application.url + urlOf(route, extra), {
    method: route.method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, text: await answer.text() }
}

const nameOf = ({ method, path }: Route) => `${method} ${path}`
const restricted = () => routes.filter(({ access }) => access !== 'anyone')

describe('every route', () => {
  test('there are routes to walk', () => {
    expect(routes.length).toBeGreaterThan(70)
  })

  test('answers 401 without a token and with one that nobody issued', async () => {
    for (const route of restricted()) {
      expect([nameOf(route), (await call(route, null)).status]).toEqual([nameOf(route), 401])
      expect([nameOf(route), (await call(route, `cp_${'x'.repeat(43)}`)).status]).toEqual([
        nameOf(route),
        401,
      ])
    }
  })

  test('answers 403 to every role that it does not name, whatever the request says', async () => {
    for (const route of restricted()) {
      for (const [role, token] of tokens) {
        if ((route.access as readonly Role[]).includes(role)) continue
        expect([nameOf(route), role, (await call(route, token)).status]).toEqual([nameOf(route), role, 403])
      }
    }
  })
})

describe('a partner with the ids of another partner', () => {
  const own = ['dealId', 'caseId', 'partnerId', 'userId', 'tokenId']
  const reaches = (route: Route, role: Role) =>
    route.access !== 'anyone' && (route.access as readonly Role[]).includes(role)

  test('finds nothing behind any route that names one in its path', async () => {
    let walked = 0
    for (const route of restricted()) {
      if (!own.some((name) => route.path.includes(`:${name}`))) continue
      for (const role of partnerRoles) {
        if (!reaches(route, role)) continue
        const { status, text } = await call(route, tokens.get(role) ?? '')
        walked += 1
        expect([
          nameOf(route),
          role,
          [403, 404].includes(status) ? 'not found' : `${status} ${text.slice(0, 300)}`,
        ]).toEqual([nameOf(route), role, 'not found'])
      }
    }
    expect(walked).toBeGreaterThan(20)
  })

  test('sees none of its records in any answer, filtered for them or not', async () => {
    for (const route of restricted()) {
      if (route.method !== 'GET') continue
      for (const role of partnerRoles) {
        if (!reaches(route, role)) continue
        for (const extra of [
          '',
          `?partnerId=${idOf('partnerId')}`,
          `?dealId=${idOf('dealId')}`,
          `?partnerId=${idOf('partnerId')}&period=2026-11`,
        ]) {
          const { text } = await call(route, tokens.get(role) ?? '', extra)
          // A problem may repeat what the caller itself sent.
          const asked = extra + urlOf(route)
          const leaked = secretsOfTheirs.filter((secret) => text.includes(secret) && !asked.includes(secret))
          expect([nameOf(route), role, extra, leaked]).toEqual([nameOf(route), role, extra, []])
        }
      }
    }
  })

  test('changes none of its records through a body', async () => {
    const admin = createApi(application.url, tokens.get('administrator') ?? '')
    const before = [
      await admin.get(`/api/v1/deals/${idOf('dealId')}`),
      await admin.get(`/api/v1/partners/${idOf('partnerId')}`),
    ]
    for (const route of restricted()) {
      if (route.method === 'GET') continue
      for (const role of partnerRoles) if (reaches(route, role)) await call(route, tokens.get(role) ?? '')
    }
    const after = [
      await admin.get(`/api/v1/deals/${idOf('dealId')}`),
      await admin.get(`/api/v1/partners/${idOf('partnerId')}`),
    ]
    expect(after).toEqual(before)
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { openSession, requestToken } from '#test/simulators/hubspot/session.ts'
import {
  type Fault,
  type HubspotSimulator,
  type SimulatorOptions,
  startHubspotSimulator,
} from '#test/simulators/hubspot/simulator.ts'

let simulator: HubspotSimulator
const start = async (options: SimulatorOptions = {}) => {
  simulator = await startHubspotSimulator(options)
  return openSession(simulator)
}
afterEach(() => simulator.close())

const deals = '/crm/v3/objects/deals'

describe('the token endpoint', () => {
  it('exchanges the refresh token in every version, and the token says whose it is', async () => {
    await start()
    for (const version of ['v1', 'v3', '2026-03', '2026-09']) {
      const { status, body } = await requestToken(simulator, {}, `/oauth/${version}/token`)
      expect(status).toBe(200)
      expect(body).toMatchObject({ token_type: 'bearer', expires_in: 1_800 })
      const session = openSession(simulator, body.access_token)
      expect((await session.get(deals)).status).toBe(200)
      const about = await session.get(`/oauth/v1/access-tokens/${body.access_token}`)
      expect(about.body).toMatchObject({
        hub_id: Number(simulator.organisationId),
        user_id: Number(simulator.integrationUserId),
        app_id: Number(simulator.credentials.appId),
        token_type: 'access',
      })
    }
  })

  it('refuses what it does not know', async () => {
    await start()
    const wrong: readonly (readonly [Record<string, string>, string])[] = [
      [{ client_id: 'another' }, 'BAD_CLIENT_ID'],
      [{ client_secret: 'another' }, 'BAD_CLIENT_SECRET'],
      [{ refresh_token: 'another' }, 'BAD_REFRESH_TOKEN'],
      [{ grant_type: 'password' }, 'BAD_GRANT_TYPE'],
    ]
    for (const [form, code] of wrong) {
      const { status, body } = await requestToken(simulator, form)
      expect([status, body.status]).toEqual([400, code])
    }
    simulator.faults.add({ kind: 'refused-login', error: 'invalid_grant', count: 1 })
    expect((await requestToken(simulator)).body.error).toBe('invalid_grant')
    expect((await requestToken(simulator)).status).toBe(200)
  })
})

describe('a token', () => {
  it('is over after half an hour of the clock over there, and a new one works', async () => {
    let now = new Date('2026-11-02T10:00:00.000Z')
    await start({ now: () => now })
    const session = openSession(simulator, (await requestToken(simulator)).body.access_token)
    now = new Date('2026-11-02T10:29:59.000Z')
    expect((await session.get(deals)).status).toBe(200)
    now = new Date('2026-11-02T10:30:05.000Z')
    const { status, body, headers } = await session.get(deals)
    expect([status, body.category]).toEqual([401, 'EXPIRED_AUTHENTICATION'])
    expect(body.message).toContain('expired 5 second(s) ago')
    expect(headers.get('date')).toBe(now.toUTCString())
    const renewed = openSession(simulator, (await requestToken(simulator)).body.access_token)
    expect((await renewed.get(deals)).status).toBe(200)
  })

  it('that was taken away or never was is refused in other words', async () => {
    const still = await start()
    const session = openSession(simulator, (await requestToken(simulator)).body.access_token)
    simulator.revokeAccess()
    const { status, body } = await session.get(deals)
    expect([status, body.category]).toEqual([401, 'INVALID_AUTHENTICATION'])
    expect((await requestToken(simulator)).body.status).toBe('BAD_REFRESH_TOKEN')
    expect((await still.get(deals)).status).toBe(200)
    expect((await openSession(simulator, 'nonsense').get(deals)).body.category).toBe('INVALID_AUTHENTICATION')
  })

  it('ends with its session, and the next sign-in tells another portal after a move', async () => {
    await start()
    const session = openSession(simulator, (await requestToken(simulator)).body.access_token)
    simulator.setOrganisationId('999')
    expect((await session.get(deals)).body.category).toBe('EXPIRED_AUTHENTICATION')
    const renewed = openSession(simulator, (await requestToken(simulator)).body.access_token)
    expect((await renewed.get('/account-info/v3/details')).body.portalId).toBe(999)
  })
})

describe('limits', () => {
  it('of ten seconds are told in headers and refuse what is too much', async () => {
    const session = await start({ tenSecondLimit: 3 })
    const first = await session.get(deals)
    expect(first.headers.get('x-hubspot-ratelimit-max')).toBe('3')
    expect(first.headers.get('x-hubspot-ratelimit-remaining')).toBe('2')
    expect(first.headers.get('x-hubspot-ratelimit-interval-milliseconds')).toBe('10000')
    await session.get(deals)
    await session.get(deals)
    const { status, body } = await session.get(deals)
    expect([status, body.policyName, body.message]).toEqual([
      429,
      'TEN_SECONDLY_ROLLING',
      'You have reached your ten_secondly_rolling limit.',
    ])
  })

  it('of a day hold until midnight, and apps with OAuth do not read them in headers', async () => {
    let now = new Date('2026-11-02T23:59:00.000Z')
    const session = await start({ dailyLimit: 2, now: () => now })
    const first = await session.get(deals)
    expect(first.headers.get('x-hubspot-ratelimit-daily-remaining')).toBe('1')
    const app = openSession(simulator, (await requestToken(simulator)).body.access_token)
    expect((await app.get(deals)).headers.has('x-hubspot-ratelimit-daily')).toBe(false)
    expect((await session.get(deals)).body.policyName).toBe('DAILY')
    now = new Date('2026-11-03T00:00:00.000Z')
    expect((await session.get(deals)).status).toBe(200)
  })
})

describe('faults', () => {
  it('answer in place of the call, which has no effect', async () => {
    const session = await start()
    const faults: readonly (readonly [Fault, number, Record<string, unknown> | null])[] = [
      [{ kind: 'throttled', policyName: 'SECONDLY' }, 429, { policyName: 'SECONDLY' }],
      [{ kind: 'throttled', policyName: 'DAILY' }, 429, { message: 'You have reached your daily limit.' }],
      [{ kind: 'throttled' }, 429, { errorType: 'RATE_LIMIT' }],
      [{ kind: 'locked' }, 423, { status: 'error' }],
      [{ kind: 'migrating' }, 477, { status: 'error' }],
      [{ kind: 'server-error', status: 502 }, 502, null],
      [{ kind: 'server-error', status: 500, body: 'json' }, 500, { category: 'INTERNAL_ERROR' }],
      [{ kind: 'expired-session' }, 401, { category: 'EXPIRED_AUTHENTICATION' }],
      [{ kind: 'revoked-token' }, 401, { category: 'INVALID_AUTHENTICATION' }],
      [{ kind: 'missing-scopes' }, 403, { category: 'MISSING_SCOPES' }],
      [
        { kind: 'call-error', status: 418, category: 'TEAPOT', message: 'short' },
        418,
        { category: 'TEAPOT' },
      ],
    ]
    for (const [fault, status, said] of faults) {
      simulator.faults.add({ ...fault, count: 1, operation: 'create' })
      const answer = await session.post(deals, { properties: { dealname: 'A' } })
      expect(answer.status).toBe(status)
      if (said === null) expect(answer.body).toMatch(/^<html>/)
      else expect(answer.body).toMatchObject(said)
    }
    expect(simulator.list('deals')).toEqual([])
  })

  it('name no policy where they shall not, and a time to wait where they shall', async () => {
    const session = await start()
    simulator.faults.add({ kind: 'throttled', retryAfterSeconds: 7, count: 1 })
    const throttled = await session.get(deals)
    expect(throttled.body).not.toHaveProperty('policyName')
    expect(throttled.headers.get('retry-after')).toBe('7')
    simulator.faults.add({ kind: 'migrating', retryAfterSeconds: 86_400, count: 1 })
    expect((await session.get(deals)).headers.get('retry-after')).toBe('86400')
  })

  it('lose the answer after the effect, or the call before it', async () => {
    const session = await start()
    simulator.faults.add({ kind: 'lost-answer', how: 'cut', count: 1 })
    await expect(session.post(deals, { properties: { dealname: 'A' } })).rejects.toThrow()
    expect(simulator.list('deals')).toHaveLength(1)
    simulator.faults.add({ kind: 'reset', count: 1 })
    await expect(session.post(deals, { properties: { dealname: 'B' } })).rejects.toThrow()
    expect(simulator.list('deals')).toHaveLength(1)
    simulator.faults.add({ kind: 'lost-answer', how: 'silence', count: 1 })
    const silent = fetch(simulator.url + deals, {
      method: 'POST',
      headers: { authorization: `Bearer ${simulator.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ properties: { dealname: 'C' } }),
      signal: AbortSignal.timeout(150),
    })
    await expect(silent).rejects.toThrow()
    expect(simulator.list('deals')).toHaveLength(2)
    expect(simulator.calls.log.map(({ status }) => status)).toEqual([0, 0, 0])
  })

  it('strike by operation and object only', async () => {
    const session = await start()
    simulator.faults.add({ kind: 'locked', operation: 'list', object: 'companies' })
    expect((await session.get(deals)).status).toBe(200)
    expect((await session.get('/crm/v3/objects/0-2')).status).toBe(423)
    simulator.faults.clear()
    expect((await session.get('/crm/v3/objects/0-2')).status).toBe(200)
    expect(simulator.calls.log.map(({ operation, object }) => [operation, object])).toEqual([
      ['list', 'deals'],
      ['list', 'companies'],
      ['list', 'companies'],
    ])
  })
})

describe('hands over HTTP and pages', () => {
  it('let another process play the people', async () => {
    await start()
    const answer = await fetch(`${simulator.url}/__simulator/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ object: 'deals', fields: { dealname: 'A', amount: 5 } }),
    })
    const { id } = (await answer.json()) as { id: string }
    expect(simulator.get('deals', id)).toMatchObject({ dealname: 'A', amount: '5' })
  })

  it('show what the portal holds, as text', async () => {
    await start()
    const company = simulator.insert('companies', { name: 'Acme & Sons' })
    const deal = simulator.insert('deals', {
      dealname: '<b>Big</b>',
      amount: '1234.5',
      dealstage: 'closedwon',
    })
    simulator.associate(deal, company, 5)
    const list = await (await fetch(`${simulator.url}/records/deals`)).text()
    expect(list).toContain('&lt;b&gt;Big&lt;/b&gt;')
    expect(list).toContain('1,234.50')
    expect(list).toContain('Closed Won')
    const record = await (
      await fetch(`${simulator.url}/contacts/${simulator.organisationId}/record/0-3/${deal}`)
    ).text()
    expect(record).toContain('Acme &amp; Sons')
    expect(record).toContain('Rita Sales')
    expect((await fetch(`${simulator.url}/records/deals/404`)).status).toBe(404)
  })
})

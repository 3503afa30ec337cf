import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawSession, requestToken } from '#test/simulators/dynamics/session.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

let simulator: DynamicsSimulator
let session: RawSession
let now: Date

beforeEach(async () => {
  now = new Date('2026-11-20T10:00:00Z')
  simulator = await startDynamicsSimulator({ now: () => now, requestLimit: 5 })
  session = await openSession(simulator)
})

afterEach(() => simulator.close())

const create = () => session.send('POST', '/accounts', { name: 'Acme' })
const count = () => simulator.list('account').length

describe('service protection', () => {
  it('counts requests in a sliding window and says when to come back', async () => {
    for (let call = 0; call < 5; call += 1) {
      now = new Date(now.getTime() + 10_000)
      const answer = await session.send('GET', '/WhoAmI')
      expect(answer.headers.get('x-ms-ratelimit-burst-remaining-xrm-requests')).toBe(String(4 - call))
    }
    const refused = await create()
    expect(refused).toMatchObject({ status: 429, body: { error: { code: '0x80072322' } } })
    expect(refused.headers.get('retry-after')).toBe('260')
    expect(count()).toBe(0)
    now = new Date(now.getTime() + 260_000)
    expect((await create()).status).toBe(204)
    expect((await create()).status).toBe(429)
  })

  it('makes those wait longer who do not wait as told', async () => {
    for (let call = 0; call < 5; call += 1) await session.send('GET', '/WhoAmI')
    const waits: number[] = []
    for (let call = 0; call < 3; call += 1) {
      waits.push(Number((await create()).headers.get('retry-after')))
    }
    expect(waits).toEqual([300, 305, 310])
    now = new Date(now.getTime() + 305_000)
    session = await openSession(simulator)
    expect((await create()).status).toBe(429)
  })

  it('takes 52 requests at the same time and no more', async () => {
    await simulator.close()
    simulator = await startDynamicsSimulator()
    session = await openSession(simulator)
    simulator.faults.add({ kind: 'slow', delayMs: 800 })
    const answers = await Promise.all(Array.from({ length: 60 }, () => session.send('GET', '/WhoAmI')))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(8)
    expect(refused[0]?.body.error.code).toBe('0x80072326')
    simulator.faults.clear()
    expect((await session.send('GET', '/WhoAmI')).status).toBe(200)
  })

  it('takes no address that is too long, outside of a batch', async () => {
    const filter = `name eq '${'x'.repeat(33_000)}'`
    expect((await session.send('GET', `/accounts?$filter=${filter}`)).status).toBe(414)
    const part = `Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET accounts?$filter=${filter} HTTP/1.1\r\n\r\n`
    const answer = await session.batch(`--b\r\n${part}\r\n--b--\r\n`, 'b')
    expect(answer.body).toContain('HTTP/1.1 200 OK')
  })

  it.each([
    ['requests', '0x80072322'],
    ['execution-time', '0x80072321'],
    ['concurrency', '0x80072326'],
  ] as const)('refuses for %s with a time, another time or none', async (limit, code) => {
    simulator.faults.add({ kind: 'throttled', limit, count: 1 })
    simulator.faults.add({ kind: 'throttled', limit, retryAfterSeconds: 300, count: 1, nth: 2 })
    simulator.faults.add({ kind: 'throttled', limit, retryAfterSeconds: null, count: 1, nth: 3 })
    const waits: (string | null)[] = []
    for (let call = 0; call < 3; call += 1) {
      const answer = await create()
      expect(answer).toMatchObject({ status: 429, body: { error: { code } } })
      waits.push(answer.headers.get('retry-after'))
    }
    expect(waits).toEqual(['5', '300', null])
    expect(count()).toBe(0)
  })
})

describe('faults', () => {
  it('answer with the page of a gateway or an error of the platform', async () => {
    simulator.faults.add({ kind: 'server-error', status: 502, count: 1 })
    simulator.faults.add({ kind: 'server-error', status: 503, body: 'json', nth: 2 })
    const page = await create()
    expect(page.status).toBe(502)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await create()).toMatchObject({ status: 503, body: { error: { code: '0x80040216' } } })
    expect(count()).toBe(0)
  })

  it('lose the answer of a call that took effect, or cut it off before', async () => {
    simulator.faults.add({ kind: 'lost-answer', operation: 'create', count: 1 })
    await expect(create()).rejects.toThrow('fetch failed')
    expect(count()).toBe(1)
    simulator.faults.add({ kind: 'reset', operation: 'create', count: 1 })
    await expect(create()).rejects.toThrow('fetch failed')
    expect(count()).toBe(1)
    simulator.faults.add({ kind: 'lost-answer', how: 'silence', operation: 'create' })
    const silent = fetch(`${simulator.url}/api/data/v9.2/accounts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${session.accessToken}`, 'content-type': 'application/json' },
      body: '{"name":"Silent"}',
      signal: AbortSignal.timeout(300),
    })
    await expect(silent).rejects.toThrow('timeout')
    expect(count()).toBe(2)
  })

  it('take no notice of tokens, refuse logins, and slow calls down', async () => {
    simulator.faults.add({ kind: 'expired-session', count: 1 })
    expect((await create()).status).toBe(401)
    expect((await create()).status).toBe(204)
    simulator.faults.add({ kind: 'refused-login', error: 'invalid_client', count: 1 })
    expect((await requestToken(simulator)).status).toBe(401)
    expect((await requestToken(simulator)).status).toBe(200)
    simulator.faults.add({ kind: 'slow', delayMs: 150, operation: 'who-am-i' })
    const started = performance.now()
    await session.send('GET', '/WhoAmI')
    expect(performance.now() - started).toBeGreaterThan(140)
  })

  it('strike single records and whole calls, by operation and table, as long as they are on', async () => {
    const off = simulator.faults.add({
      kind: 'record-error',
      operation: 'create',
      object: 'account',
      status: 412,
      code: '0x80060892',
      message: 'Entity Key violated.',
    })
    expect(await create()).toMatchObject({ status: 412, body: { error: { code: '0x80060892' } } })
    expect((await session.send('POST', '/contacts', { lastname: 'Doe' })).status).toBe(204)
    off()
    expect((await create()).status).toBe(204)
    simulator.faults.add({ kind: 'call-error', status: 500, code: '0x80044151', message: 'SQL timeout.' })
    expect(await create()).toMatchObject({ status: 500, body: { error: { code: '0x80044151' } } })
  })
})

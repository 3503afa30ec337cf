import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import nock from 'nock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallGate, Connector, WriteCommand } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { createSalesforceConnector } from '#connectors/salesforce/salesforce-connector.ts'
import { createRecordingGate, type RecordingGate } from '#test/contract/recording-gate.ts'

const host = 'https://counterpart.my.salesforce.invalid'
const base = '/services/data/v62.0'
const opportunityId = '006000000000001AAA'
const never = new AbortController().signal

const tokenReply = {
  access_token: 'token-1',
  instance_url: host,
  id: `${host}/id/00D000000000001EAA/005000000000001AAA`,
  token_type: 'Bearer',
  issued_at: '1',
  signature: 's',
}
const update = (id = opportunityId): WriteCommand => ({
  object: 'Opportunity',
  target: { kind: 'id', id },
  fields: { Name: 'Acme' },
})
const create = (value: string): WriteCommand => ({
  object: 'Opportunity',
  target: { kind: 'key', field: 'PRM_Deal_Id__c', value },
  fields: { Name: 'Acme' },
})

let clock: Date
let gate: RecordingGate
let connector: Connector

const open = (options: { loginUrl?: string; requestTimeoutMs?: number } = {}): Connector =>
  createSalesforceConnector({
    credentials: {
      grant: 'client_credentials',
      loginUrl: options.loginUrl ?? host,
      clientId: 'key',
      clientSecret: 'secret',
    },
    gate,
    requestTimeoutMs: options.requestTimeoutMs ?? 5000,
    now: () => clock,
  })

const faultOf = (work: Promise<unknown>): Promise<ConnectorFault> =>
  work.then(
    () => {
      throw new Error('expected a fault')
    },
    (error: ConnectorFault) => error,
  )

const salesforce = () => nock(host)
const allowSignIn = () => salesforce().post('/services/oauth2/token').reply(200, tokenReply)
const read = () => connector.read('Opportunity', [opportunityId], ['Name'], never)
const row = {
  Id: opportunityId,
  Name: 'Acme',
  SystemModstamp: '2026-11-20T10:00:00.000+0000',
  LastModifiedById: '005000000000002AAA',
}

beforeEach(() => {
  nock.disableNetConnect()
  clock = new Date('2026-11-20T10:00:00Z')
  gate = createRecordingGate()
  connector = open()
})

afterEach(async () => {
  await connector.close()
  const left = nock.pendingMocks()
  nock.cleanAll()
  nock.enableNetConnect()
  expect(left).toEqual([])
})

describe('requests of the connector', () => {
  it('are intercepted for a host that does not exist, for every method used', async () => {
    allowSignIn()
    salesforce().get(`${base}/sobjects/Opportunity/describe`).reply(200, { name: 'Opportunity', fields: [] })
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(200, [row])
    salesforce()
      .patch(`${base}/composite/sobjects`)
      .reply(200, [{ id: opportunityId, success: true, errors: [] }])
    await connector.describe('Opportunity', never)
    await read()
    expect(await connector.write([update()], never)).toEqual([
      { ok: true, id: opportunityId, created: false },
    ])
  })

  it('carry the token and our name for the change events', async () => {
    allowSignIn()
    nock(host, {
      reqheaders: { authorization: 'Bearer token-1', 'sforce-call-options': 'client=counterpart' },
    })
      .post(`${base}/composite/sobjects/Opportunity`, {
        ids: [opportunityId],
        fields: ['Id', 'Name', 'SystemModstamp', 'LastModifiedById'],
      })
      .reply(200, [row])
    expect(await read()).toEqual([
      {
        object: 'Opportunity',
        id: opportunityId,
        fields: { Name: 'Acme' },
        modifiedAt: '2026-11-20T10:00:00.000Z',
        modifiedBy: '005000000000002AAA',
      },
    ])
  })

  it('tell the gate how many calls the organisation has used', async () => {
    allowSignIn()
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(200, [row], {
      'Sforce-Limit-Info': 'api-usage=18/5000; per-app-api-usage=17/250(appName=counterpart)',
    })
    await read()
    expect(gate.usages).toEqual([{ used: 18, limit: 5000 }])
  })

  it('are never repeated by the SDK', async () => {
    allowSignIn()
    salesforce().get(`${base}/sobjects/Opportunity/describe`).reply(503, 'busy')
    const fault = await faultOf(connector.describe('Opportunity', never))
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'HTTP_503', httpStatus: 503 } })
    expect(gate.count('describe')).toBe(1)
  })

  it('do not follow a redirect with the token', async () => {
    allowSignIn()
    const elsewhere = nock('https://elsewhere.invalid').get('/').reply(200, {})
    salesforce()
      .get(`${base}/sobjects/Opportunity/describe`)
      .reply(302, '', { location: 'https://elsewhere.invalid/' })
    const fault = await faultOf(connector.describe('Opportunity', never))
    expect(fault).toMatchObject({ kind: 'unavailable', details: { httpStatus: 302 } })
    expect(elsewhere.isDone()).toBe(false)
    nock.cleanAll()
  })
})

describe('an answer that is not of Salesforce', () => {
  const page = '<html><body>Bad gateway: token-1</body></html>'

  it('leaves a read to be repeated and a write in doubt, without quoting the page', async () => {
    allowSignIn()
    salesforce()
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(502, page, { 'content-type': 'text/html' })
    salesforce().patch(`${base}/composite/sobjects`).reply(502, page, { 'content-type': 'text/html' })
    const fault = await faultOf(read())
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'HTTP_502' } })
    expect(fault.message).not.toContain('html')
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous', details: { httpStatus: 502 } } })
  })

  it.each([
    ['a page with status 200', '<html>Log in</html>', 'text/html'],
    ['JSON that breaks off', '[{"id":"006', 'application/json'],
    ['fewer results than records', '[]', 'application/json'],
    ['an empty body', '', 'application/json'],
    ['results without success', '[{"id":"006"}]', 'application/json'],
  ])('%s leaves a write in doubt', async (_, body, type) => {
    allowSignIn()
    salesforce().patch(`${base}/composite/sobjects`).reply(200, body, { 'content-type': type })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({
      ok: false,
      fault: { kind: 'ambiguous', details: { code: 'UNREADABLE_ANSWER' } },
    })
  })

  it('a 429 pauses until the time that it names', async () => {
    allowSignIn()
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(429, '', { 'retry-after': '120' })
    const fault = await faultOf(read())
    expect(fault.kind).toBe('throttled')
    expect(fault.details.retryAt).toEqual(new Date('2026-11-20T10:02:00Z'))
  })

  it('a row without a field that was asked for is not taken for an empty field', async () => {
    allowSignIn()
    const { Name: _, ...rest } = row
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(200, [rest])
    const fault = await faultOf(read())
    expect(fault).toMatchObject({ kind: 'configuration', details: { fields: ['Name'] } })
  })
})

describe('a call that is refused as a whole', () => {
  it('is halved until the one record that no parser takes stands alone', async () => {
    allowSignIn()
    let calls = 0
    salesforce()
      .patch(`${base}/composite/sobjects`)
      .reply(async (request: Request) => {
        calls += 1
        const { records } = (await request.json()) as { records: { id: string; Amount?: string }[] }
        const isRefused = records.some(({ Amount }) => Amount === 'many')
        return isRefused
          ? [400, [{ errorCode: 'JSON_PARSER_ERROR', message: 'Cannot deserialize instance of currency' }]]
          : [200, records.map(({ id }) => ({ id, success: true, errors: [] }))]
      })
      .persist()
    const idOf = (index: number) => `006000000000${String(index).padStart(3, '0')}AAA`
    const commands = Array.from({ length: 64 }, (_, index) => update(idOf(index)))
    commands[37] = { ...update(idOf(37)), fields: { Amount: 'many' } }
    const outcomes = await connector.write(commands, never)
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(63)
    expect(outcomes[37]).toMatchObject({ ok: false, fault: { kind: 'rejected' } })
    expect(calls).toBe(13)
    nock.cleanAll()
  })

  it('does not cost a call per record when all are at fault', async () => {
    allowSignIn()
    let calls = 0
    salesforce()
      .patch(`${base}/composite/sobjects`)
      .reply(() => {
        calls += 1
        return [400, [{ errorCode: 'JSON_PARSER_ERROR', message: 'Unexpected character' }]]
      })
      .persist()
    const outcomes = await connector.write(
      Array.from({ length: 200 }, (_, index) => update(`006000000000${String(index).padStart(3, '0')}AAA`)),
      never,
    )
    expect(outcomes.every((outcome) => !outcome.ok && outcome.fault.kind === 'rejected')).toBe(true)
    expect(calls).toBeLessThan(60)
    nock.cleanAll()
  })
})

describe('an upsert that names no record', () => {
  it('is looked up by the key, whether the body or only the id is missing', async () => {
    allowSignIn()
    const path = `${base}/composite/sobjects/Opportunity/PRM_Deal_Id__c`
    const found = { ...row, PRM_Deal_Id__c: 'D-1' }
    salesforce().patch(path).reply(204)
    salesforce()
      .patch(path)
      .reply(200, [{ success: true, errors: [] }])
    salesforce()
      .get(`${base}/query`)
      .query(({ q }) => String(q).includes("PRM_Deal_Id__c IN ('d-1')"))
      .twice()
      .reply(200, { done: true, totalSize: 1, records: [found] })
    const expected = [{ ok: true, id: opportunityId, created: false }]
    expect(await connector.write([create('d-1')], never)).toEqual(expected)
    expect(await connector.write([create('d-1')], never)).toEqual(expected)
  })

  it('stays in doubt when the key finds nothing', async () => {
    allowSignIn()
    salesforce().patch(`${base}/composite/sobjects/Opportunity/PRM_Deal_Id__c`).reply(204)
    salesforce().get(`${base}/query`).query(true).reply(200, { done: true, totalSize: 0, records: [] })
    const [outcome] = await connector.write([create('d-1')], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
  })
})

describe('signing in', () => {
  it('happens once for calls that start together', async () => {
    allowSignIn()
    salesforce().post(`${base}/composite/sobjects/Opportunity`).times(3).reply(200, [row])
    await Promise.all([read(), read(), read()])
    expect(gate.count('auth')).toBe(1)
  })

  it('is repeated once after a 401, and the call replayed with the new token', async () => {
    allowSignIn()
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, access_token: 'token-2' })
    salesforce()
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
    nock(host, { reqheaders: { authorization: 'Bearer token-2' } })
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(200, [row])
    expect(await read()).toHaveLength(1)
  })

  it('is repeated once for many calls that meet the same expired token', async () => {
    allowSignIn()
    const path = `${base}/composite/sobjects/Opportunity`
    nock(host, { reqheaders: { authorization: 'Bearer token-1' } })
      .post(path)
      .times(4)
      .reply(401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, access_token: 'token-2' })
    nock(host, { reqheaders: { authorization: 'Bearer token-2' } })
      .post(path)
      .times(4)
      .reply(200, [row])
    expect(await Promise.all([read(), read(), read(), read()])).toHaveLength(4)
    expect(gate.count('auth')).toBe(2)
  })

  it('is not repeated for a call whose 401 arrives after the new token', async () => {
    allowSignIn()
    const expired = [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]
    const withToken = (token: string) => nock(host, { reqheaders: { authorization: `Bearer ${token}` } })
    withToken('token-1').post(`${base}/composite/sobjects/Opportunity`).reply(401, expired)
    withToken('token-1').get(`${base}/sobjects/Opportunity/describe`).delay(300).reply(401, expired)
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, access_token: 'token-2' })
    withToken('token-2').post(`${base}/composite/sobjects/Opportunity`).reply(200, [row])
    withToken('token-2')
      .get(`${base}/sobjects/Opportunity/describe`)
      .reply(200, { name: 'Opportunity', fields: [] })
    await Promise.all([read(), connector.describe('Opportunity', never)])
    expect(gate.count('auth')).toBe(2)
  })

  it('asks for two tokens a minute at most while every call is answered 401', async () => {
    const counts = { token: 0, call: 0 }
    salesforce()
      .post('/services/oauth2/token')
      .reply(() => {
        counts.token += 1
        return [200, { ...tokenReply, access_token: `token-${counts.token}` }]
      })
      .persist()
    salesforce()
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(() => {
        counts.call += 1
        return [401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]]
      })
      .persist()
    for (let round = 0; round < 10; round += 1) expect((await faultOf(read())).kind).toBe('unauthorised')
    expect(counts.token).toBe(2)
    expect(counts.call).toBeLessThanOrEqual(3)
    clock = new Date(clock.getTime() + 61_000)
    for (let round = 0; round < 10; round += 1) expect((await faultOf(read())).kind).toBe('unauthorised')
    expect(counts.token).toBe(4)
    nock.cleanAll()
  })

  it('tells a refused secret apart from an endpoint that is down, and never quotes the secret', async () => {
    salesforce()
      .post('/services/oauth2/token')
      .reply(400, { error: 'invalid_client', error_description: 'invalid client credentials' })
    const refused = await faultOf(read())
    expect(refused).toMatchObject({ kind: 'unauthorised', details: { code: 'invalid_client' } })
    expect(JSON.stringify([refused.message, refused.details])).not.toContain('secret')
    salesforce().post('/services/oauth2/token').reply(503, '<html></html>')
    expect(await faultOf(read())).toMatchObject({ kind: 'unavailable' })
  })

  it('refuses to send the token to an address without https', async () => {
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, instance_url: 'http://counterpart.my.salesforce.invalid' })
    expect(await faultOf(read())).toMatchObject({
      kind: 'unavailable',
      details: { code: 'UNREADABLE_ANSWER' },
    })
  })
})

describe('the gate', () => {
  const refusal = new ConnectorFault('throttled', 'The budget of the day is spent', { code: 'BUDGET' })
  const withGate = (call: CallGate['call']): Connector =>
    createSalesforceConnector({
      credentials: { grant: 'client_credentials', loginUrl: host, clientId: 'key', clientSecret: 'secret' },
      gate: { call, observeUsage: () => undefined },
      requestTimeoutMs: 5000,
      now: () => clock,
    })

  it('has the last word before a call is made', async () => {
    connector = withGate(() => Promise.reject(refusal))
    expect(await faultOf(read())).toBe(refusal)
    expect(await faultOf(connector.write([update()], never))).toBe(refusal)
  })

  it('leaves a write in doubt that it gives up under way, whatever it says of the delay', async () => {
    allowSignIn()
    salesforce().patch(`${base}/composite/sobjects`).delay(2000).reply(200, [])
    connector = withGate((label, signal, send) => {
      if (label.operation !== 'write') return send(signal)
      const late = new Promise<never>((_, reject) => setTimeout(reject, 100, refusal))
      return Promise.race([send(signal), late])
    })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous', details: { code: 'TIMEOUT' } } })
    nock.abortPendingRequests()
  })
})

describe('a connection that breaks', () => {
  let server: Server
  const listen = async (listener: RequestListener): Promise<string> => {
    nock.enableNetConnect('127.0.0.1')
    server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const signInAt = (url: string): RequestListener => {
    return (_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...tokenReply, instance_url: url }))
    }
  }
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('in the middle of an answer ends the call as a fault, not the process', async () => {
    const url = await listen((request, response) => {
      if (request.url?.includes('oauth2')) return signInAt(url)(request, response)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('[{"id":')
      setTimeout(() => response.destroy(), 20)
    })
    connector = open({ loginUrl: url })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
    expect(await faultOf(read())).toMatchObject({ kind: 'unavailable' })
  })

  it('before anything was sent throws, since nothing can have happened', async () => {
    const unused = createServer()
    await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve))
    const { port } = unused.address() as AddressInfo
    await new Promise((resolve) => unused.close(resolve))
    const url = await listen(signInAt(`http://127.0.0.1:${port}`))
    connector = open({ loginUrl: url })
    const fault = await faultOf(connector.write([update(), update('006000000000002AAA')], never))
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'ECONNREFUSED' } })
  })

  it('is given up after the time allowed, also while the body trickles', async () => {
    let closed = 0
    const url = await listen((request, response) => {
      if (request.url?.includes('oauth2')) return signInAt(url)(request, response)
      response.on('close', () => {
        closed += 1
      })
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('[')
    })
    connector = open({ loginUrl: url, requestTimeoutMs: 150 })
    const fault = await faultOf(read())
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'TIMEOUT' } })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({
      ok: false,
      fault: { kind: 'ambiguous', details: { code: 'TIMEOUT' } },
    })
    await expect.poll(() => closed).toBe(2)
  })

  it('ends at once when the caller aborts or the connector closes', async () => {
    let waiting = 0
    const url = await listen((request, response) => {
      if (request.url?.includes('oauth2')) return signInAt(url)(request, response)
      waiting += 1
      response.on('close', () => {
        waiting -= 1
      })
    })
    connector = open({ loginUrl: url })
    const abort = new AbortController()
    const aborted = faultOf(connector.read('Opportunity', [opportunityId], [], abort.signal))
    await expect.poll(() => waiting).toBe(1)
    abort.abort()
    expect((await aborted).details.code).toBe('CANCELLED')
    await expect.poll(() => waiting).toBe(0)
    const closed = faultOf(read())
    await expect.poll(() => waiting).toBe(1)
    await connector.close()
    expect((await closed).details.code).toBe('CLOSED')
    expect((await faultOf(read())).details.code).toBe('CLOSED')
  })
})

import nock from 'nock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallGate, Connector } from '#connectors/connector.ts'
import { dynamicsCredentialsSchema } from '#connectors/dynamics/credentials.ts'
import { createDynamicsConnector } from '#connectors/dynamics/dynamics-connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { createRecordingGate, type RecordingGate } from '#test/contract/recording-gate.ts'
import { faultOf } from '#test/support/connector-faults.ts'

const host = 'https://vendor.crm.dynamics.invalid'
const login = 'https://login.invalid'
const api = '/api/data/v9.2'
const id = '00000000-0000-4000-8000-000000000001'
const never = new AbortController().signal
const definition = {
  LogicalName: 'account',
  EntitySetName: 'accounts',
  PrimaryIdAttribute: 'accountid',
  ChangeTrackingEnabled: true,
  Attributes: ['accountid', 'name', 'modifiedon'].map((LogicalName) => ({
    LogicalName,
    AttributeType: 'String',
  })),
  Keys: [],
  ManyToOneRelationships: [],
}
const row = { '@odata.etag': 'W/"1"', accountid: id, name: 'Acme', modifiedon: '2026-11-20T10:00:00Z' }

let gate: RecordingGate
let connector: Connector
let clock: Date

function connect(options: { requestTimeoutMs?: number; call?: CallGate['call'] } = {}): void {
  connector = createDynamicsConnector({
    credentials: dynamicsCredentialsSchema.parse({
      grant: 'client_credentials',
      organisationUrl: host,
      loginUrl: login,
      tenantId: 'tenant',
      clientId: 'app',
      clientSecret: 'secret',
    }),
    gate: options.call ? { call: options.call, observeUsage: () => undefined } : gate,
    requestTimeoutMs: options.requestTimeoutMs ?? 5000,
    now: () => clock,
  })
}

const dataverse = () => nock(host)
const allowSignIn = (token = 'token-1') =>
  nock(login)
    .post('/tenant/oauth2/v2.0/token')
    .reply(200, { access_token: token, expires_in: 3600, token_type: 'Bearer' })
const allowDescribe = () =>
  dataverse()
    .get((path) => path.startsWith(`${api}/EntityDefinitions(LogicalName=`))
    .reply(200, definition)
const rows = (value: readonly object[], rest: object = {}) => ({ value, ...rest })
const onRead = () => dataverse().get((path) => path.startsWith(`${api}/accounts?`))
const read = () => connector.read('account', [id], ['name'], never)
const write = () =>
  connector.write([{ object: 'account', target: { kind: 'id', id }, fields: { name: 'new' } }], never)

beforeEach(() => {
  nock.disableNetConnect()
  clock = new Date('2026-11-20T10:00:00Z')
  gate = createRecordingGate()
  connect()
})
afterEach(async () => {
  await connector.close()
  const left = nock.pendingMocks()
  nock.abortPendingRequests()
  nock.cleanAll()
  nock.enableNetConnect()
  expect(left).toEqual([])
})

describe('the token', () => {
  it('goes with every call to the organisation, and not to the sign-in', async () => {
    const seen: Headers[] = []
    nock(login)
      .post('/tenant/oauth2/v2.0/token', {
        grant_type: 'client_credentials',
        client_id: 'app',
        client_secret: 'secret',
        scope: `${host}/.default`,
      })
      .reply(async (request: Request) => {
        seen.push(request.headers)
        return [200, { access_token: 'token-1', expires_in: 3600 }]
      })
    allowDescribe()
    onRead().reply(async (request: Request) => {
      seen.push(request.headers)
      return [200, rows([row])]
    })
    expect(await read()).toMatchObject([{ id, fields: { name: 'Acme' }, version: 'W/"1"' }])
    expect(seen.map((headers) => headers.get('authorization'))).toEqual([null, 'Bearer token-1'])
    expect([seen[1]?.get('odata-version'), seen[1]?.get('odata-maxversion')]).toEqual(['4.0', '4.0'])
  })

  it('follows no link out of the organisation', async () => {
    allowSignIn()
    allowDescribe()
    onRead().reply(
      200,
      rows([row], { '@odata.nextLink': `https://elsewhere.invalid${api}/accounts?$skiptoken=1` }),
    )
    expect(await faultOf(read())).toMatchObject({ kind: 'configuration', details: { code: 'FOREIGN_LINK' } })
  })

  it('follows no redirect', async () => {
    allowSignIn()
    dataverse()
      .get((path) => path.startsWith(`${api}/EntityDefinitions`))
      .reply(302, '', { location: 'https://elsewhere.invalid/' })
    expect((await faultOf(read())).kind).toBe('unavailable')
  })

  it('is replaced before it ends', async () => {
    allowSignIn()
    allowDescribe()
    onRead().reply(200, rows([row]))
    await read()
    clock = new Date(clock.getTime() + 59 * 60_000)
    allowSignIn('token-2')
    nock(host, { reqheaders: { authorization: 'Bearer token-2' } })
      .get((path) => path.startsWith(api))
      .twice()
      .reply(async ({ url }: Request) => [200, url.includes('EntityDefinitions') ? definition : rows([row])])
    await read()
    expect(gate.count('auth')).toBe(2)
  })

  it('that is refused at sign-in stops after two tries, whoever asks', async () => {
    nock(login).post('/tenant/oauth2/v2.0/token').twice().reply(401, {
      error: 'invalid_client',
      error_description: 'AADSTS7000215: Invalid client secret provided.',
    })
    for (let round = 0; round < 4; round += 1) {
      const fault = await faultOf(read())
      expect(fault.kind).toBe('unauthorised')
      expect(fault.message).toContain('AADSTS7000215')
    }
    expect(gate.count('auth')).toBe(2)
  })
})

describe('a call', () => {
  it.each([429, 503, 504])(
    'is made once, whatever the client library would do after a %i',
    async (status) => {
      allowSignIn()
      allowDescribe()
      dataverse().post(`${api}/$batch`).reply(status, '', { 'retry-after': '0' })
      const outcome = await write().catch((error: unknown) => error)
      const kind =
        outcome instanceof ConnectorFault
          ? outcome.kind
          : (outcome as { fault: ConnectorFault }[])[0]?.fault.kind
      expect(kind).toBe(status === 429 ? 'throttled' : 'ambiguous')
      expect(gate.count('write')).toBe(1)
    },
  )

  it('has to pass the gate, whose word stands', async () => {
    const refusal = new ConnectorFault('throttled', 'The budget of the day is spent', { code: 'BUDGET' })
    connect({ call: () => Promise.reject(refusal) })
    expect(await faultOf(read())).toBe(refusal)
    expect(await faultOf(write())).toBe(refusal)
  })

  it('that the gate gives up under way leaves a write in doubt', async () => {
    allowSignIn()
    allowDescribe()
    dataverse().post(`${api}/$batch`).delay(2000).reply(200, '')
    const late = new ConnectorFault('unavailable', 'Too slow', { code: 'SLOW' })
    connect({
      call: (label, signal, send) =>
        label.operation === 'write'
          ? Promise.race([send(signal), new Promise<never>((_, reject) => setTimeout(reject, 100, late))])
          : send(signal),
    })
    expect(await write()).toMatchObject([
      { ok: false, fault: { kind: 'ambiguous', details: { code: 'TIMEOUT' } } },
    ])
  })

  it('that takes too long is given up, and a write is then in doubt', async () => {
    allowSignIn()
    allowDescribe()
    dataverse().post(`${api}/$batch`).delay(3000).reply(200, '')
    connect({ requestTimeoutMs: 500 })
    expect(await write()).toMatchObject([
      { ok: false, fault: { kind: 'ambiguous', details: { code: 'TIMEOUT' } } },
    ])
  })

  it('that never left changes nothing', async () => {
    allowSignIn()
    allowDescribe()
    const refused = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    })
    dataverse().post(`${api}/$batch`).replyWithError(refused)
    expect(await faultOf(write())).toMatchObject({ kind: 'unavailable' })
  })

  it.each(['', '<html></html>', '{"value":7}', 'null'])('answered by "%s" has no answer', async (body) => {
    allowSignIn()
    allowDescribe()
    onRead().reply(200, body, { 'content-type': 'application/json' })
    expect(await faultOf(read())).toMatchObject({
      kind: 'unavailable',
      details: { code: 'UNREADABLE_ANSWER' },
    })
  })

  it('of a batch that is answered by something else leaves the write in doubt', async () => {
    allowSignIn()
    allowDescribe()
    dataverse().post(`${api}/$batch`).reply(200, '{}', { 'content-type': 'application/json' })
    expect(await write()).toMatchObject([{ ok: false, fault: { kind: 'ambiguous' } }])
  })

  it('of a batch that is refused as a whole is tried in halves, down to the record to blame', async () => {
    allowSignIn()
    allowDescribe()
    const target = (at: number) => `00000000-0000-4000-8000-00000000000${at}`
    const answered: number[] = []
    dataverse()
      .post(`${api}/$batch`)
      .times(5)
      .reply(async (request: Request) => {
        const body = await request.text()
        const ids = [...body.matchAll(/Content-ID: (\d+)/g)].map(([, contentId]) => contentId)
        answered.push(ids.length)
        if (body.includes('poison')) {
          const error = { code: '0x80048d19', message: 'Stream was not readable.' }
          return [400, { error }]
        }
        const head = '--b\r\nContent-Type: application/http\r\n'
        const parts = ids.map(
          (contentId) => `${head}Content-ID: ${contentId}\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n`,
        )
        return [200, `${parts.join('')}--b--`, { 'content-type': 'multipart/mixed; boundary=b' }]
      })
    const outcomes = await connector.write(
      [1, 2, 3, 4].map((at) => ({
        object: 'account',
        target: { kind: 'id', id: target(at) },
        fields: { name: at === 3 ? 'poison' : 'fine' },
      })),
      never,
    )
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))).toEqual([
      'ok',
      'ok',
      'configuration',
      'ok',
    ])
    expect(answered).toEqual([4, 2, 2, 1, 1])
  })
})

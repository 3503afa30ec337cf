import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallGate, Connector, WriteCommand } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { createHubspotConnector } from '#connectors/hubspot/hubspot-connector.ts'
import { createRecordingGate } from '#test/contract/recording-gate.ts'
import { faultOf } from '#test/support/connector-faults.ts'

const never = new AbortController().signal
const update: WriteCommand = { object: 'deals', target: { kind: 'id', id: '7' }, fields: { dealname: 'x' } }

let server: Server
let answer: RequestListener
let asked: { path: string; authorization: string | undefined; body: string }[]
let url: string
let connector: Connector

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { authorization } = request.headers
      asked.push({ path: request.url ?? '', authorization, body: Buffer.concat(chunks).toString() })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  connector = connect()
})
afterEach(async () => {
  await connector.close()
  server.closeAllConnections()
  server.close()
})

function connect(options: { apiUrl?: string; gate?: CallGate; requestTimeoutMs?: number } = {}): Connector {
  return createHubspotConnector({
    credentials: { grant: 'access_token', apiUrl: options.apiUrl ?? url, accessToken: 'pat-1' },
    gate: options.gate ?? createRecordingGate(),
    requestTimeoutMs: options.requestTimeoutMs ?? 5000,
    now: () => new Date(),
  })
}
const say =
  (
    status: number,
    body: unknown,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
const read = () => connector.read('deals', ['7'], ['dealname'], never)
const write = async () => (await connector.write([update], never))[0]
const done = { status: 'COMPLETE', startedAt: '2026-11-20T10:00:00Z', completedAt: '2026-11-20T10:00:00Z' }

describe('a connection to HubSpot that breaks', () => {
  it('in the middle of an answer leaves a write in doubt and a read to be repeated', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"results":')
      setTimeout(() => response.destroy(), 20)
    }
    expect(await write()).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
    expect((await faultOf(read())).kind).toBe('unavailable')
  })

  it('before anything was sent throws, since nothing can have happened', async () => {
    await new Promise((resolve) => server.close(resolve))
    expect((await faultOf(write())).kind).toBe('unavailable')
  })

  it('by silence is given up after the time allowed', async () => {
    answer = () => undefined
    await connector.close()
    connector = connect({ requestTimeoutMs: 100 })
    expect(await write()).toMatchObject({ fault: { kind: 'ambiguous', details: { code: 'TIMEOUT' } } })
  })
})

describe('an answer that is not as it should be', () => {
  it.each([
    ['a page', '<html></html>', 'text/html'],
    ['broken JSON', '{', 'application/json'],
    ['nothing', '', 'application/json'],
    ['another list', '[]', 'application/json'],
  ])('leaves a write in doubt: %s', async (_, body, type) => {
    answer = say(200, body, { 'content-type': type })
    expect(await write()).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
  })

  it('that points elsewhere is not followed, least of all with the token', async () => {
    answer = say(302, '', { location: `${url}/elsewhere` })
    expect((await faultOf(read())).kind).toBe('unavailable')
    expect(asked.map(({ path }) => path)).toEqual(['/crm/v3/objects/deals/batch/read?archived=false'])
  })

  it('that forgets a record is asked again by the key, and otherwise left in doubt', async () => {
    answer = say(200, { ...done, results: [] })
    expect(await write()).toMatchObject({ fault: { kind: 'ambiguous', details: { code: 'UNANSWERED' } } })
    const create: WriteCommand = { ...update, target: { kind: 'key', field: 'prm_deal_id', value: 'k' } }
    answer = (request, response) => {
      const found = request.url?.includes('/batch/read')
      const record = {
        id: '9',
        properties: { prm_deal_id: 'k' },
        createdAt: done.startedAt,
        updatedAt: done.startedAt,
      }
      say(200, { ...done, results: found ? [record] : [] })(request, response)
    }
    expect(await connector.write([create], never)).toEqual([{ ok: true, id: '9', created: false }])
  })

  it('of a batch in which one record is refused without its name sends the halves again', async () => {
    answer = (request, response) => {
      const { inputs } = JSON.parse(asked.at(-1)?.body ?? '{}') as { inputs: { id: string }[] }
      const good = inputs.filter(({ id }) => id !== '2')
      const results = (inputs.length === 1 ? good : []).map(({ id }) => ({ id, properties: {} }))
      const errors =
        inputs.length === 1 && good.length === 1
          ? []
          : [{ status: 'error', category: 'VALIDATION_ERROR', message: 'no' }]
      say(errors.length > 0 ? 207 : 200, { ...done, results, numErrors: errors.length, errors })(
        request,
        response,
      )
    }
    const ids = ['1', '2', '3']
    const outcomes = await connector.write(
      ids.map((id) => ({ ...update, target: { kind: 'id', id } })),
      never,
    )
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true])
    expect(outcomes[1]).toMatchObject({ fault: { kind: 'rejected' } })
  })
})

describe('what is sent', () => {
  it('bears the token and traces its inputs', async () => {
    answer = say(200, { ...done, results: [{ id: '7', properties: {} }] })
    expect(await write()).toEqual({ ok: true, id: '7', created: false })
    expect(asked[0]?.authorization).toBe('Bearer pat-1')
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      inputs: [{ id: '7', properties: { dealname: 'x' }, objectWriteTraceId: 'w0' }],
    })
  })

  it('waits for the gate, which has the last word', async () => {
    const refusal = new ConnectorFault('throttled', 'The budget of the day is spent', { code: 'BUDGET' })
    await connector.close()
    connector = connect({ gate: { call: () => Promise.reject(refusal), observeUsage: () => undefined } })
    expect(await faultOf(read())).toBe(refusal)
    expect(await faultOf(connector.write([update], never))).toBe(refusal)
    expect(asked).toEqual([])
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawAnswer, type RawSession } from '#test/simulators/dynamics/session.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

let simulator: DynamicsSimulator
let session: RawSession

beforeEach(async () => {
  simulator = await startDynamicsSimulator()
  session = await openSession(simulator)
})

afterEach(() => simulator.close())

const base = '/api/data/v9.2'

/** A part as the documentation writes it; a body brings its media type. */
function part(method: string, url: string, body?: unknown, headers: readonly string[] = [], id?: string) {
  const head = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary']
  if (id !== undefined) head.push(`Content-ID: ${id}`)
  const type = body === undefined ? [] : ['Content-Type: application/json; type=entry']
  const text = body === undefined ? '' : JSON.stringify(body, null, 2)
  return [...head, '', `${method} ${url} HTTP/1.1`, ...type, ...headers, '', text].join('\r\n')
}

const frame = (parts: readonly string[], boundary: string) =>
  `${parts.map((each) => `--${boundary}\r\n${each}\r\n`).join('')}--${boundary}--\r\n`

const changeSet = (parts: readonly string[]) =>
  `Content-Type: multipart/mixed; boundary=changeset_1\r\n\r\n${frame(parts, 'changeset_1')}`

const upsert = (key: string, body: unknown, id?: string) =>
  part('PATCH', `${base}/opportunities(prm_dealid='${key}')`, body, [], id)

const onError = { prefer: 'odata.continue-on-error' }
const run = (parts: readonly string[], headers: Record<string, string> = {}) =>
  session.batch(frame(parts, 'batch_1'), 'batch_1', headers)

const statuses = ({ body }: RawAnswer) =>
  [...String(body).matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))
const dealNames = () => simulator.list('opportunity').map((row) => row['name'])

describe('a batch', () => {
  it('answers every part in the order of the requests', async () => {
    const answer = await run([
      upsert('d-1', { name: 'One' }),
      part('GET', `${simulator.url}${base}/opportunities(prm_dealid='d-1')?$select=name`),
      part('GET', `opportunities?$select=name&$filter=prm_dealid eq 'd-1'`),
      part('POST', `${base}/accounts`, { name: 'Acme' }, ['Prefer: return=representation']),
    ])
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^multipart\/mixed; boundary=batchresponse_/)
    expect(statuses(answer)).toEqual([204, 200, 200, 201])
    expect(answer.body).toContain('OData-EntityId: ')
    expect(String(answer.body).replaceAll('\r\n', '')).not.toContain('\n')
    expect(simulator.calls.log.at(-1)).toMatchObject({ operation: 'batch', records: 4 })
  })

  it('stops at the first failure, whose status it takes', async () => {
    const bad = upsert('d-2', { prm_registrationstatus: 1 })
    const answer = await run([upsert('d-1', { name: 'One' }), bad, upsert('d-3', { name: 'Three' })])
    expect(answer.status).toBe(400)
    expect(statuses(answer)).toEqual([204, 400])
    expect(answer.body).toContain('"code":"0x8004431a"')
    expect(dealNames()).toEqual(['One'])
  })

  it('goes on after failures where it is told to', async () => {
    const bad = upsert('d-2', { prm_registrationstatus: 1 })
    const answer = await run([bad, upsert('d-3', { name: 'Three' }), part('GET', '/nothing')], onError)
    expect(answer.status).toBe(200)
    expect(statuses(answer)).toEqual([400, 204, 404])
    expect(dealNames()).toEqual(['Three'])
  })

  it('keeps a change set whole, with references to what it made', async () => {
    const answer = await run([
      changeSet([
        part('POST', `${base}/accounts`, { name: 'Acme' }, [], '1'),
        upsert('d-1', { name: 'One', 'parentaccountid@odata.bind': '$1' }, '2'),
        part('PATCH', '$2', { description: 'linked' }, [], '3'),
      ]),
      upsert('d-2', { name: 'Two' }),
    ])
    expect(statuses(answer)).toEqual([204, 204, 204, 204])
    expect(answer.body).toMatch(/boundary=changesetresponse_/)
    expect([...String(answer.body).matchAll(/^Content-ID: (\d)/gm)].map(([, id]) => id)).toEqual([
      '1',
      '2',
      '3',
    ])
    const [account] = simulator.list('account')
    expect(simulator.list('opportunity')[0]).toMatchObject({
      parentaccountid: account?.['accountid'],
      description: 'linked',
    })
  })

  it('leaves nothing of a change set that fails, and no version moves', async () => {
    const id = simulator.insert('opportunity', { name: 'Old', prm_dealid: 'd-1' })
    const before = simulator.get('opportunity', id)
    const answer = await run(
      [
        changeSet([
          upsert('d-1', { name: 'New' }, '1'),
          part('DELETE', `${base}/opportunities(${id})`, undefined, [], '2'),
          upsert('d-2', { name: 'Two' }, '3'),
          upsert('d-3', { prm_registrationstatus: 1 }, '4'),
        ]),
        upsert('d-4', { name: 'Four' }),
      ],
      onError,
    )
    expect(answer.status).toBe(200)
    expect(statuses(answer)).toEqual([400, 204])
    expect(answer.body).toContain('Content-ID: 4')
    expect(simulator.get('opportunity', id)).toEqual(before)
    expect(dealNames()).toEqual(['Old', 'Four'])
    expect(simulator.history('opportunity', id)).toHaveLength(1)
  })

  it.each([
    ['a change set that reads', [changeSet([part('GET', `${base}/accounts`, undefined, [], '1')])]],
    ['a reference to what was not made yet', [changeSet([part('PATCH', '$9', { name: 'x' }, [], '1')])]],
  ])('refuses %s', async (_what, parts) => {
    expect(statuses(await run(parts))).toEqual([400])
  })

  it.each([
    ['line feeds alone', (text: string) => text.replaceAll('\r\n', '\n'), '0x80048d19'],
    ['no end', (text: string) => text.replace('--batch_1--', ''), '0x80048d19'],
    ['another boundary', (text: string) => text.replaceAll('batch_1', 'batch_2'), '0x80048d19'],
    ['no media type', (text: string) => text.replace('Content-Type: application/http\r\n', ''), '0x80060888'],
    [
      'no encoding',
      (text: string) => text.replace('Content-Transfer-Encoding: binary\r\n', ''),
      '0x80060888',
    ],
    ['no Content-ID', (text: string) => text.replace('Content-ID: 1\r\n', ''), '0x80060888'],
    ['a batch within', (text: string) => text.replace(`${base}/accounts`, `${base}/$batch`), '0x80060888'],
  ])('is refused whole with %s', async (_what, spoil, code) => {
    const text = frame([changeSet([part('POST', `${base}/accounts`, { name: 'Acme' }, [], '1')])], 'batch_1')
    const answer = await session.batch(spoil(text), 'batch_1')
    expect(answer).toMatchObject({ status: 400, body: { error: { code } } })
    expect(simulator.list('account')).toHaveLength(0)
    expect((await session.batch(text, 'batch_1')).status).toBe(200)
  })

  it('holds a thousand operations and no more', async () => {
    const parts = Array.from({ length: 1000 }, (_, index) => upsert(`d-${index}`, { name: 'x' }))
    expect((await run([...parts, upsert('one-more', {})])).status).toBe(400)
    expect(statuses(await run(parts))).toHaveLength(1000)
    expect(simulator.list('opportunity')).toHaveLength(1000)
  })
})

describe('a batch under faults', () => {
  const three = () => ['d-1', 'd-2', 'd-3'].map((key) => upsert(key, { name: key }))

  it('has a part that fails by itself', async () => {
    simulator.faults.add({ kind: 'record-error', nth: 2 })
    const answer = await run(three(), onError)
    expect(statuses(answer)).toEqual([204, 500, 204])
    expect(answer.body).toContain('0x80044339')
    expect(dealNames()).toEqual(['d-1', 'd-3'])
  })

  it('stops half-way and says what it did', async () => {
    simulator.faults.add({ kind: 'half-batch', after: 2, count: 1 })
    expect(statuses(await run(three(), onError))).toEqual([204, 204])
    expect(dealNames()).toEqual(['d-1', 'd-2'])
  })

  it('stops half-way and a gateway or the network keeps it secret', async () => {
    simulator.faults.add({ kind: 'half-batch', after: 1, how: 'timeout', count: 1 })
    const answer = await run(three(), onError)
    expect(answer.status).toBe(504)
    expect(answer.headers.get('content-type')).toContain('text/html')
    expect(dealNames()).toEqual(['d-1'])
    simulator.faults.add({ kind: 'half-batch', after: 2, how: 'cut' })
    await expect(run(three(), onError)).rejects.toThrow('fetch failed')
    expect(dealNames()).toEqual(['d-1', 'd-2'])
  })
})

import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Hint, Received } from '#connectors/connector.ts'
import {
  connector,
  insertDeals,
  kinds,
  reconnect,
  rename,
  simulator,
  useHubspot,
} from '#test/support/hubspot-portal.ts'

useHubspot()

let app: FastifyInstance
let address: string
let received: Received[]
/** What the receiver answers, whatever the connector says. */
let status: number

beforeEach(async () => {
  received = []
  status = 200
  app = Fastify()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  app.post('/hooks/1', (request, reply) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    )
    const answer = connector.receive({
      method: 'POST',
      url: `${address}/hooks/1`,
      headers,
      body: request.body as Uint8Array,
      receivedAt: new Date(),
    })
    received.push(answer)
    return reply.code(answer.kind === 'refused' ? answer.status : status).send('')
  })
  address = await app.listen({ host: '127.0.0.1', port: 0 })
  simulator.webhooks.target = `${address}/hooks/1`
})
afterEach(() => app.close())

const hints = (): readonly Hint[] =>
  received.flatMap((answer) => (answer.kind === 'accepted' ? answer.hints : []))
const named = () => new Set(hints().map(({ object, id }) => `${object} ${id}`))

describe('webhooks of HubSpot', () => {
  it('name the records that people touched', async () => {
    const [a = '', b = ''] = insertDeals(2)
    const company = simulator.insert('companies', { name: 'Acme' })
    simulator.update('deals', a, { dealname: 'new' })
    simulator.remove('deals', b)
    const { delivered, waiting } = await simulator.webhooks.deliver()
    expect([delivered > 0, waiting]).toEqual([true, 0])
    expect(named()).toEqual(new Set([`deals ${a}`, `deals ${b}`, `companies ${company}`]))
  })

  it('name all records of a merge and both ends of an association', async () => {
    const [a = '', b = ''] = insertDeals(2)
    const company = simulator.insert('companies', { name: 'Acme' })
    await simulator.webhooks.deliver()
    received = []
    const left = simulator.merge('deals', a, [b])
    simulator.associate(left, company, 5)
    await simulator.webhooks.deliver()
    for (const name of [`deals ${a}`, `deals ${b}`, `deals ${left}`, `companies ${company}`]) {
      expect(named()).toContain(name)
    }
  })

  it('that come twice or again bear the keys that they had', async () => {
    const ids = insertDeals(5)
    await simulator.webhooks.deliver({ double: 1, shuffle: true })
    const keys = hints().map(({ deduplicationKey }) => deduplicationKey)
    expect(new Set(keys).size).toBe(keys.length / 2)
    received = []
    simulator.update('deals', ids[0]!, { dealname: 'new' })
    status = 500
    await simulator.webhooks.deliver()
    const first = hints()
    status = 200
    received = []
    await simulator.webhooks.deliver()
    expect(hints()).toEqual(first)
  })

  it('about our own writes tell nothing, about the same by others everything', async () => {
    const [id = ''] = insertDeals(1)
    await simulator.webhooks.deliver()
    received = []
    expect(await kinds([rename(id, 'ours')])).toEqual(['ok'])
    await simulator.webhooks.deliver()
    expect(hints()).toEqual([])
    const { apiUrl, clientId, clientSecret, refreshToken } = simulator.credentials
    await reconnect({
      credentials: { grant: 'refresh_token', apiUrl, clientId, clientSecret, refreshToken, appId: '1' },
    })
    expect(await kinds([rename(id, 'another app, for all we know')])).toEqual(['ok'])
    await simulator.webhooks.deliver()
    expect(named()).toEqual(new Set([`deals ${id}`]))
    expect(hints().every(({ by }) => by !== undefined)).toBe(true)
  })

  it('leave open which integration wrote while nobody knows the id of our own', async () => {
    const { apiUrl, clientId, clientSecret, refreshToken } = simulator.credentials
    await reconnect({ credentials: { grant: 'refresh_token', apiUrl, clientId, clientSecret, refreshToken } })
    const [id = ''] = insertDeals(1)
    await simulator.webhooks.deliver()
    expect(hints().every(({ by }) => by !== undefined)).toBe(true)
    received = []
    expect(await kinds([rename(id, 'ours, for all we know')])).toEqual(['ok'])
    await simulator.webhooks.deliver()
    expect(hints().map(({ by }) => by)).toEqual([undefined])
  })

  it('are refused when another secret signed them', async () => {
    const { apiUrl, clientId, refreshToken } = simulator.credentials
    await reconnect({
      credentials: { grant: 'refresh_token', apiUrl, clientId, clientSecret: 'other', refreshToken },
    })
    insertDeals(1)
    const { waiting } = await simulator.webhooks.deliver()
    expect(waiting).toBeGreaterThan(0)
    expect(received).toEqual([{ kind: 'refused', status: 401, reason: 'The signature does not fit' }])
  })

  it('of new apps, which name objects by their type ids, are understood', async () => {
    for (const { id } of simulator.webhooks.subscriptions.slice()) simulator.webhooks.unsubscribe(id)
    simulator.webhooks.subscribe({ eventType: 'object.propertyChange', objectTypeId: '0-3' })
    const [id = ''] = insertDeals(1)
    simulator.update('deals', id, { dealname: 'new' })
    await simulator.webhooks.deliver()
    expect(named()).toEqual(new Set([`deals ${id}`]))
    expect(hints().every(({ by }) => by !== undefined)).toBe(true)
  })

  it('leave open which integration wrote while nobody knows the id of our own', async () => {
    const { apiUrl, clientId, clientSecret, refreshToken } = simulator.credentials
    await reconnect({ credentials: { grant: 'refresh_token', apiUrl, clientId, clientSecret, refreshToken } })
    const [id = ''] = insertDeals(1)
    await simulator.webhooks.deliver()
    expect(hints().every(({ by }) => by !== undefined)).toBe(true)
    received = []
    expect(await kinds([rename(id, 'ours, for all we know')])).toEqual(['ok'])
    await simulator.webhooks.deliver()
    expect(hints().map(({ by }) => by)).toEqual([undefined])
  })

  it('are not expected where no client secret is known', async () => {
    const { apiUrl } = simulator.credentials
    await reconnect({ credentials: { grant: 'access_token', apiUrl, accessToken: simulator.accessToken } })
    insertDeals(1)
    await simulator.webhooks.deliver()
    expect(received[0]).toMatchObject({ kind: 'refused', status: 404 })
  })
})

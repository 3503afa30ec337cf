import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Hint, Received } from '#connectors/connector.ts'
import {
  connector,
  insertDeal,
  simulator,
  update,
  useDynamics,
  write,
} from '#test/support/dynamics-organisation.ts'

useDynamics()

/** An endpoint that hands every request to the connector, as the service does. */
let server: Server
let received: Received[]
const hints = (): readonly Hint[] => received.flatMap((each) => (each.kind === 'accepted' ? each.hints : []))
const records = () => [...new Set(hints().map(({ object, id }) => `${object} ${id}`))]

beforeEach(async () => {
  received = []
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = connector.receive({
        method: request.method ?? '',
        url: `http://127.0.0.1${request.url}`,
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: Buffer.concat(chunks),
        receivedAt: new Date(),
      })
      received.push(answer)
      response.statusCode = answer.kind === 'accepted' ? answer.reply.status : answer.status
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => server.close())
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/1`

describe('notifications of Dynamics', () => {
  it('come from the endpoint that setting up registers, and name what changed', async () => {
    const needs = { objects: [{ object: 'opportunity', fields: [] }], webhookUrl: url() }
    await connector.setup!.apply(needs, ['webhook'], new AbortController().signal)
    const id = insertDeal()
    simulator.closeAs(id, 'won')
    const other = insertDeal()
    simulator.remove('opportunity', other)
    const deliveries = await simulator.webhooks.deliver({ double: true, shuffle: true })
    expect(deliveries.length).toBeGreaterThan(3)
    expect(deliveries.every(({ status }) => status === 200)).toBe(true)
    expect(records().toSorted()).toEqual([`opportunity ${id}`, `opportunity ${other}`].toSorted())
    const keys = hints().map(({ deduplicationKey }) => deduplicationKey)
    expect(new Set(keys).size).toBeLessThanOrEqual(keys.length / 2)
  })

  it('come from an endpoint that a person registered with a key in its address', async () => {
    simulator.webhooks.register(url(), simulator.credentials.webhookKey)
    const id = insertDeal()
    await simulator.webhooks.deliver()
    expect(records()).toEqual([`opportunity ${id}`])
  })

  it('with another key are refused', async () => {
    simulator.webhooks.register(url(), 'z'.repeat(40))
    insertDeal()
    await simulator.webhooks.deliver()
    expect(received).toMatchObject([{ kind: 'refused', status: 401 }])
  })

  it('of a merge name both records', async () => {
    simulator.webhooks.register(url(), simulator.credentials.webhookKey)
    const [master, loser] = simulator.insertMany('account', [{ name: 'a' }, { name: 'b' }]) as [
      string,
      string,
    ]
    simulator.webhooks.clear()
    simulator.merge('account', master, [loser])
    await simulator.webhooks.deliver()
    expect(records()).toEqual(expect.arrayContaining([`account ${master}`, `account ${loser}`]))
  })

  it('of our own writes are hints that name us, those of people do not', async () => {
    simulator.webhooks.register(url(), simulator.credentials.webhookKey)
    const id = insertDeal()
    await simulator.webhooks.deliver()
    const { userId } = await connector.probe(new AbortController().signal)
    expect(hints().map(({ by }) => by)).not.toContain(userId)
    received = []
    await write(update(id, { name: 'ours' }))
    await simulator.webhooks.deliver()
    expect(records()).toEqual([`opportunity ${id}`])
    expect(new Set(hints().map(({ by }) => by))).toEqual(new Set([userId]))
  })
})

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Signature } from '@hubspot/api-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession } from '#test/simulators/hubspot/session.ts'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'

interface Received {
  readonly body: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads any event and asserts on what it finds
type Event = any

let simulator: HubspotSimulator
let receiver: Server
let received: Received[] = []
let answers: number[] = []

beforeEach(async () => {
  received = []
  answers = []
  receiver = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      received.push({ body: Buffer.concat(parts).toString('utf8'), headers: request.headers })
      response.writeHead(answers.shift() ?? 204).end()
    })
  })
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve)
  })
  const { port } = receiver.address() as AddressInfo
  simulator = await startHubspotSimulator({ webhookTarget: `http://127.0.0.1:${port}/hooks/1` })
})
afterEach(async () => {
  await simulator.close()
  receiver.closeAllConnections()
  receiver.close()
})

const events = (): Event[] => received.flatMap(({ body }) => JSON.parse(body))

describe('webhooks', () => {
  it('are signed so that the vendor’s own check accepts them', async () => {
    simulator.insert('deals', { dealname: 'Añ' })
    await simulator.webhooks.deliver()
    const [{ body, headers } = { body: '', headers: {} }] = received
    expect(
      Signature.isValid({
        clientSecret: simulator.credentials.clientSecret,
        method: 'POST',
        url: String(simulator.webhooks.target),
        requestBody: body,
        timestamp: Number(headers['x-hubspot-request-timestamp']),
        signature: String(headers['x-hubspot-signature-v3']),
        signatureVersion: 'v3',
      }),
    ).toBe(true)
  })

  it('tell who did what: a person, or the app itself', async () => {
    const id = simulator.insert('deals', { dealname: 'A' })
    await openSession(simulator).patch(`/crm/v3/objects/deals/${id}`, {
      properties: { dealstage: 'closedwon' },
    })
    await simulator.webhooks.deliver()
    const seen = events()
    expect(seen[0]).toMatchObject({
      subscriptionType: 'deal.creation',
      objectId: Number(id),
      portalId: Number(simulator.organisationId),
      appId: Number(simulator.credentials.appId),
      attemptNumber: 0,
      changeSource: 'CRM_UI',
      sourceId: `userId:${simulator.personId}`,
    })
    const ofStage = seen.filter(({ propertyName }) => propertyName === 'dealstage')
    expect(ofStage).toMatchObject([
      {
        subscriptionType: 'deal.propertyChange',
        propertyValue: 'closedwon',
        changeSource: 'INTEGRATION',
        sourceId: simulator.credentials.appId,
      },
    ])
    const closing = seen.find(({ propertyName }) => propertyName === 'closedate')
    expect(closing).toMatchObject({ changeSource: 'CALCULATED' })
  })

  it('tell of calculated properties only where somebody asked for one', async () => {
    const id = simulator.insert('deals', { dealname: 'A' })
    const won = () => {
      simulator.update('deals', id, { dealstage: 'closedwon' })
      return simulator.webhooks.deliver()
    }
    await won()
    const named = () => events().map(({ propertyName }) => propertyName)
    expect(named()).not.toContain('hs_is_closed_won')
    simulator.update('deals', id, { dealstage: 'closedlost' })
    simulator.webhooks.subscribe({ eventType: 'deal.propertyChange', propertyName: 'hs_is_closed_won' })
    await won()
    expect(named()).toContain('hs_is_closed_won')
  })

  it('tell another app from ours', async () => {
    simulator.insert('deals', { dealname: 'A' }, 'app:777')
    await simulator.webhooks.deliver()
    expect(events()[0]).toMatchObject({ changeSource: 'INTEGRATION', sourceId: '777' })
  })

  it('tell of deletion, restoring, merging and association', async () => {
    const [left = '', right = ''] = simulator.insertMany('deals', [{ dealname: 'L' }, { dealname: 'R' }])
    const company = simulator.insert('companies', { name: 'Acme' })
    await simulator.webhooks.deliver()
    received = []
    simulator.associate(left, company, 341)
    simulator.remove('deals', right)
    simulator.undelete('deals', right)
    const merged = simulator.merge('deals', left, [right])
    await simulator.webhooks.deliver()
    const of = (type: string) => events().filter(({ subscriptionType }) => subscriptionType === type)
    expect(of('deal.deletion')).toMatchObject([{ objectId: Number(right) }])
    expect(of('deal.restore')).toMatchObject([{ objectId: Number(right) }])
    expect(of('deal.merge')).toMatchObject([
      { primaryObjectId: Number(left), mergedObjectIds: [Number(right)], newObjectId: Number(merged) },
    ])
    expect(of('deal.associationChange')).toMatchObject([
      {
        associationType: 'DEAL_TO_COMPANY',
        fromObjectId: Number(left),
        toObjectId: Number(company),
        associationRemoved: false,
      },
    ])
    expect(of('company.associationChange')).toHaveLength(1)
  })

  it('go out a hundred at a time', async () => {
    simulator.insertMany(
      'companies',
      Array.from({ length: 70 }, (_, at) => ({ name: `C ${at}` })),
    )
    const { delivered, requests } = await simulator.webhooks.deliver()
    const sizes = received.map(({ body }) => JSON.parse(body).length)
    expect(sizes.slice(0, -1).every((size) => size === 100)).toBe(true)
    expect([requests, delivered]).toEqual([received.length, events().length])
    expect(simulator.webhooks.pending()).toEqual([])
  })

  it('come again as a whole batch until they are acknowledged', async () => {
    simulator.insert('companies', { name: 'Acme' })
    answers = [500, 404]
    const first = await simulator.webhooks.deliver()
    expect([first.delivered, first.waiting > 0]).toEqual([0, true])
    await simulator.webhooks.deliver()
    const last = await simulator.webhooks.deliver()
    expect([last.delivered, last.waiting]).toEqual([first.waiting, 0])
    expect(received.map(({ body }) => JSON.parse(body)[0].attemptNumber)).toEqual([0, 1, 2])
    const ids = received.map(({ body }) => JSON.parse(body).map(({ eventId }: Event) => eventId))
    expect(ids[0]).toEqual(ids[2])
  })

  it('are given up after ten more attempts', async () => {
    simulator.insert('companies', { name: 'Acme' })
    answers = Array.from({ length: 11 }, () => 503)
    let lost = 0
    for (let attempt = 0; attempt < 11; attempt += 1) lost += (await simulator.webhooks.deliver()).lost
    expect(lost).toBeGreaterThan(0)
    expect(received).toHaveLength(11)
    expect(simulator.webhooks.pending()).toEqual([])
  })

  it('are lost, doubled and out of order on request', async () => {
    const names = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `C ${at}` }))
    simulator.insertMany('companies', names(40))
    const all = simulator.webhooks.pending().length
    const some = await simulator.webhooks.deliver({ drop: 0.5 })
    expect(some.delivered + some.lost).toBe(all)
    expect(some.lost).toBeGreaterThan(0)
    expect(some.delivered).toBeGreaterThan(0)
    received = []
    simulator.insertMany('companies', names(40))
    const doubled = await simulator.webhooks.deliver({ double: 1, shuffle: true })
    expect(doubled.delivered).toBe(2 * all)
    const order = events().map(({ objectId }) => objectId)
    expect(order).not.toEqual([...order].sort((left, right) => left - right))
  })

  it('go by subscription, of the older kind or the newer', async () => {
    for (const { id } of [...simulator.webhooks.subscriptions]) simulator.webhooks.unsubscribe(id)
    simulator.webhooks.subscribe({
      eventType: 'object.propertyChange',
      objectTypeId: '0-3',
      propertyName: 'amount',
    })
    simulator.insert('companies', { name: 'Acme' })
    simulator.insert('deals', { dealname: 'A', amount: '5' })
    await simulator.webhooks.deliver()
    expect(events()).toMatchObject([
      {
        subscriptionType: 'object.propertyChange',
        objectTypeId: '0-3',
        propertyName: 'amount',
        propertyValue: '5',
      },
    ])
  })

  it('are set up over the API by apps that may', async () => {
    const session = openSession(simulator)
    const base = `/webhooks/v3/${simulator.credentials.appId}`
    const made = await session.post(`${base}/subscriptions`, {
      eventType: 'deal.propertyChange',
      propertyName: 'prm_x',
      active: true,
    })
    expect([made.status, made.body.propertyName]).toEqual([201, 'prm_x'])
    expect((await session.post(`${base}/subscriptions`, { eventType: 'deal.dancing' })).status).toBe(400)
    expect((await session.delete(`${base}/subscriptions/${made.body.id}`)).status).toBe(204)
    await session.put(`${base}/settings`, { targetUrl: 'https://partners.example.com/hooks/1' })
    expect(simulator.webhooks.target).toBe('https://partners.example.com/hooks/1')
    expect((await session.get('/webhooks/v3/1/settings')).status).toBe(404)
  })

  it('go out when another process says so', async () => {
    const control = (method: string, path: string, body: unknown) =>
      fetch(`${simulator.url}/__simulator/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const deal = simulator.insert('deals', { dealname: 'A' })
    const company = simulator.insert('companies', { name: 'Acme' })
    const link = { fromId: deal, toId: company, typeId: 5 }
    expect((await control('POST', 'associations', link)).status).toBe(204)
    expect(simulator.associated(deal, 5)).toEqual([company])
    expect((await control('DELETE', 'associations', link)).status).toBe(204)
    expect(simulator.associated(deal, 5)).toEqual([])
    const url = String(simulator.webhooks.target)
    simulator.webhooks.target = null
    expect((await control('POST', 'webhooks/deliver', {})).status).toBe(400)
    await control('PUT', 'webhooks/target', { url })
    const answer = await control('POST', 'webhooks/deliver', { shuffle: true })
    expect(await answer.json()).toMatchObject({ delivered: events().length, waiting: 0, lost: 0 })
    expect(events().length).toBeGreaterThan(0)
  })
})

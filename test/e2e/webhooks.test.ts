import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Application } from '#src/application.ts'
import {
  type Installation,
  registrationOf,
  sampleCompanies,
  setUpInstallations,
} from '#test/demo/installation.ts'
import { readBooks } from '#test/proof/books.ts'
import { earnedCents } from '#test/proof/earnings.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type Api, createApi, eventually } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import { freePort } from '#test/support/free-port.ts'
import { createRandom, type Random } from '#test/support/random.ts'

const dealsEach = 8
const rounds = 3
const lostShare = 0.2
/** So rarely that whatever arrives in between was pushed. */
const pollSeconds = 3_600

const db = useDatabase()
let application: Application & { readonly url: string }
let admin: Api
let salesforce: SalesforceSimulator
let dynamics: DynamicsSimulator
let hubspot: HubspotSimulator
let installations: readonly Installation[]
let desks: readonly [CrmDesk, CrmDesk, CrmDesk]
const relays: Server[] = []
/** Their deals, by the vendor. */
const deals = new Map<string, readonly LinkedDeal[]>()

interface LinkedDeal {
  readonly id: string
  readonly remoteId: string
  readonly tier: 'gold' | 'silver'
}

beforeAll(async () => {
  salesforce = await startSalesforceSimulator()
  dynamics = await startDynamicsSimulator({ prepared: false })
  hubspot = await startHubspotSimulator()
  desks = [
    salesforceDesk(salesforce),
    // Their webhooks go out when the test says so, disturbed as it says.
    { ...dynamicsDesk(dynamics), tellAt: () => undefined },
    {
      ...hubspotDesk(hubspot),
      tellAt(url) {
        hubspot.webhooks.target = url
      },
    },
  ]
  const port = await freePort()
  application = await startApplication(db.database, db.url, { port })
  await application.startWork()
  admin = createApi(application.url, (await application.bootstrapToken()) ?? '')
  installations = await setUpInstallations(admin, desks, { pollSeconds })
  const companies = sampleCompanies()
  for (const [place, installation] of installations.entries())
    await registerDeals(installation, companies.slice(place * dealsEach, (place + 1) * dealsEach))
  for (const [place, desk] of desks.entries()) deals.set(desk.vendor, await linkedDeals(desk, place))
  await Promise.all([hubspot.webhooks.deliver(), dynamics.webhooks.deliver()])
}, 90_000)

afterAll(async () => {
  for (const relay of relays) relay.close()
  await application.close(10_000)
  await Promise.all([salesforce, dynamics, hubspot].map((simulator) => simulator.close()))
})

async function registerDeals(
  installation: Installation,
  companies: ReturnType<typeof sampleCompanies>,
): Promise<void> {
  for (const [index, company] of companies.entries()) {
    const partner = installation.partners[index % installation.partners.length]
    const deal = await partner?.api.post('/api/v1/deals', {
      ...registrationOf(company, installation),
      submit: true,
    })
    await admin.post(`/api/v1/deals/${deal.id}/approve`)
  }
}

async function linkedDeals(desk: CrmDesk, place: number): Promise<LinkedDeal[]> {
  const gold = installations[place]?.partners[0]?.id
  const seen = await eventually(`the deals are in ${desk.name}`, async () => {
    const found = desk.deals().filter(({ key, companyId, partnerId }) => key && companyId && partnerId)
    return found.length === dealsEach && found
  })
  return seen.map(({ id, key, partnerId }) => ({
    id: key ?? '',
    remoteId: id,
    tier: desk.company(partnerId ?? '')?.partnerKey === gold ? 'gold' : 'silver',
  }))
}

const salesforceSide = () => desks[0]
const dynamicsSide = () => desks[1]
const hubspotSide = () => desks[2]
const connectionOf = (desk: CrmDesk): string => installations[desks.indexOf(desk)]?.connectionId ?? ''
const hookOf = (desk: CrmDesk): string => `${application.url}/hooks/${connectionOf(desk)}`
const dealsOf = ({ vendor }: CrmDesk): readonly LinkedDeal[] => deals.get(vendor) ?? []

/** Sales win, re-open and change amounts, each as it comes to their mind. */
function actAtRandom(desk: CrmDesk, random: Random): void {
  const { remoteId } = random.pick(dealsOf(desk))
  const amount = random.whole(500_000, 30_000_000) / 100
  if (desk.deal(remoteId)?.outcome !== 'open') desk.reopen(remoteId)
  else if (random.chance(0.6)) desk.close(remoteId, 'won', amount)
  else desk.change(remoteId, { amount })
}

/** Nothing waits to be read or compared, and the service has nothing more to say to the CRM. */
async function waitUntilQuiet(desk: CrmDesk): Promise<void> {
  let quietSinceMs = Date.now()
  await eventually(`${desk.name} is quiet`, async () => {
    const { push, dirty } = await admin.get(`/api/v1/connections/${connectionOf(desk)}/health`)
    if (push.hints > 0 || dirty > 0) quietSinceMs = Date.now()
    return Date.now() - quietSinceMs > 700
  })
}

const centsOf = (amount: number | null): string => String(Math.round((amount ?? 0) * 100))

/** Both sides say the same, and the ledger owes what the plan says: one accrual, and what followed from it. */
async function expectEqualSides(desk: CrmDesk): Promise<void> {
  const books = await readBooks(admin)
  for (const { id, remoteId, tier } of dealsOf(desk)) {
    const there = desk.deal(remoteId)
    const here = await admin.get(`/api/v1/deals/${id}`)
    expect({ id, outcome: here.outcome, cents: here.amountMinor }).toEqual({
      id,
      outcome: there?.outcome,
      cents: centsOf(there?.amount ?? null),
    })
    const won = there?.outcome === 'won'
    const amount = (Number(centsOf(there?.amount ?? null)) / 100).toFixed(2)
    const chain = books.entries.filter(({ dealId }) => dealId === id)
    const accruals = chain.filter(({ kind }) => kind === 'accrual')
    expect(books.earnedByDeal.get(id) ?? 0n).toBe(earnedCents({ tier, products: ['SUITE'], amount, won }))
    expect(accruals.length).toBe(won || chain.length > 0 ? 1 : 0)
    expect(chain.filter(({ kind }) => kind !== 'accrual' && kind !== 'adjustment')).toEqual([])
  }
}

/** One that is under way may have begun too early to see everything. */
async function pollOnce(desk: CrmDesk): Promise<void> {
  await vi.waitFor(() => admin.post(`/api/v1/connections/${connectionOf(desk)}/poll`), {
    timeout: 30_000,
    interval: 100,
  })
  await waitUntilQuiet(desk)
}

const wonIn = (desk: CrmDesk): number =>
  dealsOf(desk).filter(({ remoteId }) => desk.deal(remoteId)?.outcome === 'won').length

/** What a stranger or a repeated delivery must not move. */
async function standOf(desk: CrmDesk) {
  await waitUntilQuiet(desk)
  const { entries } = await readBooks(admin)
  return Promise.all(
    dealsOf(desk).map(async ({ id }) => {
      const { outcome, amountMinor, updatedAt } = await admin.get(`/api/v1/deals/${id}`)
      const posted = entries.flatMap((entry) => (entry.dealId === id ? entry.id : []))
      return { id, outcome, amountMinor, updatedAt, posted }
    }),
  )
}

/** A deal that nobody was told of yet: reading it would show. */
function changeUnheard(desk: CrmDesk): void {
  const open = dealsOf(desk).find(({ remoteId }) => desk.deal(remoteId)?.outcome === 'open')
  if (!open) throw new Error('no deal is open')
  desk.change(open.remoteId, { amount: 4_711.11 })
}

/** What was asked about deals over there; definitions are looked at now and then for their own sake. */
const dealCalls = ({ simulator, dealObject }: CrmDesk): readonly string[] =>
  simulator.calls.log
    .filter(({ object, operation }) => object === dealObject && operation !== 'metadata')
    .map(({ operation }) => operation)

const post = async (url: string, headers: Readonly<Record<string, string>>, body: string): Promise<number> =>
  (await fetch(url, { method: 'POST', headers, body })).status

/** Rounds of such acts, told of by `tell`; then one poll for what nobody heard of. */
async function disturb(
  desk: CrmDesk,
  seed: number,
  tell: (round: number) => Promise<unknown>,
): Promise<void> {
  const random = createRandom(seed)
  for (let round = 0; round < rounds; round += 1) {
    for (let act = 0; act < 8; act += 1) actAtRandom(desk, random)
    await tell(round)
    await waitUntilQuiet(desk)
  }
  expect(wonIn(desk)).toBeGreaterThan(0)
  await pollOnce(desk)
  await expectEqualSides(desk)
}

/** The first deal is won, or opened again where it was. */
function turnFirst(desk: CrmDesk): void {
  const remoteId = dealsOf(desk)[0]?.remoteId ?? ''
  if (desk.deal(remoteId)?.outcome === 'open') desk.close(remoteId, 'won', 12_345.67)
  else desk.reopen(remoteId)
}

describe('both sides are equal after one poll, whatever happens on the way to', () => {
  test.concurrent('webhooks of HubSpot that are lost, doubled and out of order', () =>
    disturb(hubspotSide(), 1, () =>
      hubspot.webhooks.deliver({ drop: lostShare, double: lostShare, shuffle: true }),
    ))

  test.concurrent('webhooks of Dynamics 365 that are lost, doubled and out of order', () =>
    disturb(dynamicsSide(), 2, () => {
      const part = Math.ceil(dynamics.webhooks.pending * lostShare)
      return dynamics.webhooks.deliver({ drop: part, double: part, shuffle: true })
    }))

  test.concurrent('change events of Salesforce that are doubled and reordered, over a connection that is lost', async () => {
    await eventually('the stream is held', async () => salesforce.streams.held > 0)
    salesforce.streams.setDelivery({ double: true, reverse: true })
    await disturb(salesforceSide(), 3, async (round) => {
      if (round === 0) salesforce.streams.cutConnections()
      if (round === 1) salesforce.streams.dropClients()
    })
  })
})

describe('deliveries that are forged, or were seen before, change nothing', () => {
  test.concurrent('from HubSpot', async () => {
    const desk = hubspotSide()
    turnFirst(desk)
    const body = JSON.stringify(hubspot.webhooks.pending())
    await hubspot.webhooks.deliver()
    await waitUntilQuiet(desk)
    await expectEqualSides(desk)
    const before = await standOf(desk)
    changeUnheard(desk)
    const url = hookOf(desk)
    const signed = hubspot.webhooks.sign(body, { url })
    const unheard = JSON.stringify(hubspot.webhooks.pending())
    hubspot.calls.reset()
    expect(await post(url, signed, unheard)).toBe(401)
    expect(await post(url, { ...signed, 'x-hubspot-signature-v3': 'Zm9yZ2Vk' }, unheard)).toBe(401)
    expect(await post(url, { 'content-type': 'application/json' }, unheard)).toBe(401)
    expect(await post(url, signed, body)).toBe(200)
    expect(await standOf(desk)).toEqual(before)
    expect(dealCalls(desk)).toEqual([])
    await hubspot.webhooks.deliver()
    await waitUntilQuiet(desk)
    await expectEqualSides(desk)
  })

  test.concurrent('from Dynamics 365', async () => {
    const desk = dynamicsSide()
    const url = hookOf(desk)
    const heard = await overhear(url)
    turnFirst(desk)
    await dynamics.webhooks.deliver()
    await waitUntilQuiet(desk)
    await expectEqualSides(desk)
    const known = heard.splice(0)
    expect(known.length).toBeGreaterThan(0)
    const before = await standOf(desk)
    changeUnheard(desk)
    dynamics.calls.reset()
    for (const { headers, body } of known) {
      const forged = body.replace(/"OperationId":"[^"]+"/, `"OperationId":"${randomUUID()}"`)
      expect(forged).not.toBe(body)
      const { 'x-counterpart-key': _key, ...keyless } = headers
      expect(await post(url, keyless, forged)).toBe(401)
      expect(await post(url, { ...headers, 'x-counterpart-key': 'a guess of someone' }, forged)).toBe(401)
      expect(await post(url, headers, body)).toBe(200)
    }
    expect(await standOf(desk)).toEqual(before)
    expect(dealCalls(desk)).toEqual([])
    await dynamics.webhooks.deliver()
    await waitUntilQuiet(desk)
    await expectEqualSides(desk)
  })
})

interface Heard {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Puts somebody on the way of Dynamics' notifications to our service who passes them on and keeps a copy. */
async function overhear(url: string): Promise<Heard[]> {
  const heard: Heard[] = []
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) =>
        /^x-|^content-type$/.test(name) ? [[name, String(value)]] : [],
      ),
    )
    const body = await text(request)
    heard.push({ headers, body })
    response.writeHead(await post(url, headers, body)).end()
  }
  const relay = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  })
  relays.push(relay)
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo
  for (const endpoint of dynamics.list('serviceendpoint')) {
    dynamics.update('serviceendpoint', String(endpoint['serviceendpointid']), {
      url: `http://127.0.0.1:${port}/`,
    })
  }
  return heard
}

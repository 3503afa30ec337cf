/** Calls per 1,000 changed records against the simulated Salesforce, whose limits are those of the real one. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Installation, registrationOf, setUpInstallation } from '#test/demo/installation.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type Api, createApi, eventually } from '#test/support/api-client.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import { query } from '#test/support/sql.ts'
import { createCompanies } from './companies.ts'
import type { Ground } from './ground.ts'
import { startProduct } from './processes.ts'
import type { Scale } from './scale.ts'
import { openService } from './seeding.ts'
import { round1 } from './turns.ts'

const pollSeconds = 5
const atOnce = 8
const settledWithinMs = 300_000
/** Records that one call may carry. */
const recordsPerCall = 200

export async function benchSync(ground: Ground, { sync: { deals: count, quietSeconds } }: Scale) {
  const url = await ground.create('sync')
  const simulator = await startSalesforceSimulator()
  const installation = await install(url, simulator)
  const bench = { url, simulator, count }
  try {
    const dealIds = await withoutWork(url, installation.admin.token, (admin) =>
      register(admin, installation, count),
    )
    const created = await workOff(bench, () => linkedDeals(url, count))
    await withoutWork(url, installation.admin.token, (admin) =>
      each(dealIds, (id) => admin.call('PATCH', `/api/v1/deals/${id}`, { expectedCloseDate: '2027-04-30' })),
    )
    const ours = await workOff(bench, async () =>
      simulator.list('Opportunity').every(({ CloseDate }) => CloseDate === '2027-04-30'),
    )
    for (const { Id } of simulator.list('Opportunity')) {
      simulator.update('Opportunity', String(Id), { StageName: 'Negotiation/Review' })
    }
    const theirs = await workOff(bench, () => dealsInStage(url, 'Negotiation/Review', count))
    const nothing = await workOff(bench, async () => true, quietSeconds)
    const limit = Math.ceil(count / recordsPerCall)
    return {
      deals: count,
      limit: { writes: limit, reads: limit, what: `${recordsPerCall} records a call` },
      created: { ...created, goal: `${limit} writes of each object` },
      changedHere: { ...ours, goal: `${limit} writes, at most as many reads` },
      changedThere: { ...theirs, goal: 'no write, no read but polls' },
      nothingChanged: { ...nothing, seconds: quietSeconds, goal: 'no write, no read but polls' },
    }
  } finally {
    await simulator.close()
  }
}

/** The demo's installation, which approves by itself what is clear. */
async function install(url: string, simulator: SalesforceSimulator): Promise<Installation> {
  const service = await openService(url)
  const token = await service.bootstrapToken()
  await service.close()
  const product = await startProduct(url, 'all')
  try {
    const admin = createApi(product.url, token ?? '')
    const installation = await setUpInstallation(admin, salesforceDesk(simulator), {
      autoApproval: { all: [] },
      pollSeconds,
    })
    await eventually('the CRM is mirrored', () =>
      isTrue(url, 'select count(*) > 0 and bool_and(complete) as yes from mirror_source'),
    )
    return installation
  } finally {
    await product.stop()
  }
}

/** Runs `work` while nothing is worked off behind it, so that what it changes waits together. */
async function withoutWork<T>(url: string, token: string, work: (admin: Api) => Promise<T>): Promise<T> {
  const product = await startProduct(url, 'api')
  try {
    return await work(createApi(product.url, token))
  } finally {
    await product.stop()
  }
}

async function each(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<void> {
  const left = ids.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const id of left) await work(id)
    }),
  )
}

/** Registrations that are approved by themselves; what looks like another one is left to a person and not counted. */
async function register(admin: Api, installation: Installation, count: number): Promise<string[]> {
  const companies = createCompanies(11)
  const partnerId = installation.partners[0]?.id
  const dealIds: string[] = []
  let next = 0
  while (dealIds.length < count) {
    if (next > 2 * count) throw new Error('Most registrations are not approved by themselves')
    const wanted = Array.from({ length: count - dealIds.length }, () => String(next++))
    await each(wanted, async (index) => {
      const { name, country, city } = companies.companyAt(Number(index))
      const domain = `company-${index}-of-many.com`
      const typed = registrationOf({ name, domain, city: city ?? '', zip: '', country: '' }, installation)
      const deal = await admin.post('/api/v1/deals', { ...typed, country, partnerId, submit: true })
      if (deal.status === 'approved') dealIds.push(deal.id)
    })
  }
  return dealIds
}

interface Work {
  readonly url: string
  readonly simulator: SalesforceSimulator
  readonly count: number
}

/** Starts the service with its work and waits until `done` and nothing is left to do, and `quietSeconds` longer. */
async function workOff({ url, simulator, count }: Work, done: () => Promise<boolean>, quietSeconds = 0) {
  simulator.calls.reset()
  const startedMs = performance.now()
  const product = await startProduct(url, 'all')
  try {
    await eventually(
      'all is settled',
      async () => (await done()) && (await nothingLeft(url)),
      settledWithinMs,
    )
    const seconds = (performance.now() - startedMs) / 1000
    await delay(quietSeconds * 1000)
    return {
      ...callsOf(simulator),
      ...(quietSeconds === 0 ? { recordsPerSecond: round1(count / seconds) } : {}),
    }
  } finally {
    await product.stop()
  }
}

function callsOf(simulator: SalesforceSimulator) {
  const { log } = simulator.calls
  const matching = (pattern: RegExp) => log.filter(({ operation }) => pattern.test(operation))
  const writes = matching(/^(?:collections-)?(?:create|update|upsert|delete)$/)
  const byObject = Map.groupBy(writes, ({ object }) => object ?? 'several')
  return {
    writes: writes.length,
    writesByObject: Object.fromEntries(
      [...byObject].map(([object, calls]) => [object, calls.map(({ records }) => records)]),
    ),
    readsById: matching(/^(?:collections-)?read$/).length,
    polls: matching(/^(?:query|query-more|updated|deleted)$/).length,
  }
}

const isTrue = async (url: string, statement: string, values: unknown[] = []): Promise<boolean> =>
  (await query<{ yes: boolean }>(url, statement, values))[0]?.yes === true

const nothingLeft = (url: string) =>
  isTrue(url, 'select not exists (select from dirty_mark where parked_at is null) as yes')
const linkedDeals = (url: string, count: number) =>
  isTrue(url, `select count(*) = $1 as yes from link where entity = 'deal' and state = 'active'`, [count])
const dealsInStage = (url: string, stage: string, count: number) =>
  isTrue(url, 'select count(*) = $2 as yes from deal where stage = $1', [stage, count])

/** An installation with one CRM, its twin that nobody works with, and the service as a process of its own. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Installation, registrationOf, setUpInstallations } from '#test/demo/installation.ts'
import { type Api, ApiProblem, createApi } from '#test/support/api-client.ts'
import { createCompanies } from './companies.ts'
import { type CpuTime, watchCpu } from './cpu.ts'
import type { Ground } from './ground.ts'
import { type ServerProcess, startProduct } from './processes.ts'
import { openService } from './seeding.ts'
import { type BenchCrm, startCrm } from './sync-crms.ts'

const atOnce = 8
/** Polls are asked for when they are wanted, not waited for. */
const pollSeconds = 300
const settledWithinMs = 120_000
const lookEveryMs = 20

export interface SyncGround {
  readonly url: string
  readonly crm: BenchCrm
  readonly twin: BenchCrm
  readonly installation: Installation
  readonly product: ServerProcess
  yes(statement: string, values?: unknown[]): Promise<boolean>
  /** Nothing is worked off from here on, and what was begun is over. */
  pause(): Promise<void>
  resume(): Promise<void>
  poll(): Promise<void>
  /** Waits until this holds and no record is left to do. @returns ms since `sinceMs`, a reading of `performance.now()` */
  done(sinceMs: number, statement: string, values: unknown[]): Promise<number>
  /** The same until nothing at all is left to do. */
  settled(sinceMs: number, statement?: string, values?: unknown[]): Promise<number>
  watchCpu(): Promise<() => Promise<CpuTime>>
  /** Ids of new deals that were approved by themselves. */
  register(count: number): Promise<string[]>
  change(dealIds: readonly string[], expectedCloseDate: string): Promise<void>
  close(): Promise<void>
}

const pauseRequest = { reason: 'The bench prepares its next turn' }
const nothingToDo = 'not exists (select from dirty_mark where parked_at is null)'
/** Echoes of our own writes wait for the next poll, which is no part of bringing a change over. */
const nothingLeft = `${nothingToDo} and not exists (select from hint)`

interface Started extends Pick<SyncGround, 'url' | 'crm' | 'twin' | 'product'> {
  readonly ground: Ground
  readonly token: string
}

export async function openSyncGround(ground: Ground, vendor: BenchCrm['vendor']): Promise<SyncGround> {
  const url = await ground.create(`sync_${vendor}`)
  const crm = await startCrm[vendor]()
  const twin = await startCrm[vendor]('Twin')
  const service = await openService(url)
  const token = (await service.bootstrapToken()) ?? ''
  await service.close()
  const product = await startProduct(url, 'all')
  try {
    return await install({ ground, url, crm, twin, product, token })
  } catch (error) {
    await product.stop()
    throw error
  }
}

async function install({ ground, url, crm, twin, product, token }: Started): Promise<SyncGround> {
  const admin: Api = createApi(product.url, token)
  const installations = await setUpInstallations(admin, [crm.desk, twin.desk], {
    autoApproval: { all: [] },
    pollSeconds,
  })
  const [installation, unused] = installations
  if (!installation || !unused) throw new Error('There is no installation')
  await admin.post(`/api/v1/connections/${unused.connectionId}/pause`, pauseRequest)
  const watcher = new pg.Pool({ connectionString: url, application_name: 'bench', max: 4 })
  watcher.on('error', () => undefined)
  const connection = `/api/v1/connections/${installation.connectionId}`
  const yes = async (statement: string, values: unknown[] = []) =>
    (await watcher.query<{ yes: boolean }>(`select (${statement}) as yes`, values)).rows[0]?.yes === true
  const wait = async (what: string, done: () => Promise<boolean>) => {
    const deadline = performance.now() + settledWithinMs
    while (!(await done())) {
      if (performance.now() > deadline) throw new Error(`Did not come true: ${what}`)
      await delay(lookEveryMs)
    }
  }
  await wait('the CRM is mirrored', () =>
    yes('select count(*) > 0 and bool_and(complete) from mirror_source'),
  )
  const companies = createCompanies(11)
  let nextCompany = 0

  const pollOnce = async (): Promise<boolean> => {
    try {
      await admin.post(`${connection}/poll`)
      return true
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 409) return false
      throw error
    }
  }

  const one = async (index: number): Promise<string[]> => {
    const { name, country, city } = companies.companyAt(index)
    const domain = `company-${index}-of-many.com`
    const typed = registrationOf({ name, domain, city: city ?? '', zip: '', country: '' }, installation)
    const partnerId = installation.partners[0]?.id
    const deal = await admin.post('/api/v1/deals', { ...typed, country, partnerId, submit: true })
    return deal.status === 'approved' ? [deal.id] : []
  }

  return {
    url,
    crm,
    twin,
    installation,
    product,
    yes,
    async pause() {
      await admin.post(`${connection}/pause`, pauseRequest)
      await wait('work that was begun is over', () =>
        yes('not exists (select from link where writing_at is not null)'),
      )
    },
    resume: async () => void (await admin.post(`${connection}/resume`)),
    async poll() {
      // One that is under way may have begun too early to see everything.
      while (!(await pollOnce())) await delay(lookEveryMs)
    },
    async done(sinceMs, statement, values) {
      await wait('all is done', () => yes(`${nothingToDo} and (${statement})`, values))
      return performance.now() - sinceMs
    },
    async settled(sinceMs, statement = 'true', values = []) {
      await wait('all is settled', () => yes(`${nothingLeft} and (${statement})`, values))
      return performance.now() - sinceMs
    },
    watchCpu: () =>
      watchCpu(product.processId, async () => {
        const { rows } = await watcher.query<{ pid: number }>(
          `select pid from pg_stat_activity
           where datname = current_database() and backend_type = 'client backend' and application_name <> 'bench'`,
        )
        return rows.map(({ pid }) => pid)
      }),
    // What looks like another one is left to a person and not counted.
    async register(count) {
      const dealIds: string[] = []
      const most = nextCompany + 2 * count
      while (dealIds.length < count) {
        if (nextCompany > most) throw new Error('Most registrations are not approved by themselves')
        const wanted = Array.from({ length: count - dealIds.length }, () => nextCompany++)
        await each(wanted, async (index) => void dealIds.push(...(await one(index))))
      }
      return dealIds
    },
    change: (dealIds, expectedCloseDate) =>
      each(dealIds, (id) => admin.call('PATCH', `/api/v1/deals/${id}`, { expectedCloseDate })),
    async close() {
      await watcher.end()
      await product.stop()
      await crm.simulator.close()
      await twin.simulator.close()
      await ground.drop(`sync_${crm.vendor}`)
    },
  }
}

async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await work(item)
    }),
  )
}

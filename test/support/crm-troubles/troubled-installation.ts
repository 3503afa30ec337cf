/**
 * The whole service over HTTP with one CRM that gets into trouble: a fresh one for every test, set up and read once.
 * Nothing works by itself; `inStep` does. What is asked here is what people see, here and over there.
 */
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import type { Application } from '#src/application.ts'
import type { Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { holdChannels } from '#src/sync/passes/listening.ts'
import { type Api, ApiProblem, createApi } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'
import type { SeenDeal } from '#test/support/desks/crm-desk.ts'
import { freePort } from '#test/support/free-port.ts'
import { createRandom } from '#test/support/random.ts'
import type { Disturbance, OpenTroubledCrm, TroubledCrm, TroubleOptions } from './crm-troubles.ts'

export type TroubledInstallation = ReturnType<typeof useTroubledInstallation>

/** The record that stands for a deal over there, of which there must be exactly one. */
export function onlyDealOf(prm: TroubledInstallation, dealId: string): SeenDeal {
  const found = prm.crm.desk.dealsOf(dealId)
  expect(found).toHaveLength(1)
  return found[0]!
}

export function useTroubledInstallation(openCrm: OpenTroubledCrm) {
  const db = useDatabase()
  let application: Application & { readonly url: string }
  let admin: Api
  let programmeId = ''
  let tierId = ''
  let crm: TroubledCrm
  let connectionId = ''
  let partnerId = ''
  const random = createRandom(1)
  let ranks = 1
  let listening = new AbortController()
  let listened: Promise<void> = Promise.resolve()

  beforeAll(async () => {
    application = await startApplication(db.database, db.url, { port: await freePort() })
    admin = createApi(application.url, (await application.bootstrapToken()) ?? '')
    const decider = await admin.post('/api/v1/users', {
      email: 'mona.manager@vendor.example',
      name: 'Mona Manager',
      roles: ['channel_manager'],
    })
    const programme = await admin.post('/api/v1/programmes', {
      name: 'Resellers',
      timeZone: 'UTC',
      currency: 'USD',
      deciderId: decider.id,
    })
    programmeId = programme.id
    const tier = await admin.post(`/api/v1/programmes/${programmeId}/tiers`, { name: 'Gold', rank: 1 })
    tierId = tier.id
  })
  afterEach(async () => {
    vi.useRealTimers()
    await stopListening()
    if (connectionId === '') return
    await admin.post(`${path()}/pause`, { reason: 'the test is over' })
    await crm.simulator.close()
    connectionId = ''
  })
  afterAll(() => application.close(5_000))

  async function stopListening(): Promise<void> {
    listening.abort()
    await listened
  }
  const run = <T>(work: (tx: Tx) => Promise<T>) => db.database.transact(systemActor('test'), work)
  const path = () => `/api/v1/connections/${connectionId}`
  const here = () => `connectionId=${connectionId}`

  /** A name so unlike the others that no two companies of a file are taken for the same. */
  const uniqueName = () =>
    Array.from({ length: 12 }, () => random.pick([...'abcdefghijklmnopqrstuvwxyz'])).join('')

  /** A fresh CRM, connected, set up and read once, that all deals go to from now on; and a new partner. */
  async function connect(options: TroubleOptions = {}): Promise<void> {
    crm = await openCrm(options)
    const { desk } = crm
    const created = await admin.post('/api/v1/connections', {
      name: `${desk.name} ${uniqueName()}`,
      vendor: desk.vendor,
      credentials: desk.credentials,
      homeCurrency: 'USD',
      paused: true,
    })
    connectionId = created.id
    await admin.post(`${path()}/check`)
    const plan = await admin.get(`${path()}/setup`)
    const steps = plan.steps.filter(({ state }: { state: string }) => ['missing', 'wrong'].includes(state))
    if (steps.length > 0)
      await admin.post(`${path()}/setup`, { steps: steps.map(({ id }: { id: string }) => id) })
    await admin.post(`${path()}/resume`)
    await admin.call('PUT', '/api/v1/deal-routing', { rules: [], defaultConnectionId: connectionId })
    if (crm.push.kind === 'webhook') crm.push.target(`${application.url}/hooks/${connectionId}`)
    const name = uniqueName()
    const partner = await admin.post('/api/v1/partners', {
      name: `${name} Systems`,
      domain: `${name}.com`,
      currency: 'USD',
      country: 'DE',
    })
    partnerId = partner.id
    await admin.call('PUT', `/api/v1/partners/${partnerId}/memberships/${programmeId}`, { tierId })
    await inStep()
  }

  /** What is due leaves at once instead of gathering company or waiting for its time; one round of work. */
  async function work(): Promise<void> {
    await run((tx) =>
      sql`update dirty_mark set ready_at = clock_timestamp(), due_at = least(due_at, clock_timestamp())
          where connection_id = ${connectionId}`.execute(tx),
    )
    await application.capabilities.drains.reconcile(AbortSignal.timeout(60_000))
  }

  /** Reads what changed over there. Answers the code of the refusal where the CRM, or a pause, stands against it. */
  async function poll(): Promise<string | null> {
    try {
      await admin.post(`${path()}/poll`)
      return null
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 409)
        return (error.body as { readonly code: string }).code
      throw error
    }
  }

  async function isBusy(): Promise<boolean> {
    const { rows } = await run((tx) =>
      sql`select 1 from dirty_mark
          where connection_id = ${connectionId} and parked_at is null and waiting_for is null limit 1`.execute(
        tx,
      ),
    )
    return rows.length > 0
  }

  /** Polls and works until nothing is left that could be done now. */
  async function inStep(turns = 2): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) {
      // A minute goes by between two turns, as far as our own limits of calls are concerned.
      await run((tx) =>
        sql`update call_block set taken_at = taken_at - interval '1 minute' where connection_id = ${connectionId}`.execute(
          tx,
        ),
      )
      await poll()
      for (let round = 0; round < 15 && (await isBusy()); round += 1) {
        await work()
        if ((await health()).status !== 'active') return
      }
    }
  }

  const health = () => admin.get(`${path()}/health`)

  /** A complete registration of a company of its own, not yet decided. */
  async function register(over: Record<string, unknown> = {}): Promise<string> {
    const name = uniqueName()
    const deal = await admin.post('/api/v1/deals', {
      programmeId,
      partnerId,
      companyName: `${name} Werke GmbH`,
      domain: `${name}.com`,
      country: 'DE',
      contactName: 'Cora Contact',
      contactEmail: `cora@${name}.com`,
      need: 'They replace their telephone system this year',
      amountMinor: '5000000',
      currency: 'USD',
      expectedCloseDate: '2027-06-30',
      registrationType: 'resale',
      products: [],
      submit: true,
      ...over,
    })
    return deal.id
  }

  async function approve(dealId: string): Promise<string> {
    await admin.post(`/api/v1/deals/${dealId}/approve`)
    return dealId
  }

  return {
    get crm() {
      return crm
    },
    get connectionId() {
      return connectionId
    },
    get path() {
      return path()
    },
    get partnerId() {
      return partnerId
    },
    api: () => admin,
    /** Moves the partner to a tier of this name. */
    async promote(name: string): Promise<void> {
      ranks += 1
      const tier = await admin.post(`/api/v1/programmes/${programmeId}/tiers`, { name, rank: ranks })
      await admin.call('PUT', `/api/v1/partners/${partnerId}/memberships/${programmeId}`, { tierId: tier.id })
    },
    connect,
    inStep,
    work,
    poll,
    isBusy,
    health,
    register,
    approve,
    approved: async (over: Record<string, unknown> = {}) => approve(await register(over)),
    /** A deal that is in the CRM and in step. */
    async linked(
      over: Record<string, unknown> = {},
    ): Promise<{ readonly id: string; readonly remote: SeenDeal }> {
      const id = await approve(await register(over))
      await inStep()
      const [remote] = crm.desk.dealsOf(id)
      if (!remote) throw new Error(`The deal did not reach ${crm.desk.name}`)
      return { id, remote }
    },
    deal: (id: string) => admin.get(`/api/v1/deals/${id}`),
    async change(id: string, fields: Record<string, unknown>): Promise<void> {
      const { etag } = await admin.call('GET', `/api/v1/deals/${id}`)
      await admin.call('PATCH', `/api/v1/deals/${id}`, fields, { 'if-match': etag ?? '' })
    },
    /** Prolongs the protection. Answers its last day. */
    async extend(id: string, days: number): Promise<string> {
      const { etag } = await admin.call('GET', `/api/v1/deals/${id}`)
      const body = { days, reason: 'the budget was moved' }
      const answer = await admin.call('POST', `/api/v1/deals/${id}/extend`, body, { 'if-match': etag ?? '' })
      return answer.body.protection.until
    },
    parked: async () => (await admin.get(`/api/v1/parked-records?${here()}`)).items,
    reviews: async () => (await admin.get(`/api/v1/review-items?state=open&${here()}`)).items,
    attempts: () => admin.all(`/api/v1/sync-attempts?${here()}`),
    link: async (entity: string, recordId: string) =>
      (await admin.get(`/api/v1/links?${here()}&entity=${entity}&recordId=${recordId}`)).items[0],
    replay: () => admin.post('/api/v1/parked-records/replay', { all: true, connectionId }),
    resume: () => admin.post(`${path()}/resume`),
    standing: () => admin.get(path()),
    replaceCredentials: (credentials: Readonly<Record<string, unknown>>) =>
      admin.call('PUT', `${path()}/credentials`, { credentials }),
    /** The time of a pause goes by, in the database and in this process. */
    pass(seconds: number): Promise<void> {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1_000 })
      return run(async (tx) => {
        const span = sql`make_interval(secs => ${seconds})`
        await sql`update connection set paused_until = paused_until - ${span} where id = ${connectionId}`.execute(
          tx,
        )
        await sql`update call_budget set throttled_until = throttled_until - ${span}
                  where connection_id = ${connectionId}`.execute(tx)
      })
    },
    /** What is done at most once a minute may be done again. */
    forgetLeases: () =>
      run((tx) =>
        sql`update sync_slot set leased_until = '-infinity' where connection_id = ${connectionId}`.execute(
          tx,
        ),
      ),
    /** Reads what webhooks told of, of our own writes too, as if these had been a while ago. */
    async readHints(): Promise<void> {
      await run(async (tx) => {
        await sql`update push_channel set hints_read_at = null where connection_id = ${connectionId}`.execute(
          tx,
        )
        await sql`update link set written_at = written_at - interval '1 minute'
                  where connection_id = ${connectionId}`.execute(tx)
      })
      await application.capabilities.drains.hints(AbortSignal.timeout(60_000))
    },
    /** Lets people over there work while the CRM tells of it, disturbed, until the end of the test. */
    async listen() {
      const { push } = crm
      const hold = async () => {
        if (push.kind === 'webhook') return
        listening = new AbortController()
        const { engine } = application.capabilities
        listened = holdChannels(engine, { ring: () => undefined }, listening.signal, {
          lookMs: 20,
          renewMs: 20,
        })
        await vi.waitFor(() => expect(push.held()).toBeGreaterThan(0), { timeout: 10_000 })
      }
      await hold()
      return {
        /** `records`: how many of them change. */
        async during(how: Disturbance, records: number, change: () => void): Promise<void> {
          if (push.kind === 'webhook') {
            change()
            return push.deliver(how)
          }
          push.disturb(how)
          if (how.drop) await stopListening()
          change()
          if (how.drop) {
            push.forget()
            return hold()
          }
          await vi.waitFor(async () => expect((await health()).push.hints).toBeGreaterThanOrEqual(records), {
            timeout: 10_000,
          })
        },
      }
    },
    /** Our place in the changes is worth nothing any more. */
    async expireCursors(): Promise<void> {
      if (crm.expireCursors) crm.expireCursors()
      else
        await run((tx) =>
          sql`update change_cursor set cursor = null, complete = false where connection_id = ${connectionId}`.execute(
            tx,
          ),
        )
    },
    /** Compares everything with the CRM, and repairs what differs. Answers what was found. */
    async reconcile() {
      const drain = () => application.capabilities.taskWork.drain(AbortSignal.timeout(60_000))
      const { id } = await admin.post(`${path()}/reconciliations`)
      await drain()
      const found = await admin.get(`${path()}/reconciliations/${id}`)
      await admin.post(`${path()}/reconciliations/${id}/repair`)
      await drain()
      return found
    },
    /** Ids of the deals over there that the mirror knows. */
    mirrored: async (): Promise<readonly string[]> => {
      const { rows } = await run((tx) =>
        sql<{ remoteId: string }>`select remote_id from mirror_record
            where connection_id = ${connectionId} and object = ${crm.desk.dealObject} and deleted_at is null`.execute(
          tx,
        ),
      )
      return rows.map(({ remoteId }) => remoteId)
    },
    /** A deal of the vendor's own people that bears our key. */
    addDealWithKey(key: string): string {
      const { desk, simulator, fields } = crm
      const companyId = desk.addCompany({ name: 'Keyed Company', domain: 'keyed-company.com' })
      const id = desk.addDeal({ name: 'Keyed deal', companyId, amount: 50_000 })
      simulator.update(desk.dealObject, id, { [fields.key]: key })
      return id
    },
    /** How often failing was counted against what waits. */
    mostAttempts: async (): Promise<number> => {
      const { rows } = await run((tx) =>
        sql<{ most: number | null }>`select max(attempts) as most from dirty_mark
            where connection_id = ${connectionId}`.execute(tx),
      )
      return rows[0]?.most ?? 0
    },
    /** Nothing is left to do, and looking again writes nothing. */
    async expectQuiet(): Promise<void> {
      await inStep(1)
      crm.simulator.calls.reset()
      await inStep(3)
      expect(writes()).toEqual([])
      expect(await isBusy()).toBe(false)
    },
    writes: () => writes(),
  }

  /** Calls that wrote records. */
  function writes(): readonly string[] {
    return crm.simulator.calls.log.map(({ operation }) => operation).filter((one) => crm.desk.isWrite(one))
  }
}

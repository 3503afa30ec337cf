import { sql } from 'kysely'
import { afterAll, beforeAll } from 'vitest'
import type { Application } from '#src/application.ts'
import type { Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { setUpCrm } from '#test/demo/installation.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type Api, ApiProblem, createApi, eventually } from './api-client.ts'
import { startApplication } from './application.ts'
import { credentialsOf } from './connections.ts'
import { useDatabase } from './database.ts'
import type { CrmDesk } from './desks/crm-desk.ts'

/** One Salesforce of the installation. */
export interface ConnectedCrm {
  readonly crm: SalesforceSimulator
  readonly id: ConnectionId
}

/** The whole service over HTTP, with simulated CRMs; nothing works by itself, `inStep` does. */
export function useCrmInstallation() {
  const db = useDatabase()
  const world = {
    programmeId: '',
    partnerId: '',
    rivalId: '',
    managerId: '',
  }
  const crms: { readonly id: ConnectionId; close(): Promise<void> }[] = []
  let application: Application & { readonly url: string }
  let admin: Api

  beforeAll(async () => {
    application = await startApplication(db.database, db.url)
    admin = createApi(application.url, (await application.bootstrapToken()) ?? '')
    const manager = await admin.post('/api/v1/users', {
      email: 'Mona.Manager@vendor.example',
      name: 'Mona Manager',
      roles: ['channel_manager'],
    })
    world.managerId = manager.id
    const programme = await admin.post('/api/v1/programmes', {
      name: 'Resellers',
      timeZone: 'UTC',
      currency: 'USD',
      deciderId: manager.id,
    })
    world.programmeId = programme.id
    const tier = await admin.post(`/api/v1/programmes/${programme.id}/tiers`, { name: 'Gold', rank: 1 })
    const addPartner = async (name: string) => {
      const { id } = await admin.post('/api/v1/partners', { name, currency: 'USD', country: 'DE' })
      await admin.call('PUT', `/api/v1/partners/${id}/memberships/${programme.id}`, { tierId: tier.id })
      return id
    }
    world.partnerId = await addPartner('Nordwind IT')
    world.rivalId = await addPartner('Suedstern Systems')
  })
  afterAll(async () => {
    await application.close(5_000)
    for (const crm of crms) await crm.close()
  })

  const run = <T>(work: (tx: Tx) => Promise<T>) => db.database.transact(systemActor('test'), work)

  /** Another simulated Salesforce organisation, connected and read once. */
  async function connect(name: string): Promise<ConnectedCrm> {
    const crm = await startSalesforceSimulator()
    const { id } = await admin.post('/api/v1/connections', {
      name,
      vendor: 'salesforce',
      credentials: credentialsOf(crm),
      homeCurrency: 'USD',
    })
    const connected = { crm, id: id as ConnectionId }
    crms.push({ ...connected, close: () => crm.close() })
    await inStep()
    return connected
  }

  /** Another CRM of any vendor, with what the set-up creates there, connected and read once. */
  async function connectDesk(desk: CrmDesk): Promise<ConnectionId> {
    const { vendor, name, credentials } = desk
    const body = { name, vendor, credentials, homeCurrency: 'USD', paused: true }
    const { id } = await admin.post('/api/v1/connections', body)
    await setUpCrm(admin, id)
    await admin.post(`/api/v1/connections/${id}/resume`)
    crms.push({ id, close: () => desk.simulator.close() })
    await inStep()
    return id
  }

  /** Polls every CRM and works until nothing is left that could be done now. */
  async function inStep(): Promise<void> {
    const { drains } = application.capabilities
    const signal = AbortSignal.timeout(60_000)
    for (let turn = 0; turn < 3; turn += 1) {
      for (const { id } of crms) await pollAtLast(id)
      for (let round = 0; round < 4; round += 1) {
        await run((tx) =>
          sql`update dirty_mark set ready_at = clock_timestamp(), due_at = least(due_at, clock_timestamp())`.execute(
            tx,
          ),
        )
        await drains.reconcile(signal)
      }
      if (turn > 0 && !(await isAnythingDirty())) return
    }
  }
  const isAnythingDirty = async () =>
    (await run((tx) => sql`select from dirty_mark where parked_at is null limit 1`.execute(tx))).rows.length >
    0

  /** Waits until our own limits of calls let it through. */
  const pollAtLast = (id: ConnectionId) =>
    eventually('a poll', () =>
      admin.post(`/api/v1/connections/${id}/poll`).catch((error: unknown) => {
        if (error instanceof ApiProblem && error.status === 409) return null
        throw error
      }),
    )

  return {
    world,
    connect,
    connectDesk,
    inStep,
    api: () => admin,
    capabilities: () => application.capabilities,
    run,
    /** A complete registration, submitted. */
    submit: (over: Record<string, unknown> = {}) =>
      admin.post('/api/v1/deals', {
        programmeId: world.programmeId,
        partnerId: world.partnerId,
        companyName: 'Contoso Werke GmbH',
        domain: 'contoso-werke.com',
        country: 'DE',
        contactName: 'Cora Contact',
        contactEmail: 'cora@contoso-werke.com',
        need: 'They replace their telephone system this year',
        amountMinor: '5000000',
        currency: 'USD',
        expectedCloseDate: '2027-06-30',
        registrationType: 'resale',
        products: [],
        submit: true,
        ...over,
      }),
    approve: (dealId: string, crm?: object) =>
      admin.post(`/api/v1/deals/${dealId}/approve`, crm ? { crm } : {}),
  }
}

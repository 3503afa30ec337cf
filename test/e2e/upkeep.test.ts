import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Application } from '#src/application.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type Api, createApi } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
let application: Application & { readonly url: string }
let simulator: SalesforceSimulator
let admin: Api
let connection: string

beforeAll(async () => {
  simulator = await startSalesforceSimulator()
  application = await startApplication(db.database, db.url)
  await application.startWork()
  admin = createApi(application.url, (await application.bootstrapToken()) ?? '')
  const { clientId, clientSecret } = simulator.credentials
  simulator.insert('Account', { Name: 'Zeta AG', Website: 'https://www.zeta-works.com' })
  const made = await admin.post('/api/v1/connections', {
    name: 'Salesforce',
    vendor: 'salesforce',
    pollSeconds: 5,
    homeCurrency: 'USD',
    credentials: { grant: 'client_credentials', loginUrl: simulator.url, clientId, clientSecret },
  })
  connection = `/api/v1/connections/${made.id}`
  await admin.post(`${connection}/check`)
})
afterAll(async () => {
  await application.close(10_000)
  await simulator.close()
})

const ended = (path: string) =>
  expect
    .poll(async () => (await admin.get(path)).state, { timeout: 30_000, interval: 200 })
    .toSatisfy((state) => state !== 'waiting' && state !== 'running')

test('a customer that the CRM has already is linked by a backfill, and both sides compare equal', async () => {
  const customer = await admin.post('/api/v1/customers', { name: 'Zeta', domain: 'zeta-works.com' })
  const dry = await admin.post(`${connection}/backfills`, { entity: 'customer', dryRun: true })
  await ended(`${connection}/backfills/${dry.id}`)
  expect(await admin.get(`${connection}/backfills/${dry.id}`)).toMatchObject({
    state: 'done',
    counts: { certain: 1 },
    examples: [{ kind: 'certain', recordId: customer.id }],
  })
  const run = await admin.post(`${connection}/backfills`, { entity: 'customer', dryRun: false })
  await ended(`${connection}/backfills/${run.id}`)
  const links = await admin.get(`/api/v1/links?recordId=${customer.id}`)
  expect(links.items).toMatchObject([{ state: 'active', object: 'Account' }])
  expect(simulator.list('Account')).toHaveLength(1)
  const compared = await admin.post(`${connection}/reconciliations`)
  await ended(`${connection}/reconciliations/${compared.id}`)
  expect(await admin.get(`${connection}/reconciliations/${compared.id}`)).toMatchObject({
    state: 'done',
    discrepancies: 0,
  })
})

test('a field that goes away rests and is told; once it is back, it works again', async () => {
  await admin.post(`${connection}/drift/check`)
  simulator.removeField('Opportunity', 'PRM_Protection_End__c')
  const drifted = await admin.post(`${connection}/drift/check`)
  expect(drifted.findings).toMatchObject([{ kind: 'field_missing', effect: 'field_rests' }])
  expect((await admin.get(`${connection}/health`)).quarantined).toEqual([
    { entity: 'deal', remoteField: 'PRM_Protection_End__c' },
  ])
  const { items } = await admin.get('/api/v1/notifications')
  expect(items.map(({ kind }: { kind: string }) => kind)).toContain('schema_drifted')
  simulator.addField('Opportunity', { name: 'PRM_Protection_End__c', type: 'date' })
  expect((await admin.post(`${connection}/drift/check`)).findings).toEqual([])
  expect((await admin.get(`${connection}/health`)).quarantined).toEqual([])
  expect((await admin.get('/api/v1/reports/attribution-leak')).items).toEqual([])
})

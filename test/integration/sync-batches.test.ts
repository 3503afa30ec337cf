import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { markDirty } from '#src/sync/memory/mark-store.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import { toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()
let simulator: SalesforceSimulator
let sync: Awaited<ReturnType<typeof toySync>>

beforeAll(async () => {
  simulator = await startSalesforceSimulator()
})
afterAll(() => simulator.close())
beforeEach(async () => {
  await simulator.close()
  simulator = await startSalesforceSimulator()
  sync = await toySync(db.database, db.url, simulator)
})

function addCustomers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const id = newId()
    sync.entity('customer').put(id, {
      name: `Company ${id}`,
      domain: `company-${index}-stores.com`,
      country: 'DE',
    })
    return id
  })
}

const markBulk = (ids: readonly string[]) =>
  sync.run((tx) =>
    markDirty(
      tx,
      ids.map((recordId) => ({
        connectionId: sync.connection.id,
        entity: 'customer',
        recordId,
        priority: 'bulk' as const,
      })),
    ),
  )
/** The waiting time of urgent work is over. */
const ripenLive = () =>
  sync.rows(
    'update dirty_mark set ready_at = clock_timestamp() where connection_id = $id and priority = 0 returning 1',
  )
const sizes = () =>
  simulator.calls.log
    .filter(({ operation }) => /^collections-(create|update|upsert)$/.test(operation))
    .map(({ records }) => records)

test('what comes in bulk leaves in full calls; the rest goes when its time is over', async () => {
  await sync.poll()
  await markBulk(addCustomers(450))
  await sync.reconcile()
  expect(sizes()).toEqual([200, 200])
  await sync.reconcile()
  expect(sizes()).toEqual([200, 200])
  await sync.ripen()
  await sync.reconcile()
  expect(sizes()).toEqual([200, 200, 50])
})

test('urgent work goes at once, and takes along what has room in its call', async () => {
  await sync.poll()
  await markBulk(addCustomers(150))
  await sync.reconcile()
  expect(sizes()).toEqual([])
  await sync.mark('customer', addCustomers(1))
  await ripenLive()
  await sync.reconcile()
  expect(sizes()).toEqual([151])
})

test('a full call of urgent work does not drag the rest along', async () => {
  await sync.poll()
  await markBulk(addCustomers(120))
  await sync.mark('customer', addCustomers(200))
  await ripenLive()
  await sync.reconcile()
  expect(sizes()).toEqual([200])
  expect(
    await sync.rows(
      'select distinct priority from dirty_mark where connection_id = $id and waiting_for is null',
    ),
  ).toEqual([{ priority: 2 }])
})

test('companies that are in the CRM already are linked at once and get our key together, later', async () => {
  const known = addCustomers(30)
  for (const id of known) {
    const { name, domain } = sync.entity('customer').records.get(id)!.fields
    simulator.insert('Account', { Name: name, Website: domain, BillingCountry: 'DE' })
  }
  await sync.poll()
  for (const part of [known.slice(0, 10), known.slice(10, 20), known.slice(20)]) {
    await markBulk(part)
    await sync.rows(
      "update dirty_mark set ready_at = clock_timestamp() where connection_id = $id and ready_at < clock_timestamp() + interval '20 seconds' returning 1",
    )
    await sync.reconcile()
  }
  expect(sizes()).toEqual([])
  expect(
    await sync.rows("select count(*)::integer from link where connection_id = $id and state = 'active'"),
  ).toEqual([{ count: 30 }])
  await sync.ripen()
  await sync.reconcile()
  expect(sizes()).toEqual([30])
  expect(
    simulator.list('Account').filter((row) => known.includes(String(row['PRM_Customer_Id__c']))),
  ).toHaveLength(30)
})

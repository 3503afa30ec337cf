import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import { addDeals } from '#test/support/toy-deals.ts'
import { type ToySync, toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()
let simulator: SalesforceSimulator
let sync: ToySync

beforeEach(async () => {
  simulator = await startSalesforceSimulator()
  sync = await toySync(db.database, db.url, simulator)
  await sync.poll()
})
afterEach(async () => {
  await sync.close()
  await simulator.close()
})

const readsOfAccounts = () =>
  simulator.calls.log.filter(
    ({ operation, object }) => operation === 'collections-read' && object === 'Account',
  )
const turn = async () => {
  await sync.poll()
  await sync.settle()
}

/** The next write of an account gets no answer and never arrives: what it carried stays known as sent. */
const loseWrite = () =>
  simulator.faults.add({ kind: 'reset', operation: 'collections-upsert', object: 'Account', count: 1 })

test('a customer that was read on its own is no news to the next poll, nor to the one after', async () => {
  const { customer } = addDeals(sync)
  loseWrite()
  await sync.mark('customer', [customer])
  await sync.settle()
  await turn()
  simulator.calls.reset()
  for (let turns = 0; turns < 5; turns += 1) await turn()
  expect(readsOfAccounts()).toEqual([])
})

test('an account that is partner and customer: what was read for the one is news for the other', async () => {
  const { partner, customer } = addDeals(sync)
  loseWrite()
  await sync.mark('customer', [customer])
  await sync.settle()
  await turn()
  const { fields } = sync.entity('customer').records.get(customer)!
  sync.entity('partner').put(partner, { ...fields, tier: 'Gold' })
  await sync.mark('partner', [partner])
  await sync.settle()
  await turn()
  const id = String(simulator.list('Account')[0]?.['Id'])
  simulator.update('Account', id, { PRM_Partner_Tier__c: 'Platinum' })
  await sync.mark('customer', [customer])
  await sync.settle()
  await turn()
  expect(simulator.list('Account')).toMatchObject([
    { PRM_Partner_Id__c: partner, PRM_Customer_Id__c: customer, PRM_Partner_Tier__c: 'Gold' },
  ])
})

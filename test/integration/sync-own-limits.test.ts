import { afterEach, beforeEach, expect, test } from 'vitest'
import { overBudget } from '#src/connections/call-budget.ts'
import { createDrains } from '#src/sync/passes/drains.ts'
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

test('calls that we allow ourselves are used up for a moment: nothing is paused, lost or tried at once again', async () => {
  const { customer } = addDeals(sync)
  await sync.mark('customer', [customer])
  await sync.ripen()
  const retryAt = new Date((await sync.now()).getTime() + 9_000)
  const rings: (Date | undefined)[] = []
  const refusing = { ...sync.connector, write: () => Promise.reject(overBudget('live', retryAt)) }
  const connectors = { connectorFor: async () => refusing, mayRun: () => true }
  const bell = { ring: (_name: string, notBefore?: Date) => void rings.push(notBefore) }
  await createDrains({ ...sync.engine, connectors }, bell).reconcile(AbortSignal.timeout(20_000))
  expect(sync.pauses).toEqual([])
  expect(rings).toHaveLength(1)
  expect(rings[0]?.getTime()).toBeGreaterThanOrEqual(retryAt.getTime())
  expect(simulator.list('Account')).toEqual([])
  await sync.settle()
  expect(simulator.list('Account')).toHaveLength(1)
})

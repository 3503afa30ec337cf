import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMappingPauseUseCases } from '#src/connections/mapping-pause-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { nextDue } from '#src/sync/memory/mark-store.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import { addDeals } from '#test/support/toy-deals.ts'
import { type ToySync, toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()
const vera: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const run = <T>(work: (tx: Tx) => Promise<T>) => db.database.transact(vera, work)
let rings = 0
const pauses = createMappingPauseUseCases({
  ring: () => {
    rings += 1
  },
})
let simulator: SalesforceSimulator
let sync: ToySync

beforeEach(async () => {
  rings = 0
  simulator = await startSalesforceSimulator()
  sync = await toySync(db.database, db.url, simulator)
  await sync.poll()
})
afterEach(async () => {
  await sync.close()
  await simulator.close()
})

const pauseDeals = () =>
  run((tx) => pauses.pause(tx, vera, sync.connection.id, 'deal', 'New stages on Monday'))
const resumeDeals = () => run((tx) => pauses.resume(tx, vera, sync.connection.id, 'deal'))

test('a paused entity is not written, the others are; once resumed it catches up', async () => {
  const { customer, deal } = addDeals(sync)
  await pauseDeals()
  await sync.mark('customer', [customer])
  await sync.mark('deal', [deal])
  await sync.settle()
  expect(simulator.list('Account').length).toBeGreaterThan(0)
  expect(simulator.list('Opportunity')).toEqual([])
  await resumeDeals()
  expect(rings).toBe(1)
  await sync.settle()
  expect(simulator.list('Opportunity')).toHaveLength(1)
})

test('what people change over there while an entity rests arrives afterwards, and nothing of it is lost', async () => {
  const { customer, deal } = addDeals(sync)
  await sync.mark('customer', [customer])
  await sync.mark('deal', [deal])
  await sync.settle()
  const [opportunity] = simulator.list('Opportunity')
  await pauseDeals()
  simulator.update('Opportunity', String(opportunity?.['Id']), { CloseDate: '2029-09-09' })
  await sync.poll()
  await sync.settle()
  expect(sync.entity('deal').records.get(deal)?.fields['expectedCloseDate']).not.toBe('2029-09-09')
  await resumeDeals()
  await sync.settle()
  expect(sync.entity('deal').records.get(deal)?.fields['expectedCloseDate']).toBe('2029-09-09')
})

test('what rests wakes nobody, however long it has been due', async () => {
  const { deal } = addDeals(sync)
  await pauseDeals()
  await sync.mark('deal', [deal])
  const due = (resting: readonly string[]) => run((tx) => nextDue(tx, sync.connection.id, 'bulk', resting))
  expect(await due([])).toBeInstanceOf(Date)
  expect(await due(['deal'])).toBeNull()
})

test('a pause says who and why, the first one stands, and both ways are in the audit trail', async () => {
  await pauseDeals()
  await run((tx) => pauses.pause(tx, vera, sync.connection.id, 'deal', 'Another reason'))
  expect(await run((tx) => pauses.list(tx, sync.connection.id))).toMatchObject([
    { entity: 'deal', reason: 'New stages on Monday', pausedBy: 'Vera' },
  ])
  await resumeDeals()
  await resumeDeals()
  expect(await run((tx) => pauses.list(tx, sync.connection.id))).toEqual([])
  await expect(run((tx) => pauses.pause(tx, vera, sync.connection.id, 'nothing', 'x'))).rejects.toThrow(
    /mapping/,
  )
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import { addDeals, localDeal } from '#test/support/toy-deals.ts'
import { type ToySync, toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()
let simulator: HubspotSimulator
let desk: CrmDesk
let sync: ToySync
/** What a person does there as soon as a creation has failed. */
let meanwhile: () => void

beforeEach(async () => {
  simulator = await startHubspotSimulator({ tenSecondLimit: 10_000, searchLimit: 1_000 })
  desk = hubspotDesk(simulator)
  meanwhile = () => undefined
  sync = await toySync(db.database, db.url, desk, {
    wrap: (connector) => ({
      ...connector,
      async write(commands, signal) {
        const outcomes = await connector.write(commands, signal)
        if (outcomes.some(({ ok }) => !ok)) meanwhile()
        return outcomes
      },
    }),
  })
  await sync.setUp()
  await sync.poll()
})
afterEach(async () => {
  await sync.close()
  await simulator.close()
})

test.each([
  ['the answer to the record is lost', { kind: 'lost-answer', operation: 'batch-upsert', object: 'deals' }],
  ['its companies are refused', { kind: 'locked', operation: 'associate' }],
] as const)(
  'a deal that HubSpot takes in two steps gets its companies, and keeps what a person typed, where %s',
  async (_, fault) => {
    const { deal } = addDeals(sync)
    let interruptions = 0
    meanwhile = () => {
      interruptions += 1
      for (const { id } of desk.dealsOf(deal)) desk.change(id, { closeDate: '2027-12-24', amount: 777 })
    }
    simulator.faults.add({ ...fault, count: 1 })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(interruptions).toBe(1)
    const [seen, ...others] = desk.dealsOf(deal)
    expect(others).toEqual([])
    expect(seen).toMatchObject({ closeDate: '2027-12-24', amount: 777 })
    expect(seen?.companyId).not.toBeNull()
    expect(seen?.partnerId).not.toBeNull()
    expect(localDeal(sync, deal)).toMatchObject({
      expectedCloseDate: '2027-12-24',
      amount: { amount: '777.00', currency: 'USD' },
    })
    simulator.calls.reset()
    await sync.poll()
    await sync.settle()
    expect(simulator.calls.log.filter(({ operation }) => desk.isWrite(operation))).toEqual([])
  },
)

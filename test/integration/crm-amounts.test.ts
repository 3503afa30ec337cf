import { describe, expect, test } from 'vitest'
import type { Vendor } from '#connectors/registry.ts'
import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import { addDeals, localDeal } from '#test/support/toy-deals.ts'
import { type ToySync, toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()

interface Dressing {
  readonly desk: CrmDesk
  /** What the CRM, or an automation of its administrator, makes of an amount that we wrote. */
  dress(id: string): void
  /** How 1,000.50 and 2,000.40 stand there afterwards. */
  readonly shown: readonly [number, number]
}

/** The same number in another dress, as HubSpot keeps whatever text it is given. */
const hubspotWriting = (write: (amount: number) => string) => async (): Promise<Dressing> => {
  const simulator = await startHubspotSimulator({ tenSecondLimit: 10_000, searchLimit: 1_000 })
  return {
    desk: hubspotDesk(simulator),
    dress(id) {
      const amount = write(Number(simulator.get('deals', id)?.['amount']))
      simulator.update('deals', id, { amount })
    },
    shown: [1000.5, 2000.4],
  }
}

/** A flow of the administrator rounds in the same breath, so it runs under our name. */
async function salesforceRounding(): Promise<Dressing> {
  const simulator = await startSalesforceSimulator()
  return {
    desk: salesforceDesk(simulator),
    dress(id) {
      const amount = Math.round(Number(simulator.get('Opportunity', id)?.['Amount']))
      simulator.update('Opportunity', id, { Amount: amount }, simulator.integrationUserId)
    },
    shown: [1001, 2000],
  }
}

async function salesforceAsIs(): Promise<Dressing> {
  return {
    desk: salesforceDesk(await startSalesforceSimulator()),
    dress: () => undefined,
    shown: [1000.5, 2000.4],
  }
}

/** A currency without decimals: the organisation itself rounds what is written. */
async function dynamicsRounding(): Promise<Dressing> {
  const simulator = await startDynamicsSimulator()
  for (const currency of simulator.list('transactioncurrency'))
    simulator.update('transactioncurrency', String(currency['transactioncurrencyid']), {
      currencyprecision: 0,
    })
  return { desk: dynamicsDesk(simulator), dress: () => undefined, shown: [1001, 2000] }
}

async function open({ desk, dress }: Dressing): Promise<ToySync> {
  const sync = await toySync(db.database, db.url, desk, {
    wrap: (connector) => ({
      ...connector,
      async write(commands, signal) {
        const outcomes = await connector.write(commands, signal)
        for (const [index, outcome] of outcomes.entries())
          if (outcome.ok && commands[index]?.object === desk.dealObject) dress(outcome.id)
        return outcomes
      },
    }),
  })
  await sync.setUp()
  await sync.poll()
  return sync
}

const cases: readonly (readonly [Vendor, string, () => Promise<Dressing>])[] = [
  ['hubspot', 'drops noughts of it', hubspotWriting(String)],
  ['hubspot', 'adds noughts to it', hubspotWriting((amount) => amount.toFixed(4))],
  ['salesforce', 'rounds it', salesforceRounding],
  ['salesforce', 'shows it as a number', salesforceAsIs],
  ['dynamics', 'rounds it to the precision of its currency', dynamicsRounding],
]

describe('an amount that we wrote', () => {
  test.each(cases)('stays what it is here where %s %s, and is not written again', async (_, __, start) => {
    const dressing = await start()
    const { desk, shown } = dressing
    const sync = await open(dressing)
    const turn = async () => {
      await sync.poll()
      await sync.settle()
    }
    const amountHere = () => localDeal(sync, deal)['amount']
    const amountThere = () => desk.dealsOf(deal)[0]?.amount
    const { deal } = addDeals(sync)
    await sync.mark('deal', [deal])
    for (let turns = 0; turns < 3; turns += 1) await turn()
    expect([amountThere(), amountHere()]).toEqual([shown[0], { amount: '1000.50', currency: 'USD' }])

    sync.entity('deal').put(deal, { amount: { amount: '2000.40', currency: 'USD' } })
    await sync.mark('deal', [deal])
    await turn()
    desk.simulator.calls.reset()
    for (let turns = 0; turns < 3; turns += 1) await turn()
    expect(desk.simulator.calls.log.filter(({ operation }) => desk.isWrite(operation))).toEqual([])
    expect([amountThere(), amountHere()]).toEqual([shown[1], { amount: '2000.40', currency: 'USD' }])
    const taken = await sync.rows(
      "select fields from sync_attempt where connection_id = $id and direction = 'in' and 'amount' = any(fields)",
    )
    expect(taken).toEqual([])

    desk.change(desk.dealsOf(deal)[0]?.id ?? '', { amount: 1500 })
    await turn()
    expect(amountHere()).toEqual({ amount: '1500.00', currency: 'USD' })
    await sync.close()
    await desk.simulator.close()
  })
})

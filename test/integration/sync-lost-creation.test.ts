import { beforeEach, expect, test } from 'vitest'
import type { Connector } from '#connectors/connector.ts'
import { simulator, sync, useSync } from '#test/support/sync-world.ts'
import { addDeals, localDeal, opportunityOf } from '#test/support/toy-deals.ts'

/** What happens between the lost answer and whatever the engine does next. */
let meanwhile: () => Promise<void>

const interrupted = (connector: Connector): Connector => ({
  ...connector,
  async write(commands, signal) {
    const outcomes = await connector.write(commands, signal)
    if (outcomes.some((outcome) => !outcome.ok && outcome.fault.kind === 'ambiguous')) await meanwhile()
    return outcomes
  },
})

useSync({ wrap: interrupted })
beforeEach(() => {
  meanwhile = async () => undefined
})

const loseAnswer = (object: string) =>
  simulator.faults.add({ kind: 'lost-answer', operation: 'collections-upsert', object, count: 1 })
const ourChanges = (id: string) =>
  simulator.history('Opportunity', id).filter(({ by }) => by === simulator.integrationUserId)

test('what a person types into a record whose creation was never answered stands on both sides', async () => {
  const { deal } = addDeals(sync)
  meanwhile = async () => {
    const { Id: id } = opportunityOf(simulator, deal)!
    simulator.update('Opportunity', String(id), { Amount: 777, CloseDate: '2027-12-24' })
  }
  loseAnswer('Opportunity')
  await sync.mark('deal', [deal])
  await sync.settle()
  const opportunity = opportunityOf(simulator, deal)!
  expect(opportunity).toMatchObject({ Amount: 777, CloseDate: '2027-12-24' })
  expect(localDeal(sync, deal)).toMatchObject({
    amount: { amount: '777.00', currency: 'USD' },
    expectedCloseDate: '2027-12-24',
  })
  expect(ourChanges(String(opportunity['Id']))).toHaveLength(1)
})

test('a deal that is won before its creation is known to have worked is won here too', async () => {
  const { deal } = addDeals(sync)
  meanwhile = async () => {
    const { Id: id } = opportunityOf(simulator, deal)!
    simulator.update('Opportunity', String(id), { StageName: 'Closed Won' })
    await sync.poll()
  }
  loseAnswer('Opportunity')
  await sync.mark('deal', [deal])
  await sync.settle()
  await sync.poll()
  await sync.settle()
  expect(localDeal(sync, deal)).toMatchObject({ outcome: 'won', stage: 'Closed Won' })
})

test('a change of ours since the creation that was never answered goes over', async () => {
  const { deal } = addDeals(sync)
  meanwhile = async () => sync.entity('deal').put(deal, { expectedCloseDate: '2027-11-11' })
  loseAnswer('Opportunity')
  await sync.mark('deal', [deal])
  await sync.settle()
  expect(opportunityOf(simulator, deal)).toMatchObject({ CloseDate: '2027-11-11' })
})

test('a creation that never arrived is made again, once', async () => {
  const { deal } = addDeals(sync)
  simulator.faults.add({ kind: 'reset', operation: 'collections-upsert', object: 'Opportunity', count: 1 })
  await sync.mark('deal', [deal])
  await sync.settle()
  expect(simulator.list('Opportunity')).toHaveLength(1)
})

test('children of an account whose creation was never answered do not wait for ever', async () => {
  const { deal } = addDeals(sync)
  loseAnswer('Account')
  await sync.mark('deal', [deal])
  await sync.settle()
  expect(opportunityOf(simulator, deal)).toBeDefined()
  expect(simulator.list('Account')).toHaveLength(2)
})

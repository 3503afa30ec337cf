import { describe, expect, test } from 'vitest'
import { randomOf } from '#test/support/convergence.ts'
import { addDeals, localDeal, opportunityOf } from '#test/support/toy-deals.ts'
import {
  change,
  expectQuiet,
  first,
  linksOf,
  operations,
  reroute,
  reviewsOf,
  second,
  settleBoth,
  useTwoCrms,
} from '#test/support/two-crms.ts'

useTwoCrms()

const accountOf = ({ crm }: typeof first, customer: string) =>
  crm.list('Account').find((row) => row['PRM_Customer_Id__c'] === customer)

async function dealOnFirst() {
  const added = addDeals(first.sync)
  await change('deal', added.deal, {})
  await settleBoth()
  return added
}

describe('a deal', () => {
  test('goes to the connection fixed for it and to no other', async () => {
    const { deal } = addDeals(first.sync)
    first.sync.installation.homes.set(deal, second.sync.connection.id)
    await change('deal', deal, {})
    await settleBoth()
    expect(opportunityOf(first.crm, deal)).toBeUndefined()
    expect(opportunityOf(second.crm, deal)).toMatchObject({ Name: 'Acme 0' })
    await expectQuiet()
  })

  test('that is rerouted says so where it was and is made where it goes, once', async () => {
    const { deal } = await dealOnFirst()
    await reroute(deal, second)
    await settleBoth()
    expect(opportunityOf(first.crm, deal)).toMatchObject({ PRM_Registration_Status__c: 'Moved' })
    expect(opportunityOf(second.crm, deal)).toMatchObject({ PRM_Registration_Status__c: 'Approved' })
    expect((await linksOf(first, 'deal', deal)).map(({ state }) => state)).toEqual(['retired'])
    expect(first.crm.list('Opportunity')).toHaveLength(1)
    expect(second.crm.list('Opportunity')).toHaveLength(1)
    await expectQuiet()
  })

  test('is not changed any more by the record that it left; a person is told, once per change', async () => {
    const { deal } = await dealOnFirst()
    await reroute(deal, second)
    await settleBoth()
    expect(await reviewsOf(first)).toEqual([])
    const old = String(opportunityOf(first.crm, deal)?.['Id'])
    first.crm.update('Opportunity', old, { Amount: 9, StageName: 'Closed Won' })
    await settleBoth()
    const [item, ...others] = await reviewsOf(first)
    expect(others).toEqual([])
    expect(item).toMatchObject({ kind: 'changed_after_move' })
    expect(item?.details?.fields?.toSorted()).toEqual(['amount', 'outcome', 'stage'])
    expect(localDeal(first.sync, deal)).toMatchObject({
      amount: { amount: '1000.50', currency: 'USD' },
      outcome: 'open',
    })
    expect(first.crm.get('Opportunity', old)).toMatchObject({ Amount: 9 })
    first.crm.update('Opportunity', old, { Description: 'nobody asks for this' })
    await settleBoth()
    expect(await reviewsOf(first)).toHaveLength(1)
    await expectQuiet()
  })

  test('that comes back is the record again that it was', async () => {
    const { deal } = await dealOnFirst()
    const old = opportunityOf(first.crm, deal)?.['Id']
    await reroute(deal, second)
    await settleBoth()
    await reroute(deal, first)
    await settleBoth()
    expect(first.crm.list('Opportunity')).toHaveLength(1)
    expect(opportunityOf(first.crm, deal)).toMatchObject({ Id: old, PRM_Registration_Status__c: 'Approved' })
    expect(opportunityOf(second.crm, deal)).toMatchObject({ PRM_Registration_Status__c: 'Moved' })
    first.crm.update('Opportunity', String(old), { Amount: 4321 })
    await settleBoth()
    expect(localDeal(first.sync, deal)['amount']).toEqual({ amount: '4321.00', currency: 'USD' })
    await expectQuiet()
  })

  test('that comes back before the word was said has never left', async () => {
    const { deal } = await dealOnFirst()
    await reroute(deal, second)
    await reroute(deal, first)
    await settleBoth()
    expect((await linksOf(first, 'deal', deal)).map(({ state }) => state)).toEqual(['active'])
    expect(opportunityOf(first.crm, deal)).toMatchObject({ PRM_Registration_Status__c: 'Approved' })
    expect(second.crm.list('Opportunity')).toEqual([])
    await expectQuiet()
  })

  test('may be linked to an opportunity that is there', async () => {
    const { deal } = await dealOnFirst()
    const there = second.crm.insert('Opportunity', {
      Name: 'Known',
      StageName: 'Prospecting',
      CloseDate: '2027-01-31',
    })
    await settleBoth()
    await reroute(deal, second, there)
    await settleBoth()
    expect(second.crm.list('Opportunity')).toHaveLength(1)
    expect(second.crm.get('Opportunity', there)).toMatchObject({ PRM_Deal_Id__c: deal })
    await expectQuiet()
  })

  test('is not moved while it is being written, and is made nowhere twice when the answer was lost', async () => {
    const late = addDeals(first.sync)
    await change('deal', late.deal, {})
    for (let turn = 0; turn < 3; turn += 1) {
      await first.sync.ripen()
      const doomed = first.sync.secondWorker((connector) => ({
        ...connector,
        write: async (commands, signal) => {
          const outcomes = await connector.write(commands, signal)
          if (commands.some(({ object }) => object === 'Opportunity')) throw new Error('killed')
          return outcomes
        },
      }))
      await doomed.reconcile().catch(() => undefined)
    }
    expect((await linksOf(first, 'deal', late.deal)).map(({ state }) => state)).toEqual(['creating'])
    await expect(reroute(late.deal, second)).rejects.toMatchObject({ code: 'being_written' })
    await first.sync.expireLeases()
    await settleBoth()
    await reroute(late.deal, second)
    await settleBoth()
    const made = [...first.crm.list('Opportunity'), ...second.crm.list('Opportunity')]
    expect(made.filter((row) => row['PRM_Deal_Id__c'] === late.deal)).toHaveLength(2)
    await expectQuiet()
  })

  test('is refused where no record could be made', async () => {
    const { deal } = await dealOnFirst()
    await change('deal', deal, { status: 'cancelled' })
    await expect(reroute(deal, second)).rejects.toMatchObject({ code: 'not_included' })
  })
})

describe('a customer that both CRMs know', () => {
  async function shared() {
    const onFirst = addDeals(first.sync)
    const { customer, partner } = onFirst
    const onSecond = addDeals(first.sync, 1, { customer, partner })
    first.sync.installation.homes.set(onSecond.deal, second.sync.connection.id)
    for (const { sync } of [first, second]) {
      await sync.changeLine('customer', 'city', { flow: 'both' })
      await sync.changeLine('customer', 'phone', { flow: 'in' })
    }
    await change('deal', onFirst.deal, {})
    await settleBoth()
    await change('deal', onSecond.deal, {})
    await settleBoth()
    await change('customer', customer, { city: 'Berlin' })
    await settleBoth()
    return customer
  }
  const edit = (side: typeof first, customer: string, fields: Record<string, string>) =>
    side.crm.update('Account', String(accountOf(side, customer)?.['Id']), fields)

  test('is led by the one where it was made first; the other one receives', async () => {
    const customer = await shared()
    edit(first, customer, { BillingCity: 'Hamburg', Phone: '040 1' })
    await settleBoth()
    expect(first.sync.entity('customer').records.get(customer)?.fields).toMatchObject({
      city: 'Hamburg',
      phone: '040 1',
    })
    expect(accountOf(second, customer)).toMatchObject({ BillingCity: 'Hamburg', Phone: '040 1' })
    await expectQuiet()
  })

  test('has what a person changes on the other one written back, and left alone what was only sent once', async () => {
    const customer = await shared()
    edit(second, customer, { BillingCity: 'Nowhere', Website: 'elsewhere.example' })
    await settleBoth()
    expect(accountOf(second, customer)).toMatchObject({
      BillingCity: 'Berlin',
      Website: 'elsewhere.example',
    })
    expect(accountOf(first, customer)).toMatchObject({ BillingCity: 'Berlin' })
    await expectQuiet()
  })

  test('may get another home, whose changes count from then on', async () => {
    const customer = await shared()
    await first.sync.run((tx) =>
      operations.homes.change(
        tx,
        { kind: 'system', name: 'test' },
        { entity: 'customer', recordId: customer, connectionId: second.sync.connection.id },
        'moved to the other region',
      ),
    )
    edit(second, customer, { BillingCity: 'Wien' })
    await settleBoth()
    edit(first, customer, { BillingCity: 'Paris' })
    await settleBoth()
    expect(accountOf(first, customer)).toMatchObject({ BillingCity: 'Wien' })
    expect(accountOf(second, customer)).toMatchObject({ BillingCity: 'Wien' })
    await expectQuiet()
  })

  test('makes no loop, whatever is edited where and when', async () => {
    const customer = await shared()
    const random = randomOf(20_261_121)
    for (let step = 0; step < 30; step += 1) {
      const side = random() < 0.5 ? first : second
      const city = `City ${step}`
      const dice = random()
      if (dice < 0.3) edit(side, customer, { BillingCity: city })
      else if (dice < 0.5) edit(side, customer, { Phone: `0${step}` })
      else if (dice < 0.6) await change('customer', customer, { city })
      else if (dice < 0.8) await side.sync.poll()
      else {
        await side.sync.ripen()
        await side.sync.reconcile()
      }
    }
    await expectQuiet()
    const ours = first.sync.entity('customer').records.get(customer)?.fields ?? {}
    for (const side of [first, second]) {
      expect(accountOf(side, customer)).toMatchObject({ BillingCity: ours['city'], Phone: ours['phone'] })
    }
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
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
  await sync.poll()
})

const writes = () =>
  simulator.calls.log.filter(
    ({ operation }) => operation.startsWith('collections-') && operation !== 'collections-read',
  )
const reads = () => simulator.calls.log.filter(({ operation }) => operation === 'collections-read')

function addDeal(count = 1): string[] {
  const partner = newId()
  const customer = newId()
  sync.entity('partner').put(partner, { name: 'Nordwind Systems', status: 'active' })
  sync.entity('customer').put(customer, { name: 'Acme GmbH', domain: 'acme-stores.com', country: 'DE' })
  return Array.from({ length: count }, (_, index) => {
    const id = newId()
    sync.entity('deal').put(id, {
      title: `Acme ${index}`,
      customer,
      partner,
      status: 'approved',
      protectionEnd: '2027-02-01',
      amount: { amount: '1000.50', currency: 'USD' },
      expectedCloseDate: '2027-01-31',
      outcome: 'open',
      need: 'They need a new system for their stores',
    })
    return id
  })
}

const opportunities = () => simulator.list('Opportunity')
const byDeal = (id: string) => opportunities().find((row) => row['PRM_Deal_Id__c'] === id)!

describe('an approved deal', () => {
  test('appears once, with its account and its partner, and then nothing is written any more', async () => {
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    const opportunity = byDeal(deal)
    expect(opportunity).toMatchObject({
      Name: 'Acme 0',
      Amount: 1000.5,
      CloseDate: '2027-01-31',
      PRM_Registration_Status__c: 'Approved',
    })
    expect(simulator.get('Account', String(opportunity['AccountId']))).toMatchObject({ Name: 'Acme GmbH' })
    expect(simulator.get('Account', String(opportunity['PRM_Partner__c']))).toMatchObject({
      Name: 'Nordwind Systems',
    })
    simulator.calls.reset()
    for (let turn = 0; turn < 20; turn += 1) {
      await sync.poll()
      await sync.settle()
    }
    expect(writes()).toEqual([])
    expect(reads()).toEqual([])
    expect(opportunities()).toHaveLength(1)
  })

  test('goes over in batches of 200, children waiting for their parents', async () => {
    const deals = addDeal(450)
    await sync.mark('deal', deals)
    await sync.settle()
    expect(opportunities()).toHaveLength(450)
    expect(writes().filter(({ object }) => object === 'Opportunity')).toHaveLength(3)
    expect(writes().filter(({ object }) => object === 'Account')).toHaveLength(2)
  })

  test('is not doubled when the answer to its creation is lost', async () => {
    const [deal = ''] = addDeal()
    simulator.faults.add({
      kind: 'lost-answer',
      how: 'cut',
      operation: 'collections-upsert',
      object: 'Opportunity',
      count: 1,
    })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(1)
    expect(
      (
        await sync.rows<{ state: string }>(
          "select state from link where connection_id = $id and entity = 'deal'",
        )
      )[0]?.state,
    ).toBe('active')
  })
})

describe('records made over there', () => {
  test('are mirrored, and cause not one write in 20 polls', async () => {
    const account = simulator.insert('Account', {
      Name: 'Direct Customer Ltd',
      Website: 'direct-customer.com',
    })
    simulator.insert('Opportunity', {
      Name: 'Direct',
      AccountId: account,
      StageName: 'Prospecting',
      CloseDate: '2027-01-31',
      Amount: 5,
    })
    for (let turn = 0; turn < 20; turn += 1) {
      await sync.poll()
      await sync.settle()
    }
    expect(writes()).toEqual([])
    const mirrored = await sync.rows<{ object: string }>(
      'select object from mirror_record where connection_id = $id order by object',
    )
    expect(mirrored.map(({ object }) => object)).toEqual(['Account', 'Opportunity'])
  })

  test('that name one of our partners become a proposal, once', async () => {
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    await sync.poll()
    const partnerAccount = byDeal(deal)['PRM_Partner__c']
    simulator.insert('Opportunity', {
      Name: 'Brought along',
      StageName: 'Prospecting',
      CloseDate: '2027-01-31',
      PRM_Partner__c: partnerAccount,
    })
    for (let turn = 0; turn < 3; turn += 1) {
      await sync.poll()
      await sync.settle()
    }
    const reviews = await sync.rows<{ kind: string }>(
      'select kind from review_item where connection_id = $id and closed_at is null',
    )
    expect(reviews.map(({ kind }) => kind)).toEqual(['proposal'])
  })
})

describe('a company that exists over there already', () => {
  test('is linked by its domain, not doubled', async () => {
    const account = simulator.insert('Account', {
      Name: 'ACME Gesellschaft',
      Website: 'https://www.acme-stores.com',
    })
    await sync.poll()
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(byDeal(deal)['AccountId']).toBe(account)
    expect(simulator.list('Account')).toHaveLength(2)
    expect(simulator.get('Account', account)).toMatchObject({ Name: 'ACME Gesellschaft' })
  })

  test('is known by name and country where neither side has a web address', async () => {
    const account = simulator.insert('Account', { Name: 'Acme', BillingCountry: 'Germany' })
    await sync.poll()
    const [deal = ''] = addDeal()
    for (const id of sync.entity('customer').records.keys()) sync.entity('customer').put(id, { domain: null })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(byDeal(deal)['AccountId']).toBe(account)
    expect(simulator.list('Account')).toHaveLength(2)
  })

  test('is left to a person when two fit', async () => {
    simulator.insert('Account', { Name: 'Acme GmbH', BillingCountry: 'Germany' })
    simulator.insert('Account', { Name: 'ACME', BillingCountry: 'DE' })
    await sync.poll()
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(0)
    const reviews = await sync.rows<{ kind: string }>(
      'select kind from review_item where connection_id = $id and closed_at is null',
    )
    expect(reviews.map(({ kind }) => kind)).toEqual(['doubtful_match'])
  })
})

describe('a linked deal', () => {
  test('takes over what the CRM states and sends what we change, in one read and one write', async () => {
    const deals = addDeal(100)
    await sync.mark('deal', deals)
    await sync.settle()
    await sync.poll()
    await sync.settle()
    for (const id of deals)
      simulator.update('Opportunity', String(byDeal(id)['Id']), { StageName: 'Closed Won', Amount: 2000 })
    await sync.poll()
    await sync.settle()
    const local = sync.entity('deal').records.get(deals[0] ?? '')!
    expect(local.fields).toMatchObject({
      outcome: 'won',
      stage: 'Closed Won',
      amount: { amount: '2000.00', currency: 'USD' },
    })
    simulator.calls.reset()
    for (const id of deals) sync.entity('deal').put(id, { protectionEnd: '2027-05-01' })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(byDeal(deals[7] ?? '')['PRM_Protection_End__c']).toBe('2027-05-01')
    expect([reads().length, writes().length]).toEqual([1, 1])
  })

  test('keeps a value that a person typed a moment ago', async () => {
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    const id = String(byDeal(deal)['Id'])
    simulator.update('Opportunity', id, { Amount: 7777 })
    sync.entity('deal').put(deal, { protectionEnd: '2027-06-01' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(byDeal(deal)).toMatchObject({ Amount: 7777, PRM_Protection_End__c: '2027-06-01' })
    expect(sync.entity('deal').records.get(deal)!.fields['amount']).toEqual({
      amount: '7777.00',
      currency: 'USD',
    })
  })

  test('does not loop over an amount that the CRM rounds', async () => {
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    simulator.calls.reset()
    for (let turn = 0; turn < 5; turn += 1) {
      await sync.poll()
      await sync.settle()
    }
    expect(writes()).toEqual([])
  })

  test('that was deleted over there is gone, is not made again, and a person is told', async () => {
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    await sync.poll()
    simulator.remove('Opportunity', String(byDeal(deal)['Id']))
    await sync.poll()
    sync.entity('deal').put(deal, { protectionEnd: '2027-06-01' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(0)
    expect(sync.news.at(-1)).toMatchObject({ entity: 'deal', recordId: deal, state: 'gone' })
  })

  test('follows its account when that is merged', async () => {
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    await sync.poll()
    const loser = String(byDeal(deal)['AccountId'])
    const master = simulator.insert('Account', { Name: 'Acme Holding' })
    simulator.merge('Account', master, [loser])
    await sync.poll()
    await sync.settle()
    const [link] = await sync.rows<{ remoteId: string }>(
      "select remote_id from link where connection_id = $id and entity = 'customer'",
    )
    expect(link?.remoteId).toBe(master)
  })
})

describe('a fault', () => {
  test('of one record parks that record alone, with the field', async () => {
    const deals = addDeal(10)
    simulator.addValidationRule({
      object: 'Opportunity',
      check: (row) => (row['Name'] === 'Acme 3' ? 'Not this one' : null),
    })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(opportunities()).toHaveLength(9)
    const parked = await sync.rows<{ parkedCode: string; parkedMessage: string }>(
      'select parked_code, parked_message from dirty_mark where connection_id = $id and parked_at is not null',
    )
    expect(parked).toEqual([
      {
        parkedCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
        parkedMessage: expect.stringContaining('Not this one'),
      },
    ])
  })

  test('of a lock inside a successful answer is tried again', async () => {
    const [deal = ''] = addDeal()
    simulator.faults.add({ kind: 'record-error', object: 'Opportunity', count: 1 })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(1)
  })

  test('of throttling pauses the connection and loses nothing', async () => {
    const [deal = ''] = addDeal()
    simulator.faults.add({
      kind: 'throttled',
      limit: 'TotalRequests',
      operation: 'collections-upsert',
      count: 1,
    })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(sync.pauses[0]).toMatchObject({ attention: false })
    await sync.settle()
    expect(opportunities()).toHaveLength(1)
  })

  test('of a deleted field rests that field and keeps the rest flowing', async () => {
    const [deal = ''] = addDeal()
    await sync.mark('deal', [deal])
    await sync.settle()
    simulator.removeField('Opportunity', 'PRM_Protection_End__c')
    sync.entity('deal').put(deal, { protectionEnd: '2027-06-01', title: 'New title' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(sync.quarantine).toContainEqual({ entity: 'deal', remoteField: 'PRM_Protection_End__c' })
    expect(byDeal(deal)['Name']).toBe('New title')
  })
})

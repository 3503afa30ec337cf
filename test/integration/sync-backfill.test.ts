import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { type Upkeep, upkeepOf } from '#test/support/sync-upkeep.ts'
import {
  api,
  expectSilence,
  openReviews,
  opportunities,
  simulator,
  stateOf,
  sync,
  useSyncApi,
} from '#test/support/sync-world.ts'
import { addDeals, opportunityOf, writesOf } from '#test/support/toy-deals.ts'

useSyncApi()
let upkeep: Upkeep
beforeEach(async () => {
  upkeep = await upkeepOf(sync)
})
afterEach(() => upkeep.close())

const customer = (fields: Record<string, string | null>) => {
  const id = newId()
  sync.entity('customer').put(id, { domain: null, country: null, ...fields })
  return id
}
const account = (fields: Record<string, unknown>) => simulator.insert('Account', fields)
const opportunity = (fields: Record<string, unknown>) =>
  simulator.insert('Opportunity', {
    Name: 'Old',
    StageName: 'Prospecting',
    CloseDate: '2027-02-10',
    ...fields,
  })
/** Calls but signing in: none may be made. */
const callsOf = () => simulator.calls.log

describe('a backfill of customers', () => {
  test('counts in a dry run what it would do, without a call and without a link', async () => {
    const byDomain = customer({ name: 'Zeta', domain: 'zeta-works.com' })
    customer({ name: 'Doubtful GmbH', country: 'DE' })
    customer({ name: 'Unknown there' })
    account({ Name: 'Zeta AG', Website: 'https://www.zeta-works.com' })
    account({ Name: 'Doubtful' })
    await sync.poll()
    simulator.calls.reset()
    const done = await upkeep.backfill('customer', true)
    expect(done).toMatchObject({
      state: 'done',
      dryRun: true,
      phase: 'match',
      counts: { looked: 3, settled: 0, excluded: 0, certain: 1, doubtful: 1, none: 1 },
    })
    expect(done.examples).toMatchObject([
      { kind: 'certain', recordId: byDomain, details: { by: 'domain', title: 'Zeta' } },
      { kind: 'doubtful', details: { title: 'Doubtful GmbH', reason: expect.stringContaining('may be') } },
    ])
    expect(callsOf()).toEqual([])
    expect(await stateOf('customer', byDomain)).toBeUndefined()
    expect(await openReviews()).toEqual([])
  })

  test('links what is certain, asks about what is doubtful, and makes nothing over there', async () => {
    const byKey = customer({ name: 'Renamed since' })
    const byName = customer({ name: 'Omega Ltd', country: 'GB' })
    const doubtful = customer({ name: 'Twice', domain: 'twice-works.com' })
    const none = customer({ name: 'Nowhere' })
    const carrier = account({ Name: 'Other name', PRM_Customer_Id__c: byKey })
    const omega = account({ Name: 'Omega', BillingCountry: 'GB' })
    const twice = [
      account({ Name: 'Twice', Website: 'twice-works.com' }),
      account({ Name: 'Twice 2', Website: 'twice-works.com' }),
    ]
    await sync.poll()
    const done = await upkeep.backfill('customer')
    expect(done.counts).toMatchObject({ certain: 2, doubtful: 1, none: 1 })
    expect(await stateOf('customer', byKey)).toEqual({ state: 'active', remoteId: carrier })
    expect(await stateOf('customer', byName)).toEqual({ state: 'active', remoteId: omega })
    expect(await stateOf('customer', none)).toBeUndefined()
    const review = await api.openReview('doubtful_match')
    expect(review).toMatchObject({ recordId: doubtful, resolutions: ['link', 'create'] })
    await sync.settle()
    expect(simulator.list('Account')).toHaveLength(4)
    expect(simulator.get('Account', omega)).toMatchObject({ PRM_Customer_Id__c: byName })
    await api.resolve(review.id, { link: twice[1] })
    await sync.settle()
    expect(await stateOf('customer', doubtful)).toEqual({ state: 'active', remoteId: twice[1] })
    await expectSilence()
    // A second run finds nothing more to do.
    const again = await upkeep.backfill('customer')
    expect(again.counts).toMatchObject({ settled: 3, certain: 0, doubtful: 0, none: 1 })
  })

  test('never gives one account to two of ours, in a dry run neither', async () => {
    customer({ name: 'Same', domain: 'same-works.com' })
    customer({ name: 'Same too', domain: 'same-works.com' })
    account({ Name: 'Same', Website: 'same-works.com' })
    await sync.poll()
    expect((await upkeep.backfill('customer', true)).counts).toMatchObject({ certain: 1, doubtful: 1 })
    expect((await upkeep.backfill('customer')).counts).toMatchObject({ certain: 1, doubtful: 1 })
  })

  test('reads the object anew when the mapping asks for more than was read', async () => {
    simulator.addField('Account', { name: 'Homepage__c', type: 'string', length: 255 })
    const known = customer({ name: 'New field', domain: 'field-works.com' })
    const there = account({ Name: 'Quite another', Homepage__c: 'field-works.com' })
    await sync.poll()
    await sync.changeLine('customer', 'domain', { remote: 'Homepage__c' })
    const done = await upkeep.backfill('customer')
    expect(done).toMatchObject({ recordsRead: 1, counts: { certain: 1 } })
    expect(await stateOf('customer', known)).toEqual({ state: 'active', remoteId: there })
  })

  test('waits for the first reading of the object and says so', async () => {
    await sync.rows('update change_cursor set complete = false where connection_id = $id returning 1')
    const waiting = await upkeep.backfill('customer')
    expect(waiting).toMatchObject({ state: 'waiting', problem: expect.stringContaining('not finished') })
  })
})

describe('a backfill of registrations', () => {
  test('only suggests: until a person chooses no second opportunity is made', async () => {
    const { deal, customer: company, partner } = addDeals(sync)
    const firm = account({ Name: 'Acme', Website: 'acme-stores.com' })
    const reseller = account({ Name: 'Nordwind Systems', PRM_Partner_Id__c: partner })
    const near = opportunity({ AccountId: firm, Amount: 1100, CloseDate: '2027-02-10' })
    opportunity({ AccountId: firm, Amount: 90_000, CloseDate: '2029-02-10' })
    await sync.poll()
    await upkeep.backfill('customer')
    await upkeep.backfill('partner')
    expect(await stateOf('customer', company)).toMatchObject({ remoteId: firm })
    expect(await stateOf('partner', partner)).toMatchObject({ remoteId: reseller })
    const done = await upkeep.backfill('deal')
    expect(done.counts).toMatchObject({ certain: 0, doubtful: 1 })
    expect(done.examples[0].details.candidates).toEqual([near])
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(2)
    const review = await api.openReview('doubtful_match')
    const { status } = await api.resolve(review.id, { link: near })
    expect(status).toBe(200)
    await sync.settle()
    expect(simulator.get('Opportunity', near)).toMatchObject({ PRM_Deal_Id__c: deal })
    expect(opportunities()).toHaveLength(2)
    await expectSilence()
  })

  test('makes a new one once a person says that none of them is it', async () => {
    const { deal, partner } = addDeals(sync)
    const firm = account({ Name: 'Acme', Website: 'acme-stores.com' })
    account({ Name: 'Nordwind Systems', PRM_Partner_Id__c: partner })
    opportunity({ AccountId: firm, Amount: 1100 })
    await sync.poll()
    for (const entity of ['customer', 'partner', 'deal']) await upkeep.backfill(entity)
    const review = await api.openReview('doubtful_match')
    expect((await api.resolve(review.id, { create: true })).status).toBe(200)
    await sync.settle()
    expect(opportunities()).toHaveLength(2)
    expect(opportunityOf(simulator, deal)).toMatchObject({ AccountId: firm })
  })

  test('links by our key, and leaves alone what the mapping does not want there', async () => {
    const { deal } = addDeals(sync)
    addDeals(sync, 1, { status: 'draft' })
    const there = opportunity({ PRM_Deal_Id__c: deal })
    await sync.poll()
    const done = await upkeep.backfill('deal')
    expect(done.counts).toMatchObject({ looked: 2, excluded: 1, certain: 1 })
    expect(await stateOf('deal', deal)).toEqual({ state: 'active', remoteId: there })
    expect(sync.news).toMatchObject([{ recordId: deal, state: 'active', remoteId: there }])
  })
})

describe('a backfill as a task', () => {
  const many = async () => {
    const ids = Array.from({ length: 1_200 }, (_, index) =>
      customer({ name: `Company ${index}`, domain: `company-${index}.com` }),
    )
    simulator.insertMany(
      'Account',
      ids.map((_, index) => ({ Name: `Company ${index}`, Website: `company-${index}.com` })),
    )
    await sync.poll()
    return ids
  }
  const links = () =>
    sync.rows<{ count: bigint }>(
      "select count(*) from link where connection_id = $id and entity = 'customer' and state = 'active'",
    )

  test('goes on where a worker died, links each once, and at low priority', async () => {
    await many()
    await upkeep.request('POST', '/backfills', { entity: 'customer', dryRun: false })
    const listIds = sync.entity('customer').listIds
    const killed = new AbortController()
    let pages = 0
    sync.entity('customer').listIds = async (...asked) => {
      pages += 1
      if (pages === 2) killed.abort()
      if (pages === 2) throw new Error('the worker is gone')
      return listIds(...asked)
    }
    await upkeep.drain(killed.signal)
    expect(await links()).toEqual([{ count: 500n }])
    sync.entity('customer').listIds = listIds
    await upkeep.drain()
    expect(await links()).toEqual([{ count: 1_200n }])
    const { items } = (await upkeep.request('GET', '/backfills')).body
    expect(items).toMatchObject([{ state: 'done', counts: { looked: 1_200, certain: 1_200 } }])
    const priorities = await sync.rows<{ priority: number }>(
      'select distinct priority from dirty_mark where connection_id = $id',
    )
    expect(priorities).toEqual([{ priority: 2 }])
  })

  test('can be cancelled; one of a kind runs at a time; who may only read may not start one', async () => {
    await many()
    const started = await upkeep.request('POST', '/backfills', { entity: 'customer', dryRun: false })
    expect(started.status).toBe(202)
    const second = await upkeep.request('POST', '/backfills', { entity: 'customer', dryRun: true })
    expect([second.status, second.body.code]).toEqual([409, 'already_running'])
    const cancelled = await upkeep.request('POST', `/backfills/${started.body.id}/cancel`)
    expect(cancelled.body).toMatchObject({ state: 'cancelled' })
    await upkeep.drain()
    expect(await links()).toEqual([{ count: 0n }])
    const again = await upkeep.request('POST', `/backfills/${started.body.id}/cancel`)
    expect([again.status, again.body.code]).toEqual([409, 'already_ended'])
    const auditor = await upkeep.request(
      'POST',
      '/backfills',
      { entity: 'customer', dryRun: true },
      'auditor',
    )
    expect(auditor.status).toBe(403)
    expect((await upkeep.request('GET', '/backfills', undefined, 'auditor')).status).toBe(200)
    expect(writesOf(simulator)).toEqual([])
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import { type SyncApi, syncApi } from '#test/support/sync-api.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf, writesOf } from '#test/support/toy-deals.ts'
import { type ToySync, toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()
let simulator: SalesforceSimulator
let sync: ToySync
let api: SyncApi

beforeEach(async () => {
  simulator = await startSalesforceSimulator()
  sync = await toySync(db.database, db.url, simulator)
  api = await syncApi(db.database, sync)
  await sync.poll()
})
afterEach(async () => {
  await api.close()
  await sync.close()
  await simulator.close()
})

const on = () => `connectionId=${sync.connection.id}`
const linkOf = async (entity: string, recordId: string) =>
  (await api.get(`/links?${on()}&entity=${entity}&recordId=${recordId}`)).items[0]

/** Silence: another ten polls write nothing. */
async function expectSilence() {
  await sync.settle()
  simulator.calls.reset()
  for (let turn = 0; turn < 10; turn += 1) {
    await sync.poll()
    await sync.settle()
  }
  expect(writesOf(simulator)).toEqual([])
}

describe('a company of which two exist in the CRM', () => {
  let deal = ''
  let customer = ''
  let accounts: string[] = []
  beforeEach(async () => {
    accounts = [
      simulator.insert('Account', { Name: 'Acme GmbH', BillingCountry: 'Germany' }),
      simulator.insert('Account', { Name: 'ACME', BillingCountry: 'DE' }),
    ]
    await sync.poll()
    const added = addDeals(sync)
    deal = added.deal
    customer = added.customer
    await sync.mark('deal', [deal])
    await sync.settle()
  })

  test('is a review item that shows both of them and our record', async () => {
    const item = await api.openReview('doubtful_match')
    const shown = await api.get(`/review-items/${item.id}`)
    expect(shown.item).toMatchObject({ title: 'Acme GmbH', resolutions: ['link', 'create'] })
    expect(shown.record).toMatchObject({ domain: 'acme-stores.com' })
    expect(shown.remotes.map(({ content }: { content: { Name: string } }) => content.Name).sort()).toEqual([
      'ACME',
      'Acme GmbH',
    ])
    expect(shown.remotes[0].url).toContain(shown.remotes[0].remoteId)
  })

  test('keeps its deal waiting, which says for whom and why', async () => {
    const { items } = await api.get(`/waiting-records?${on()}`)
    const item = await api.openReview('doubtful_match')
    expect(items).toMatchObject([
      {
        recordId: deal,
        title: 'Acme 0',
        parentEntity: 'customer',
        parentId: customer,
        parentTitle: 'Acme GmbH',
        parentState: 'in_review',
        parentReviewId: item.id,
        reason: expect.stringContaining('2 records in the CRM may be this customer'),
      },
    ])
    const { items: counts } = await api.get(`/sync-queue?${on()}`)
    expect(counts).toMatchObject([
      { entity: 'customer', state: 'parked', count: 1 },
      { entity: 'deal', state: 'waiting', count: 1 },
    ])
  })

  test('is linked to the one that a person names; its deal follows by itself', async () => {
    const item = await api.openReview('doubtful_match')
    const answer = await api.resolve(item.id, { link: accounts[1] })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      resolution: `link ${accounts[1]}`,
      reason: 'as agreed on the phone',
      closedBy: 'The revenue_operations',
      resolutions: [],
    })
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ AccountId: accounts[1] })
    expect(simulator.list('Account')).toHaveLength(3)
    await expectSilence()
  })

  test('is made anew when a person says that neither is the one', async () => {
    const item = await api.openReview('doubtful_match')
    expect((await api.resolve(item.id, { create: true })).status).toBe(200)
    await sync.settle()
    const made = opportunityOf(simulator, deal)?.['AccountId']
    expect(accounts).not.toContain(made)
    expect(simulator.get('Account', String(made))).toMatchObject({ PRM_Customer_Id__c: customer })
    expect((await api.get(`/review-items?${on()}&state=open`)).items).toEqual([])
    await expectSilence()
  })

  test('is decided once, in a way that fits, by somebody who may, with a reason', async () => {
    const item = await api.openReview('doubtful_match')
    const wrong = await api.resolve(item.id, { take: 'ours' })
    expect([wrong.status, wrong.body.issues[0].code]).toEqual([422, 'wrong_resolution'])
    const mute = await api.request('POST', `/review-items/${item.id}/resolve`, {
      resolution: { create: true },
    })
    expect(mute.status).toBe(422)
    const reader = await api.request(
      'POST',
      `/review-items/${item.id}/resolve`,
      { resolution: { create: true }, reason: 'because' },
      'channel_manager',
    )
    expect(reader.status).toBe(403)
    expect((await api.request('GET', `/review-items/${item.id}`, undefined, 'auditor')).status).toBe(200)
    expect((await api.request('GET', `/review-items/${item.id}`, undefined, 'finance')).status).toBe(403)
    const unknown = await api.resolve(item.id, { link: '001000000000000AAA' })
    expect([unknown.status, unknown.body.issues[0].code]).toEqual([422, 'unknown_remote_id'])
    expect((await api.resolve(item.id, { create: true })).status).toBe(200)
    const again = await api.resolve(item.id, { create: true })
    expect([again.status, again.body.code]).toEqual([409, 'already_closed'])
    const trail = await sync.rows<{ action: string; reason: string }>(
      `select action, reason from audit_entry where subject_id = '${item.id}'`,
    )
    expect(trail).toEqual([{ action: 'sync.review_resolved', reason: 'as agreed on the phone' }])
  })
})

describe('a field whose owner is "review", changed on both sides', () => {
  let deal = ''
  let remoteId = ''
  beforeEach(async () => {
    await sync.changeLine('deal', 'amount', { owner: 'review' })
    const linked = await linkedDeal(sync, simulator)
    deal = linked.deal
    remoteId = linked.remoteId
    sync
      .entity('deal')
      .put(deal, { amount: { amount: '2000.00', currency: 'USD' }, protectionEnd: '2027-09-01' })
    simulator.update('Opportunity', remoteId, { Amount: 3000, StageName: 'Negotiation/Review' })
    await sync.mark('deal', [deal])
    await sync.poll()
    await sync.settle()
  })

  test('rests on both sides while the rest flows, and shows both values', async () => {
    expect(opportunityOf(simulator, deal)).toMatchObject({
      Amount: 3000,
      PRM_Protection_End__c: '2027-09-01',
    })
    expect(localDeal(sync, deal)).toMatchObject({
      amount: { amount: '2000.00' },
      stage: 'Negotiation/Review',
    })
    expect(await api.openReview('collision')).toMatchObject({
      field: 'amount',
      ours: { amount: '2000.00', currency: 'USD' },
      theirs: { amount: '3000.00', currency: 'USD' },
    })
  })

  test('is ours on both sides once a person says so', async () => {
    const item = await api.openReview('collision')
    expect((await api.resolve(item.id, { take: 'ours' })).status).toBe(200)
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 2000 })
    await expectSilence()
    expect(
      (await linkOf('deal', deal)).fields.find(({ field }: { field: string }) => field === 'amount'),
    ).toEqual({
      field: 'amount',
      agreed: {
        ours: { amount: '2000.00', currency: 'USD' },
        theirs: { amount: '2000.00', currency: 'USD' },
      },
      unanswered: false,
      held: null,
    })
  })

  test('is theirs on both sides once a person says so', async () => {
    const item = await api.openReview('collision')
    expect((await api.resolve(item.id, { take: 'theirs' })).status).toBe(200)
    expect(localDeal(sync, deal)).toMatchObject({ amount: { amount: '3000.00' } })
    await expectSilence()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 3000 })
  })

  test('may be left as it is, and is asked about again only when a side changes', async () => {
    const item = await api.openReview('collision')
    expect((await api.resolve(item.id, { leave: true })).status).toBe(200)
    await expectSilence()
    expect([opportunityOf(simulator, deal)?.['Amount'], localDeal(sync, deal)['amount']]).toEqual([
      3000,
      { amount: '2000.00', currency: 'USD' },
    ])
    expect((await api.get(`/review-items?${on()}&state=open`)).items).toEqual([])
    simulator.update('Opportunity', remoteId, { Amount: 3500 })
    await sync.poll()
    await sync.settle()
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '3500.00', currency: 'USD' })
  })

  test('is asked about again when theirs has moved on since it was shown', async () => {
    const item = await api.openReview('collision')
    simulator.update('Opportunity', remoteId, { Amount: 4000 })
    await api.resolve(item.id, { take: 'ours' })
    await sync.poll()
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 4000 })
    expect(await api.openReview('collision')).toMatchObject({
      theirs: { amount: '4000.00', currency: 'USD' },
    })
  })

  test('closes its item by itself when a person makes both sides equal', async () => {
    simulator.update('Opportunity', remoteId, { Amount: 2000 })
    await sync.poll()
    await sync.settle()
    const { items } = await api.get(`/review-items?${on()}&kind=collision`)
    expect(items).toMatchObject([{ resolution: 'agreed', closedBy: 'sync' }])
  })

  test('keeps its item open when our rules refuse their value', async () => {
    sync.entity('deal').refuses = (field) => field === 'amount'
    const item = await api.openReview('collision')
    const answer = await api.resolve(item.id, { take: 'theirs' })
    expect([answer.status, answer.body.code]).toEqual([409, 'unexpected'])
    expect((await api.openReview('collision')).id).toBe(item.id)
  })
})

describe('a value of the CRM that has no counterpart here', () => {
  let deal = ''
  let remoteId = ''
  const table: [string, string][] = [
    ['Prospecting', 'Prospecting'],
    ['Closed Won', 'Closed Won'],
  ]
  beforeEach(async () => {
    await sync.changeLine('deal', 'stage', { via: { kind: 'choice', table }, flow: 'both', group: undefined })
    const linked = await linkedDeal(sync, simulator)
    deal = linked.deal
    remoteId = linked.remoteId
    simulator.update('Opportunity', remoteId, { StageName: 'Qualification', Amount: 5000 })
    await sync.poll()
    await sync.settle()
  })

  test('is shown by name while the rest flows, and its item closes once the mapping knows it', async () => {
    expect(localDeal(sync, deal)).toMatchObject({ amount: { amount: '5000.00' }, stage: 'Prospecting' })
    expect(await api.openReview('unmapped')).toMatchObject({
      field: 'stage',
      ours: 'Prospecting',
      theirs: 'Qualification',
    })
    await sync.changeLine('deal', 'stage', {
      via: { kind: 'choice', table: [...table, ['Qualified', 'Qualification']] },
    })
    await sync.mark('deal', [deal])
    simulator.touch('Opportunity', [remoteId])
    await sync.poll()
    await sync.settle()
    expect(localDeal(sync, deal)).toMatchObject({ stage: 'Qualified' })
    expect((await api.get(`/review-items?${on()}&kind=unmapped`)).items).toMatchObject([
      { resolution: 'agreed' },
    ])
  })

  test('is not taken over while the mapping does not know it, but is once it does', async () => {
    const item = await api.openReview('unmapped')
    const early = await api.resolve(item.id, { take: 'theirs' })
    expect([early.status, early.body.code]).toEqual([409, 'no_counterpart'])
    await sync.changeLine('deal', 'stage', {
      via: { kind: 'choice', table: [...table, ['Qualified', 'Qualification']] },
    })
    expect((await api.resolve(item.id, { take: 'theirs' })).status).toBe(200)
    expect(localDeal(sync, deal)).toMatchObject({ stage: 'Qualified' })
    await expectSilence()
  })

  test('gives way to ours, or stays, as a person decides', async () => {
    const item = await api.openReview('unmapped')
    expect((await api.resolve(item.id, { leave: true })).status).toBe(200)
    await expectSilence()
    expect(opportunityOf(simulator, deal)).toMatchObject({ StageName: 'Qualification' })
    expect((await api.get(`/review-items?${on()}&state=open`)).items).toEqual([])
    simulator.update('Opportunity', remoteId, { StageName: 'Needs Analysis' })
    await sync.poll()
    await sync.settle()
    const next = await api.openReview('unmapped')
    expect((await api.resolve(next.id, { take: 'ours' })).status).toBe(200)
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ StageName: 'Prospecting' })
    await expectSilence()
  })
})

describe('a linked record that is gone in the CRM', () => {
  let deal = ''
  beforeEach(async () => {
    const linked = await linkedDeal(sync, simulator)
    deal = linked.deal
    simulator.remove('Opportunity', linked.remoteId)
    await sync.poll()
    await sync.settle()
  })

  test('may be linked to another one, with which it is in step from then on', async () => {
    const other = simulator.insert('Opportunity', {
      Name: 'Acme again',
      StageName: 'Prospecting',
      CloseDate: '2027-04-01',
    })
    await sync.poll()
    expect(sync.claims.has(other)).toBe(true)
    const item = await api.openReview('gone')
    expect((await api.resolve(item.id, { link: other })).status).toBe(200)
    await sync.settle()
    expect(simulator.get('Opportunity', other)).toMatchObject({
      Name: 'Acme 0',
      PRM_Deal_Id__c: deal,
      Amount: 1000.5,
    })
    expect(sync.news.at(-1)).toMatchObject({ recordId: deal, state: 'active', remoteId: other })
    await expectSilence()
    expect(sync.claims.has(other)).toBe(false)
  })

  test('is retired if a person says so, and is never made again by itself', async () => {
    const item = await api.openReview('gone')
    expect((await api.resolve(item.id, { retire: true })).body).toMatchObject({ resolution: 'retire' })
    expect(await linkOf('deal', deal)).toMatchObject({ state: 'retired' })
    sync.entity('deal').put(deal, { protectionEnd: '2027-12-01' })
    await sync.mark('deal', [deal])
    await expectSilence()
    expect(simulator.list('Opportunity')).toEqual([])
    expect((await api.get(`/sync-queue?${on()}`)).items).toEqual([])
  })
})

describe('a link made by hand', () => {
  test('takes the record of the CRM that a person names, once, and only one that is there', async () => {
    const { deals } = addDeals(sync, 2)
    const [first = '', second = ''] = deals
    const remoteId = simulator.insert('Opportunity', {
      Name: 'Direct',
      StageName: 'Prospecting',
      CloseDate: '2027-04-01',
      Amount: 700,
    })
    const link = (recordId: string, entity = 'deal', id = remoteId) =>
      api.request('POST', '/links', {
        connectionId: sync.connection.id,
        entity,
        recordId,
        remoteId: id,
        reason: 'the rep had made it',
      })
    const unseen = await link(first)
    expect([unseen.status, unseen.body.issues[0].code]).toEqual([422, 'unknown_remote_id'])
    await sync.poll()
    const made = await link(first)
    expect([made.status, made.body]).toMatchObject([201, { state: 'active', remoteId, title: 'Acme 0' }])
    const taken = await link(second)
    expect([taken.status, taken.body.code]).toEqual([409, 'remote_taken'])
    const twice = await link(first)
    expect([twice.status, twice.body.code]).toEqual([409, 'already_linked'])
    expect((await link(newId())).status).toBe(404)
    expect((await link(first, 'order')).status).toBe(404)
    await sync.settle()
    // No agreement yet: the owner of the amount decides, the blank gives way.
    expect(simulator.get('Opportunity', remoteId)).toMatchObject({ Amount: 700, PRM_Deal_Id__c: first })
    expect(localDeal(sync, first)).toMatchObject({ amount: { amount: '700.00', currency: 'USD' } })
    expect((await api.get(`/sync-attempts?${on()}&recordId=${first}&outcome=linked`)).items).toMatchObject([
      { remoteId, message: expect.stringContaining('the rep had made it') },
    ])
    await expectSilence()
  })

  test('is moved to another record by retiring it first; our key stays where it stands', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    const other = simulator.insert('Opportunity', {
      Name: 'The right one',
      StageName: 'Prospecting',
      CloseDate: '2027-04-01',
    })
    await sync.poll()
    const link = await linkOf('deal', deal)
    const retired = await api.request('POST', `/links/${link.id}/retire`, { reason: 'wrong one' })
    expect([retired.status, retired.body.state]).toEqual([200, 'retired'])
    const twice = await api.request('POST', `/links/${link.id}/retire`, { reason: 'wrong one' })
    expect([twice.status, twice.body.code]).toEqual([409, 'already_retired'])
    const made = await api.request('POST', '/links', {
      connectionId: sync.connection.id,
      entity: 'deal',
      recordId: deal,
      remoteId: other,
      reason: 'this is it',
    })
    expect(made.status).toBe(201)
    await sync.settle()
    expect(simulator.get('Opportunity', other)).toMatchObject({
      Name: 'Acme 0',
      PRM_Protection_End__c: '2027-02-01',
    })
    sync.entity('deal').put(deal, { protectionEnd: '2027-11-11' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(simulator.get('Opportunity', other)).toMatchObject({ PRM_Protection_End__c: '2027-11-11' })
    expect(simulator.get('Opportunity', remoteId)).toMatchObject({ PRM_Protection_End__c: '2027-02-01' })
    await expectSilence()
  })

  test('of a parent lets the children go that waited for it', async () => {
    await sync.changeLine('customer', 'name', { via: { kind: 'text', maxLength: 3, overflow: 'issue' } })
    const { deal, customer } = addDeals(sync)
    await sync.mark('deal', [deal])
    await sync.settle()
    expect((await api.get(`/waiting-records?${on()}`)).items).toMatchObject([
      { recordId: deal, parentState: 'parked', reason: expect.stringContaining('cannot be sent') },
    ])
    const account = simulator.insert('Account', { Name: 'Acme' })
    await sync.poll()
    await api.request('POST', '/links', {
      connectionId: sync.connection.id,
      entity: 'customer',
      recordId: customer,
      remoteId: account,
      reason: 'known to sales',
    })
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ AccountId: account })
  })
})

describe('parked records', () => {
  beforeEach(async () => {
    simulator.addValidationRule({
      object: 'Opportunity',
      check: (row) =>
        String(row['Name']).startsWith('Acme') && !row['NextStep'] ? 'Tell the next step' : null,
    })
  })

  test('say why and since when, page by page, with the oldest first if asked', async () => {
    const { deals } = addDeals(sync, 7)
    await sync.mark('deal', deals)
    await sync.settle()
    const seen: string[] = []
    let cursor = ''
    for (let page = 0; page < 4; page += 1) {
      const answer = await api.get(`/parked-records?${on()}&limit=2&sort=since${cursor}`)
      seen.push(...answer.items.map(({ recordId }: { recordId: string }) => recordId))
      expect(answer.items[0]).toMatchObject({
        entity: 'deal',
        code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
        message: expect.stringContaining('Tell the next step'),
        linkState: 'creating',
      })
      if (answer.nextCursor === null) break
      cursor = `&cursor=${answer.nextCursor}`
    }
    expect(seen.toSorted()).toEqual(deals.toSorted())
    expect((await api.get(`/parked-records?${on()}&code=OTHER`)).items).toEqual([])
  })

  test('are tried again one by one or all together, once what was wrong is mended', async () => {
    const { deals } = addDeals(sync, 7)
    await sync.mark('deal', deals)
    await sync.settle()
    const nothing = await api.request('POST', '/parked-records/replay', { ids: [newId()] })
    expect(nothing.body).toEqual({ replayed: 0, remaining: 0 })
    await sync.changeLine('deal', 'need', {
      remote: 'NextStep',
      via: { kind: 'text', maxLength: 255, overflow: 'cut' },
    })
    const one = await api.request('POST', '/parked-records/replay', { ids: [deals[3]] })
    expect(one.body).toEqual({ replayed: 1, remaining: 0 })
    await sync.settle()
    expect(simulator.list('Opportunity').map((row) => row['PRM_Deal_Id__c'])).toEqual([deals[3]])
    const reader = await api.request('POST', '/parked-records/replay', { all: true }, 'auditor')
    expect(reader.status).toBe(403)
    const rest = await api.request('POST', '/parked-records/replay', {
      all: true,
      connectionId: sync.connection.id,
      entity: 'deal',
    })
    expect(rest.body).toEqual({ replayed: 6, remaining: 0 })
    await sync.settle()
    expect(simulator.list('Opportunity')).toHaveLength(7)
    expect((await api.get(`/parked-records?${on()}`)).items).toEqual([])
  })
})

describe('an opportunity made in the CRM that names our partner', () => {
  test('is a proposal; left direct it is not proposed again, unless it names another partner', async () => {
    const { partner } = await linkedDeal(sync, simulator)
    const partnerAccount = (await linkOf('partner', partner)).remoteId
    const direct = simulator.insert('Opportunity', {
      Name: 'Found by the rep',
      StageName: 'Prospecting',
      CloseDate: '2027-04-01',
      PRM_Partner__c: partnerAccount,
    })
    await sync.poll()
    const item = await api.openReview('proposal')
    expect((await api.get(`/review-items/${item.id}`)).remotes).toMatchObject([
      { remoteId: direct, content: { Name: 'Found by the rep' } },
    ])
    expect((await api.resolve(item.id, { leave: true })).status).toBe(200)
    simulator.update('Opportunity', direct, { Amount: 12 })
    await sync.poll()
    expect((await api.get(`/review-items?${on()}&state=open`)).items).toEqual([])
    expect(sync.claims.get(direct)).toMatchObject({ open: true, partnerId: partner })
    const other = newId()
    sync.entity('partner').put(other, { name: 'Ostwind Systems', status: 'active' })
    await sync.mark('partner', [other])
    await sync.settle()
    simulator.update('Opportunity', direct, { PRM_Partner__c: (await linkOf('partner', other)).remoteId })
    await sync.poll()
    expect(await api.openReview('proposal')).toMatchObject({ details: { partnerId: other } })
  })
})

describe('the state of a connection', () => {
  test('is told in figures: mirror, lag, what waits, what is parked, what rests', async () => {
    const { deal } = addDeals(sync)
    await sync.mark('deal', [deal])
    const health = await api.get(`/connections/${sync.connection.id}/health`)
    expect(health).toMatchObject({
      status: 'active',
      dirty: 1,
      waiting: 0,
      parked: 0,
      openReviews: 0,
      quarantined: [],
    })
    expect(health.objects).toMatchObject([
      {
        object: 'Account',
        entities: ['customer', 'partner'],
        complete: true,
        mirrorAgeSeconds: expect.any(Number),
      },
      { object: 'Opportunity', entities: ['deal'], complete: true },
    ])
    expect((await api.request('GET', `/connections/${newId()}/health`)).status).toBe(404)
  })

  test('may be refreshed at once by those who act, and the answer counts what came', async () => {
    simulator.insertMany('Account', [{ Name: 'One' }, { Name: 'Two' }])
    const path = `/connections/${sync.connection.id}/poll`
    expect((await api.request('POST', path, {}, 'auditor')).status).toBe(403)
    const polled = await api.request('POST', path)
    expect(polled.body.objects).toContainEqual({ object: 'Account', records: 2, changed: 2, deletions: 0 })
    const pauseReason = 'maintenance in the CRM'
    sync.showStanding({ status: 'paused', pausedUntil: null, pauseReason })
    const refused = await api.request('POST', path)
    expect([refused.status, refused.body.code]).toEqual([409, 'connection_paused'])
    expect(await api.get(`/connections/${sync.connection.id}/health`)).toMatchObject({
      status: 'paused',
      pauseReason,
    })
    sync.showStanding({ status: 'paused', pausedUntil: new Date(0), pauseReason })
    expect((await api.request('POST', path)).status).toBe(200)
    expect(await api.get(`/connections/${sync.connection.id}/health`)).toMatchObject({
      status: 'active',
      pauseReason: null,
    })
    simulator.faults.add({ kind: 'server-error', status: 503, count: 1, operation: 'query' })
    const failed = await api.request('POST', path)
    expect([failed.status, failed.body.code]).toEqual([409, 'poll_failed'])
  })
})

describe('lists', () => {
  test('of the log and of links page through everything once, newest first', async () => {
    const { deals } = addDeals(sync, 5)
    await sync.mark('deal', deals)
    await sync.settle()
    for (const path of [`/sync-attempts?${on()}`, `/links?${on()}`]) {
      const ids: string[] = []
      let cursor = ''
      do {
        const page = await api.get(`${path}&limit=3${cursor}`)
        ids.push(...page.items.map(({ id }: { id: string }) => id))
        cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`
      } while (cursor !== '')
      expect(ids).toHaveLength(7)
      expect(ids).toEqual(ids.toSorted().reverse())
      expect(new Set(ids).size).toBe(7)
    }
    const [link] = (
      await api.get(`/links?${on()}&remoteId=${opportunityOf(simulator, deals[0] ?? '')?.['Id']}`)
    ).items
    expect(link).toMatchObject({ recordId: deals[0], state: 'active' })
    expect(await api.get(`/links/${link.id}`)).toEqual(link)
    expect((await api.get(`/sync-attempts?${on()}&direction=in`)).items).toEqual([])
  })
})

describe('what a person does while a worker is reading the same record', () => {
  /** A worker that stops right after its read, until it is let go. */
  function paused() {
    let reached: () => void = () => undefined
    let letGo: () => void = () => undefined
    const isReading = new Promise<void>((resolve) => {
      reached = resolve
    })
    const goesOn = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const worker = sync.secondWorker((connector) => ({
      ...connector,
      read: async (...asked) => {
        const records = await connector.read(...asked)
        reached()
        await goesOn
        return records
      },
    }))
    return { worker, isReading, letGo }
  }

  test('an edit on our side is not overwritten by what the CRM had: the owner decides, the log names the loser', async () => {
    await sync.changeLine('deal', 'amount', { owner: 'prm' })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.update('Opportunity', remoteId, { Amount: 3000 })
    sync.entity('deal').put(deal, { title: 'Read me' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const { worker, isReading, letGo } = paused()
    const done = worker.reconcile()
    await isReading
    sync.entity('deal').put(deal, { amount: { amount: '2000.00', currency: 'USD' } })
    await sync.mark('deal', [deal])
    letGo()
    await done
    await sync.settle()
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '2000.00', currency: 'USD' })
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 2000, Name: 'Read me' })
    expect((await api.get(`/sync-attempts?${on()}&outcome=lost`)).items).toMatchObject([
      { code: 'theirs_lost', fields: ['amount'] },
    ])
  })

  test('a decision stands, and is not asked for again', async () => {
    await sync.changeLine('deal', 'amount', { owner: 'review' })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    sync.entity('deal').put(deal, { amount: { amount: '2000.00', currency: 'USD' } })
    simulator.update('Opportunity', remoteId, { Amount: 3000 })
    await sync.mark('deal', [deal])
    await sync.settle()
    const item = await api.openReview('collision')
    sync.entity('deal').put(deal, { title: 'Read me' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const { worker, isReading, letGo } = paused()
    const done = worker.reconcile()
    await isReading
    expect((await api.resolve(item.id, { take: 'ours' })).status).toBe(200)
    letGo()
    await done
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 2000, Name: 'Read me' })
    expect((await api.get(`/review-items?${on()}&state=open`)).items).toEqual([])
    await expectSilence()
  })

  test('a link that is retired is not written any more', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    sync.entity('deal').put(deal, { title: 'Never' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const { worker, isReading, letGo } = paused()
    const done = worker.reconcile()
    await isReading
    const link = await linkOf('deal', deal)
    expect((await api.request('POST', `/links/${link.id}/retire`, { reason: 'a mistake' })).status).toBe(200)
    letGo()
    await done
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Name: 'Acme 0' })
  })
})

describe('a deal that the CRM takes for a duplicate', () => {
  let deal = ''
  let twin = ''
  let dropRule: () => void = () => undefined
  beforeEach(async () => {
    twin = simulator.insert('Opportunity', {
      Name: 'Acme 0',
      StageName: 'Prospecting',
      CloseDate: '2027-03-03',
    })
    await sync.poll()
    dropRule = simulator.addDuplicateRule({
      name: 'Same name',
      object: 'Opportunity',
      onMatch: 'block',
      matches: (candidate, row) => candidate['Name'] === row['Name'],
    })
    deal = addDeals(sync).deal
    await sync.mark('deal', [deal])
    await sync.settle()
  })

  test('may be linked to the one that the CRM named', async () => {
    dropRule()
    const item = await api.openReview('duplicate')
    expect((await api.get(`/review-items/${item.id}`)).remotes).toMatchObject([
      { remoteId: twin, content: { Name: 'Acme 0' }, linkedTo: [] },
    ])
    expect((await api.resolve(item.id, { link: twin })).status).toBe(200)
    await sync.settle()
    expect(simulator.get('Opportunity', twin)).toMatchObject({ PRM_Deal_Id__c: deal })
    expect(simulator.list('Opportunity')).toHaveLength(1)
    await expectSilence()
  })

  test('may be made all the same: asked about again while the CRM refuses, there once it does not', async () => {
    const item = await api.openReview('duplicate')
    expect((await api.resolve(item.id, { create: true })).status).toBe(200)
    await sync.settle()
    const again = await api.openReview('duplicate')
    expect(again.id).not.toBe(item.id)
    dropRule()
    expect((await api.resolve(again.id, { create: true })).status).toBe(200)
    await sync.settle()
    expect(simulator.list('Opportunity')).toHaveLength(2)
    expect(opportunityOf(simulator, deal)).toBeDefined()
  })
})

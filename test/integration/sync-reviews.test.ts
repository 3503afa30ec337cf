import { beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { api, expectSilence, linkOf, on, simulator, sync, useSyncApi } from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf } from '#test/support/toy-deals.ts'

useSyncApi()

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

import { beforeEach, describe, expect, test } from 'vitest'
import {
  api,
  expectSilence,
  linkOf,
  on,
  openReviews,
  simulator,
  sync,
  useSyncApi,
} from '#test/support/sync-world.ts'
import { linkedDeal, localDeal, opportunityOf } from '#test/support/toy-deals.ts'

useSyncApi()

describe('two sides that both changed a field', () => {
  const amountsAfterBoth = async (owner: 'prm' | 'crm' | 'review') => {
    await sync.changeLine('deal', 'amount', { owner })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    sync.entity('deal').put(deal, { amount: { amount: '2000.00', currency: 'USD' } })
    simulator.update('Opportunity', remoteId, { Amount: 3000 })
    await sync.mark('deal', [deal])
    await sync.poll()
    await sync.settle()
    const log = await sync.rows<{ code: string; message: string; fields: string[] }>(
      "select code, message, fields from sync_attempt where connection_id = $id and outcome = 'lost'",
    )
    const { amount } = localDeal(sync, deal)
    return {
      ours: (amount as { amount: string }).amount,
      theirs: opportunityOf(simulator, deal)?.['Amount'],
      log,
    }
  }

  test('end with ours where we own it; theirs is in the log', async () => {
    expect(await amountsAfterBoth('prm')).toEqual({
      ours: '2000.00',
      theirs: 2000,
      log: [{ code: 'theirs_lost', fields: ['amount'], message: expect.stringContaining('3000') }],
    })
    await expectSilence()
  })

  test('end with theirs where the CRM owns it; ours is in the log', async () => {
    expect(await amountsAfterBoth('crm')).toEqual({
      ours: '3000.00',
      theirs: 3000,
      log: [{ code: 'ours_lost', fields: ['amount'], message: expect.stringContaining('2000') }],
    })
    await expectSilence()
  })

  test('keep both where a person decides, and write nothing meanwhile', async () => {
    expect(await amountsAfterBoth('review')).toEqual({ ours: '2000.00', theirs: 3000, log: [] })
    expect(await openReviews()).toMatchObject([{ kind: 'collision', field: 'amount' }])
    await expectSilence()
  })
})

describe('a CRM that insists', () => {
  test('on changing back what we write gets its way after three times: the field rests, the others flow', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    const changeBack = () => {
      simulator.update('Opportunity', remoteId, { PRM_Protection_End__c: '2027-02-01' })
      return sync.poll()
    }
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.settle()
    for (let turn = 0; turn < 6; turn += 1) {
      await changeBack()
      await sync.settle()
    }
    expect(await openReviews()).toMatchObject([{ kind: 'reverted', field: 'protectionEnd' }])
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-02-01' })
    expect(localDeal(sync, deal)['protectionEnd']).toBe('2027-08-08')
    const written = simulator
      .history('Opportunity', remoteId)
      .filter(({ by }) => by === simulator.integrationUserId)
    expect(written.length).toBeLessThanOrEqual(6)
    sync.entity('deal').put(deal, { title: 'Another title' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({
      Name: 'Another title',
      PRM_Protection_End__c: '2027-02-01',
    })
    await expectSilence()
  })

  test('on an amount that its line items make keeps it; ours follows', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.setLineItems(remoteId, true)
    await sync.poll()
    sync
      .entity('deal')
      .put(deal, { amount: { amount: '9.00', currency: 'USD' }, protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({
      Amount: 1000.5,
      PRM_Protection_End__c: '2027-08-08',
    })
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '1000.50', currency: 'USD' })
    await expectSilence()
  })

  test('on a fact that our rules do not take is not written over: the review item holds both', async () => {
    await sync.changeLine('deal', 'amount', { owner: 'prm' })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    sync.entity('deal').refuses = (field) => field === 'amount'
    simulator.update('Opportunity', remoteId, { Amount: -5 })
    await sync.poll()
    await sync.settle()
    expect(await openReviews()).toMatchObject([{ kind: 'unexpected_fact', field: 'amount' }])
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: -5, PRM_Protection_End__c: '2027-08-08' })
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '1000.50', currency: 'USD' })
    await expectSilence()
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

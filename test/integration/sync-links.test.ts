import { describe, expect, test } from 'vitest'
import type { Connector } from '#connectors/connector.ts'
import { Refused } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import {
  api,
  expectSilence,
  linkOf,
  marks,
  on,
  openReviews,
  opportunities,
  simulator,
  stateOf,
  sync,
  useSyncApi,
} from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf } from '#test/support/toy-deals.ts'

useSyncApi()

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

describe('a link that a capability asks for', () => {
  const request = (id: string, remoteId: string) =>
    sync.run((tx) =>
      sync.dirty.onLinkRequested(tx, { kind: 'system', name: 'test' }, [
        { type: 'link_requested', connectionId: null, entity: 'deal', id, remoteId, priority: 'live' },
      ]),
    )

  test('takes the opportunity that exists instead of making one', async () => {
    const { deal } = addDeals(sync)
    const direct = simulator.insert('Opportunity', {
      Name: 'Direct',
      StageName: 'Prospecting',
      CloseDate: '2027-04-01',
    })
    await sync.poll()
    expect(sync.claims.has(direct)).toBe(true)
    await request(deal, direct)
    await sync.settle()
    expect(simulator.get('Opportunity', direct)).toMatchObject({ Name: 'Acme 0', PRM_Deal_Id__c: deal })
    await expectSilence()
    expect(simulator.list('Opportunity')).toHaveLength(1)
    expect(sync.claims.has(direct)).toBe(false)
  })

  test('is refused in words when the opportunity is taken or the deal is linked', async () => {
    const { remoteId, deal } = await linkedDeal(sync, simulator)
    const { deal: other } = addDeals(sync)
    await expect(request(other, remoteId)).rejects.toMatchObject({ code: 'remote_taken' })
    await expect(request(deal, '006000000000001AAA')).rejects.toBeInstanceOf(Refused)
  })
})

describe('records that vanish or merge over there', () => {
  test('two customers on two accounts that are merged share the survivor, in silence', async () => {
    const first = addDeals(sync)
    const second = addDeals(sync)
    sync.entity('customer').put(second.customer, { name: 'Zeta AG', domain: 'zeta.example', country: 'CH' })
    await sync.mark('deal', [first.deal, second.deal])
    await sync.settle()
    await sync.poll()
    await sync.settle()
    const master = (await stateOf('customer', first.customer))?.remoteId ?? ''
    const loser = (await stateOf('customer', second.customer))?.remoteId ?? ''
    expect(master).not.toBe(loser)
    simulator.merge('Account', master, [loser])
    await sync.poll()
    await sync.settle()
    for (const { customer } of [first, second]) {
      expect(await stateOf('customer', customer)).toEqual({ state: 'active', remoteId: master })
    }
    expect(opportunityOf(simulator, second.deal)).toMatchObject({ AccountId: master })
    await expectSilence()
    expect(await openReviews()).toEqual([])
  })

  test('a customer that is deleted keeps new deals waiting, which say so, until it is linked anew', async () => {
    const { customer, partner } = await linkedDeal(sync, simulator)
    const account = (await stateOf('customer', customer))?.remoteId ?? ''
    simulator.remove('Account', account)
    await sync.poll()
    const next = addDeals(sync, 1, { customer, partner })
    await sync.mark('deal', next.deals)
    await sync.settle()
    expect(await marks()).toMatchObject([{ recordId: next.deal, waitingFor: `customer:${customer}` }])
    expect((await openReviews()).map(({ kind }) => kind)).toContain('gone')
  })

  test('an opportunity that comes back from the recycle bin is not made a second time', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.remove('Opportunity', remoteId)
    await sync.poll()
    await sync.settle()
    simulator.undelete('Opportunity', remoteId)
    await sync.poll()
    await sync.mark('deal', [deal])
    await expectSilence()
    expect(opportunities()).toHaveLength(1)
    expect(await stateOf('deal', deal)).toMatchObject({ state: 'gone' })
  })

  test('one that is deleted between our read and our write is gone, and a person is told', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    let inner: Connector | undefined
    const worker = sync.secondWorker((connector) => {
      inner = connector
      return {
        ...connector,
        write: async (commands, signal) => {
          simulator.remove('Opportunity', remoteId)
          return connector.write(commands, signal)
        },
      }
    })
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    await worker.reconcile()
    expect(inner).toBeDefined()
    expect(await stateOf('deal', deal)).toMatchObject({ state: 'gone' })
    expect(await openReviews()).toMatchObject([{ kind: 'gone' }])
    await expectSilence()
  })
})

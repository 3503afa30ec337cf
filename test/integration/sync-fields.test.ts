import { beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { markLinked, referenceLookup, sampleLinks } from '#src/sync/ground/mapping-ports.ts'
import { creationHolds, releaseCreations } from '#src/sync/memory/creation-hold-store.ts'
import {
  api,
  expectSilence,
  marks,
  on,
  opportunities,
  simulator,
  startSync,
  sync,
  useSyncApi,
} from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf, writesOf } from '#test/support/toy-deals.ts'

useSyncApi()

describe('a field that is deleted in the CRM', () => {
  test('while we create rests alone, in one round, and the records are made without it', async () => {
    simulator.removeField('Opportunity', 'PRM_Protection_End__c')
    const { deals } = addDeals(sync, 5)
    await sync.mark('deal', deals)
    await sync.settle()
    expect(sync.quarantine).toEqual([{ entity: 'deal', remoteField: 'PRM_Protection_End__c' }])
    expect(opportunities()).toHaveLength(5)
    expect(opportunities()[0]).toMatchObject({ Amount: 1000.5 })
    expect(writesOf(simulator).filter(({ object }) => object === 'Opportunity').length).toBeLessThanOrEqual(4)
    expect(sync.pauses).toEqual([])
  })

  test('is found by a poll too, and only where a mapping uses it', async () => {
    simulator.removeField('Account', 'PRM_Partner_Tier__c')
    expect(await sync.poll()).toMatchObject({ kind: 'failed' })
    expect(sync.quarantine).toEqual([{ entity: 'partner', remoteField: 'PRM_Partner_Tier__c' }])
    expect(await sync.poll()).toMatchObject({ kind: 'polled' })
  })

  test('but holds our key stops the connection for a person: it cannot rest', async () => {
    await startSync({ obeysPauses: true })
    simulator.removeField('Opportunity', 'PRM_Deal_Id__c')
    const { deal } = addDeals(sync)
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(sync.pauses).toMatchObject([{ attention: true }])
    expect(sync.quarantine).toEqual([])
    expect((await marks()).filter(({ parkedCode }) => parkedCode !== null)).toEqual([])
  })

  test('and that only a fixed value needs holds back what is to be made, with one reason; what is linked stays in step', async () => {
    const linked = await linkedDeal(sync, simulator)
    simulator.removeField('Opportunity', 'LeadSource')
    const { deals } = addDeals(sync, 3, { customer: linked.customer, partner: linked.partner })
    sync.entity('deal').put(linked.deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [...deals, linked.deal])
    simulator.calls.reset()
    for (let turn = 0; turn < 3; turn += 1) {
      await sync.ripen()
      await sync.reconcile()
    }
    expect(await sync.run((tx) => creationHolds(tx, sync.connection.id))).toMatchObject([
      { entity: 'deal', reason: expect.stringContaining('LeadSource'), remoteFields: ['LeadSource'] },
    ])
    expect(await marks()).toMatchObject(Array(3).fill({ parkedCode: null, attempts: 0 }))
    expect(opportunityOf(simulator, linked.deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    expect(writesOf(simulator).filter(({ object }) => object === 'Opportunity')).toHaveLength(2)
    expect(sync.pauses).toEqual([])
    simulator.addField('Opportunity', { name: 'LeadSource', type: 'string', length: 40 })
    await sync.run((tx) => releaseCreations(tx, sync.connection.id, 'deal'))
    await sync.settle()
    expect(opportunities()).toHaveLength(4)
  })
})

describe('a field that rests because the CRM deleted it', () => {
  test('works again once it is back, and every record catches up with what it missed', async () => {
    const { deals } = addDeals(sync, 30)
    await sync.mark('deal', deals)
    await sync.settle()
    simulator.removeField('Opportunity', 'PRM_Protection_End__c')
    await sync.poll()
    expect(sync.quarantine).toEqual([{ entity: 'deal', remoteField: 'PRM_Protection_End__c' }])
    for (const deal of deals)
      sync.entity('deal').put(deal, { protectionEnd: '2027-08-08', title: 'New title' })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(opportunityOf(simulator, deals[4] ?? '')).toMatchObject({ Name: 'New title' })
    await sync.poll()
    await sync.settle()
    expect((await api.get(`/connections/${sync.connection.id}/health`)).quarantined).toEqual([
      { entity: 'deal', remoteField: 'PRM_Protection_End__c' },
    ])
    simulator.addField('Opportunity', { name: 'PRM_Protection_End__c', type: 'date' })
    await sync.poll()
    await sync.expireLeases()
    await sync.poll()
    expect(sync.quarantine).toEqual([])
    expect(await marks()).toHaveLength(30)
    expect((await marks()).every(({ priority }) => priority === 1)).toBe(true)
    await sync.settle()
    for (const deal of deals) {
      expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    }
    await expectSilence()
  })

  test('is asked about at most once a minute, and not at all while nothing rests', async () => {
    const describes = () => simulator.calls.log.filter(({ operation }) => operation === 'describe')
    await sync.poll()
    expect(describes()).toEqual([])
    simulator.removeField('Opportunity', 'PRM_Protection_End__c')
    for (let turn = 0; turn < 5; turn += 1) await sync.poll()
    expect(describes()).toHaveLength(1)
    expect(sync.quarantine).toHaveLength(1)
  })

  test('and that is made anew there, empty, does not empty ours: a both-way field is written again', async () => {
    simulator.addField('Opportunity', { name: 'Partner_Notes__c', type: 'string', length: 200 })
    await sync.changeLine('deal', 'need', {
      remote: 'Partner_Notes__c',
      flow: 'both',
      via: { kind: 'text', maxLength: 200, overflow: 'issue' },
    })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.update('Opportunity', remoteId, { Partner_Notes__c: 'said on the phone' })
    await sync.poll()
    await sync.settle()
    expect(localDeal(sync, deal)['need']).toBe('said on the phone')
    simulator.removeField('Opportunity', 'Partner_Notes__c')
    await sync.poll()
    simulator.addField('Opportunity', { name: 'Partner_Notes__c', type: 'string', length: 200 })
    await sync.expireLeases()
    await sync.poll()
    await sync.settle()
    expect(localDeal(sync, deal)['need']).toBe('said on the phone')
    expect(opportunityOf(simulator, deal)).toMatchObject({ Partner_Notes__c: 'said on the phone' })
    // From here on a blank is a blank again.
    await sync.poll()
    await sync.settle()
    simulator.update('Opportunity', remoteId, { Partner_Notes__c: null })
    await sync.poll()
    await sync.settle()
    expect(localDeal(sync, deal)['need']).toBe(null)
  })

  test('that is there but may not be written stays at rest', async () => {
    simulator.removeField('Opportunity', 'PRM_Protection_End__c')
    await sync.poll()
    simulator.addField('Opportunity', { name: 'PRM_Protection_End__c', type: 'date', updateable: false })
    await sync.expireLeases()
    await sync.poll()
    expect(sync.quarantine).toHaveLength(1)
  })
})

describe('a line that is pointed at another field of the CRM', () => {
  const point = (owner: 'prm' | 'crm') =>
    sync.changeLine('deal', 'need', {
      remote: 'NextStep',
      flow: 'both',
      owner,
      via: { kind: 'text', maxLength: 255, overflow: 'cut' },
    })
  beforeEach(() =>
    sync.changeLine('deal', 'need', { flow: 'both', via: { kind: 'text', maxLength: 255, overflow: 'cut' } }),
  )

  test('does not take its emptiness for a change: ours is written there', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    await point('crm')
    await sync.run((tx) => markLinked(tx, sync.connection.id, 'deal', 'repair'))
    await sync.settle()
    expect(localDeal(sync, deal)['need']).toBe('They need a new system for their stores')
    expect(opportunityOf(simulator, deal)).toMatchObject({
      NextStep: 'They need a new system for their stores',
    })
    await expectSilence()
  })

  test('asks the owner where both differ, and the log names what gave way', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.update('Opportunity', remoteId, { NextStep: 'Call them' })
    await sync.poll()
    await sync.settle()
    await point('prm')
    await sync.run((tx) => markLinked(tx, sync.connection.id, 'deal', 'repair'))
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({
      NextStep: 'They need a new system for their stores',
    })
    expect((await api.get(`/sync-attempts?${on()}&outcome=lost`)).items).toMatchObject([
      { fields: ['need'], code: 'theirs_lost', message: expect.stringContaining('Call them') },
    ])
    await expectSilence()
  })
})

describe('what mappings are tried on', () => {
  test('are linked records, the newest first, and the references that they name', async () => {
    const { deals, customer, partner } = addDeals(sync, 3)
    const unlinked = newId()
    await sync.mark('deal', deals)
    await sync.settle()
    const { id } = sync.connection
    const sampled = await sync.run((tx) => sampleLinks(tx, id, 'deal', { limit: 2 }))
    expect(sampled).toHaveLength(2)
    const named = await sync.run((tx) =>
      sampleLinks(tx, id, 'deal', { limit: 5, ids: [deals[1] ?? '', unlinked] }),
    )
    const remoteId = String(opportunityOf(simulator, deals[1] ?? '')?.['Id'])
    expect(named).toEqual([{ recordId: deals[1], remoteId }])
    const account = String(opportunityOf(simulator, deals[1] ?? '')?.['AccountId'])
    const references = await sync.run((tx) =>
      referenceLookup(tx, id, {
        locals: [
          { entity: 'customer', id: customer },
          { entity: 'partner', id: unlinked },
        ],
        remotes: [
          { entity: 'customer', remoteId: account },
          { entity: 'partner', remoteId: '001000000000001AAA' },
        ],
      }),
    )
    expect(references.toRemoteId('customer', customer)).toBe(account)
    expect(references.toRemoteId('partner', unlinked)).toBeNull()
    expect(references.toLocalId('customer', account)).toBe(customer)
    expect(references.toLocalId('partner', account)).toBeUndefined()
    expect(references.toLocalId('partner', '001000000000001AAA')).toBeUndefined()
    expect(partner).not.toBe(customer)
  })

  test('are all marked once a new version is published, so that values catch up', async () => {
    const { deals } = addDeals(sync, 3)
    await sync.mark('deal', deals)
    await sync.settle()
    await expectSilence()
    const table: [string, string][] = [['approved', 'Expired']]
    await sync.changeLine('deal', 'status', { via: { kind: 'choice', table } })
    await sync.changeLine('deal', 'need', {
      remote: 'NextStep',
      flow: 'out',
      via: { kind: 'text', maxLength: 255, overflow: 'cut' },
    })
    await sync.run((tx) => markLinked(tx, sync.connection.id, 'deal', 'repair'))
    expect((await marks()).map(({ entity, priority }) => [entity, priority])).toEqual(
      Array(3).fill(['deal', 1]),
    )
    await sync.settle()
    for (const deal of deals) {
      expect(opportunityOf(simulator, deal)).toMatchObject({
        NextStep: 'They need a new system for their stores',
        PRM_Registration_Status__c: 'Expired',
      })
    }
    await expectSilence()
  })
})

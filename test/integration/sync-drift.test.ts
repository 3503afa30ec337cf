import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Upkeep, upkeepOf } from '#test/support/sync-upkeep.ts'
import { expectSilence, marks, opportunities, simulator, sync, useSync } from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, opportunityOf, writesOf } from '#test/support/toy-deals.ts'

useSync()
let upkeep: Upkeep
beforeEach(async () => {
  upkeep = await upkeepOf(sync)
})
afterEach(() => upkeep.close())

const field = 'PRM_Protection_End__c'

describe('a CRM whose set-up is as it was', () => {
  test('drifts nowhere, and is asked now and then only', async () => {
    const report = await upkeep.checkDrift()
    expect(report).toMatchObject({ findings: [], holds: [] })
    expect(report.objects.map(({ object }: { object: string }) => object)).toEqual([
      'Account',
      'Contact',
      'Opportunity',
    ])
    expect(upkeep.notices).toEqual([])
    simulator.calls.reset()
    await upkeep.drift.drain(AbortSignal.timeout(5_000))
    expect(simulator.calls.log).toEqual([])
  })
})

describe('a renamed field', () => {
  test('rests alone before anything failed, the rename is guessed and told once, and the rest flows', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    await upkeep.checkDrift()
    simulator.removeField('Opportunity', field)
    simulator.addField('Opportunity', { name: 'PRM_Protected_Until__c', type: 'date' })
    simulator.addField('Opportunity', { name: 'Something_Else__c', type: 'date' })
    const { findings } = await upkeep.checkDrift()
    expect(findings).toMatchObject([
      {
        kind: 'field_missing',
        remoteField: field,
        effect: 'field_rests',
        message: expect.stringContaining('probably renamed'),
        advice: expect.stringContaining('PRM_Protected_Until__c'),
        details: { renamedTo: 'PRM_Protected_Until__c' },
      },
    ])
    expect(sync.quarantine).toEqual([{ entity: 'deal', remoteField: field }])
    await upkeep.checkDrift()
    expect(upkeep.notices).toMatchObject([
      { kind: 'schema_drifted', data: { advice: expect.stringContaining('draft of the mapping') } },
    ])
    sync.entity('deal').put(deal, { title: 'New title', protectionEnd: '2027-09-09' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Name: 'New title' })
    expect(sync.pauses).toEqual([])
    // Once the line points at the new field, what was missed catches up.
    await sync.changeLine('deal', 'protectionEnd', { remote: 'PRM_Protected_Until__c' })
    expect((await upkeep.checkDrift()).findings).toEqual([])
    expect(sync.quarantine).toEqual([])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protected_Until__c: '2027-09-09' })
    await expectSilence()
  })
})

describe('a field that does not fit any more', () => {
  test('for want of the right to write it rests, and goes on when the right is back', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    simulator.removeField('Opportunity', field)
    simulator.addField('Opportunity', { name: field, type: 'date', updateable: false, createable: false })
    expect((await upkeep.checkDrift()).findings).toMatchObject([
      { kind: 'not_permitted', remoteField: field, advice: expect.stringContaining('field permissions') },
    ])
    await sync.expireLeases()
    await sync.poll()
    expect(sync.quarantine).toHaveLength(1)
    sync.entity('deal').put(deal, { protectionEnd: '2027-10-10' })
    simulator.removeField('Opportunity', field)
    simulator.addField('Opportunity', { name: field, type: 'date' })
    await sync.expireLeases()
    await sync.poll()
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ [field]: '2027-10-10' })
    expect((await upkeep.checkDrift()).findings).toEqual([])
  })

  test('in its type or its length rests too, and says what it was and is', async () => {
    await upkeep.checkDrift()
    simulator.removeField('Opportunity', field)
    simulator.addField('Opportunity', { name: field, type: 'boolean' })
    simulator.removeField('Account', 'BillingCity')
    simulator.addField('Account', { name: 'BillingCity', type: 'string', length: 10 })
    const { findings } = await upkeep.checkDrift()
    expect(findings).toContainEqual(
      expect.objectContaining({
        kind: 'type_changed',
        effect: 'field_rests',
        remoteField: field,
        details: { before: 'date', now: 'boolean' },
      }),
    )
    expect(findings).toContainEqual(
      expect.objectContaining({
        entity: 'customer',
        kind: 'shortened',
        details: { before: 40, now: 10 },
        message: expect.stringContaining('holds 10 characters now, before it held 40'),
      }),
    )
  })

  test('because a value of its picklist is gone or new', async () => {
    await upkeep.checkDrift()
    const status = 'PRM_Registration_Status__c'
    const kept = [
      'Draft',
      'Submitted',
      'In Review',
      'Returned',
      'Rejected',
      'Withdrawn',
      'Cancelled',
      'Expired',
    ]
    simulator.setChoices('Opportunity', status, [...kept, 'Granted'], { restricted: true })
    expect((await upkeep.checkDrift()).findings).toMatchObject([
      { kind: 'choice_gone', effect: 'field_rests', remoteField: status, details: { values: ['Approved'] } },
    ])
    expect(sync.quarantine).toEqual([{ entity: 'deal', remoteField: status }])
    simulator.setChoices('Opportunity', status, [...kept, 'Approved'], { restricted: true })
    expect((await upkeep.checkDrift()).findings).toEqual([])
    expect(sync.quarantine).toEqual([])
  })
})

describe('what would be refused for every new record', () => {
  test('is told before the first one is tried: they wait, what is linked stays in step, and all go once it is mended', async () => {
    const linked = await linkedDeal(sync, simulator)
    await upkeep.checkDrift()
    simulator.addField('Opportunity', { name: 'Region__c', label: 'Region', type: 'string', length: 20 })
    simulator.update('Opportunity', linked.remoteId, { Region__c: 'EU' })
    simulator.setRequired('Opportunity', 'Region__c', true)
    const { findings, holds } = await upkeep.checkDrift()
    expect(findings).toMatchObject([
      {
        kind: 'required_new',
        remoteField: 'Region__c',
        message: expect.stringContaining('Region (Region__c)'),
      },
    ])
    expect(holds).toMatchObject([{ entity: 'deal', remoteFields: ['Region__c'] }])
    expect(upkeep.notices).toHaveLength(1)
    const { deals } = addDeals(sync, 5, { customer: linked.customer, partner: linked.partner })
    sync.entity('deal').put(linked.deal, { protectionEnd: '2027-11-11' })
    await sync.mark('deal', [...deals, linked.deal])
    simulator.calls.reset()
    await sync.ripen()
    await sync.reconcile()
    expect(writesOf(simulator).filter(({ object }) => object === 'Opportunity')).toHaveLength(1)
    expect(opportunityOf(simulator, linked.deal)).toMatchObject({ [field]: '2027-11-11' })
    const waiting = await marks()
    expect(waiting).toHaveLength(5)
    expect(waiting.every(({ parkedCode, attempts }) => parkedCode === null && attempts === 0)).toBe(true)
    simulator.setRequired('Opportunity', 'Region__c', false)
    await upkeep.drift.drain(AbortSignal.timeout(5_000))
    await sync.expireLeases()
    await upkeep.drift.drain(AbortSignal.timeout(5_000))
    expect((await upkeep.request('GET', '/drift')).body).toMatchObject({ holds: [], findings: [] })
    await sync.settle()
    expect(opportunities()).toHaveLength(6)
    await expectSilence()
  })

  test('a fixed value whose field is gone holds them back with one clear reason', async () => {
    await upkeep.checkDrift()
    simulator.removeField('Opportunity', 'LeadSource')
    expect((await upkeep.checkDrift()).findings).toMatchObject([
      { kind: 'fixed_unusable', effect: 'creations_held', remoteField: 'LeadSource' },
    ])
    const { deals } = addDeals(sync, 3)
    await sync.mark('deal', deals)
    await sync.ripen()
    await sync.reconcile()
    expect(opportunities()).toEqual([])
    expect((await marks()).filter(({ parkedCode }) => parkedCode !== null)).toEqual([])
  })
})

describe('a finding that only tells something', () => {
  test('stays until a person has seen it; others go only by being mended', async () => {
    await upkeep.checkDrift()
    simulator.removeField('Opportunity', 'NextStep')
    simulator.removeField('Opportunity', field)
    await sync.changeLine('deal', 'stage', { via: { kind: 'choice', table: [['open', 'Prospecting']] } })
    await upkeep.checkDrift()
    simulator.setChoices('Opportunity', 'StageName', ['Prospecting', 'Brand new'])
    const { findings } = await upkeep.checkDrift()
    const told = findings.find(({ kind }: { kind: string }) => kind === 'choice_new')
    expect(told).toMatchObject({ effect: 'told', details: { values: ['Brand new'] } })
    const broken = findings.find(({ effect }: { effect: string }) => effect === 'field_rests')
    const refused = await upkeep.request('POST', `/drift/${broken.id}/acknowledge`)
    expect([refused.status, refused.body.code]).toEqual([409, 'needs_mending'])
    const { body } = await upkeep.request('POST', `/drift/${told.id}/acknowledge`)
    expect(body.findings.map(({ id }: { id: string }) => id)).not.toContain(told.id)
    expect((await upkeep.request('POST', '/drift/check', undefined, 'auditor')).status).toBe(403)
    expect((await upkeep.request('GET', '/drift', undefined, 'auditor')).status).toBe(200)
  })
})

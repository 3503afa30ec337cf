import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refused } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import { pruneSyncHistory } from '#src/sync/history.ts'
import { markLinked, referenceLookup, sampleLinks } from '#src/sync/mapping-ports.ts'
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
const marks = () =>
  sync.rows<{ entity: string; recordId: string; priority: number; waitingFor: string | null }>(
    'select entity, record_id, priority, waiting_for from dirty_mark where connection_id = $id order by entity, record_id',
  )
const changed = (entity: 'deal' | 'customer' | 'partner', id: string) =>
  sync.run((tx) =>
    sync.dirty.onRecordChanged(tx, { kind: 'system', name: 'test' }, [
      { type: 'record_changed', entity, id, priority: 'live' },
    ]),
  )

async function expectSilence() {
  await sync.settle()
  simulator.calls.reset()
  for (let turn = 0; turn < 6; turn += 1) {
    await sync.poll()
    await sync.settle()
  }
  expect(writesOf(simulator)).toEqual([])
}

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

describe('a record that needs another one', () => {
  test('waits for a partner that is not included, says so, and follows by itself once it is', async () => {
    const { deal, partner } = addDeals(sync)
    sync.entity('partner').put(partner, { status: 'suspended' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect((await api.get(`/waiting-records?${on()}`)).items).toMatchObject([
      { recordId: deal, parentEntity: 'partner', parentId: partner, parentState: 'not_included' },
    ])
    sync.entity('partner').put(partner, { status: 'active' })
    await changed('partner', partner)
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toBeDefined()
    expect(await marks()).toEqual([])
  })

  test('follows by itself when what parked its parent is mended', async () => {
    const mend = simulator.addValidationRule({
      object: 'Account',
      check: (row) => (row['Name'] === 'Acme GmbH' ? 'Credit check first' : null),
    })
    const { deal, customer } = addDeals(sync)
    await sync.mark('deal', [deal])
    await sync.settle()
    expect((await api.get(`/waiting-records?${on()}`)).items).toMatchObject([
      { recordId: deal, parentState: 'parked', reason: expect.stringContaining('Credit check first') },
    ])
    mend()
    await api.request('POST', '/parked-records/replay', { ids: [customer] })
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toBeDefined()
  })

  test('in an update sends the rest at once, brings the parent over, and then names it', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    const other = newId()
    sync.entity('partner').put(other, { name: 'Ostwind Systems', status: 'suspended' })
    sync.entity('deal').put(deal, { partner: other, title: 'Handed over' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Name: 'Handed over' })
    expect(await marks()).toMatchObject([{ recordId: deal, waitingFor: `partner:${other}` }])
    sync.entity('partner').put(other, { status: 'active' })
    await changed('partner', other)
    await sync.settle()
    const account = String(opportunityOf(simulator, deal)?.['PRM_Partner__c'])
    expect(simulator.get('Account', account)).toMatchObject({ Name: 'Ostwind Systems' })
    await expectSilence()
  })

  test('of which the CRM lost its record waits until a person links it anew, and then goes', async () => {
    const { customer, partner } = await linkedDeal(sync, simulator)
    const [{ remoteId } = { remoteId: '' }] = (await api.get(`/links?${on()}&entity=customer`)).items
    simulator.remove('Account', remoteId)
    await sync.poll()
    const { deal } = addDeals(sync, 1, { customer, partner })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect((await api.get(`/waiting-records?${on()}`)).items).toMatchObject([
      { recordId: deal, parentState: 'in_review', reason: expect.stringContaining('was deleted in the CRM') },
    ])
    const account = simulator.insert('Account', { Name: 'Acme, the new entry' })
    await sync.poll()
    const item = (await api.get(`/review-items?${on()}&kind=gone&state=open`)).items.find(
      ({ entity }: { entity: string }) => entity === 'customer',
    )
    expect((await api.resolve(item.id, { link: account })).status).toBe(200)
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ AccountId: account })
  })
})

describe('a link that a capability asks for', () => {
  const request = (id: string, remoteId: string) =>
    sync.run((tx) =>
      sync.dirty.onLinkRequested(tx, { kind: 'system', name: 'test' }, [
        { type: 'link_requested', entity: 'deal', id, remoteId, priority: 'live' },
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

describe('the history', () => {
  test('is kept for its days and forgotten afterwards; what a person left direct is not', async () => {
    const attempt = (days: number) =>
      sync.rows(`
      insert into sync_attempt (id, at, connection_id, direction, entity, outcome)
      select gen_random_uuid(), clock_timestamp() - make_interval(days => ${days}), $id, 'out', 'deal', 'updated'
      from generate_series(1, 2500) returning 1`)
    const review = (kind: string, days: number, closed: string) =>
      sync.rows(`
      insert into review_item (id, connection_id, kind, entity, remote_id, message, opened_at, closed_at, resolution)
      values (gen_random_uuid(), $id, '${kind}', 'deal', '${kind}${days}', '', clock_timestamp() - make_interval(days => ${days}),
              ${closed}, ${closed === 'null' ? 'null' : "'leave'"}) returning 1`)
    await attempt(91)
    await attempt(89)
    const past = "clock_timestamp() - interval '731 days'"
    await review('collision', 800, past)
    await review('collision', 801, 'null')
    await review('proposal', 800, past)
    await review('collision', 10, 'clock_timestamp()')
    const gone = await pruneSyncHistory(db.database, new AbortController().signal)
    expect(gone).toBe(2_501)
    const [left] = await sync.rows<{ attempts: number; reviews: number }>(`
      select (select count(*)::integer from sync_attempt where connection_id = $id and entity = 'deal') as attempts,
             (select count(*)::integer from review_item where connection_id = $id) as reviews`)
    expect(left).toEqual({ attempts: 2_500, reviews: 3 })
    expect(await pruneSyncHistory(db.database, new AbortController().signal)).toBe(0)
  })
})

describe('everything that was to be sent', () => {
  test('is in the end either in step, parked with a reason, in review or waiting: nothing is lost silently', async () => {
    const { deals } = addDeals(sync, 200)
    const fault = (statusCode: string, probability: number, more: object = {}) =>
      simulator.faults.add({ kind: 'record-error', statusCode, probability, object: 'Opportunity', ...more })
    fault('UNABLE_TO_LOCK_ROW', 0.2)
    fault('FIELD_CUSTOM_VALIDATION_EXCEPTION', 0.05)
    fault('STRING_TOO_LONG', 0.05, { fields: ['Name'] })
    simulator.faults.add({
      kind: 'lost-answer',
      how: 'cut',
      operation: 'collections-upsert',
      probability: 0.2,
    })
    simulator.faults.add({ kind: 'reset', operation: 'collections-upsert', probability: 0.1 })
    await sync.mark('deal', deals)
    await sync.settle()
    const [count] = await sync.rows<{ linked: number; parked: number; without: number }>(`
      select (select count(*)::integer from link where connection_id = $id and entity = 'deal' and state = 'active') as linked,
             (select count(*)::integer from dirty_mark where connection_id = $id and entity = 'deal' and parked_at is not null) as parked,
             (select count(*)::integer from dirty_mark where connection_id = $id and parked_at is not null and parked_message = '') as without`)
    expect((count?.linked ?? 0) + (count?.parked ?? 0)).toBe(200)
    expect(count?.parked).toBeGreaterThan(0)
    expect(count?.without).toBe(0)
    simulator.faults.clear()
    await api.request('POST', '/parked-records/replay', { all: true, connectionId: sync.connection.id })
    await sync.settle()
    expect(simulator.list('Opportunity')).toHaveLength(200)
    expect(new Set(simulator.list('Opportunity').map((row) => row['PRM_Deal_Id__c'])).size).toBe(200)
    expect(await marks()).toEqual([])
    await expectSilence()
  })

  test('goes by the API value of a choice, whatever its label says', async () => {
    simulator.setChoices(
      'Opportunity',
      'PRM_Registration_Status__c',
      [
        { value: 'Approved', label: 'Genehmigt' },
        { value: 'Expired', label: 'Abgelaufen' },
      ],
      { restricted: true },
    )
    const { deal } = await linkedDeal(sync, simulator)
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Registration_Status__c: 'Approved' })
    sync.entity('deal').put(deal, { status: 'expired' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Registration_Status__c: 'Expired' })
    await expectSilence()
  })

  test('may bear the same title twice', async () => {
    const { deals } = addDeals(sync, 2, { title: 'Renewal' })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(simulator.list('Opportunity').map((row) => row['Name'])).toEqual(['Renewal', 'Renewal'])
  })
})

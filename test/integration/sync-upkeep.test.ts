import { describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { pruneSyncHistory } from '#src/sync/ground/history.ts'
import { api, expectSilence, marks, on, simulator, sync, useSyncApi } from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, opportunityOf } from '#test/support/toy-deals.ts'

useSyncApi()

const changed = (entity: 'deal' | 'customer' | 'partner', id: string) =>
  sync.run((tx) =>
    sync.dirty.onRecordChanged(tx, { kind: 'system', name: 'test' }, [
      { type: 'record_changed', entity, id, connectionId: null, priority: 'live' },
    ]),
  )

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
    const gone = await pruneSyncHistory(sync.engine.database, new AbortController().signal)
    expect(gone).toBe(2_501)
    const [left] = await sync.rows<{ attempts: number; reviews: number }>(`
      select (select count(*)::integer from sync_attempt where connection_id = $id and entity = 'deal') as attempts,
             (select count(*)::integer from review_item where connection_id = $id) as reviews`)
    expect(left).toEqual({ attempts: 2_500, reviews: 3 })
    expect(await pruneSyncHistory(sync.engine.database, new AbortController().signal)).toBe(0)
  })
})

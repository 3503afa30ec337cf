import { describe, expect, test } from 'vitest'
import {
  marks,
  openReviews,
  opportunities,
  simulator,
  startSync,
  stateOf,
  sync,
  useSync,
} from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, opportunityOf, writesOf } from '#test/support/toy-deals.ts'

useSync()

describe('one bad record', () => {
  test('fails alone: its batch-mates are written, it is parked with its reason', async () => {
    const { deals } = addDeals(sync, 30)
    simulator.addValidationRule({
      object: 'Opportunity',
      check: (row) => (/ (3|7|21)$/.test(String(row['Name'])) ? 'Not this one' : null),
    })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(opportunities()).toHaveLength(27)
    expect((await marks()).map(({ parkedCode }) => parkedCode)).toEqual(
      Array(3).fill('FIELD_CUSTOM_VALIDATION_EXCEPTION'),
    )
  })

  test('that we may not write is parked; the connection works on', async () => {
    await startSync({ obeysPauses: true })
    const { deals } = addDeals(sync, 5)
    simulator.faults.add({
      kind: 'record-error',
      statusCode: 'INSUFFICIENT_ACCESS_OR_READONLY',
      message: 'insufficient access rights on object id',
      object: 'Opportunity',
      nth: 2,
      count: 1,
    })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(opportunities()).toHaveLength(4)
    expect((await marks()).map(({ parkedCode }) => parkedCode)).toEqual(['INSUFFICIENT_ACCESS_OR_READONLY'])
    expect(sync.pauses).toEqual([])
  })

  test.each([
    [
      'a text that is too long',
      () => sync.changeLine('deal', 'title', { via: { kind: 'text', maxLength: 5_000, overflow: 'cut' } }),
      { title: 'x'.repeat(200) },
      'STRING_TOO_LONG',
      'Name',
    ],
    [
      'a choice that the CRM does not know',
      async () =>
        simulator.setChoices('Opportunity', 'PRM_Registration_Status__c', ['Open'], { restricted: true }),
      {},
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      'PRM_Registration_Status__c',
    ],
    [
      'a field that is required since yesterday',
      async () => simulator.setRequired('Opportunity', 'NextStep', true),
      {},
      'REQUIRED_FIELD_MISSING',
      'NextStep',
    ],
  ])('with %s is parked with the name of the field', async (_what, arrange, fields, code, field) => {
    await arrange()
    const { deal } = addDeals(sync, 1, fields)
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(await marks()).toMatchObject([
      { recordId: deal, parkedCode: code, parkedIssues: [expect.objectContaining({ field })] },
    ])
    expect(sync.quarantine).toEqual([])
    expect(sync.pauses).toEqual([])
  })

  test('that is locked by an approval waits as long as the CRM says, and stops no other', async () => {
    const { customer, partner } = await linkedDeal(sync, simulator)
    const { deals } = addDeals(sync, 3, { customer, partner })
    simulator.faults.add({
      kind: 'record-error',
      statusCode: 'ENTITY_IS_LOCKED',
      object: 'Opportunity',
      nth: 2,
      count: 1,
    })
    await sync.mark('deal', deals)
    await sync.ripen()
    await sync.reconcile()
    expect(await marks()).toMatchObject([{ attempts: 1, parkedCode: null }])
    expect((await marks())[0]?.waitSeconds).toBeGreaterThan(600)
    expect(opportunities()).toHaveLength(3)
    await sync.settle()
    expect(opportunities()).toHaveLength(4)
  })
})

describe('a record that exists already', () => {
  test('by a duplicate rule becomes a review item that names it', async () => {
    const twin = simulator.insert('Opportunity', {
      Name: 'Acme 0',
      StageName: 'Prospecting',
      CloseDate: '2027-03-03',
    })
    simulator.addDuplicateRule({
      name: 'Same name',
      object: 'Opportunity',
      onMatch: 'block',
      matches: (candidate, row) => candidate['Name'] === row['Name'],
    })
    const { deal } = addDeals(sync)
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(1)
    expect(await openReviews()).toMatchObject([{ kind: 'duplicate', details: { duplicates: [twin] } }])
    expect(await marks()).toMatchObject([{ parkedCode: 'DUPLICATES_DETECTED' }])
  })

  test('under our own key is ours: it is linked, and what waited for it flows on', async () => {
    const { deal, customer } = addDeals(sync)
    // Made by an earlier try of which nobody heard, and not polled yet.
    const account = simulator.insert('Account', { Name: 'Somebody', PRM_Customer_Id__c: customer })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(await stateOf('customer', customer)).toEqual({ state: 'active', remoteId: account })
    expect(opportunityOf(simulator, deal)).toMatchObject({ AccountId: account })
  })

  test('as a duplicate value of an update parks that record, once, with the field', async () => {
    simulator.addField('Opportunity', { name: 'Ticket__c', type: 'string', length: 40, unique: true })
    await sync.changeLine('deal', 'need', {
      remote: 'Ticket__c',
      flow: 'out',
      via: { kind: 'text', maxLength: 40, overflow: 'cut' },
    })
    const { deals } = addDeals(sync, 2, { need: null })
    await sync.mark('deal', deals)
    await sync.settle()
    for (const deal of deals) sync.entity('deal').put(deal, { need: 'T-1' })
    await sync.mark('deal', deals)
    simulator.calls.reset()
    await sync.settle()
    expect(await marks()).toMatchObject([{ parkedCode: 'DUPLICATE_VALUE', attempts: 1 }])
    expect(writesOf(simulator)).toHaveLength(1)
    expect(await openReviews()).toEqual([])
  })
})

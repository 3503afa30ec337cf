import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Connector } from '#connectors/connector.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf, writesOf } from '#test/support/toy-deals.ts'
import { type ToyOptions, type ToySync, toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()
let simulator: SalesforceSimulator
let sync: ToySync

beforeEach(async () => {
  simulator = await startSalesforceSimulator()
  sync = await toySync(db.database, db.url, simulator)
  await sync.poll()
})
afterEach(async () => {
  await sync.close()
  await simulator.close()
})

/** Another engine on a fresh connection to the same simulator. */
async function start(options: ToyOptions): Promise<void> {
  await sync.close()
  sync = await toySync(db.database, db.url, simulator, options)
  await sync.poll()
}

const opportunities = () => simulator.list('Opportunity')
const marks = () =>
  sync.rows<{
    entity: string
    recordId: string
    attempts: number
    parkedCode: string | null
    parkedMessage: string | null
    parkedIssues: { field: string }[] | null
    waitingFor: string | null
    waitSeconds: number
  }>(
    `select entity, record_id, attempts, parked_code, parked_message, parked_issues, waiting_for,
            extract(epoch from due_at - clock_timestamp())::float8 as wait_seconds
     from dirty_mark where connection_id = $id order by entity, record_id`,
  )
const outcomes = async (entity: string) =>
  (
    await sync.rows<{ outcome: string }>(
      `select outcome from sync_attempt where connection_id = $id and entity = '${entity}' order by id`,
    )
  ).map(({ outcome }) => outcome)
const openReviews = () =>
  sync.rows<{
    kind: string
    field: string
    remoteId: string | null
    details: { duplicates?: string[] } | null
  }>(
    'select kind, field, remote_id, details from review_item where connection_id = $id and closed_at is null order by id',
  )
const stateOf = async (entity: string, recordId: string) =>
  (
    await sync.rows<{ state: string; remoteId: string | null }>(
      `select state, remote_id from link where connection_id = $id and entity = '${entity}' and record_id = '${recordId}'
       order by id desc limit 1`,
    )
  )[0]

async function expectSilence() {
  await sync.settle()
  simulator.calls.reset()
  for (let turn = 0; turn < 6; turn += 1) {
    await sync.poll()
    await sync.settle()
  }
  expect(writesOf(simulator)).toEqual([])
}

/** A promise that is kept from outside. */
function gate() {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

describe('throttling', () => {
  test.each([
    ['TotalRequests', 3_000, 3_700],
    ['ConcurrentRequests', 5, 60],
  ] as const)(
    'by %s pauses the connection for as long as that limit asks, loses nothing and doubles nothing',
    async (limit, least, most) => {
      await start({ obeysPauses: true })
      const { deals } = addDeals(sync, 3)
      simulator.faults.add({ kind: 'throttled', limit, operation: 'collections-upsert', count: 1 })
      await sync.mark('deal', deals)
      await sync.settle()
      const [pause] = sync.pauses
      const seconds = ((pause?.until?.getTime() ?? 0) - Date.now()) / 1_000
      expect(pause).toMatchObject({
        attention: false,
        reason: expect.stringContaining('REQUEST_LIMIT_EXCEEDED'),
      })
      expect(seconds).toBeGreaterThan(least)
      expect(seconds).toBeLessThan(most)
      simulator.calls.reset()
      await sync.settle()
      await sync.pollDue()
      expect(simulator.calls.log).toEqual([])
      expect((await marks()).every(({ attempts }) => attempts === 0)).toBe(true)
      sync.resume()
      await sync.settle()
      expect(opportunities()).toHaveLength(3)
      await expectSilence()
    },
  )
})

describe('a server that is in trouble', () => {
  test.each([
    [500, 'html'],
    [502, 'html'],
    [503, 'json'],
    [504, 'html'],
    [500, 'json'],
  ] as const)('with %i as %s is asked again later: the record is there once', async (status, body) => {
    const { deal } = addDeals(sync)
    simulator.faults.add({
      kind: 'server-error',
      status,
      body,
      operation: 'collections-upsert',
      object: 'Opportunity',
      count: 2,
    })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(1)
    expect((await outcomes('deal')).at(-1)).toBe('created')
    expect(['unavailable', 'ambiguous']).toContain((await outcomes('deal'))[0])
    await expectSilence()
  })

  test('while it is read pauses the connection for a moment, nothing more', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    simulator.faults.add({ kind: 'server-error', status: 503, operation: 'collections-read', count: 1 })
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(sync.pauses).toMatchObject([{ attention: false }])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
  })

  test('again and again parks the record at last, visibly, and a replay sends it', async () => {
    const { deal } = addDeals(sync)
    const mend = simulator.faults.add({
      kind: 'record-error',
      statusCode: 'SERVER_UNAVAILABLE',
      object: 'Opportunity',
    })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(await marks()).toMatchObject([{ entity: 'deal', parkedCode: 'SERVER_UNAVAILABLE', attempts: 12 }])
    mend()
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(1)
  })
})

describe('a time-out after the write took effect', () => {
  test.each(['cut', 'silence'] as const)('(%s) while creating leaves one record', async (how) => {
    await start({ requestTimeoutMs: 500 })
    const { deals } = addDeals(sync, 3)
    simulator.faults.add({
      kind: 'lost-answer',
      how,
      operation: 'collections-upsert',
      object: 'Opportunity',
      count: 1,
    })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(opportunities()).toHaveLength(3)
    expect((await outcomes('deal'))[0]).toBe('ambiguous')
    for (const deal of deals) expect(await stateOf('deal', deal)).toMatchObject({ state: 'active' })
    await expectSilence()
  })

  test.each(['cut', 'silence'] as const)(
    '(%s) while updating is recognised as our own write',
    async (how) => {
      await start({ requestTimeoutMs: 500 })
      const { deal, remoteId } = await linkedDeal(sync, simulator)
      simulator.faults.add({ kind: 'lost-answer', how, operation: 'collections-update', count: 1 })
      sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
      await sync.mark('deal', [deal])
      simulator.calls.reset()
      await sync.settle()
      expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
      expect(writesOf(simulator)).toHaveLength(1)
      // Somebody types over it afterwards: that is theirs, not an echo of ours.
      simulator.update('Opportunity', remoteId, { Amount: 4321 })
      await sync.poll()
      await sync.settle()
      expect(localDeal(sync, deal)['amount']).toEqual({ amount: '4321.00', currency: 'USD' })
      await expectSilence()
    },
  )

  test('before it took effect is written again', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    simulator.faults.add({ kind: 'reset', operation: 'collections-update', count: 1 })
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    expect(await marks()).toEqual([])
  })
})

describe('a token', () => {
  test('that expired is renewed without anybody noticing', async () => {
    const { deal } = addDeals(sync)
    simulator.expireSessions()
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunities()).toHaveLength(1)
    expect(sync.pauses).toEqual([])
    expect(await outcomes('deal')).toEqual(['created'])
  })

  test('that never works stops the connection for a person, costs no attempts, and all flows on afterwards', async () => {
    await start({ obeysPauses: true })
    const { deals } = addDeals(sync, 2)
    const mend = simulator.faults.add({ kind: 'expired-session' })
    await sync.mark('deal', deals)
    await sync.settle()
    expect(sync.pauses[0]).toMatchObject({ attention: true, until: null })
    expect(opportunities()).toEqual([])
    expect((await marks()).every(({ attempts, parkedCode }) => attempts === 0 && parkedCode === null)).toBe(
      true,
    )
    mend()
    await start({})
    const again = addDeals(sync, 2)
    await sync.mark('deal', again.deals)
    await sync.settle()
    expect(opportunities()).toHaveLength(2)
  })

  test('of a client that was revoked stops polls and writes alike, and says why', async () => {
    await start({ obeysPauses: true })
    simulator.expireSessions()
    simulator.faults.add({ kind: 'refused-login', error: 'invalid_client', description: 'client revoked' })
    const result = await sync.poll()
    expect(result).toMatchObject({ kind: 'failed', fault: { kind: 'unauthorised' } })
    expect(sync.pauses).toMatchObject([
      { attention: true, reason: expect.stringContaining('invalid_client') },
    ])
  })
})

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
    await start({ obeysPauses: true })
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
    await start({ obeysPauses: true })
    simulator.removeField('Opportunity', 'PRM_Deal_Id__c')
    const { deal } = addDeals(sync)
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(sync.pauses).toMatchObject([{ attention: true }])
    expect(sync.quarantine).toEqual([])
    expect((await marks()).filter(({ parkedCode }) => parkedCode !== null)).toEqual([])
  })

  test('and that only a fixed value needs parks what is to be made, once; what is linked stays in step', async () => {
    const linked = await linkedDeal(sync, simulator)
    simulator.removeField('Opportunity', 'LeadSource')
    const { deal } = addDeals(sync)
    sync.entity('deal').put(linked.deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal, linked.deal])
    simulator.calls.reset()
    await sync.settle()
    expect(await marks()).toMatchObject([
      { recordId: deal, parkedMessage: expect.stringContaining('LeadSource'), attempts: 1 },
    ])
    expect(opportunityOf(simulator, linked.deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    expect(writesOf(simulator).filter(({ object }) => object === 'Opportunity')).toHaveLength(2)
    expect(sync.pauses).toEqual([])
  })
})

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

describe('a worker that dies', () => {
  test.each(['creates', 'updates'] as const)(
    'after a write that %s took effect leaves no double and no loss',
    async (what) => {
      const linked = what === 'updates' ? await linkedDeal(sync, simulator) : null
      const { deal } = linked ?? addDeals(sync)
      if (what === 'updates') sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
      await sync.mark('deal', [deal])
      if (what === 'creates') {
        // Its parents first, so that the death hits the deal.
        const { customer, partner } = localDeal(sync, deal)
        await sync.mark('customer', [String(customer)])
        await sync.mark('partner', [String(partner)])
        await sync.rows(
          `update dirty_mark set due_at = 'infinity' where connection_id = $id and entity = 'deal' returning 1`,
        )
        await sync.rows(
          `update dirty_mark set ready_at = clock_timestamp() where connection_id = $id and entity <> 'deal' returning 1`,
        )
        await sync.reconcile()
      }
      const doomed = sync.secondWorker((connector) => ({
        ...connector,
        write: async (commands, signal) => {
          await connector.write(commands, signal)
          throw new Error('killed')
        },
      }))
      await sync.ripen()
      await expect(doomed.reconcile()).rejects.toThrow()
      expect(opportunities()).toHaveLength(1)
      simulator.calls.reset()
      await sync.settle()
      expect(opportunities()).toHaveLength(1)
      expect(opportunityOf(simulator, deal)).toMatchObject({
        PRM_Protection_End__c: what === 'updates' ? '2027-08-08' : '2027-02-01',
      })
      expect(await stateOf('deal', deal)).toMatchObject({ state: 'active' })
      await expectSilence()
    },
  )

  test('before its write took effect leaves it to the next one', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    const doomed = sync.secondWorker((connector) => ({
      ...connector,
      write: () => Promise.reject(new Error('killed')),
    }))
    await sync.ripen()
    await expect(doomed.reconcile()).rejects.toThrow()
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    expect(await marks()).toEqual([])
  })

  test('while it sleeps loses its lease, and what it writes late is known as ours and mended by the next poll', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    const asleep = gate()
    const reached = gate()
    const sleeper = sync.secondWorker((connector) => ({
      ...connector,
      write: async (commands, signal) => {
        reached.open()
        await asleep.passed
        return connector.write(commands, signal)
      },
    }))
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const late = sleeper.reconcile()
    await reached.passed
    await sync.expireLeases()
    sync.entity('deal').put(deal, { protectionEnd: '2027-09-09' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-09-09' })
    asleep.open()
    await late
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    await sync.poll()
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-09-09' })
    expect(localDeal(sync, deal)['protectionEnd']).toBe('2027-09-09')
    expect(await openReviews()).toEqual([])
    await expectSilence()
  })

  test('in a both-way field too: the late older value of ours does not come back as theirs', async () => {
    await sync.changeLine('deal', 'amount', { owner: 'crm' })
    const { deal } = await linkedDeal(sync, simulator)
    const asleep = gate()
    const reached = gate()
    const sleeper = sync.secondWorker((connector) => ({
      ...connector,
      write: async (commands, signal) => {
        reached.open()
        await asleep.passed
        return connector.write(commands, signal)
      },
    }))
    sync.entity('deal').put(deal, { amount: { amount: '11.00', currency: 'USD' } })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const late = sleeper.reconcile()
    await reached.passed
    await sync.expireLeases()
    sync.entity('deal').put(deal, { amount: { amount: '22.00', currency: 'USD' } })
    await sync.mark('deal', [deal])
    await sync.settle()
    asleep.open()
    await late
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 11 })
    await sync.poll()
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 22 })
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '22.00', currency: 'USD' })
    await expectSilence()
  })
})

describe('polls', () => {
  test('of two workers in the wrong order leave the newer reading', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    const asleep = gate()
    const reached = gate()
    const slow = sync.secondWorker((connector) => ({
      ...connector,
      async *changes(object, cursor, fields, signal) {
        for await (const page of connector.changes(object, cursor, fields, signal)) {
          if (object === 'Opportunity' && page.records.length > 0) {
            reached.open()
            await asleep.passed
          }
          yield page
        }
      },
    }))
    simulator.update('Opportunity', remoteId, { Amount: 1 })
    const late = slow.poll()
    await reached.passed
    await sync.expireLeases()
    simulator.update('Opportunity', remoteId, { Amount: 2 })
    await sync.poll()
    await sync.settle()
    asleep.open()
    expect(await late).toEqual({ kind: 'busy' })
    await sync.settle()
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '2.00', currency: 'USD' })
    await expectSilence()
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '2.00', currency: 'USD' })
  })

  test('from an old place read again what is known, and change nothing', async () => {
    const { deals } = addDeals(sync, 20)
    await sync.mark('deal', deals)
    await sync.settle()
    await sync.poll()
    await sync.settle()
    await sync.rows('update change_cursor set cursor = null where connection_id = $id returning 1')
    simulator.calls.reset()
    const again = await sync.poll()
    expect(again).toMatchObject({
      kind: 'polled',
      objects: expect.arrayContaining([{ object: 'Opportunity', records: 20, changed: 0, deletions: 0 }]),
    })
    expect(await marks()).toEqual([])
    await expectSilence()
  })

  test('take in ten thousand rows of one instant completely, once, and move on', async () => {
    const ids = simulator.insertMany(
      'Account',
      Array.from({ length: 10_000 }, (_, index) => ({ Name: `Company ${index}` })),
    )
    simulator.touch('Account', ids, new Date(Date.now() - 3_600_000))
    const counted = async () => {
      const result = await sync.poll()
      if (result.kind !== 'polled') throw new Error(result.kind)
      return result.objects.find(({ object }) => object === 'Account')
    }
    expect(await counted()).toMatchObject({ records: 10_000, changed: 10_000 })
    const [mirror] = await sync.rows<{ count: bigint }>(
      "select count(*) from mirror_record where connection_id = $id and object = 'Account'",
    )
    expect(mirror?.count).toBe(10_000n)
    expect(await counted()).toMatchObject({ changed: 0 })
    expect((await counted())?.records).toBeLessThan(10)
    expect(sync.claims.size).toBe(10_000)
  }, 120_000)
})

describe('another organisation behind the same credentials', () => {
  test('stops the connection before anything is read or written there', async () => {
    await start({ guarded: true })
    const { deal } = await linkedDeal(sync, simulator)
    const before = opportunities().length
    simulator.setOrganisationId('00D000000000123')
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    simulator.calls.reset()
    await sync.settle()
    await sync.poll()
    expect(writesOf(simulator)).toEqual([])
    expect(opportunities()).toHaveLength(before)
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-02-01' })
    const [standing] = await sync.rows<{ status: string; pauseReason: string }>(
      'select status, pause_reason from connection where id = $id',
    )
    expect(standing).toMatchObject({
      status: 'attention',
      pauseReason: expect.stringContaining('organisation'),
    })
    expect(await marks()).toMatchObject([{ recordId: deal, parkedCode: null, attempts: 0 }])
  })
})

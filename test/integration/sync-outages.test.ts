import { describe, expect, test } from 'vitest'
import {
  expectSilence,
  marks,
  opportunities,
  outcomes,
  simulator,
  startSync,
  stateOf,
  sync,
  useSync,
} from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf, writesOf } from '#test/support/toy-deals.ts'

useSync()

describe('throttling', () => {
  test.each([
    ['TotalRequests', 3_000, 3_700],
    ['ConcurrentRequests', 5, 60],
  ] as const)(
    'by %s pauses the connection for as long as that limit asks, loses nothing and doubles nothing',
    async (limit, least, most) => {
      await startSync({ obeysPauses: true })
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
    await startSync({ requestTimeoutMs: 500 })
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
      await startSync({ requestTimeoutMs: 500 })
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

  test('before it took effect is tried again, also where only people over there had changed something', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.update('Opportunity', remoteId, { Name: 'Not what we call it' })
    await sync.poll()
    simulator.faults.add({ kind: 'reset', operation: 'collections-update', count: 1 })
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Name: 'Acme 0' })
    await expectSilence()
  })

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
    await startSync({ obeysPauses: true })
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
    await startSync({})
    const again = addDeals(sync, 2)
    await sync.mark('deal', again.deals)
    await sync.settle()
    expect(opportunities()).toHaveLength(2)
  })

  test('of a client that was revoked stops polls and writes alike, and says why', async () => {
    await startSync({ obeysPauses: true })
    simulator.expireSessions()
    simulator.faults.add({ kind: 'refused-login', error: 'invalid_client', description: 'client revoked' })
    const result = await sync.poll()
    expect(result).toMatchObject({ kind: 'failed', fault: { kind: 'unauthorised' } })
    expect(sync.pauses).toMatchObject([
      { attention: true, reason: expect.stringContaining('invalid_client') },
    ])
  })
})

describe('another organisation behind the same credentials', () => {
  test('stops the connection before anything is read or written there', async () => {
    await startSync({ guarded: true })
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

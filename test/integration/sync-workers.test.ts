import { describe, expect, test } from 'vitest'
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

/** A promise that is kept from outside. */
function gate() {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

/** A worker that falls asleep right before its write, until it is woken. */
function sleeper() {
  const writing = gate()
  const woken = gate()
  const worker = sync.secondWorker((connector) => ({
    ...connector,
    write: async (commands, signal) => {
      writing.open()
      await woken.passed
      return connector.write(commands, signal)
    },
  }))
  return { worker, isWriting: writing.passed, wake: woken.open }
}

/** A worker that stops right after its read, until it is let go. */
function paused() {
  const reading = gate()
  const goesOn = gate()
  const worker = sync.secondWorker((connector) => ({
    ...connector,
    read: async (...asked) => {
      const records = await connector.read(...asked)
      reading.open()
      await goesOn.passed
      return records
    },
  }))
  return { worker, isReading: reading.passed, letGo: goesOn.open }
}

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
    const { worker, isWriting, wake } = sleeper()
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const late = worker.reconcile()
    await isWriting
    await sync.expireLeases()
    sync.entity('deal').put(deal, { protectionEnd: '2027-09-09' })
    await sync.mark('deal', [deal])
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-09-09' })
    wake()
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
    const { worker, isWriting, wake } = sleeper()
    sync.entity('deal').put(deal, { amount: { amount: '11.00', currency: 'USD' } })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const late = worker.reconcile()
    await isWriting
    await sync.expireLeases()
    sync.entity('deal').put(deal, { amount: { amount: '22.00', currency: 'USD' } })
    await sync.mark('deal', [deal])
    await sync.settle()
    wake()
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
      async *changes(object, cursor, fields, signal, findKnown) {
        for await (const page of connector.changes(object, cursor, fields, signal, findKnown)) {
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

describe('what a person does while a worker is reading the same record', () => {
  test('an edit on our side is not overwritten by what the CRM had: the owner decides, the log names the loser', async () => {
    await sync.changeLine('deal', 'amount', { owner: 'prm' })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.update('Opportunity', remoteId, { Amount: 3000 })
    sync.entity('deal').put(deal, { title: 'Read me' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const { worker, isReading, letGo } = paused()
    const done = worker.reconcile()
    await isReading
    sync.entity('deal').put(deal, { amount: { amount: '2000.00', currency: 'USD' } })
    await sync.mark('deal', [deal])
    letGo()
    await done
    await sync.settle()
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '2000.00', currency: 'USD' })
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 2000, Name: 'Read me' })
    expect((await api.get(`/sync-attempts?${on()}&outcome=lost`)).items).toMatchObject([
      { code: 'theirs_lost', fields: ['amount'] },
    ])
  })

  test('a decision stands, and is not asked for again', async () => {
    await sync.changeLine('deal', 'amount', { owner: 'review' })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    sync.entity('deal').put(deal, { amount: { amount: '2000.00', currency: 'USD' } })
    simulator.update('Opportunity', remoteId, { Amount: 3000 })
    await sync.mark('deal', [deal])
    await sync.settle()
    const item = await api.openReview('collision')
    sync.entity('deal').put(deal, { title: 'Read me' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const { worker, isReading, letGo } = paused()
    const done = worker.reconcile()
    await isReading
    expect((await api.resolve(item.id, { take: 'ours' })).status).toBe(200)
    letGo()
    await done
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Amount: 2000, Name: 'Read me' })
    expect((await api.get(`/review-items?${on()}&state=open`)).items).toEqual([])
    await expectSilence()
  })

  test('a link that is retired is not written any more', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    sync.entity('deal').put(deal, { title: 'Never' })
    await sync.mark('deal', [deal])
    await sync.ripen()
    const { worker, isReading, letGo } = paused()
    const done = worker.reconcile()
    await isReading
    const link = await linkOf('deal', deal)
    expect((await api.request('POST', `/links/${link.id}/retire`, { reason: 'a mistake' })).status).toBe(200)
    letGo()
    await done
    await sync.settle()
    expect(opportunityOf(simulator, deal)).toMatchObject({ Name: 'Acme 0' })
  })
})

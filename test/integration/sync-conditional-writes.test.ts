import { beforeEach, describe, expect, test } from 'vitest'
import { writingConditionally } from '#test/support/conditional-writes.ts'
import {
  expectSilence,
  marks,
  outcomes,
  simulator,
  startSync,
  sync,
  useSync,
} from '#test/support/sync-world.ts'
import { linkedDeal, localDeal, opportunityOf } from '#test/support/toy-deals.ts'

useSync()
beforeEach(() => startSync({ wrap: (connector) => writingConditionally(simulator)(connector) }))

/** A deal in step whose counterpart the mirror shows as it is. */
async function settledDeal() {
  const linked = await linkedDeal(sync, simulator)
  await sync.poll()
  await sync.settle()
  simulator.calls.reset()
  return linked
}
const operations = () => simulator.calls.log.map(({ operation }) => operation)
const change = async (deal: string, day: string) => {
  sync.entity('deal').put(deal, { protectionEnd: day })
  await sync.mark('deal', [deal])
}

describe('where the CRM refuses a write that is based on an older state', () => {
  test('a change goes over in one call, without reading first', async () => {
    const { deal } = await settledDeal()
    await change(deal, '2027-08-08')
    await sync.settle()
    expect(operations()).toEqual(['collections-update'])
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    await expectSilence()
  })

  test('what somebody typed there meanwhile is read and merged in the same drain, and is no failed attempt', async () => {
    const { deal, remoteId } = await settledDeal()
    simulator.update('Opportunity', remoteId, { CloseDate: '2027-09-09' })
    await change(deal, '2027-08-08')
    await sync.ripen()
    await sync.reconcile()
    expect(operations()).toEqual(['collections-read', 'collections-update'])
    expect(opportunityOf(simulator, deal)).toMatchObject({
      PRM_Protection_End__c: '2027-08-08',
      CloseDate: '2027-09-09',
    })
    expect(localDeal(sync, deal)['expectedCloseDate']).toBe('2027-09-09')
    expect(await outcomes('deal')).toEqual(expect.arrayContaining(['changed', 'updated']))
    expect(await marks()).toEqual([])
    await expectSilence()
  })

  test('after a write of ours the mirror is known to be old: the next change reads, until the mirror was seen anew', async () => {
    const { deal } = await settledDeal()
    await change(deal, '2027-08-08')
    await sync.settle()
    simulator.calls.reset()
    await change(deal, '2027-08-09')
    await sync.settle()
    expect(operations()).toEqual(['collections-read', 'collections-update'])
    await sync.poll()
    await sync.settle()
    simulator.calls.reset()
    await change(deal, '2027-08-10')
    await sync.settle()
    expect(operations()).toEqual(['collections-update'])
  })

  test('a write without an answer is followed by a reading, whatever the mirror has', async () => {
    const { deal } = await settledDeal()
    simulator.faults.add({ kind: 'lost-answer', how: 'cut', operation: 'collections-update', count: 1 })
    await change(deal, '2027-08-08')
    await sync.ripen()
    await sync.reconcile()
    expect(operations()).toEqual(['collections-update', 'collections-read'])
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    await expectSilence()
  })
})

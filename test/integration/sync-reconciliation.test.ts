import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Upkeep, upkeepOf } from '#test/support/sync-upkeep.ts'
import {
  expectSilence,
  openReviews,
  outcomes,
  simulator,
  startSync,
  stateOf,
  sync,
  useSync,
} from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf } from '#test/support/toy-deals.ts'

useSync()
let upkeep: Upkeep
beforeEach(async () => {
  upkeep = await upkeepOf(sync)
})
afterEach(() => upkeep.close())

interface Entity {
  entity: string
  fields: Record<string, Record<string, number>>
  [count: string]: unknown
}
const of = (report: { entities: Entity[] }, entity: string) =>
  report.entities.find((one) => one.entity === entity) ?? expect.fail(`nothing is said of ${entity}`)

const linkedDeals = async (count: number) => {
  const added = addDeals(sync, count)
  await sync.mark('deal', added.deals)
  await sync.settle()
  await sync.poll()
  await sync.settle()
  return { ...added, remoteIds: added.deals.map((deal) => String(opportunityOf(simulator, deal)?.['Id'])) }
}

/** What the poll ought to have told us and did not: it is not asked. */
const unseen = (remoteId: string, fields: Record<string, unknown>) =>
  simulator.update('Opportunity', remoteId, fields)

describe('a reconciliation', () => {
  test('of what is in step finds nothing, field by field, for a handful of calls', async () => {
    await linkedDeals(30)
    simulator.calls.reset()
    const report = await upkeep.reconcile()
    expect(report).toMatchObject({ state: 'done', discrepancies: 0, examples: [] })
    expect(of(report, 'deal')).toMatchObject({
      linked: 30,
      inStep: 30,
      fields: { amount: { equal: 30, differ: 0 }, title: { equal: 30 }, outcome: { equal: 30 } },
    })
    expect(of(report, 'customer')).toMatchObject({ linked: 1, inStep: 1 })
    expect(simulator.calls.log.length).toBeLessThanOrEqual(6)
  })

  test('tells whose side is newer, where both changed, and what a repair then does about it', async () => {
    const { deals, remoteIds } = await linkedDeals(4)
    const [ours = '', theirs = '', both = ''] = deals
    sync.entity('deal').put(ours, { protectionEnd: '2027-12-12' })
    unseen(remoteIds[1] ?? '', { Amount: 5000 })
    sync.entity('deal').put(both, { expectedCloseDate: '2027-05-05' })
    unseen(remoteIds[2] ?? '', { CloseDate: '2027-06-06' })
    const report = await upkeep.reconcile()
    expect(of(report, 'deal')).toMatchObject({
      different: 3,
      inStep: 1,
      fields: {
        protectionEnd: { oursNewer: 1, equal: 3 },
        amount: { theirsNewer: 1, equal: 3 },
        expectedCloseDate: { differ: 1, equal: 3 },
      },
    })
    expect(report.discrepancies).toBe(3)
    expect(report.examples).toContainEqual(
      expect.objectContaining({
        kind: 'different',
        recordId: theirs,
        details: expect.objectContaining({
          fields: [
            {
              field: 'amount',
              standing: 'theirsNewer',
              ours: { amount: '1000.50', currency: 'USD' },
              theirs: { amount: '5000.00', currency: 'USD' },
            },
          ],
        }),
      }),
    )
    // Looking changes nothing.
    await sync.settle()
    expect(localDeal(sync, theirs)['amount']).toMatchObject({ amount: '1000.50' })
    const repaired = await upkeep.repair(report.id)
    expect(repaired.repair).toMatchObject({ state: 'done', looked: 3, mended: 3 })
    const marked = await sync.rows<{ priority: number }>(
      'select distinct priority from dirty_mark where connection_id = $id',
    )
    expect(marked).toEqual([{ priority: 1 }])
    await sync.settle()
    expect(opportunityOf(simulator, ours)).toMatchObject({ PRM_Protection_End__c: '2027-12-12' })
    expect(localDeal(sync, theirs)['amount']).toMatchObject({ amount: '5000.00' })
    // Both had changed it: the owner in this phase wins, and the log names what gave way.
    expect(localDeal(sync, both)['expectedCloseDate']).toBe('2027-06-06')
    expect(await outcomes('deal')).toContain('lost')
    expect(await upkeep.reconcile()).toMatchObject({ discrepancies: 0 })
    await expectSilence()
  })

  test('finds what was deleted or merged over there unseen; the repair follows, or tells a person', async () => {
    const { deals, remoteIds, customer } = await linkedDeals(2)
    const [gone = '', kept = ''] = deals
    simulator.remove('Opportunity', remoteIds[0] ?? '')
    const account = (await stateOf('customer', customer))?.remoteId ?? ''
    const master = simulator.insert('Account', { Name: 'Acme, the older' })
    simulator.merge('Account', master, [account])
    const report = await upkeep.reconcile()
    expect(of(report, 'deal')).toMatchObject({ missing_there: 1, inStep: 1 })
    expect(of(report, 'customer')).toMatchObject({ missing_there: 1 })
    expect(await stateOf('deal', gone)).toMatchObject({ state: 'active' })
    await upkeep.repair(report.id)
    expect(await stateOf('deal', gone)).toMatchObject({ state: 'gone' })
    expect(await stateOf('customer', customer)).toEqual({ state: 'active', remoteId: master })
    expect((await openReviews()).map(({ kind }) => kind)).toEqual(['gone'])
    await sync.settle()
    expect(await upkeep.reconcile()).toMatchObject({ discrepancies: 0 })
    expect(await stateOf('deal', kept)).toMatchObject({ state: 'active' })
    await expectSilence()
  })

  test('finds our key on a record that no link knows of, and the repair links it again', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    await sync.rows("delete from link where connection_id = $id and entity = 'deal' returning 1")
    const report = await upkeep.reconcile()
    expect(of(report, 'deal')).toMatchObject({ unlinked_key: 1, linked: 0 })
    await upkeep.repair(report.id)
    expect(await stateOf('deal', deal)).toEqual({ state: 'active', remoteId })
    await sync.settle()
    expect(await upkeep.reconcile()).toMatchObject({ discrepancies: 0 })
    await expectSilence()
    expect(simulator.list('Opportunity')).toHaveLength(1)
  })

  test('finds links to nothing and keys that stand twice', async () => {
    const { deals, customer } = await linkedDeals(2)
    sync.entity('deal').records.delete(deals[0] ?? '')
    simulator.addField('Account', { name: 'Tag__c', type: 'string', length: 40 })
    const document = (
      await sync.engine.connections.publishedMappings(undefined as never, sync.connection.id)
    ).find(({ entity }) => entity === 'customer')!.document
    await sync.publish({ ...document, keyField: 'Tag__c' })
    simulator.insertMany('Account', [
      { Name: 'One', Tag__c: customer },
      { Name: 'Two', Tag__c: customer },
    ])
    await sync.poll()
    const report = await upkeep.reconcile()
    expect(of(report, 'deal')).toMatchObject({ linked_to_nothing: 1 })
    expect(of(report, 'customer')).toMatchObject({ doubled_key: 1 })
    await upkeep.repair(report.id)
    const again = await upkeep.reconcile()
    expect(of(again, 'deal')).toMatchObject({ linked_to_nothing: 0 })
    // Which of two is the one, only a person can tell.
    expect(of(again, 'customer')).toMatchObject({ doubled_key: 1 })
  })

  test('forgets records without a link that were deleted unseen, so that they stand in nobody’s way', async () => {
    const direct = simulator.insert('Opportunity', {
      Name: 'Direct',
      StageName: 'Prospecting',
      CloseDate: '2027-04-01',
    })
    const changed = simulator.insert('Opportunity', {
      Name: 'Changed',
      StageName: 'Prospecting',
      CloseDate: '2027-04-01',
    })
    await sync.poll()
    simulator.remove('Opportunity', direct)
    simulator.update('Opportunity', changed, { Amount: 77 })
    expect(of(await upkeep.reconcile(), 'deal')).toMatchObject({ unlinked: 2, vanished: 1 })
    expect([...sync.claims.keys()]).toEqual([changed])
    expect(sync.claims.get(changed)).toMatchObject({ amountMinor: 7700n })
  })

  test('counts what a person has to decide as held, not as a difference to repair', async () => {
    await sync.changeLine('deal', 'expectedCloseDate', { owner: 'review' })
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    sync.entity('deal').put(deal, { expectedCloseDate: '2027-05-05' })
    await sync.mark('deal', [deal])
    simulator.update('Opportunity', remoteId, { CloseDate: '2027-06-06' })
    await sync.poll()
    await sync.settle()
    const report = await upkeep.reconcile()
    expect(of(report, 'deal')).toMatchObject({ different: 0, fields: { expectedCloseDate: { held: 1 } } })
  })

  test('waits while the allowance of calls belongs to people', async () => {
    await linkedDeals(1)
    await upkeep.close()
    const { connectors } = sync.engine
    const patient = {
      ...sync,
      engine: { ...sync.engine, connectors: { ...connectors, mayRun: () => false } },
    }
    upkeep = await upkeepOf(patient)
    expect(await upkeep.reconcile()).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('allowance'),
    })
  })

  test('goes on after a call that failed, and can only be repaired once it is done', async () => {
    await startSync({
      wrap: (connector) => {
        let failed = false
        return {
          ...connector,
          read: async (...asked) => {
            if (!failed && asked[0] === 'Account') {
              failed = true
              const { ConnectorFault } = await import('#connectors/fault.ts')
              throw new ConnectorFault('unavailable', 'not now', { code: 'X' })
            }
            return connector.read(...asked)
          },
        }
      },
    })
    await upkeep.close()
    upkeep = await upkeepOf(sync)
    await linkedDeals(1)
    const waiting = await upkeep.reconcile()
    expect(waiting).toMatchObject({ state: 'waiting', problem: 'not now' })
    const early = await upkeep.request('POST', `/reconciliations/${waiting.id}/repair`)
    expect([early.status, early.body.code]).toEqual([409, 'not_finished'])
    await sync.rows('update sync_task set retry_at = null where connection_id = $id returning 1')
    await upkeep.drain()
    const { body } = await upkeep.request('GET', `/reconciliations/${waiting.id}`)
    expect(body).toMatchObject({ state: 'done', discrepancies: 0 })
  })
})

import { describe, expect, test } from 'vitest'
import type { Connector } from '#connectors/connector.ts'
import { overBudget } from '#src/connections/call-budget.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type Mark, markDirty, ofOneUrgency } from '#src/sync/memory/mark-store.ts'
import { createDrains } from '#src/sync/passes/drains.ts'
import { marks, opportunities, simulator, sync, useSync } from '#test/support/sync-world.ts'
import { addDeals, opportunityOf } from '#test/support/toy-deals.ts'

useSync()

const markAs = (priority: Priority, deals: readonly string[]) =>
  sync.run((tx) =>
    markDirty(
      tx,
      deals.map((recordId) => ({ connectionId: sync.connection.id, entity: 'deal', recordId, priority })),
    ),
  )

/** A worker whose budget has nothing left for some work; `asked` collects the urgencies that it worked at. */
function worker(refused: readonly Priority[], mayRun: (priority: Priority) => boolean) {
  const asked: Priority[] = []
  const rung: (Date | undefined)[] = []
  const drains = createDrains(
    {
      ...sync.engine,
      connectors: {
        mayRun: (_id, priority) => mayRun(priority),
        async connectorFor(connection, priority = 'live'): Promise<Connector> {
          const connector = await sync.engine.connectors.connectorFor(connection)
          asked.push(priority)
          if (!refused.includes(priority)) return connector
          const refuse = () => Promise.reject(overBudget(priority, new Date(Date.now() + 60_000)))
          return { ...connector, read: refuse, write: refuse, find: refuse }
        },
      },
    },
    { ring: (_name, notBefore) => void rung.push(notBefore) },
  )
  return { asked, rung, reconcile: () => drains.reconcile(AbortSignal.timeout(60_000)) }
}

describe('work of different urgency', () => {
  test('goes at its own, and bulk that finds the rest kept for others waits without stopping the connection', async () => {
    const [deal = '', ...deals] = addDeals(sync, 4).deals
    await markAs('live', [deal])
    await sync.settle()
    const before = opportunities().length
    sync.entity('deal').put(deal, { protectionEnd: '2027-08-08' })
    await markAs('live', [deal])
    await sync.ripen()
    const { asked, reconcile } = worker(['bulk'], () => true)
    await reconcile()
    expect(opportunityOf(simulator, deal)).toMatchObject({ PRM_Protection_End__c: '2027-08-08' })
    await markAs('bulk', deals)
    await sync.ripen()
    await reconcile()
    expect(asked).toContain('bulk')
    expect(opportunities()).toHaveLength(before)
    expect(sync.pauses).toEqual([])
    expect((await marks()).map(({ attempts, parkedCode }) => [attempts, parkedCode])).toEqual(
      deals.map(() => [0, null]),
    )
    await sync.settle()
    expect(opportunities()).toHaveLength(before + 3)
  })

  test('that has no room is not even begun, nor rung for', async () => {
    const { deals } = addDeals(sync, 2)
    await markAs('bulk', deals)
    await sync.ripen()
    const { asked, rung, reconcile } = worker([], (priority) => priority !== 'bulk')
    await reconcile()
    expect([asked, rung]).toEqual([['live'], []])
    expect(await marks()).toHaveLength(2)
  })

  test('goes in one batch where little of the urgent would leave it almost empty', () => {
    const mark = (priority: number, index: number): Mark => ({
      recordId: `${priority} ${index}`,
      generation: 1n,
      priority,
      attempts: 0,
      ripe: true,
    })
    const bulk = Array.from({ length: 20 }, (_, index) => mark(2, index))
    const mixed = ofOneUrgency([...bulk, mark(0, 0), mark(1, 0)], 5)
    expect([mixed.urgency, mixed.marks.length, mixed.marks[0]?.recordId]).toEqual(['live', 5, '0 0'])
    expect(ofOneUrgency(bulk, 5)).toEqual({ marks: bulk, urgency: 'bulk' })
    expect(ofOneUrgency([], 5).marks).toEqual([])
  })
})

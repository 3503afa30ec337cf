import { beforeEach, describe, expect, test } from 'vitest'
import type { DealId } from '#src/kernel/ids.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const { world, time, told, notices, deals, manager, crm, run, details, submit, approve, setProgramme } =
  useDealWorld()

const start = new Date('2026-03-02T10:00:00Z')
beforeEach(() => {
  time.now = start
  told.length = 0
})

const get = (id: DealId) => run(manager, (tx) => deals.getDeal(tx, id))
const at = (instant: string) => {
  time.now = new Date(instant)
  return time.now
}
const expire = (instant: string) => {
  const now = at(instant)
  return run(crm, (tx) => deals.expireDue(tx, now, 100))
}
const link = (dealId: DealId, state: 'linked' | 'gone') =>
  run(crm, (tx) =>
    deals.setCrmLinks(tx, crm, [
      { dealId, state, connectionId: null, remoteId: '006A', url: 'https://crm/006A' },
    ]),
  )

describe('protection', () => {
  test('ends with its last day in the programme’s zone, and frees the customer', async () => {
    const company = details()
    const { id, protectedUntil } = await approve(world.seller, company)
    expect(protectedUntil).toBe('2026-05-31')
    expect(await expire('2026-05-31T21:59:00Z')).toBe(0)
    expect(await expire('2026-05-31T22:01:00Z')).toBe(1)
    expect(await get(id)).toMatchObject({ status: 'expired' })
    expect(notices()).toContain('deal_expired partner')
    expect((await submit(world.rival, company)).conflict).toBe('clear')
  })

  test('is extended by a decision with a reason', async () => {
    const company = details()
    const { id } = await approve(world.seller, company)
    const extended = await run(manager, (tx) =>
      deals.extend(tx, manager, id, null, { days: null, reason: 'The tender was postponed' }),
    )
    expect(extended.protectedUntil).toBe('2026-06-30')
    expect(await expire('2026-06-10T10:00:00Z')).toBe(0)
    expect((await submit(world.rival, company)).conflict).toBe('suspected')
    await run(manager, (tx) => deals.cancel(tx, manager, id, null, 'Test is over'))
  })

  test('is kept by an open opportunity without a gap, and ends with its outcome', async () => {
    const company = details()
    const { id } = await approve(world.seller, company)
    await link(id, 'linked')
    const dayBefore = at('2026-05-30T10:00:00Z')
    expect(await run(crm, (tx) => deals.keepOpen(tx, dayBefore, 100))).toBe(1)
    expect(await run(crm, (tx) => deals.keepOpen(tx, dayBefore, 100))).toBe(0)
    expect(await expire('2026-09-01T10:00:00Z')).toBe(0)
    const blocked = await submit(world.rival, company)
    expect(blocked.conflict).toBe('suspected')
    await run(world.rival, (tx) => deals.withdraw(tx, world.rival, blocked.id, null, null))
    const won = await run(crm, (tx) => deals.applyFacts(tx, crm, [{ id, changes: { outcome: 'won' } }]))
    expect(won.get(id)).toEqual([{ field: 'outcome', kind: 'applied' }])
    expect(await get(id)).toMatchObject({
      status: 'approved',
      outcomeStanding: 'expected',
      protectionKept: false,
    })
    expect((await submit(world.rival, company)).conflict).toBe('clear')
  })

  test('that was kept is over once the opportunity is gone', async () => {
    const { id } = await approve()
    await link(id, 'linked')
    const later = at('2026-07-01T10:00:00Z')
    expect(await run(crm, (tx) => deals.keepOpen(tx, later, 100))).toBe(1)
    await link(id, 'gone')
    expect(await expire('2026-07-01T11:00:00Z')).toBe(1)
    expect(await get(id)).toMatchObject({ status: 'expired', crmState: 'gone' })
  })

  test('lapses all the same where the programme says so', async () => {
    await setProgramme({ lapseRule: 'lapse' })
    const { id } = await approve()
    await link(id, 'linked')
    expect(await expire('2026-06-01T10:00:00Z')).toBe(1)
    await setProgramme({ lapseRule: 'keep_while_open' })
    const outcomes = await run(crm, (tx) => deals.applyFacts(tx, crm, [{ id, changes: { outcome: 'won' } }]))
    expect(outcomes.get(id)).toEqual([expect.objectContaining({ code: 'won_outside_protection' })])
  })

  test('a win inside the range that is heard of after its end is expected', async () => {
    const { id } = await approve()
    await expire('2026-06-01T10:00:00Z')
    const changes = { outcome: 'won', expectedCloseDate: '2026-05-30' }
    const outcomes = await run(crm, (tx) => deals.applyFacts(tx, crm, [{ id, changes }]))
    expect(outcomes.get(id)?.every(({ kind }) => kind === 'applied')).toBe(true)
  })

  test('reminds once per lead', async () => {
    const { id } = await approve()
    const remind = (instant: string) => {
      told.length = 0
      const now = at(instant)
      return run(crm, (tx) => deals.remindExpiring(tx, now, 100))
    }
    expect(await remind('2026-05-16T10:00:00Z')).toBe(0)
    expect(await remind('2026-05-17T10:00:00Z')).toBe(1)
    expect(notices()).toEqual(['deal_expiring partner', 'deal_expiring vendor'])
    expect(await remind('2026-05-18T10:00:00Z')).toBe(0)
    expect(await remind('2026-05-28T10:00:00Z')).toBe(1)
    expect(await remind('2026-05-29T10:00:00Z')).toBe(0)
    await run(manager, (tx) => deals.extend(tx, manager, id, null, { days: 30, reason: 'Tender moved' }))
    expect(await remind('2026-06-20T10:00:00Z')).toBe(1)
  })

  test('several workers expire each deal once', async () => {
    await expire('2026-08-01T10:00:00Z')
    time.now = start
    const ids: DealId[] = []
    for (let count = 0; count < 12; count += 1) ids.push((await approve()).id)
    const now = at('2026-08-02T10:00:00Z')
    told.length = 0
    const workers = await Promise.all([1, 2, 3].map(() => run(crm, (tx) => deals.expireDue(tx, now, 5))))
    let rest = 1
    while (rest > 0) rest = await run(crm, (tx) => deals.expireDue(tx, now, 5))
    expect(workers.every((count) => count <= 5)).toBe(true)
    expect(notices().filter((notice) => notice === 'deal_expired partner')).toHaveLength(12)
  })
})

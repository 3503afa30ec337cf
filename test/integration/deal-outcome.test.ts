import { sql } from 'kysely'
import pg from 'pg'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createDealEntity, dealCatalogue } from '#src/deals/deal-entity.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { DealId, PartnerId } from '#src/kernel/ids.ts'
import { newId } from '#src/kernel/ids.ts'
import { earnedByDeal } from '#src/ledger/ledger-use-cases.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const worlds = useDealWorld()
const { world, time, told, notices, deals, manager, crm, run, details, draft, submit, approve, toApproval } =
  worlds
const entity = createDealEntity(deals)

beforeEach(() => {
  told.length = 0
})

const state = (id: DealId, changes: Record<string, FieldValue>) =>
  run(crm, async (tx) => (await entity.applyMany(tx, crm, [{ id, changes }])).get(id))
const get = (id: DealId) => run(manager, (tx) => deals.getDeal(tx, id))
const earned = (id: DealId) =>
  run(manager, async (tx) =>
    Object.fromEntries(
      (await earnedByDeal(tx, [id]))
        .filter(({ earnedMinor }) => earnedMinor !== 0n)
        .map(({ payeeId, currency, earnedMinor }) => [`${payeeId} ${currency}`, earnedMinor]),
    ),
  )
const own = (amount: bigint, partnerId: PartnerId = world.partnerId, currency = 'EUR') => ({
  [`${partnerId} ${currency}`]: amount,
})

describe('a win', () => {
  test('of an approved deal earns at once, and every later change posts its difference', async () => {
    const { id } = await approve()
    expect(await state(id, { outcome: 'won', stage: 'Closed Won' })).toEqual([
      { field: 'stage', kind: 'applied' },
      { field: 'outcome', kind: 'applied' },
    ])
    expect(await earned(id)).toEqual(own(500_000n))
    expect(notices().filter((notice) => notice.startsWith('deal_won'))).toEqual([
      'deal_won partner',
      'deal_won vendor',
    ])

    await state(id, { amount: { amount: '30000.00', currency: 'EUR' } })
    expect(await earned(id)).toEqual(own(300_000n))
    await state(id, { outcome: 'open' })
    expect(await earned(id)).toEqual({})
    await state(id, { outcome: 'won' })
    expect(await earned(id)).toEqual(own(300_000n))
    await state(id, { outcome: 'lost' })
    expect(await earned(id)).toEqual({})
    expect(await get(id)).toMatchObject({ outcome: 'lost', outcomeRevision: 5 })
  })

  test('that is stated again and again is one win', async () => {
    const { id } = await approve()
    for (let poll = 0; poll < 3; poll += 1) await state(id, { outcome: 'won' })
    const { revision, outcomeRevision } = await get(id)
    await state(id, { outcome: 'won' })
    expect(await get(id)).toMatchObject({ revision, outcomeRevision, outcome: 'won' })
    expect(await earned(id)).toEqual(own(500_000n))
  })

  test('does not tell the CRM what it just said', async () => {
    const { id } = await approve()
    told.length = 0
    await state(id, { outcome: 'won', expectedCloseDate: '2026-03-01' })
    expect(told.filter(({ type }) => type === 'record_changed')).toEqual([])
  })

  test('before approval is recorded for review and earns only once it is approved', async () => {
    const { id } = await submit()
    const outcomes = await state(id, { outcome: 'won' })
    expect(outcomes).toEqual([
      expect.objectContaining({ field: 'outcome', kind: 'review', code: 'won_while_submitted' }),
    ])
    expect(await get(id)).toMatchObject({ outcome: 'won', outcomeStanding: 'unexpected' })
    expect(await earned(id)).toEqual({})
    await run(manager, (tx) => deals.approve(tx, manager, id, null, toApproval))
    expect(await earned(id)).toEqual(own(500_000n))
  })

  test('of a rejected deal earns when a person recognises it, and is taken back when disregarded', async () => {
    const { id } = await submit()
    await run(manager, (tx) =>
      deals.reject(tx, manager, id, null, { code: 'other', reason: 'We thought it was ours' }),
    )
    await state(id, { outcome: 'won' })
    expect(await earned(id)).toEqual({})
    const settle = (recognise: boolean) =>
      run(manager, (tx) =>
        deals.settleOutcome(tx, manager, id, null, { recognise, reason: 'It was their work' }),
      )
    await settle(true)
    expect(await earned(id)).toEqual(own(500_000n))
    await settle(false)
    expect(await earned(id)).toEqual({})
    expect(await get(id)).toMatchObject({
      status: 'rejected',
      outcome: 'won',
      outcomeStanding: 'disregarded',
    })
  })

  test('is shared by the split to the cent', async () => {
    const { id } = await approve(world.seller, { amountMinor: 100_010n })
    await state(id, { outcome: 'won' })
    await run(manager, (tx) =>
      deals.setSplit(tx, manager, id, null, {
        shares: [
          { partnerId: world.partnerId, shareWeight: 2 },
          { partnerId: world.rivalId, shareWeight: 1 },
        ],
        reason: 'They did the demonstration together',
      }),
    )
    expect(await earned(id)).toEqual({ ...own(6_667n), ...own(3_334n, world.rivalId) })
    const deal = await get(id)
    expect(await run(world.seller, (tx) => deals.splitOf(tx, world.seller, deal))).toEqual([
      { partnerId: world.partnerId, shareWeight: 2 },
    ])
    const earnings = await run(world.seller, (tx) => deals.earningsOf(tx, world.seller, id))
    expect(earnings.posted.map(({ payeeId, earnedMinor }) => [payeeId, earnedMinor])).toEqual([
      [world.partnerId, 6_667n],
    ])
    expect(earnings.awards).toHaveLength(1)
    await run(manager, (tx) =>
      deals.setSplit(tx, manager, id, null, { shares: [], reason: 'They did not after all' }),
    )
    expect(await earned(id)).toEqual(own(10_001n))
  })

  test('waits while the CRM’s partner is in question', async () => {
    const { id } = await approve()
    const outcomes = await state(id, { partner: null, outcome: 'won' })
    expect(outcomes?.map(({ kind }) => kind).sort()).toEqual(['applied', 'review'])
    expect(await earned(id)).toEqual({})
    await run(manager, (tx) => deals.setReviewHold(tx, manager, id, null))
    expect(await earned(id)).toEqual(own(500_000n))
  })
})

describe('a draft', () => {
  test('shows what it would earn, without a promise', async () => {
    const { id } = await draft()
    const earnings = await run(world.seller, (tx) => deals.earningsOf(tx, world.seller, id))
    expect(earnings).toMatchObject({ earned: false, promised: false, posted: [] })
    expect(earnings.awards.map(({ amountMinor }) => amountMinor)).toEqual([500_000n])
  })
})

describe('a lost deal', () => {
  test('frees its customer, and asks for it again when it is re-opened', async () => {
    const company = details()
    const { id } = await approve(world.seller, company)
    await state(id, { outcome: 'lost' })
    await state(id, { outcome: 'open' })
    const blocked = await submit(world.rival, company)
    expect(blocked.conflict).toBe('suspected')
    await run(world.rival, (tx) => deals.withdraw(tx, world.rival, blocked.id, null, null))
    await state(id, { outcome: 'lost' })
    expect((await approve(world.rival, company)).status).toBe('approved')
    expect(await state(id, { outcome: 'open' })).toEqual([
      expect.objectContaining({ kind: 'review', code: 'protection_taken' }),
    ])
    expect(await get(id)).toMatchObject({ outcome: 'open', conflict: 'suspected' })
  })
})

describe('facts of many deals', () => {
  test('of one page are stated set by set', async () => {
    const ids: DealId[] = []
    for (let count = 0; count < 6; count += 1) ids.push((await approve()).id)
    const statementsFor = async (count: number) => {
      const batch = ids.splice(0, count).map((id) => ({ id, changes: { outcome: 'won' } }))
      const query = vi.spyOn(pg.Client.prototype, 'query')
      await run(crm, (tx) => deals.applyFacts(tx, crm, batch))
      const { length } = query.mock.calls
      query.mockRestore()
      return length
    }
    const all = [...ids]
    await statementsFor(1)
    const few = await statementsFor(1)
    expect(await statementsFor(4)).toBe(few)
    expect(few).toBeGreaterThan(5)
    expect(few).toBeLessThan(30)
    for (const id of all) expect(await earned(id)).toEqual(own(500_000n))
  })

  test('of a deal that is gone are kept for a person', async () => {
    const id = newId<'deal'>()
    expect(await state(id, { outcome: 'won' })).toEqual([
      expect.objectContaining({ field: 'outcome', kind: 'review', code: 'no_such_deal' }),
    ])
  })

  test('of one deal twice in a page end at the last word', async () => {
    const { id } = await approve()
    const results = await run(crm, (tx) =>
      deals.applyFacts(tx, crm, [
        { id, changes: { outcome: 'won' } },
        { id, changes: { outcome: 'lost' } },
      ]),
    )
    expect(results.get(id)).toHaveLength(2)
    expect(await get(id)).toMatchObject({ outcome: 'lost' })
    expect(await earned(id)).toEqual({})
  })
})

describe('a deal as mappings see it', () => {
  test('has every field of the catalogue and nothing else', async () => {
    const { id } = await approve()
    const record = await run(crm, async (tx) => (await entity.load(tx, [id])).get(id))
    expect(Object.keys(record?.fields ?? {}).sort()).toEqual(dealCatalogue.map(({ name }) => name).sort())
    expect(record?.fields).toMatchObject({
      status: 'approved',
      outcome: 'open',
      amount: { amount: '50000.00', currency: 'EUR' },
      protectionEnd: '2026-05-31',
      partner: world.partnerId,
    })
    expect(record?.facts).toMatchObject({
      status: 'approved',
      programme: world.programmeId,
      phase: 'approved',
    })
  })
})

describe('a change of an approved deal', () => {
  const ask = (id: DealId, changes: Parameters<typeof deals.requestChange>[4]['changes']) =>
    run(world.seller, (tx) =>
      deals.requestChange(tx, world.seller, id, null, { changes, reason: 'The customer wants more' }),
    )
  const decide = (
    id: DealId,
    requestId: Parameters<typeof deals.decideChange>[3],
    accept: boolean,
    overrideConflict: string | null = null,
  ) =>
    run(manager, (tx) =>
      deals.decideChange(tx, manager, id, requestId, { accept, reason: 'Agreed', overrideConflict }),
    )

  test('holds the earnings of a won deal until it is decided', async () => {
    const { id } = await approve()
    const { request } = await ask(id, { amountMinor: 6_000_000n })
    await state(id, { outcome: 'won' })
    expect(await earned(id)).toEqual({})
    await expect(ask(id, { amountMinor: 7_000_000n })).rejects.toMatchObject({
      code: 'change_requested_already',
    })
    const accepted = await decide(id, request.id, true)
    expect(accepted).toMatchObject({ amountMinor: 6_000_000n, changeRequested: false })
    expect(await earned(id)).toEqual(own(600_000n))
  })

  test('that is declined or withdrawn lets them go on as they were', async () => {
    const { id } = await approve()
    const first = await ask(id, { amountMinor: 6_000_000n })
    await state(id, { outcome: 'won' })
    await decide(id, first.request.id, false)
    expect(await earned(id)).toEqual(own(500_000n))
    const second = await ask(id, { amountMinor: 1n })
    await run(world.seller, (tx) => deals.withdrawChange(tx, world.seller, id, second.request.id))
    expect(await earned(id)).toEqual(own(500_000n))
    const requests = await run(world.seller, (tx) => deals.listChangeRequests(tx, id))
    expect(requests.map(({ status }) => status)).toEqual(['withdrawn', 'declined'])
  })

  test('to another customer is checked like a registration', async () => {
    const taken = details()
    await approve(world.rival, taken)
    const { id } = await approve()
    const { companyName, domain } = taken
    const { request } = await ask(id, { companyName, domain })
    await expect(decide(id, request.id, true)).rejects.toMatchObject({ code: 'conflict_suspected' })
    await expect(decide(id, request.id, true, 'Both know of each other')).rejects.toMatchObject({
      code: 'already_held',
    })
    await decide(id, request.id, false)
    const free = details()
    const next = await ask(id, { companyName: free.companyName, domain: free.domain })
    const moved = await decide(id, next.request.id, true)
    expect(moved).toMatchObject({ companyName: free.companyName, conflict: 'clear', status: 'approved' })
    expect((await submit(world.rival, free)).conflict).toBe('suspected')
  })

  test('to more products keeps the customer held for both', async () => {
    const company = details({ products: [{ productId: world.phone }] })
    const { id } = await approve(world.seller, company)
    const { request } = await ask(id, { products: [{ productId: world.phone }, { productId: world.line }] })
    await decide(id, request.id, true)
    const lines = { ...company, products: [{ productId: world.line }] }
    expect((await submit(world.rival, lines)).conflict).toBe('suspected')
  })
})

describe('every step', () => {
  test('leaves a row in the audit trail', async () => {
    time.now = new Date('2026-03-02T10:00:00Z')
    const { id } = await approve()
    await state(id, { outcome: 'won' })
    const { rows } = await run(manager, (tx) =>
      sql<{ action: string }>`
        select action from audit_entry where subject_kind = 'deal' and subject_id = ${id} order by id`.execute(
        tx,
      ),
    )
    expect(rows.map(({ action }) => action)).toEqual([
      'deal.drafted',
      'deal.submitted',
      'deal.approved',
      'deal.won',
      'earnings.posted',
    ])
  })
})

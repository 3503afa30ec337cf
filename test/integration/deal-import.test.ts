import { beforeEach, describe, expect, test } from 'vitest'
import { createDealEntity } from '#src/deals/deal-entity.ts'
import type { DealImportRow } from '#src/deals/deal-import.ts'
import { type DealId, newId } from '#src/kernel/ids.ts'
import { earnedByDeal } from '#src/ledger/ledger-use-cases.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const { world, time, told, notices, conflicts, deals, manager, crm, run, details, submit, setProgramme } =
  useDealWorld()

beforeEach(() => {
  time.now = new Date('2026-03-02T10:00:00Z')
  told.length = 0
})

let refs = 0
const row = (over: Partial<DealImportRow> = {}): DealImportRow => {
  refs += 1
  return {
    ref: `OLD-${refs}`,
    partnerId: world.partnerId,
    programmeId: world.programmeId,
    details: details(),
    status: 'approved',
    registeredAt: new Date('2026-01-10T09:00:00Z'),
    registeredBy: 'Old portal',
    approvedOn: '2026-01-12',
    approvedBy: 'Frieda Former',
    protectedUntil: null,
    decisionCode: null,
    outcome: 'open',
    outcomeOn: null,
    crmRemoteId: null,
    ...over,
  }
}
const live = (over: Partial<DealImportRow> = {}): DealImportRow =>
  row({ status: 'submitted', registeredAt: null, approvedOn: null, approvedBy: null, ...over })
const take = (...rows: DealImportRow[]) =>
  run(manager, (tx) => deals.importDeals(tx, manager, rows, { source: 'old portal', priority: 'bulk' }))
const byRef = (ref: string) =>
  run(manager, async (tx) => {
    const position = { limit: 1, sort: '-createdAt', after: null } as const
    const [deal] = await deals.listDeals(tx, manager, { externalRef: ref }, position)
    if (!deal) throw new Error(`${ref} is not there`)
    return deal
  })

describe('imported history', () => {
  test('keeps its time, its decision and its range, and makes no noise', async () => {
    const [result] = await take(row({ ref: 'OLD-A' }))
    expect(result).toMatchObject({ ref: 'OLD-A', status: 'created', issues: [] })
    expect(await byRef('OLD-A')).toMatchObject({
      status: 'approved',
      registeredAt: new Date('2026-01-10T09:00:00Z'),
      decidedBy: 'Frieda Former',
      protectedFrom: '2026-01-12',
      protectedUntil: '2026-04-12',
      review: null,
      conflict: 'clear',
      tierId: world.goldTier,
      provenance: { source: 'old portal', approvedBy: 'Frieda Former' },
    })
    expect(notices()).toEqual([])
    expect(told.map((event) => (event.type === 'record_changed' ? event.priority : event.type))).toContain(
      'bulk',
    )
  })

  test('holds its customer against registrations of today', async () => {
    const old = row()
    await take(old)
    const { companyName, domain } = old.details
    expect((await submit(world.rival, { companyName, domain })).conflict).toBe('suspected')
  })

  test('the same rows again change nothing; a newer export brings the contact up to date', async () => {
    const rows = [row(), row()]
    expect((await take(...rows)).map(({ status }) => status)).toEqual(['created', 'created'])
    expect((await take(...rows)).map(({ status }) => status)).toEqual(['unchanged', 'unchanged'])
    const [first, second] = rows
    if (!first || !second) throw new Error('two rows')
    const newer = {
      ...first,
      status: 'rejected' as const,
      details: { ...first.details, contactName: 'Nina New' },
    }
    expect((await take(newer, second)).map(({ status }) => status)).toEqual(['updated', 'unchanged'])
    expect(await byRef(first.ref)).toMatchObject({ contactName: 'Nina New', status: 'approved' })
  })

  test('names what is wrong with a row and takes the others', async () => {
    const good = row()
    const results = await take(
      row({ partnerId: newId() }),
      good,
      good,
      row({ status: 'rejected', registeredAt: null }),
      row({ status: 'rejected', outcome: 'won' }),
      row({ protectedUntil: '2025-12-31' }),
      row({ details: details({ products: [{ productId: newId() }] }) }),
    )
    expect(results.map(({ status, issues }) => [status, ...issues.map(({ code }) => code)])).toEqual([
      ['invalid', 'unknown_partner'],
      ['created'],
      ['invalid', 'repeated_ref'],
      ['invalid', 'required'],
      ['invalid', 'not_approved'],
      ['invalid', 'before_approval'],
      ['invalid', 'unknown_product'],
    ])
  })

  test('of two holders of one customer the second is imported, suspected', async () => {
    const company = details()
    const results = await take(row({ details: company }), row({ details: company, partnerId: world.rivalId }))
    expect(results.map(({ status, issues }) => [status, issues[0]?.code])).toEqual([
      ['created', undefined],
      ['created', 'already_held'],
    ])
    const second = await byRef(results[1]?.ref ?? '')
    expect(second).toMatchObject({ status: 'approved', conflict: 'suspected' })
    // Its case comes with the next watch, which has nothing more to say after that.
    const watch = () => run(manager, (tx) => conflicts.watchClaims(tx, manager))
    while ((await watch()) > 0);
    const cases = await run(manager, (tx) =>
      conflicts.listCases(
        tx,
        { dealId: second?.id as DealId },
        { limit: 10, sort: 'createdAt', after: null },
      ),
    )
    expect(cases).toMatchObject([{ status: 'open' }])
  })

  test('what was won elsewhere earns nothing here, unless a person recognises it', async () => {
    const old = row({ outcome: 'won', outcomeOn: '2026-02-01' })
    const [result] = await take(old)
    const id = result?.dealId
    if (!id) throw new Error('not created')
    const earned = () =>
      run(manager, async (tx) => (await earnedByDeal(tx, [id])).map((one) => one.earnedMinor))
    await run(crm, (tx) =>
      createDealEntity(deals).applyMany(tx, crm, [
        { id, changes: { amount: { amount: '1', currency: 'EUR' } } },
      ]),
    )
    expect(await earned()).toEqual([])
    await run(manager, (tx) =>
      deals.settleOutcome(tx, manager, id, null, { recognise: true, reason: 'It was never paid' }),
    )
    expect(await earned()).toEqual([10n])
  })

  test('what is open here and won later earns by the plan of its approval', async () => {
    const [result] = await take(row({ crmRemoteId: '006OLD' }))
    const id = result?.dealId
    if (!id) throw new Error('not created')
    expect(told).toContainEqual({
      type: 'link_requested',
      connectionId: null,
      entity: 'deal',
      id,
      remoteId: '006OLD',
      priority: 'bulk',
    })
    await run(crm, (tx) => deals.applyFacts(tx, crm, [{ id, changes: { outcome: 'won' } }]))
    const earned = await run(manager, (tx) => earnedByDeal(tx, [id]))
    expect(earned.map(({ earnedMinor }) => earnedMinor)).toEqual([500_000n])
  })
})

describe('rows of today', () => {
  test('are registered like any other: complete, checked, gated, approved by rule', async () => {
    await setProgramme({
      autoApproval: { field: 'amount', is: 'at_most', value: { amount: '100', currency: 'EUR' } },
    })
    const company = details()
    const results = await take(
      live({ details: company }),
      live({ details: { ...company, contactEmail: 'second@else.com' }, partnerId: world.rivalId }),
      live({ details: details({ amountMinor: 9_900n }) }),
      live({ details: details({ need: null }) }),
    )
    await setProgramme({ autoApproval: null })
    expect(results.map(({ status }) => status)).toEqual(['created', 'created', 'created', 'invalid'])
    const states = await Promise.all(results.slice(0, 3).map(({ ref }) => byRef(ref)))
    expect(states.map(({ status, conflict }) => [status, conflict])).toEqual([
      ['submitted', 'clear'],
      ['submitted', 'suspected'],
      ['approved', 'clear'],
    ])
    expect(states[0]?.review?.startedAt).toEqual(time.now)
    expect(notices()).toContain('deal_submitted vendor')
    expect((await take(live({ ref: results[0]?.ref ?? '', details: company })))[0]?.status).toBe('unchanged')
  })
})

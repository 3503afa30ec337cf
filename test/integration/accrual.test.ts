import fc from 'fast-check'
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { auditJournal } from '#src/database/audit-journal.ts'
import type { Tx } from '#src/database/database.ts'
import { sealJournal } from '#src/database/sealer.ts'
import type { AwardFacts } from '#src/incentives/award.ts'
import { createIncentiveUseCases } from '#src/incentives/incentive-use-cases.ts'
import type { PlanDocument } from '#src/incentives/plan.ts'
import { createPlanUseCases } from '#src/incentives/plan-use-cases.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { addDays } from '#src/kernel/calendar.ts'
import { createEventBus, type EventOf } from '#src/kernel/events.ts'
import { type DealId, newId, type PlanVersionId, type ProgrammeId } from '#src/kernel/ids.ts'
import { ledgerJournal } from '#src/ledger/journal-store.ts'
import { earnedByDeal } from '#src/ledger/ledger-use-cases.ts'
import { verifyLedger } from '#src/ledger/proof-store.ts'
import { useDatabase } from '#test/support/database.ts'
import {
  type EarningStep,
  type EarningWorld,
  earningHistory,
  earningWorld,
  expectedEarnings,
} from '#test/support/earning-histories.ts'
import { planDocument, planLine, wonDeal } from '#test/support/incentives.ts'

const db = useDatabase()
const system = systemActor('test')
const told: EventOf<'notification'>[] = []
const events = createEventBus<Tx>({
  notification: [async (_tx, _actor, batch) => void told.push(...batch)],
})
const clock = { now: () => new Date('2026-03-31T12:00:00Z') }
const incentives = createIncentiveUseCases({ events, clock })
const plans = createPlanUseCases({ programmes: { getProgramme: async () => undefined } })

const transact = <T>(work: (tx: Tx) => Promise<T>) => db.database.transact(system, work)
const accrue = (...facts: AwardFacts[]) => transact((tx) => incentives.accrue(tx, system, facts))
const release = (today: string, limit = 1_000) =>
  transact((tx) => incentives.releaseDue(tx, system, today, limit))

async function publish(
  document: PlanDocument,
): Promise<{ programmeId: ProgrammeId; versionId: PlanVersionId }> {
  const programmeId = newId<'programme'>()
  return transact(async (tx) => {
    const plan = await plans.createPlan(tx, system, { programmeId, name: 'Plan' })
    const version = await plans.addVersion(tx, system, plan.id, document)
    await plans.publish(tx, system, plan.id, version.id, '2026-01-01')
    return { programmeId, versionId: version.id }
  })
}

async function balances(partnerId: string): Promise<Record<string, bigint>> {
  const { rows } = await transact((tx) =>
    sql<{ kind: string; balanceMinor: bigint }>`
      select kind, balance_minor from ledger_account where partner_id = ${partnerId} and currency = 'USD'`.execute(
      tx,
    ),
  )
  return Object.fromEntries(rows.map(({ kind, balanceMinor }) => [kind, balanceMinor]))
}

let planVersionId: PlanVersionId
beforeAll(async () => {
  planVersionId = (await publish(planDocument([planLine()]))).versionId
})

const payeeOf = (facts: AwardFacts) => facts.partners[0]?.partnerId ?? ''
const deal = (changes: Partial<AwardFacts> = {}) => wonDeal({ planVersionId, ...changes })

test('a won deal earns once, is pending until its day and then payable, each step told once', async () => {
  const facts = deal()
  told.length = 0
  const first = await accrue(facts)
  expect(first.posted).toMatchObject([{ planLineId: 'base', differenceMinor: 123_457n, currency: 'USD' }])
  expect((await accrue(facts)).posted).toEqual([])
  expect(await balances(payeeOf(facts))).toEqual({ partner_pending: 123_457n })
  expect(await release('2026-03-31')).toBe(0)
  expect(await release('2026-04-01')).toBe(1)
  expect(await release('2026-04-01')).toBe(0)
  expect(await balances(payeeOf(facts))).toEqual({ partner_pending: 0n, partner_payable: 123_457n })
  expect(told.map(({ kind, partnerId, data }) => [kind, partnerId, data])).toEqual([
    ['earning_posted', payeeOf(facts), { amount: '1234.57', currency: 'USD' }],
    ['earning_payable', payeeOf(facts), { amount: '1234.57', currency: 'USD' }],
  ])
})

test('a loss takes back what is pending first, then what is payable, of the same earning', async () => {
  const facts = deal()
  await accrue(facts)
  await release('2026-04-01')
  await accrue({ ...facts, amountMinor: 2_234_567n, outcomeRevision: 2 })
  expect(await balances(payeeOf(facts))).toEqual({ partner_pending: 100_000n, partner_payable: 123_457n })
  await accrue({ ...facts, outcome: 'lost', outcomeRevision: 3 })
  expect(await balances(payeeOf(facts))).toEqual({ partner_pending: 0n, partner_payable: 0n })
  await accrue({ ...facts, outcomeRevision: 4 })
  expect(await balances(payeeOf(facts))).toEqual({ partner_pending: 123_457n, partner_payable: 0n })
})

test('what was paid out and is taken back leaves the payable account below zero', async () => {
  const facts = deal()
  await accrue(facts)
  await release('2026-04-01')
  const partnerId = payeeOf(facts)
  await transact((tx) =>
    sql`update ledger_account set balance_minor = 0 where partner_id = ${partnerId} and kind = 'partner_payable'`.execute(
      tx,
    ),
  )
  await accrue({ ...facts, outcome: 'open', outcomeRevision: 2 })
  expect(await balances(partnerId)).toEqual({ partner_pending: 0n, partner_payable: -123_457n })
  await transact((tx) =>
    sql`update ledger_account set balance_minor = 0 where partner_id = ${partnerId} and kind = 'partner_payable'`.execute(
      tx,
    ),
  )
})

test('a deal in review posts nothing and releases nothing until the hold is lifted', async () => {
  const facts = deal()
  const waiting = await accrue({ ...facts, hold: 'amount_in_review' })
  expect(waiting).toMatchObject({
    posted: [],
    held: [{ dealId: facts.dealId, holds: [{ reason: 'in_review' }] }],
  })
  await accrue(facts)
  await accrue({ ...facts, hold: 'partner_in_review' })
  expect(await release('2027-01-01')).toBe(0)
  await accrue(facts)
  expect(await release('2027-01-01')).toBe(1)
})

test('facts that were overtaken are left aside', async () => {
  const facts = deal()
  await accrue({ ...facts, outcome: 'lost', outcomeRevision: 5 })
  expect((await accrue(facts)).posted).toEqual([])
  expect(await balances(payeeOf(facts))).toEqual({})
})

test('a change without a new revision is a mistake of the caller and is refused loudly', async () => {
  const facts = deal()
  await accrue(facts)
  await expect(accrue({ ...facts, amountMinor: 5n })).rejects.toThrow(/another content/)
})

test('without a holdback an award is payable at once', async () => {
  const { versionId } = await publish(planDocument([planLine()], 0))
  const facts = deal({ planVersionId: versionId })
  await accrue(facts)
  expect(await balances(payeeOf(facts))).toEqual({ partner_payable: 123_457n })
})

test('the version in force is the latest by its day, and a deal keeps the one pinned to it', async () => {
  const { programmeId, versionId } = await publish(planDocument([planLine()]))
  const pin = (day: string) => transact((tx) => incentives.pinPlanVersion(tx, programmeId, day))
  expect(await pin('2025-12-31')).toBeNull()
  expect(await pin('2026-01-01')).toBe(versionId)
  const next = await transact(async (tx) => {
    const { planId } = await plans.getVersion(tx, versionId)
    const document = planDocument([planLine({ pays: { kind: 'percent', ratePpm: 200_000 } })])
    const version = await plans.addVersion(tx, system, planId, document)
    await plans.publish(tx, system, version.planId, version.id, '2026-02-01')
    return version
  })
  expect(next.number).toBe(2)
  expect([await pin('2026-01-31'), await pin('2026-02-01')]).toEqual([versionId, next.id])
  const facts = deal({ planVersionId: versionId })
  await accrue(facts)
  await accrue({ ...facts, outcome: 'open', outcomeRevision: 2 })
  const [again] = (await accrue({ ...facts, outcomeRevision: 3 })).posted
  expect(again?.differenceMinor).toBe(123_457n)
})

test('a thousand deals accrue in one unit of work as each would alone', async () => {
  const payee = newId<'partner'>()
  const facts = Array.from({ length: 1_000 }, (_, index) =>
    deal({ amountMinor: BigInt(index * 10), partners: [{ partnerId: payee, shareWeight: 1 }] }),
  )
  const { posted } = await accrue(...facts)
  expect(posted).toHaveLength(999)
  expect(await balances(payee)).toEqual({ partner_pending: 499_500n })
  await accrue(...facts.map((one) => ({ ...one, outcome: 'lost' as const, outcomeRevision: 2 })))
  expect(await balances(payee)).toEqual({ partner_pending: 0n })
})

test('releases that run at the same time release each entry once', async () => {
  await release('2027-01-01')
  const facts = Array.from({ length: 60 }, () => deal())
  await accrue(...facts)
  const counts = await Promise.all(Array.from({ length: 6 }, () => release('2026-04-01', 7)))
  let rest = counts.reduce((sum, count) => sum + count, 0)
  for (let count = 1; count > 0; rest += count) count = await release('2026-04-01', 7)
  expect(rest).toBe(60)
})

test('accruals taking back and releases at the same time neither lose nor double a cent', async () => {
  const facts = Array.from({ length: 40 }, () => deal({ amountMinor: 1_000n }))
  await accrue(...facts)
  await Promise.all([
    ...facts.map((one) => accrue({ ...one, outcome: 'lost', outcomeRevision: 2 })),
    ...Array.from({ length: 10 }, () => release('2026-04-01', 5)),
  ])
  await release('2026-04-01')
  for (const one of facts) {
    const { partner_pending: pending = 0n, partner_payable: payable = 0n } = await balances(payeeOf(one))
    expect([pending, payable]).toEqual([0n, 0n])
  }
})

type Expected = Map<DealId, Record<string, bigint>>

/** What the model expects of a deal once these facts were told. */
function expectNext(world: EarningWorld, expected: Expected, facts: AwardFacts): void {
  const model = expectedEarnings(world, facts)
  if (model.waits === 'all') return
  const kept = Object.entries(expected.get(facts.dealId) ?? {}).filter(([key]) =>
    model.waits.includes(key.split(' ')[0] ?? ''),
  )
  expected.set(facts.dealId, { ...Object.fromEntries(kept), ...Object.fromEntries(model.owed) })
}

test('after any history the posted ledger nets to what the current facts owe', async () => {
  const drawn = earningWorld()
  const { versionId } = await publish(drawn.plan.document)
  const world: EarningWorld = { ...drawn, plan: { ...drawn.plan, id: versionId } }
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const histories = fc.sample(earningHistory(world), { numRuns: 400, seed })
  const expected: Expected = new Map()
  const last = new Map<number, AwardFacts[]>()
  const longest = Math.max(...histories.map(({ length }) => length))
  for (let round = 0; round < longest; round += 1) {
    const steps = histories.map((history, index) => ({ index, step: history[round] }))
    const batch = steps.flatMap(({ index, step }) => factsOf(step, last.get(index) ?? []))
    await accrue(...batch.map(({ facts }) => facts))
    for (const { index, step } of steps) {
      if (step?.kind !== 'facts') continue
      last.set(index, [...(last.get(index) ?? []), step.facts])
      expectNext(world, expected, step.facts)
    }
    const day = steps.find(({ step }) => step?.kind === 'release')?.step
    if (day?.kind === 'release') await release(addDays('2026-03-31', day.daysLater))
    const repeated = await accrue(...[...last.values()].flatMap((facts) => facts.at(-1) ?? []))
    expect(repeated.posted, `seed ${seed}`).toEqual([])
  }
  const dealIds = [...expected.keys()]
  const earned = Map.groupBy(await transact((tx) => earnedByDeal(tx, dealIds)), ({ dealId }) => dealId)
  for (const [dealId, amounts] of expected) {
    const posted = (earned.get(dealId) ?? [])
      .filter(({ earnedMinor }) => earnedMinor !== 0n)
      .map(({ planLineId, payeeId, currency, earnedMinor }) => [
        `${planLineId} ${payeeId} ${currency}`,
        earnedMinor,
      ])
    expect(Object.fromEntries(posted), `seed ${seed}, deal ${dealId}`).toEqual(amounts)
  }
})

function factsOf(step: EarningStep | undefined, told: readonly AwardFacts[]): { facts: AwardFacts }[] {
  if (step?.kind === 'facts') return [{ facts: step.facts }]
  const earlier =
    step?.kind === 'again' ? told.at(-1) : step?.kind === 'late' ? told.at(-1 - step.back) : undefined
  return earlier ? [{ facts: earlier }] : []
}

test('in the end the whole ledger proves, and what is pending is exactly what is held back', async () => {
  await sealJournal(db.database, ledgerJournal)
  await sealJournal(db.database, auditJournal)
  expect((await verifyLedger(db.database)).fault).toBeNull()
  const { rows } = await transact((tx) =>
    sql`
      select partner_id, currency, balance_minor, held from ledger_account
      left join (select partner_id, currency, sum(remaining_minor) as held from incentive_holdback group by 1, 2) h
        using (partner_id, currency)
      where kind = 'partner_pending' and balance_minor <> coalesce(held, 0)`.execute(tx),
  )
  expect(rows).toEqual([])
})

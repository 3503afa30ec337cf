import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  findDifferences,
  type Holdback,
  type Posted,
  planEntry,
  planRelease,
} from '#src/incentives/accrual.ts'
import { type AwardFacts, owed } from '#src/incentives/award.ts'
import { addDays } from '#src/kernel/calendar.ts'
import { newId } from '#src/kernel/ids.ts'
import {
  checkDraft,
  type EntryDraft,
  type EntryId,
  incentiveExpense,
  openPeriod,
  pending,
  postingPeriod,
} from '#src/ledger/ledger.ts'
import {
  type EarningWorld,
  earningHistory,
  earningWorld,
  expectedEarnings,
} from '#test/support/earning-histories.ts'
import { wonDeal } from '#test/support/incentives.ts'

/** A ledger in memory that does what the use-case does with the same pure parts. */
function memoryLedger(world: EarningWorld) {
  const entries: { id: EntryId; draft: EntryDraft; signedMinor: bigint }[] = []
  let holdbacks: (Holdback & { dealId: AwardFacts['dealId'] })[] = []
  let revision = 0
  const posted = (): Posted[] => {
    const byKey = new Map<string, Posted>()
    for (const { id, draft, signedMinor } of entries) {
      const currency = draft.postings[0]?.currency ?? ''
      const key = `${draft.planLine} ${draft.partnerId} ${currency}`
      const before = byKey.get(key)
      byKey.set(key, {
        payeeId: draft.partnerId as Posted['payeeId'],
        planLineId: draft.planLine ?? '',
        currency,
        earnedMinor: (before?.earnedMinor ?? 0n) + signedMinor,
        accrualId: before?.accrualId ?? id,
      })
    }
    return [...byKey.values()]
  }
  return {
    posted,
    drafts: () => entries.map(({ draft }) => draft),
    holdbacks: () => holdbacks,
    accrue(facts: AwardFacts): number {
      if (facts.outcomeRevision < revision) return 0
      revision = facts.outcomeRevision
      const planned = findDifferences(owed(facts, world.plan), posted()).map((difference) =>
        planEntry(facts, world.plan, difference, holdbacks, '2026-03'),
      )
      for (const { draft, key, differenceMinor, holdback, taken } of planned) {
        checkDraft(draft)
        if (entries.some((entry) => entry.draft.cause === draft.cause))
          throw new Error(`${draft.cause} came twice`)
        const id = newId<'ledger_entry'>()
        entries.push({ id, draft, signedMinor: differenceMinor })
        holdbacks = holdbacks
          .map((row) => {
            const part = taken.find(({ entryId }) => entryId === row.entryId)
            return part ? { ...row, remainingMinor: row.remainingMinor - part.amountMinor } : row
          })
          .filter(({ remainingMinor }) => remainingMinor > 0n)
        if (holdback) {
          const { dueOn, amountMinor } = holdback
          holdbacks.push({ ...key, entryId: id, dueOn, remainingMinor: amountMinor, dealId: facts.dealId })
        }
      }
      return planned.length
    },
    release(today: string): readonly EntryDraft[] {
      const due = holdbacks.filter(({ dueOn }) => dueOn <= today)
      holdbacks = holdbacks.filter(({ dueOn }) => dueOn > today)
      return due.map((row) => planRelease({ ...row, planVersionId: world.plan.id }, today, '2026-04'))
    },
  }
}

const nonZero = (posted: readonly Posted[]) =>
  Object.fromEntries(
    posted
      .filter(({ earnedMinor }) => earnedMinor !== 0n)
      .map(({ planLineId, payeeId, currency, earnedMinor }) => [
        `${planLineId} ${payeeId} ${currency}`,
        earnedMinor,
      ]),
  )

test('after any history the ledger nets to what the current facts owe, per payee and plan line', () => {
  const world = earningWorld()
  fc.assert(
    fc.property(earningHistory(world), (history) => {
      const ledger = memoryLedger(world)
      const told: AwardFacts[] = []
      let expected: Record<string, bigint> = {}
      const releases: EntryDraft[] = []
      for (const step of history) {
        const last = told.at(-1)
        if (step.kind === 'facts') {
          ledger.accrue(step.facts)
          told.push(step.facts)
          const model = expectedEarnings(world, step.facts)
          if (model.waits !== 'all') {
            const kept = Object.entries(expected).filter(([key]) =>
              model.waits.includes(key.split(' ')[0] ?? ''),
            )
            expected = { ...Object.fromEntries(kept), ...Object.fromEntries(model.owed) }
          }
        } else if (step.kind === 'again' && last) expect(ledger.accrue(last)).toBe(0)
        else if (step.kind === 'late') {
          const late = told.at(-1 - step.back)
          if (late) expect(ledger.accrue(late)).toBe(0)
        } else if (step.kind === 'release')
          releases.push(...ledger.release(addDays('2026-03-31', step.daysLater)))
        expect(nonZero(ledger.posted())).toEqual(expected)
        expectSoundAccounts([...ledger.drafts(), ...releases], ledger.holdbacks())
      }
    }),
    { numRuns: 2_500 },
  )
})

/** Pending is never negative and is exactly what is held back; all accounts together are zero per currency. */
function expectSoundAccounts(drafts: readonly EntryDraft[], holdbacks: readonly Holdback[]): void {
  const balances = new Map<string, bigint>()
  const net = new Map<string, bigint>()
  for (const { debit, credit, amountMinor, currency } of drafts.flatMap(({ postings }) => postings)) {
    expect(amountMinor > 0n).toBe(true)
    for (const [account, delta] of [
      [debit, -amountMinor],
      [credit, amountMinor],
    ] as const) {
      const key = `${account.kind} ${'partnerId' in account ? account.partnerId : ''} ${currency}`
      balances.set(key, (balances.get(key) ?? 0n) + delta)
      net.set(currency, (net.get(currency) ?? 0n) + delta)
    }
  }
  for (const [, sum] of net) expect(sum).toBe(0n)
  const held = new Map<string, bigint>()
  for (const { payeeId, currency, remainingMinor } of holdbacks) {
    const key = `partner_pending ${payeeId} ${currency}`
    held.set(key, (held.get(key) ?? 0n) + remainingMinor)
  }
  for (const [key, balance] of balances) {
    if (key.startsWith('partner_pending')) expect(balance).toBe(held.get(key) ?? 0n)
  }
}

test('every adjustment names the first accrual of its payee, line and currency', () => {
  const world = earningWorld()
  fc.assert(
    fc.property(earningHistory(world), (history) => {
      const ledger = memoryLedger(world)
      for (const step of history) if (step.kind === 'facts') ledger.accrue(step.facts)
      const seen = new Set<string>()
      for (const draft of ledger.drafts()) {
        const key = `${draft.planLine} ${draft.partnerId} ${draft.postings[0]?.currency}`
        expect(draft.kind).toBe(seen.has(key) ? 'adjustment' : 'accrual')
        expect(draft.adjusts === null).toBe(draft.kind === 'accrual')
        seen.add(key)
      }
    }),
    { numRuns: 300 },
  )
})

test('the shares of a split add up to the award, and their order does not matter', () => {
  const world = earningWorld()
  fc.assert(
    fc.property(earningHistory(world), (history) => {
      for (const step of history) {
        if (step.kind !== 'facts') continue
        const { awards } = owed(step.facts, world.plan)
        for (const [, shares] of Map.groupBy(awards, ({ planLineId }) => planLineId)) {
          const sum = shares.reduce((total, { amountMinor }) => total + amountMinor, 0n)
          expect(sum).toBe(shares[0]?.basis.cappedMinor)
        }
        const turned = { ...step.facts, partners: step.facts.partners.toReversed() }
        expect(owed(turned, world.plan).awards).toEqual(awards)
      }
    }),
    { numRuns: 300 },
  )
})

test('less takes the youngest pending amounts first and leaves the older ones to their day', () => {
  const payeeId = newId<'partner'>()
  const key = { payeeId, planLineId: 'base', currency: 'USD' }
  const pendingOf = (dueOn: string, remainingMinor: bigint): Holdback => {
    return { ...key, entryId: newId<'ledger_entry'>(), dueOn, remainingMinor }
  }
  const [old, young] = [pendingOf('2026-04-01', 70n), pendingOf('2026-05-01', 30n)]
  const difference = { ...key, owedMinor: 50n, earlierMinor: 100n, accrualId: old.entryId, award: null }
  const { taken, draft } = planEntry(wonDeal(), null, difference, [old, young], '2026-03')
  expect(taken).toEqual([
    { entryId: young.entryId, amountMinor: 30n },
    { entryId: old.entryId, amountMinor: 20n },
  ])
  expect(draft.postings).toEqual([
    { debit: pending(payeeId), credit: incentiveExpense, amountMinor: 50n, currency: 'USD' },
  ])
})

test('what belongs to a period that is over is posted to the open one', () => {
  const nearlyOver = new Date('2026-04-01T11:59:00Z')
  const over = new Date('2026-04-01T12:00:00Z')
  expect(openPeriod(nearlyOver)).toBe('2026-03')
  expect(openPeriod(over)).toBe('2026-04')
  expect(postingPeriod('2026-03-31', openPeriod(nearlyOver))).toBe('2026-03')
  expect(postingPeriod('2026-03-31', openPeriod(over))).toBe('2026-04')
  expect(postingPeriod('2026-05-01', openPeriod(over))).toBe('2026-05')
})

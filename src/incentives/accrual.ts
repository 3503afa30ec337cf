import { z } from 'zod'
import { addDays, type Day } from '#src/kernel/calendar.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import {
  type EntryDraft,
  type EntryId,
  incentiveExpense,
  type Posting,
  payable,
  pending,
} from '#src/ledger/ledger.ts'
import type { Award, AwardFacts, Evaluation } from './award.ts'
import { differenceBasisSchema, releaseBasisSchema } from './award-basis.ts'
import type { PlanVersion } from './plan.ts'

/** What a payee earns by one plan line in one currency: the unit that owed and posted are compared in. */
export interface EarningKey {
  readonly payeeId: PartnerId
  readonly planLineId: string
  readonly currency: string
}

/** What the ledger says was earned so far. */
export interface Posted extends EarningKey {
  readonly earnedMinor: bigint
  /** The first entry of it, which later differences adjust. */
  readonly accrualId: EntryId
}

/** What of an entry is still pending. */
export interface Holdback extends EarningKey {
  readonly entryId: EntryId
  readonly dueOn: Day
  readonly remainingMinor: bigint
}

export interface Difference extends EarningKey {
  readonly owedMinor: bigint
  readonly earlierMinor: bigint
  readonly accrualId: EntryId | null
  readonly award: Award | null
}

const keyOf = ({ payeeId, planLineId, currency }: EarningKey): string =>
  `${payeeId} ${planLineId} ${currency}`

/** Owed less posted, where it is not zero. What is on hold is left as it stands. */
export function findDifferences(evaluation: Evaluation, posted: readonly Posted[]): readonly Difference[] {
  if (evaluation.holds.some(({ planLineId }) => planLineId === null)) return []
  const held = new Set(evaluation.holds.map(({ planLineId }) => planLineId))
  const earlier = new Map(posted.map((entry) => [keyOf(entry), entry]))
  const owed = new Map(evaluation.awards.map((award) => [keyOf(award), award]))
  const keys = new Map<string, EarningKey>([...owed, ...earlier])
  return [...keys].flatMap(([key, { payeeId, planLineId, currency }]) => {
    const award = owed.get(key) ?? null
    const owedMinor = award?.amountMinor ?? 0n
    const earlierMinor = earlier.get(key)?.earnedMinor ?? 0n
    if (owedMinor === earlierMinor || held.has(planLineId)) return []
    const accrualId = earlier.get(key)?.accrualId ?? null
    return [{ payeeId, planLineId, currency, owedMinor, earlierMinor, accrualId, award }]
  })
}

/** A difference as a ledger entry, and what it does to what is held back. */
export interface PlannedEntry {
  readonly draft: EntryDraft
  readonly key: EarningKey
  readonly differenceMinor: bigint
  /** A new amount to hold back, or null when it is payable at once. */
  readonly holdback: { readonly dueOn: Day; readonly amountMinor: bigint } | null
  /** What is taken back out of older entries' pending amounts. */
  readonly taken: readonly { readonly entryId: EntryId; readonly amountMinor: bigint }[]
}

/**
 * More is expensed and held back (payable at once without a holdback). Less takes what of this earning is still pending,
 * the youngest first, then what is payable; that may leave the payee's payable account below zero, which is carried.
 */
export function planEntry(
  facts: AwardFacts,
  plan: PlanVersion | null,
  difference: Difference,
  holdbacks: readonly Holdback[],
  period: string,
): PlannedEntry {
  const { payeeId, planLineId, currency, owedMinor, earlierMinor, accrualId, award } = difference
  const differenceMinor = owedMinor - earlierMinor
  const own = holdbacks.filter((holdback) => keyOf(holdback) === keyOf(difference))
  const taken = differenceMinor < 0n ? takeFromPending(-differenceMinor, own) : []
  const takenMinor = taken.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
  const holdbackDays = plan?.document.holdbackDays ?? 0
  const holdback =
    differenceMinor > 0n && holdbackDays > 0
      ? { dueOn: addDays(facts.effectiveOn, holdbackDays), amountMinor: differenceMinor }
      : null
  const draft: EntryDraft = {
    kind: accrualId === null ? 'accrual' : 'adjustment',
    cause: ['accrual', facts.dealId, facts.outcomeRevision, payeeId, planLineId, currency].join(':'),
    effectiveOn: facts.effectiveOn,
    period,
    partnerId: payeeId,
    dealId: facts.dealId,
    planVersionId: facts.planVersionId,
    planLine: planLineId,
    adjusts: accrualId,
    reverses: null,
    basis: z.encode(differenceBasisSchema, {
      outcome: facts.outcome,
      outcomeRevision: facts.outcomeRevision,
      owedMinor,
      earlierMinor,
      differenceMinor,
      award: award?.basis ?? null,
    }),
    postings:
      differenceMinor > 0n
        ? [earn(holdback ? pending(payeeId) : payable(payeeId), differenceMinor, currency)]
        : takeBack(payeeId, takenMinor, -differenceMinor - takenMinor, currency),
  }
  return { draft, key: { payeeId, planLineId, currency }, differenceMinor, holdback, taken }
}

const earn = (credit: Posting['credit'], amountMinor: bigint, currency: string): Posting => ({
  debit: incentiveExpense,
  credit,
  amountMinor,
  currency,
})

function takeBack(
  payeeId: PartnerId,
  pendingMinor: bigint,
  payableMinor: bigint,
  currency: string,
): Posting[] {
  const parts = [
    { debit: pending(payeeId), amountMinor: pendingMinor },
    { debit: payable(payeeId), amountMinor: payableMinor },
  ]
  return parts
    .filter(({ amountMinor }) => amountMinor > 0n)
    .map((part) => ({ ...part, credit: incentiveExpense, currency }))
}

function takeFromPending(amountMinor: bigint, holdbacks: readonly Holdback[]): PlannedEntry['taken'] {
  const youngestFirst = [...holdbacks].sort((a, b) =>
    a.dueOn === b.dueOn ? (a.entryId < b.entryId ? 1 : -1) : a.dueOn < b.dueOn ? 1 : -1,
  )
  const taken: { entryId: EntryId; amountMinor: bigint }[] = []
  let left = amountMinor
  for (const { entryId, remainingMinor } of youngestFirst) {
    if (left === 0n) break
    const part = remainingMinor < left ? remainingMinor : left
    taken.push({ entryId, amountMinor: part })
    left -= part
  }
  return taken
}

export interface DueHoldback extends Holdback {
  readonly dealId: AwardFacts['dealId']
  readonly planVersionId: PlanVersion['id']
}

/** Pending becomes payable: once per entry, whoever asks how often. */
export const planRelease = (due: DueHoldback, today: Day, period: string): EntryDraft => ({
  kind: 'release',
  cause: `release:${due.entryId}`,
  effectiveOn: today,
  period,
  partnerId: due.payeeId,
  dealId: due.dealId,
  planVersionId: due.planVersionId,
  planLine: due.planLineId,
  adjusts: null,
  reverses: null,
  basis: z.encode(releaseBasisSchema, { releases: due.entryId, dueOn: due.dueOn }),
  postings: [
    {
      debit: pending(due.payeeId),
      credit: payable(due.payeeId),
      amountMinor: due.remainingMinor,
      currency: due.currency,
    },
  ],
})

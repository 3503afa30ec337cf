/**
 * What partners are told and, later, paid: statements of their ledger accounts. This folder reads the ledger and never
 * works out what is owed.
 */
import { z } from 'zod'
import { differenceBasisSchema, type ReleaseBasis, releaseBasisSchema } from '#src/incentives/award-basis.ts'
import { explainDifference } from '#src/incentives/explanation.ts'
import type { PlanVersion } from '#src/incentives/plan.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { DealId, PartnerId, PlanVersionId } from '#src/kernel/ids.ts'
import type { Basis, EntryId, EntryKind } from '#src/ledger/ledger.ts'

export interface Amounts {
  /** Earned and held back. */
  readonly pendingMinor: bigint
  /** Due; below zero it is carried until it is earned again. */
  readonly payableMinor: bigint
}

export interface StatementLine extends Amounts {
  readonly entryId: EntryId
  readonly kind: EntryKind
  readonly postedAt: Date
  readonly effectiveOn: Day
  readonly dealId: DealId | null
  readonly planLine: { readonly id: string; readonly name: string } | null
  readonly adjusts: EntryId | null
  readonly reverses: EntryId | null
  readonly explanation: readonly string[]
}

export interface StatementAccount {
  readonly currency: string
  readonly opening: Amounts
  readonly lines: readonly StatementLine[]
  readonly closing: Amounts
}

export interface Statement {
  readonly partnerId: PartnerId
  readonly period: string
  /** The period is over: this statement never changes any more. */
  readonly final: boolean
  readonly accounts: readonly StatementAccount[]
}

/** A ledger entry as a statement reads it, with what it does to the partner's own accounts. */
export interface StatementSource extends Amounts {
  readonly id: EntryId
  readonly kind: EntryKind
  readonly postedAt: Date
  readonly effectiveOn: Day
  readonly dealId: DealId | null
  readonly planVersionId: PlanVersionId | null
  readonly planLine: string | null
  readonly adjusts: EntryId | null
  readonly reverses: EntryId | null
  readonly basis: Basis
  readonly currency: string
}

/** Per currency: opening balances, what happened, and the closing balances that follow from both. */
export function buildAccounts(
  openings: readonly (Amounts & { readonly currency: string })[],
  entries: readonly StatementSource[],
  plans: ReadonlyMap<PlanVersionId, PlanVersion>,
): readonly StatementAccount[] {
  const byCurrency = Map.groupBy(entries, ({ currency }) => currency)
  const opened = new Map(openings.map((opening) => [opening.currency, opening]))
  const currencies = [...new Set([...opened.keys(), ...byCurrency.keys()])].sort()
  return currencies.map((currency) => {
    const { pendingMinor = 0n, payableMinor = 0n } = opened.get(currency) ?? {}
    const opening = { pendingMinor, payableMinor }
    const lines = (byCurrency.get(currency) ?? []).map((entry) => statementLine(entry, plans))
    return { currency, opening, lines, closing: lines.reduce(add, opening) }
  })
}

const add = (a: Amounts, b: Amounts): Amounts => ({
  pendingMinor: a.pendingMinor + b.pendingMinor,
  payableMinor: a.payableMinor + b.payableMinor,
})

function statementLine(
  entry: StatementSource,
  plans: ReadonlyMap<PlanVersionId, PlanVersion>,
): StatementLine {
  const { id, kind, postedAt, effectiveOn, dealId, planVersionId, planLine, adjusts, reverses } = entry
  const plan = planVersionId === null ? undefined : plans.get(planVersionId)
  const name = plan?.document.lines.find((line) => line.id === planLine)?.name ?? planLine ?? ''
  return {
    entryId: id,
    kind,
    postedAt,
    effectiveOn,
    dealId,
    planLine: planLine === null ? null : { id: planLine, name },
    pendingMinor: entry.pendingMinor,
    payableMinor: entry.payableMinor,
    adjusts,
    reverses,
    explanation: explain(entry),
  }
}

function explain({ kind, basis, currency, reverses }: StatementSource): readonly string[] {
  switch (kind) {
    case 'accrual':
    case 'adjustment':
      return explainDifference(z.decode(differenceBasisSchema, basis as DifferenceInput), currency)
    case 'release':
      return [
        `Held back until ${z.decode(releaseBasisSchema, basis as ReleaseBasis).dueOn}; payable from now on.`,
      ]
    case 'manual':
      return ['Posted by hand.']
    case 'reversal':
      return [`Voids the entry ${reverses}.`]
  }
}

type DifferenceInput = z.input<typeof differenceBasisSchema>

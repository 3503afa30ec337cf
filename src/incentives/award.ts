import type { Day } from '#src/kernel/calendar.ts'
import { evaluateCondition } from '#src/kernel/condition.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { DealId, PartnerId, PlanVersionId } from '#src/kernel/ids.ts'
import { applyRate, splitByWeights, toMoneyValue } from '#src/kernel/money.ts'
import { unreachable } from '#src/kernel/result.ts'
import type { AwardBasis } from './award-basis.ts'
import type { PlanLine, PlanVersion } from './plan.ts'

/** What is known of a deal when its earnings are worked out. */
export interface AwardFacts {
  readonly dealId: DealId
  readonly outcome: 'open' | 'won' | 'lost'
  /** Rises with each accepted change of outcome, amount, lines, partner or split. */
  readonly outcomeRevision: number
  /** Day of the outcome in the programme's time zone. */
  readonly effectiveOn: Day
  /** Today there. */
  readonly postedOn: Day
  readonly amountMinor: bigint
  readonly currency: string
  /** How the amount is made up; empty when the deal names no products. */
  readonly lines: readonly { readonly familyId: string | null; readonly amountMinor: bigint }[]
  readonly partners: readonly { readonly partnerId: PartnerId; readonly shareWeight: number }[]
  readonly tierId: string | null
  readonly registrationType: string | null
  /** Country of the customer, ISO 3166. */
  readonly country?: string | null
  /** Pinned at approval: the promise. */
  readonly planVersionId: PlanVersionId | null
  /** Why amount, partner or customer are in review; null when nothing is. */
  readonly hold: string | null
}

export interface Award {
  readonly payeeId: PartnerId
  readonly planLineId: string
  readonly currency: string
  readonly amountMinor: bigint
  /** How it came about, step by step. */
  readonly basis: AwardBasis
}

/** Why an award waits; `in_review` is the deal's own hold, the others are what cannot be computed. */
export const holdReasons = [
  'in_review',
  'no_plan',
  'amount_negative',
  'amount_not_divided',
  'split_invalid',
  'cap_in_other_currency',
] as const
export type HoldReason = (typeof holdReasons)[number]

export interface Hold {
  /** null: everything of the deal waits. */
  readonly planLineId: string | null
  readonly reason: HoldReason
  readonly detail: string
}

export interface Evaluation {
  readonly awards: readonly Award[]
  readonly holds: readonly Hold[]
}

/**
 * What the deal owes its partners by its plan version. Pure and total: nothing unless the deal is won; what cannot be
 * computed is on hold with its reason, never guessed. Awards of a deal in review are worked out and wait as a whole.
 */
export function owed(facts: AwardFacts, plan: PlanVersion | null): Evaluation {
  const review = facts.hold === null ? [] : [hold(null, 'in_review', facts.hold)]
  if (facts.outcome !== 'won') return { awards: [], holds: review }
  const problem = findProblem(facts, plan)
  if (problem || !plan) return { awards: [], holds: problem ? [...review, problem] : review }
  const divided = divideAmount(facts)
  const results = plan.document.lines.map((line) => awardLine(facts, plan, line, divided))
  return {
    awards: results.flatMap((result) => ('reason' in result ? [] : result)),
    holds: [...review, ...results.flatMap((result) => ('reason' in result ? result : []))],
  }
}

const hold = (planLineId: string | null, reason: HoldReason, detail: string): Hold => ({
  planLineId,
  reason,
  detail,
})

function findProblem(facts: AwardFacts, plan: PlanVersion | null): Hold | null {
  if (!plan) return hold(null, 'no_plan', 'No plan version was in force when the deal was approved')
  if (facts.amountMinor < 0n) return hold(null, 'amount_negative', 'The amount of the deal is below zero')
  const weights = facts.partners.map(({ shareWeight }) => shareWeight)
  if (
    weights.some((weight) => !Number.isSafeInteger(weight) || weight < 0) ||
    !weights.some((weight) => weight > 0)
  ) {
    return hold(null, 'split_invalid', 'Shares are whole numbers, none below zero and not all zero')
  }
  if (new Set(facts.partners.map(({ partnerId }) => partnerId)).size !== facts.partners.length) {
    return hold(null, 'split_invalid', 'A partner stands in the split twice')
  }
  return null
}

interface DividedAmount {
  readonly parts: readonly { readonly familyId: string | null; readonly amountMinor: bigint }[]
  readonly division: AwardBasis['division']
}

/**
 * The deal's amount by product family. The amount is what counts (a CRM may change it without touching the products);
 * where the products add up to something else they say in which proportion it divides.
 */
function divideAmount({ amountMinor, lines }: AwardFacts): DividedAmount {
  if (lines.length === 0) return { parts: [{ familyId: null, amountMinor }], division: 'as_stated' }
  const total = lines.reduce((sum, line) => sum + line.amountMinor, 0n)
  if (total === amountMinor) return { parts: lines, division: 'as_stated' }
  const weights = lines.map((line) => Number(line.amountMinor))
  const proportional = total > 0n && weights.every((weight) => weight >= 0 && Number.isSafeInteger(weight))
  if (!proportional) return { parts: lines, division: 'whole' }
  const shares = splitByWeights(amountMinor, weights)
  const parts = lines.map(({ familyId }, index) => ({ familyId, amountMinor: shares[index] ?? 0n }))
  return { parts, division: 'scaled' }
}

function awardLine(
  facts: AwardFacts,
  plan: PlanVersion,
  line: PlanLine,
  { parts, division }: DividedAmount,
): readonly Award[] | Hold {
  if (line.tiers && !(facts.tierId !== null && line.tiers.includes(facts.tierId))) return []
  const families = parts.filter(({ familyId }) => matches(facts, line, familyId))
  if (families.length === 0) return []
  if (division === 'whole' && families.length < parts.length) {
    return hold(line.id, 'amount_not_divided', 'The products do not say how the amount divides between them')
  }
  const sum = families.reduce((total, { amountMinor }) => total + amountMinor, 0n)
  const baseMinor = division === 'whole' ? facts.amountMinor : sum
  const { currency, grossMinor } = payFor(line, baseMinor, facts.currency)
  if (grossMinor < 0n)
    return hold(line.id, 'amount_negative', 'The matching products are worth less than nothing')
  if (line.cap && line.cap.currency !== currency) {
    const detail = `The cap is in ${line.cap.currency}, the award in ${currency}`
    return hold(line.id, 'cap_in_other_currency', detail)
  }
  const capMinor = line.cap?.amountMinor ?? null
  const cappedMinor = capMinor !== null && capMinor < grossMinor ? capMinor : grossMinor
  // By id, so that the same split in another order gives each partner the same cents.
  const payees = [...facts.partners].sort((a, b) => (a.partnerId < b.partnerId ? -1 : 1))
  const weights = payees.map(({ shareWeight }) => shareWeight)
  const shares = splitByWeights(cappedMinor, weights)
  const shareTotal = weights.reduce((sum, weight) => sum + weight, 0)
  return payees.map(({ partnerId, shareWeight }, index) => {
    const amountMinor = shares[index] ?? 0n
    const basis: AwardBasis = {
      planVersionId: plan.id,
      planLineId: line.id,
      rule: line.pays.kind === 'percent' ? line.pays : { kind: 'flat' },
      dealAmountMinor: facts.amountMinor,
      dealCurrency: facts.currency,
      tierId: facts.tierId,
      registrationType: facts.registrationType,
      families: [...families],
      division,
      baseMinor,
      currency,
      grossMinor,
      capMinor,
      cappedMinor,
      shareWeight,
      shareTotal,
      amountMinor,
    }
    return { payeeId: partnerId, planLineId: line.id, currency, amountMinor, basis }
  })
}

function matches(facts: AwardFacts, line: PlanLine, familyId: string | null): boolean {
  if (line.families && !(familyId !== null && line.families.includes(familyId))) return false
  const asked: Record<string, FieldValue> = {
    tierId: facts.tierId,
    familyId,
    registrationType: facts.registrationType,
    country: facts.country ?? null,
    currency: facts.currency,
    amount: toMoneyValue(facts),
    effectiveOn: facts.effectiveOn,
  }
  return evaluateCondition(line.when, asked)
}

function payFor(
  line: PlanLine,
  baseMinor: bigint,
  currency: string,
): { currency: string; grossMinor: bigint } {
  switch (line.pays.kind) {
    case 'percent':
      return { currency, grossMinor: applyRate(baseMinor, line.pays.ratePpm) }
    case 'flat':
      return { currency: line.pays.currency, grossMinor: line.pays.amountMinor }
    default:
      return unreachable(line.pays)
  }
}

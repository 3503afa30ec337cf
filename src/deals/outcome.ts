import { type Day, daySchema } from '#src/kernel/calendar.ts'
import { type FieldValue, isBlank, isMoneyValue } from '#src/kernel/field-value.ts'
import { parseDecimal } from '#src/kernel/money.ts'
import type { ApplyOutcome } from '#src/kernel/synced-entity.ts'
import type { Deal } from './deal.ts'
import { type Outcome, type OutcomeStanding, outcomes, wasApproved } from './deal-status.ts'
import { isExpectedWin, type LapseRule } from './protection.ts'

/** What the CRM's facts make of a deal, and what became of each fact. */
export interface StatedFacts {
  readonly deal: Deal
  readonly outcomes: readonly ApplyOutcome[]
}

interface Judgement {
  readonly today: Day
  readonly lapseRule: LapseRule
}

type Step = { readonly deal: Deal; readonly outcome: ApplyOutcome }

/**
 * States facts of a CRM in a deal. Total: whatever cannot stand in our fields is a review item that keeps both sides,
 * and a win that was not promised anything is recorded as won, waiting for a person.
 */
export function stateFacts(
  before: Deal,
  changes: Readonly<Record<string, FieldValue>>,
  judgement: Judgement,
): StatedFacts {
  let deal = before
  const results: ApplyOutcome[] = []
  // The close date first: a win that arrives with one happened on that day.
  const order = (field: string) => (field === 'outcome' ? 1 : 0)
  const facts = Object.entries(changes).sort(([a], [b]) => order(a) - order(b))
  const closedOn = 'expectedCloseDate' in changes ? changes['expectedCloseDate'] : null
  for (const [field, value] of facts) {
    const step = stateFact(deal, field, value, { ...judgement, closedOn: asDay(closedOn) })
    deal = step.deal
    results.push(step.outcome)
  }
  const counted =
    deal.outcome !== before.outcome ||
    deal.amountMinor !== before.amountMinor ||
    deal.currency !== before.currency
  if (counted) deal = { ...deal, outcomeRevision: before.outcomeRevision + 1 }
  return { deal, outcomes: results }
}

type Judged = Judgement & { readonly closedOn: Day | null }

function stateFact(deal: Deal, field: string, value: FieldValue, judged: Judged): Step {
  const applied = (next: Deal): Step => ({ deal: next, outcome: { field, kind: 'applied' } })
  const review = (code: string, message: string, next: Deal = deal): Step => ({
    deal: next,
    outcome: { field, kind: 'review', code, message },
  })
  switch (field) {
    case 'amount':
      return stateAmount(deal, value, applied, review)
    case 'expectedCloseDate': {
      if (isBlank(value)) return applied({ ...deal, expectedCloseDate: null })
      const day = asDay(value)
      return day === null
        ? review('not_a_day', 'The close date of the CRM is not a day')
        : applied({ ...deal, expectedCloseDate: day })
    }
    case 'stage':
      return typeof value === 'string' || value === null
        ? applied({ ...deal, stage: isBlank(value) ? null : value })
        : review('not_text', 'The stage of the CRM is not text')
    case 'outcome':
      return stateOutcome(deal, value, judged, applied, review)
    case 'partner':
    case 'customer':
      return review(
        `${field}_changed_in_crm`,
        isBlank(value)
          ? `The CRM no longer names the ${field} of this deal; earnings wait until it is settled`
          : `The CRM names another ${field}; earnings wait until it is settled`,
        { ...deal, reviewHold: `${field}_in_review` },
      )
    default:
      return review('not_ours_to_take', `"${field}" is not a field that a CRM may change here`)
  }
}

type Applied = (next: Deal) => Step
type Review = (code: string, message: string, next?: Deal) => Step

function stateAmount(deal: Deal, value: FieldValue, applied: Applied, review: Review): Step {
  if (isBlank(value)) {
    // A won deal without an amount would take back what it earned; a person decides that.
    return deal.outcome === 'won'
      ? review('amount_removed', 'The CRM removed the amount of a won deal', {
          ...deal,
          reviewHold: 'amount_in_review',
        })
      : applied({ ...deal, amountMinor: null })
  }
  if (!isMoneyValue(value)) return review('not_money', 'The amount of the CRM is not money with a currency')
  const amountMinor = parseDecimal(value.amount, value.currency)
  if (amountMinor === null) {
    return review('amount_not_exact', `${value.amount} has more decimals than ${value.currency} knows`)
  }
  if (amountMinor < 0n) return review('amount_negative', 'The CRM states a negative amount')
  return applied({
    ...deal,
    amountMinor,
    currency: value.currency,
    reviewHold: deal.reviewHold === 'amount_in_review' ? null : deal.reviewHold,
  })
}

function stateOutcome(deal: Deal, value: FieldValue, judged: Judged, applied: Applied, review: Review): Step {
  const outcome = outcomes.find((known) => known === value)
  if (outcome === undefined) {
    return review('unknown_outcome', `${JSON.stringify(value)} is not an outcome that we know`)
  }
  if (outcome === deal.outcome) return applied(deal)
  const next: Deal = {
    ...deal,
    outcome,
    outcomeOn: outcome === 'open' ? null : dayOfOutcome(judged),
    outcomeStanding: standingOf(deal, outcome, judged),
  }
  if (next.outcomeStanding !== 'unexpected') return applied(next)
  return review(
    wasApproved(deal.status) ? 'won_outside_protection' : `won_while_${deal.status}`,
    `The CRM says won, but the registration is ${deal.status.replace('_', ' ')}${wasApproved(deal.status) ? ' and its protection is over' : ''}`,
    next,
  )
}

/** The day on which the CRM closed it, if it says so and that is not ahead of us; otherwise today. */
const dayOfOutcome = ({ closedOn, today }: Judged): Day =>
  closedOn !== null && closedOn < today ? closedOn : today

function standingOf(deal: Deal, outcome: Outcome, judged: Judged): OutcomeStanding {
  // Settled elsewhere, or found to earn nothing: won again it is still for a person to say otherwise.
  if (deal.outcomeStanding === 'historic' || deal.outcomeStanding === 'disregarded')
    return deal.outcomeStanding
  if (outcome !== 'won') return 'expected'
  return isExpectedWin(deal, dayOfOutcome(judged), judged.lapseRule) ? 'expected' : 'unexpected'
}

function asDay(value: FieldValue | undefined): Day | null {
  const parsed = daySchema.safeParse(value)
  return parsed.success ? parsed.data : null
}

/**
 * The states of a case. The same command never works twice: what is decided is decided, a partner appeals once, the
 * answer is final. Pure.
 */
import type { DealId } from '#src/kernel/ids.ts'
import { ok, type Result, refuse } from '#src/kernel/result.ts'
import {
  type CaseDecision,
  type CaseParty,
  type CaseRefusal,
  type CaseState,
  type CaseStatus,
  type Decided,
  isLost,
  type PartyOutcome,
  type Settlement,
} from './case.ts'
import { planDecision } from './case-plan.ts'

const isUndecided = ({ inQuestion, outcome }: CaseParty): boolean => inQuestion && outcome === null

/** The first decision on a case. */
export function decideCase(state: CaseState, decision: CaseDecision): Result<Decided, CaseRefusal> {
  if (state.status !== 'open') return refuse('not_open')
  const undecided = state.parties.filter(isUndecided)
  if (undecided.length === 0) return refuse('nothing_to_decide')
  const planned = planDecision(state, decision, undecided, false)
  if (!planned.ok) return planned
  const after = outcomesAfter(state, planned.value)
  const isSettled = after.every((party) => !isUndecided(party))
  if (!isSettled) return ok({ settlement: planned.value, status: 'open', closedAs: null })
  const isAppealed = after.some(({ appealedAt }) => appealedAt !== null)
  const mayAppeal = after.some(({ outcome }) => isLost(outcome))
  return ok({
    settlement: planned.value,
    status: isAppealed ? 'appealed' : mayAppeal ? 'decided' : 'closed',
    closedAs: isAppealed || mayAppeal ? null : 'decided',
  })
}

/** May this deal be appealed now? While others of the case are undecided, the case stays open. */
export function appealCase(state: CaseState, dealId: DealId, now: Date): Result<CaseStatus, CaseRefusal> {
  const party = state.parties.find((one) => one.dealId === dealId)
  if (!party || !isLost(party.outcome)) return refuse('not_yours_to_appeal')
  if (party.appealedAt !== null) return refuse('appealed_already')
  const inTime = party.appealUntil !== null && now <= party.appealUntil
  if (!inTime || state.status === 'closed') return refuse('appeal_over')
  return ok(state.status === 'open' ? 'open' : 'appealed')
}

/** The last word on a case; `decision` null: the first one stands. */
export function answerAppeal(state: CaseState, decision: CaseDecision | null): Result<Decided, CaseRefusal> {
  if (state.status !== 'appealed') return refuse('not_appealed')
  const nothing: Settlement = { verdicts: [], split: null, apart: [], merge: null }
  if (decision === null) return ok({ settlement: nothing, status: 'closed', closedAs: 'answered' })
  if (decision.kind === 'merge_customers') return refuse('no_final_decision')
  const inQuestion = state.parties.filter(
    ({ inQuestion, outcome }) => inQuestion && outcome !== 'ended' && outcome !== 'cleared',
  )
  const planned = planDecision(state, decision, inQuestion, true)
  if (!planned.ok) return planned
  const before = new Map(state.parties.map(({ dealId, outcome }) => [dealId, outcome]))
  const isGranted = outcomesAfter(state, planned.value).some(
    ({ dealId, outcome, appealedAt }) =>
      appealedAt !== null && worth(outcome) > worth(before.get(dealId) ?? null),
  )
  if (!isGranted) return refuse('grants_nothing')
  return ok({ settlement: planned.value, status: 'closed', closedAs: 'answered' })
}

/** How much of its registration an outcome leaves to a partner. */
function worth(outcome: PartyOutcome | null): number {
  if (outcome === 'upheld' || outcome === 'transferred') return 0
  return outcome === 'credited' || outcome === 'shared' ? 1 : 2
}

/** The parties with what a settlement says of them. */
export function outcomesAfter(state: CaseState, { verdicts }: Settlement): readonly CaseParty[] {
  const outcomes = new Map(verdicts.map(({ dealId, outcome }) => [dealId, outcome]))
  return state.parties.map((party) => {
    const outcome = outcomes.get(party.dealId)
    return outcome === undefined ? party : { ...party, inQuestion: true, outcome }
  })
}

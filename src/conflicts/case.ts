/**
 * A case: registrations that meet each other or a record of a CRM, until a person has said whose deal it is. Pure: the
 * states of a case and of each deal in it, who may do what, and what a decision does to every deal. The same command
 * never works twice: what is decided is decided, a partner appeals once, the answer is final.
 */
import type { Actor } from '#src/kernel/actor.ts'
import type { CustomerId, DealId, Id, PartnerId } from '#src/kernel/ids.ts'
import { ok, type Result, refuse } from '#src/kernel/result.ts'

export type CaseId = Id<'conflict_case'>

export const caseStatuses = ['open', 'decided', 'appealed', 'closed'] as const
export type CaseStatus = (typeof caseStatuses)[number]

export const caseCauses = ['submit', 'direct', 'merge', 'watch', 'protection'] as const
export type CaseCause = (typeof caseCauses)[number]

/** `decided` nobody appealed · `answered` an appeal · `moot` nothing stands in the way any more · `joined` another case. */
export const closedAs = ['decided', 'answered', 'moot', 'joined'] as const
export type ClosedAs = (typeof closedAs)[number]

/**
 * What became of a deal in a case. `upheld` the earlier claim stands · `overridden` it goes on in spite of it ·
 * `transferred` its hold went to another deal · `credited` it gave way for a share in another deal · `shared` it stays, and
 * shares its credit · `apart` it concerns another company · `ended` it was over before anybody decided · `cleared` what
 * stood in its way is gone.
 */
export const partyOutcomes = [
  'upheld',
  'overridden',
  'transferred',
  'credited',
  'shared',
  'apart',
  'ended',
  'cleared',
] as const
export type PartyOutcome = (typeof partyOutcomes)[number]

/** Outcomes that took something from the partner. */
const lostOutcomes: readonly PartyOutcome[] = ['upheld', 'transferred', 'credited', 'shared']

/** How far a registration is: undecided, approved, or over. */
export type RegistrationPhase = 'pending' | 'approved' | 'ended'

/** A deal in a case. Only one that is in question is decided on; the others are what it met. */
export interface CaseParty {
  readonly dealId: DealId
  readonly partnerId: PartnerId
  /** The canonical one. */
  readonly customerId: CustomerId | null
  readonly phase: RegistrationPhase
  readonly inQuestion: boolean
  readonly outcome: PartyOutcome | null
  readonly appealUntil: Date | null
  readonly appealedAt: Date | null
}

export interface CaseState {
  readonly status: CaseStatus
  readonly parties: readonly CaseParty[]
  /** A record of a CRM is in question too. */
  readonly meetsRecords: boolean
}

export interface Share {
  readonly partnerId: PartnerId
  readonly shareWeight: number
}

/** What a person may say. `dealIds` null: every deal that is in question and undecided. */
export type CaseDecision =
  | { readonly kind: 'uphold'; readonly dealIds: readonly DealId[] | null; readonly close: boolean }
  | { readonly kind: 'override'; readonly dealIds: readonly DealId[] | null }
  | {
      readonly kind: 'transfer'
      readonly fromDealId: DealId
      readonly toDealId: DealId
      readonly close: boolean
    }
  | { readonly kind: 'split'; readonly dealId: DealId; readonly shares: readonly Share[] }
  | { readonly kind: 'merge_customers'; readonly customerId: CustomerId; readonly into: CustomerId }
  | { readonly kind: 'keep_apart' }
export type CaseDecisionKind = CaseDecision['kind']

/**
 * What is done with a registration. `close` rejects an undecided one and cancels an approved one · `hold` makes it the
 * holder, approving it if nobody has · `reinstate` takes a closed one up again.
 */
export type Act = 'none' | 'close' | 'reinstate' | 'hold' | 'reinstate_and_hold'

export interface DealVerdict {
  readonly dealId: DealId
  readonly outcome: PartyOutcome
  /** Conflict state of the registration from now on; null: as it is. */
  readonly conflict: 'upheld' | 'overridden' | null
  readonly act: Act
}

/** Everything that a decision does, to be carried out once. */
export interface Settlement {
  readonly verdicts: readonly DealVerdict[]
  readonly split: { readonly dealId: DealId; readonly shares: readonly Share[] } | null
  /** Customers that are all different companies. */
  readonly apart: readonly CustomerId[]
  readonly merge: { readonly customerId: CustomerId; readonly into: CustomerId } | null
}

export interface Decided {
  readonly settlement: Settlement
  readonly status: CaseStatus
  readonly closedAs: ClosedAs | null
}

export type CaseRefusal =
  | 'not_open'
  | 'not_appealed'
  | 'not_in_question'
  | 'deal_ended'
  | 'not_protected'
  | 'same_deal'
  | 'too_few_shares'
  | 'unknown_customer'
  | 'one_customer'
  | 'nothing_to_decide'
  | 'not_yours_to_appeal'
  | 'appealed_already'
  | 'appeal_over'
  | 'no_final_decision'
  | 'grants_nothing'

/** What each refusal says to people. */
export const refusalTexts: Readonly<Record<CaseRefusal, string>> = {
  not_open: 'The case is not open: what was decided stands',
  not_appealed: 'Nobody appealed: there is nothing to answer',
  not_in_question: 'A deal that the decision names is not in question in this case, or decided already',
  deal_ended: 'A registration that the decision names is over',
  not_protected: 'The registration that gives its hold away must be approved',
  same_deal: 'A hold goes from one deal to another one',
  too_few_shares: 'A split needs two partners or more, each named once',
  unknown_customer: 'Both customers must be those of deals in this case',
  one_customer: 'There is only one customer in this case',
  nothing_to_decide: 'No deal of this case is in question any more',
  not_yours_to_appeal: 'The decision took nothing from this registration: there is nothing to appeal',
  appealed_already: 'There was an appeal for this registration already, and there is one only',
  appeal_over: 'The time to appeal is over',
  no_final_decision: 'An appeal is answered by a decision on deals',
  grants_nothing: 'The decision gives nothing to who appealed: decline the appeal instead',
}

const isUndecided = ({ inQuestion, outcome }: CaseParty): boolean => inQuestion && outcome === null

/** The first decision on a case. */
export function decideCase(state: CaseState, decision: CaseDecision): Result<Decided, CaseRefusal> {
  if (state.status !== 'open') return refuse('not_open')
  const undecided = state.parties.filter(isUndecided)
  if (undecided.length === 0) return refuse('nothing_to_decide')
  const planned = plan(state, decision, undecided, false)
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
  const planned = plan(state, decision, inQuestion, true)
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

export const isLost = (outcome: PartyOutcome | null): boolean =>
  outcome !== null && lostOutcomes.includes(outcome)

/** @param open the deals that the decision may be about; `isAnswer`: what the first decision closed may be taken up again */
function plan(
  state: CaseState,
  decision: CaseDecision,
  open: readonly CaseParty[],
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  switch (decision.kind) {
    case 'uphold':
      return planUphold(state, open, decision.dealIds, decision.close)
    case 'override':
      return planOverride(open, decision.dealIds, isAnswer)
    case 'transfer':
      return planTransfer(state, open, decision, isAnswer)
    case 'split':
      return planSplit(state, decision, isAnswer)
    case 'merge_customers':
      return planMerge(state, decision)
    case 'keep_apart':
      return planApart(state, open, isAnswer)
  }
}

const settle = (verdicts: readonly DealVerdict[], rest: Partial<Settlement> = {}): Settlement => ({
  verdicts,
  split: null,
  apart: [],
  merge: null,
  ...rest,
})

const uphold = ({ dealId, phase }: CaseParty, close: boolean): DealVerdict => ({
  dealId,
  outcome: 'upheld',
  conflict: 'upheld',
  act: close && phase !== 'ended' ? 'close' : 'none',
})

function named(
  open: readonly CaseParty[],
  dealIds: readonly DealId[] | null,
): Result<readonly CaseParty[], CaseRefusal> {
  if (dealIds === null) return ok(open)
  const parties = open.filter(({ dealId }) => dealIds.includes(dealId))
  return parties.length === new Set(dealIds).size && parties.length > 0
    ? ok(parties)
    : refuse('not_in_question')
}

function planUphold(
  { parties }: CaseState,
  open: readonly CaseParty[],
  dealIds: readonly DealId[] | null,
  close: boolean,
): Result<Settlement, CaseRefusal> {
  // Who kept its deal and shares it is not a challenger; upholding its claim takes the split back.
  const sharing = parties.find(({ outcome }) => outcome === 'shared')
  const chosen = named(
    open.filter((party) => party !== sharing),
    dealIds,
  )
  if (!chosen.ok) return chosen
  const verdicts = chosen.value.map((party) => uphold(party, close))
  if (!sharing) return ok(settle(verdicts))
  const kept: DealVerdict = {
    dealId: sharing.dealId,
    outcome: 'overridden',
    conflict: 'overridden',
    act: 'none',
  }
  return ok(settle([...verdicts, kept], { split: { dealId: sharing.dealId, shares: [] } }))
}

function planOverride(
  open: readonly CaseParty[],
  dealIds: readonly DealId[] | null,
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  const chosen = named(open, dealIds)
  if (!chosen.ok) return chosen
  if (!isAnswer && chosen.value.some(({ phase }) => phase === 'ended')) return refuse('deal_ended')
  return ok(settle(chosen.value.map((party) => goOn(party, 'overridden'))))
}

const goOn = ({ dealId, phase }: CaseParty, outcome: PartyOutcome): DealVerdict => ({
  dealId,
  outcome,
  conflict: 'overridden',
  act: phase === 'ended' ? 'reinstate' : 'none',
})

function planTransfer(
  { parties }: CaseState,
  open: readonly CaseParty[],
  { fromDealId, toDealId, close }: Extract<CaseDecision, { kind: 'transfer' }>,
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  if (fromDealId === toDealId) return refuse('same_deal')
  const from = parties.find(({ dealId }) => dealId === fromDealId)
  const to = parties.find(({ dealId }) => dealId === toDealId)
  if (!from || !to) return refuse('not_in_question')
  if (!isAnswer && (from.outcome !== null || to.outcome !== null)) return refuse('not_in_question')
  if (from.phase !== 'approved') return refuse('not_protected')
  if (to.phase === 'ended' && !isAnswer) return refuse('deal_ended')
  const others = open.filter((party) => party !== from && party !== to && party.outcome === null)
  return ok(
    settle([
      { dealId: fromDealId, outcome: 'transferred', conflict: 'upheld', act: 'close' },
      ...others.map((party) => uphold(party, close)),
      {
        dealId: toDealId,
        outcome: 'overridden',
        conflict: 'overridden',
        act: to.phase === 'ended' ? 'reinstate_and_hold' : 'hold',
      },
    ]),
  )
}

/** One deal stays and is paid out to several partners; every other registration gives way to it. */
function planSplit(
  { parties }: CaseState,
  { dealId, shares }: Extract<CaseDecision, { kind: 'split' }>,
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  const staying = parties.find((party) => party.dealId === dealId)
  if (!staying || (!isAnswer && staying.outcome !== null)) return refuse('not_in_question')
  if (staying.phase === 'ended') return refuse('deal_ended')
  const payees = new Set(shares.map(({ partnerId }) => partnerId))
  if (payees.size < 2 || payees.size !== shares.length) return refuse('too_few_shares')
  const others = parties.filter(
    (party) =>
      party !== staying &&
      (isAnswer || party.outcome === null) &&
      (party.inQuestion || party.phase !== 'ended') &&
      party.outcome !== 'ended',
  )
  return ok(
    settle(
      [
        ...others.map(
          (party): DealVerdict => ({
            ...uphold(party, true),
            outcome: payees.has(party.partnerId) ? 'credited' : 'upheld',
          }),
        ),
        { dealId, outcome: 'shared', conflict: 'overridden', act: 'none' },
      ],
      { split: { dealId, shares } },
    ),
  )
}

/** Who the customer is does not say whose the deal is: the case stays open. */
function planMerge(
  { parties }: CaseState,
  { customerId, into }: Extract<CaseDecision, { kind: 'merge_customers' }>,
): Result<Settlement, CaseRefusal> {
  const known = new Set(parties.flatMap((party) => party.customerId ?? []))
  if (customerId === into) return refuse('one_customer')
  if (!known.has(customerId) || !known.has(into)) return refuse('unknown_customer')
  return ok(settle([], { merge: { customerId, into } }))
}

function planApart(
  { parties, meetsRecords }: CaseState,
  open: readonly CaseParty[],
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  const apart = [...new Set(parties.flatMap(({ customerId }) => customerId ?? []))]
  if (apart.length < 2 && !meetsRecords) return refuse('one_customer')
  if (!isAnswer && open.some(({ phase }) => phase === 'ended')) return refuse('deal_ended')
  return ok(
    settle(
      open.map((party) => goOn(party, 'apart')),
      { apart: apart.length < 2 ? [] : apart },
    ),
  )
}

/**
 * May this person decide? Administrators and channel managers decide any case, an approver those that are given to it.
 * An appeal is answered by somebody else than who decided, where there is somebody else.
 */
export function mayDecide(
  actor: Actor,
  { assigneeId, decidedBy }: { readonly assigneeId: string | null; readonly decidedBy: string | null },
  step: { readonly kind: 'decide' } | { readonly kind: 'answer'; readonly hasOthers: boolean },
): 'yes' | 'not_yours' | 'another_person' {
  if (actor.kind !== 'vendor') return actor.kind === 'system' ? 'yes' : 'not_yours'
  const manages = actor.roles.some((role) => role === 'administrator' || role === 'channel_manager')
  if (!manages && !(actor.roles.includes('approver') && assigneeId === actor.id)) return 'not_yours'
  if (step.kind === 'answer' && step.hasOthers && decidedBy === `vendor:${actor.id}`) return 'another_person'
  return 'yes'
}

export const labelWords = ['yes', 'no', 'unknown'] as const
export type LabelWord = (typeof labelWords)[number]

/** What a decision says about a candidate that nobody said anything about. */
export function impliedLabel(
  kind: CaseDecisionKind,
  candidate: { readonly collides: boolean; readonly isStrong: boolean },
): { readonly sameCompany: LabelWord; readonly sameDeal: LabelWord } {
  if (!candidate.collides || !candidate.isStrong) return { sameCompany: 'unknown', sameDeal: 'unknown' }
  switch (kind) {
    case 'uphold':
    case 'transfer':
    case 'split':
      return { sameCompany: 'yes', sameDeal: 'yes' }
    case 'merge_customers':
      return { sameCompany: 'yes', sameDeal: 'unknown' }
    case 'keep_apart':
      return { sameCompany: 'no', sameDeal: 'no' }
    case 'override':
      return { sameCompany: 'unknown', sameDeal: 'unknown' }
  }
}

/**
 * A case: registrations that meet each other or a record of a CRM, until a person has said whose deal it is. Its words,
 * who may decide, and what a decision says of a candidate. Pure; what happens is in case-machine and case-plan.
 */
import type { Actor } from '#src/kernel/actor.ts'
import type { CustomerId, DealId, Id, PartnerId } from '#src/kernel/ids.ts'

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

export const isLost = (outcome: PartyOutcome | null): boolean =>
  outcome !== null && lostOutcomes.includes(outcome)

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

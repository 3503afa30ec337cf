/**
 * Deal registrations: a partner states a customer's need, the vendor decides, an approved one is protected for a while,
 * and its outcome (a CRM's fact) earns. This file holds the words and rules of a registration: no I/O, no clock.
 * What conflicts mean lives in conflicts/, what an outcome earns in incentives/, how it reaches a CRM in sync/.
 */
import type { ContactId } from '#src/customers/contact.ts'
import type {
  ConnectionId,
  CustomerId,
  DealId,
  PartnerId,
  PlanVersionId,
  ProgrammeId,
} from '#src/kernel/ids.ts'
import { blankDetails, type DealDetails } from './deal-details.ts'
import type { ConflictState, CrmState, DealStatus, Outcome, OutcomeStanding } from './deal-status.ts'

/** Target and overdue instants move by the business time spent `returned`; a decision ends the clock. */
export interface ReviewClock {
  readonly startedAt: Date
  readonly targetAt: Date
  readonly overdueAt: Date
  readonly pausedAt: Date | null
}

export interface Deal extends DealDetails {
  readonly id: DealId
  /** What people call it: D-000123. */
  readonly number: string
  readonly partnerId: PartnerId
  readonly programmeId: ProgrammeId
  readonly externalRef: string | null
  /** Where an imported registration comes from, as its import stated it. */
  readonly provenance: Provenance | null
  readonly submitterId: string
  readonly submitterName: string

  readonly status: DealStatus
  readonly conflict: ConflictState | null
  /** Why the gates did not open; such a registration is stored and decided by a person. */
  readonly ineligible: readonly string[]
  /** First complete submission; never changes. Null while a draft. */
  readonly registeredAt: Date | null
  readonly attempt: number
  readonly previousAttemptId: DealId | null

  /** Who decides and, in `review`, by when. */
  readonly deciderId: string | null
  readonly deciderName: string | null
  readonly review: ReviewClock | null
  readonly decidedAt: Date | null
  readonly decidedBy: string | null
  readonly decisionCode: string | null
  readonly decisionReason: string | null

  /** Both days are protected; null before approval. */
  readonly protectedFrom: string | null
  readonly protectedUntil: string | null
  /** Past its end, but an open opportunity keeps it under the programme's lapse rule. */
  readonly protectionKept: boolean
  /** Days before the end of which a reminder went out last. */
  readonly remindedDays: number | null

  readonly outcome: Outcome
  /** Rises with each accepted change of outcome, amount, lines, partner or split. */
  readonly outcomeRevision: number
  readonly outcomeOn: string | null
  readonly outcomeStanding: OutcomeStanding
  /** A disputed fact of this deal: accrual waits. Null when nothing is in dispute. */
  readonly reviewHold: string | null
  /** The partner asked for a change that nobody decided yet: accrual waits too. */
  readonly changeRequested: boolean
  /** Sales stage, mirrored from the CRM. */
  readonly stage: string | null

  readonly crmState: CrmState
  readonly crmConnectionId: ConnectionId | null
  readonly crmRemoteId: string | null
  readonly crmUrl: string | null

  /** The promise: pinned at approval, kept when re-won. */
  readonly planVersionId: PlanVersionId | null
  readonly tierId: string | null
  /** Neither is ever shown to partners: whom we take the customer and the contact for. */
  readonly customerId: CustomerId | null
  readonly contactId: ContactId | null

  readonly revision: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface Provenance {
  readonly source: string
  readonly importedAt: string
  readonly registeredBy: string | null
  readonly approvedBy: string | null
}

/** A draft of which only the company is known; its number comes with its row. */
export const newDeal = (start: {
  readonly id: DealId
  readonly partnerId: PartnerId
  readonly programmeId: ProgrammeId
  readonly submitterId: string
  readonly submitterName: string
  readonly companyName: string
  readonly now: Date
}): Deal => ({
  id: start.id,
  number: '',
  partnerId: start.partnerId,
  programmeId: start.programmeId,
  externalRef: null,
  provenance: null,
  submitterId: start.submitterId,
  submitterName: start.submitterName,
  ...blankDetails,
  companyName: start.companyName,
  status: 'draft',
  conflict: null,
  ineligible: [],
  registeredAt: null,
  attempt: 1,
  previousAttemptId: null,
  deciderId: null,
  deciderName: null,
  review: null,
  decidedAt: null,
  decidedBy: null,
  decisionCode: null,
  decisionReason: null,
  protectedFrom: null,
  protectedUntil: null,
  protectionKept: false,
  remindedDays: null,
  outcome: 'open',
  outcomeRevision: 0,
  outcomeOn: null,
  outcomeStanding: 'expected',
  reviewHold: null,
  changeRequested: false,
  stage: null,
  crmState: 'none',
  crmConnectionId: null,
  crmRemoteId: null,
  crmUrl: null,
  planVersionId: null,
  tierId: null,
  customerId: null,
  contactId: null,
  revision: 1,
  createdAt: start.now,
  updatedAt: start.now,
})

const titleCompanyLength = 90

/** Computed, so that it is never edited apart from what it names: "Contoso GmbH (D-000123)". */
export function titleOf(deal: Pick<Deal, 'companyName' | 'number'>): string {
  const letters = [...deal.companyName]
  const name =
    letters.length > titleCompanyLength
      ? `${letters.slice(0, titleCompanyLength - 1).join('')}…`
      : deal.companyName
  return `${name} (${deal.number})`
}

/** Partners in the earnings of a deal; without a split all of it is the registrant's. */
export interface DealShare {
  readonly partnerId: PartnerId
  readonly shareWeight: number
}

export const sharesOf = (
  deal: Pick<Deal, 'partnerId'>,
  split: readonly DealShare[] | undefined,
): readonly DealShare[] =>
  split && split.length > 0 ? split : [{ partnerId: deal.partnerId, shareWeight: 1 }]

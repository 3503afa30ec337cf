import { ok, type Result, refuse } from '#src/kernel/result.ts'

export const dealStatuses = [
  'draft',
  'submitted',
  'in_review',
  'returned',
  'approved',
  'rejected',
  'withdrawn',
  'cancelled',
  'expired',
] as const
export type DealStatus = (typeof dealStatuses)[number]

export const outcomes = ['open', 'won', 'lost'] as const
export type Outcome = (typeof outcomes)[number]

/** Null on the deal until the first check, and again after an edit of what the check looked at. */
export const conflictStates = ['clear', 'suspected', 'under_review', 'upheld', 'overridden'] as const
export type ConflictState = (typeof conflictStates)[number]

export const crmStates = ['none', 'pending', 'linked', 'merged', 'gone', 'retired'] as const
export type CrmState = (typeof crmStates)[number]

export const rejectionCodes = [
  'duplicate',
  'incomplete',
  'not_eligible',
  'existing_customer',
  'direct_engagement',
  'other',
] as const
export type RejectionCode = (typeof rejectionCodes)[number]

/**
 * How the outcome stands to the registration. `unexpected`: won although it was not approved at the time; it earns
 * nothing until a person recognises or disregards it. `historic`: settled before it was imported.
 */
export const outcomeStandings = ['expected', 'unexpected', 'recognised', 'disregarded', 'historic'] as const
export type OutcomeStanding = (typeof outcomeStandings)[number]

export const dealCommands = [
  'submit',
  'start_review',
  'return',
  'answer',
  'approve',
  'reject',
  'withdraw',
  'cancel',
  'extend',
  'expire',
] as const
export type DealCommand = (typeof dealCommands)[number]

const transitions: Readonly<Record<DealCommand, Readonly<Partial<Record<DealStatus, DealStatus>>>>> = {
  submit: { draft: 'submitted' },
  start_review: { submitted: 'in_review' },
  return: { submitted: 'returned', in_review: 'returned' },
  answer: { returned: 'submitted' },
  approve: { submitted: 'approved', in_review: 'approved' },
  // A question that nobody answers must be closable, so a returned one may be rejected too.
  reject: { submitted: 'rejected', in_review: 'rejected', returned: 'rejected' },
  withdraw: { submitted: 'withdrawn', in_review: 'withdrawn', returned: 'withdrawn' },
  cancel: { approved: 'cancelled' },
  extend: { approved: 'approved' },
  expire: { approved: 'expired' },
}

/** The status after a command, or the status that does not permit it. */
export function nextStatus(status: DealStatus, command: DealCommand): Result<DealStatus, 'wrong_status'> {
  const next = transitions[command][status]
  return next === undefined ? refuse('wrong_status') : ok(next)
}

/** Commands that the status permits, for callers that show what can be done. */
export const commandsIn = (status: DealStatus): DealCommand[] =>
  dealCommands.filter((command) => transitions[command][status] !== undefined)

/** Nothing but a new attempt leads out of these; out of the first two, an appeal that is granted. */
export const endedStatuses: readonly DealStatus[] = ['rejected', 'cancelled', 'withdrawn', 'expired']

/** What the vendor closed it may take up again, when the partner's appeal turns out to be right. */
export const statusOnAppeal = (status: DealStatus): Result<DealStatus, 'wrong_status'> =>
  status === 'rejected' || status === 'cancelled' ? ok('in_review') : refuse('wrong_status')

export const awaitsDecision = (status: DealStatus): boolean =>
  status === 'submitted' || status === 'in_review' || status === 'returned'

/** Once approved, and so promised something, even if that is over. */
export const wasApproved = (status: DealStatus): boolean =>
  status === 'approved' || status === 'expired' || status === 'cancelled'

export type DealPhase = 'registered' | 'approved' | 'won'

/** Who owns a field in a collision may differ by phase. */
export function phaseOf(deal: { readonly status: DealStatus; readonly outcome: Outcome }): DealPhase {
  if (deal.outcome === 'won') return 'won'
  return wasApproved(deal.status) ? 'approved' : 'registered'
}

/** Only what was found clear, or decided against the finding, may be approved. */
export const conflictPermitsApproval = (conflict: ConflictState | null): boolean =>
  conflict === 'clear' || conflict === 'overridden'

/** What a case has to know of the registrations in it, and asks to be done with them. Registrations live above. Pure. */
import type { Day } from '#src/kernel/calendar.ts'
import type { CustomerId, DealId, PartnerId, ProgrammeId } from '#src/kernel/ids.ts'
import type { DealVerdict, RegistrationPhase, Share } from './case.ts'

export interface Registration {
  readonly dealId: DealId
  readonly number: string
  readonly companyName: string
  readonly partnerId: PartnerId
  readonly partnerName: string | null
  readonly programmeId: ProgrammeId
  readonly customerId: CustomerId | null
  readonly status: string
  readonly conflict: string | null
  readonly phase: RegistrationPhase
  readonly registeredAt: Date | null
  readonly protectedFrom: Day | null
  readonly protectedUntil: Day | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
}

/** What the programme of a registration says of a case that starts, is decided or is appealed now. */
export interface CaseTerms {
  readonly programmeId: ProgrammeId
  readonly decider: { readonly id: string; readonly name: string } | null
  readonly targetAt: Date
  readonly overdueAt: Date
  readonly appealUntil: Date
}

/** A decision as registrations hear of it. */
export interface RegistrationSettlement {
  readonly verdicts: readonly DealVerdict[]
  readonly split: { readonly dealId: DealId; readonly shares: readonly Share[] } | null
  /** Why, for the vendor's own eyes. */
  readonly reason: string
  /** What the partners are told. */
  readonly message: string | null
  /** Only the vendor's own people were there before. */
  readonly isDirect: boolean
}

/**
 * Conflicts: who has a claim on which customer, and does a registration collide with another claim. Pure types and rules
 * live here, in keys, likeness and score; the stores find claims, the use-cases check and claim in one unit of work.
 * This folder never tells a partner whose claim it met, and never calls a check clear that it could not finish.
 */
import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { ConnectionId, CustomerId, DealId, Id, PartnerId } from '#src/kernel/ids.ts'

export type ClaimId = Id<'claim'>
export type ClaimSource = 'registration' | 'opportunity' | 'account'
/** A mirrored record that is open in the CRM stands as `held`; `contested` lost its hold when customers were merged. */
export type ClaimStanding = 'pending' | 'held' | 'contested' | 'closed'

/** Days that a claim covers, both included; `to` null is open-ended. */
export interface DayRange {
  readonly from: Day
  readonly to: Day | null
}

/** As `DayRange`, of what may have stood always: a mirrored record does not say since when. */
export interface OpenRange {
  readonly from: Day | null
  readonly to: Day | null
}

/** What the rules ask of a registration beside company, products and days; what is not known is left out or null. */
export interface RegistrationFacts {
  /** Products themselves, where they are named; none means all of its families. */
  readonly productIds?: readonly string[] | undefined
  readonly registrationType?: string | null | undefined
  /** First complete submission, ISO 8601 in UTC; null: it is being submitted for the first time. */
  readonly registeredAt?: string | null | undefined
}

/** What a registration claims. No family means all products. */
export interface ClaimSubject extends RegistrationFacts {
  readonly source: 'registration'
  readonly sourceId: DealId
  readonly partnerId: PartnerId
  readonly company: CompanyIdentity
  readonly customerId: CustomerId
  readonly familyIds: readonly string[]
  readonly from: Day
  readonly to: Day | null
}

/** What a check compares: a registration, a partner's question (no deal, no customer yet) or a mirrored record. */
export interface CheckSubject extends RegistrationFacts {
  readonly dealId: DealId | null
  readonly partnerId: PartnerId | null
  readonly customerId: CustomerId | null
  readonly company: CompanyIdentity
  readonly familyIds: readonly string[]
  readonly range: OpenRange
}

/** A claim as the search finds it; `customerId` is the canonical one. */
export interface FoundClaim extends RegistrationFacts {
  readonly claimId: ClaimId | null
  readonly source: ClaimSource
  readonly standing: ClaimStanding
  readonly dealId: DealId | null
  readonly connectionId: ConnectionId | null
  readonly remoteId: string | null
  readonly partnerId: PartnerId | null
  readonly customerId: CustomerId | null
  readonly company: CompanyIdentity
  readonly familyIds: readonly string[]
  readonly range: OpenRange
  readonly amountMinor: bigint | null
  readonly currency: string | null
  readonly stage: string | null
  readonly openedOn: Day | null
}

/** A record of a CRM that we do not own, as a claim. `dealId`: the registration that this opportunity is linked to. */
export interface MirrorRow {
  readonly source: 'opportunity' | 'account'
  readonly connectionId: ConnectionId
  readonly remoteId: string
  readonly company: CompanyIdentity
  /** Null for a direct opportunity. */
  readonly partnerId: PartnerId | null
  readonly customerId: CustomerId | null
  readonly dealId: DealId | null
  readonly open: boolean
  readonly amountMinor: bigint | null
  readonly currency: string | null
  readonly stage: string | null
  readonly openedOn: Day | null
}

/** Days in common, null when there are none. */
export function commonDays(a: OpenRange, b: OpenRange): OpenRange | null {
  const from = latest(a.from, b.from)
  const to = earliest(a.to, b.to)
  return from !== null && to !== null && to < from ? null : { from, to }
}

const latest = (a: Day | null, b: Day | null): Day | null => (a === null || (b !== null && b > a) ? b : a)
const earliest = (a: Day | null, b: Day | null): Day | null => (a === null || (b !== null && b < a) ? b : a)

/** Something in common; none stands for all of them. */
export function familiesOverlap(a: readonly string[], b: readonly string[]): boolean {
  return a.length === 0 || b.length === 0 || a.some((family) => b.includes(family))
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const standings: readonly string[] = ['pending', 'held', 'contested', 'closed'] satisfies ClaimStanding[]

/**
 * Can this row be compared at all? A damaged one never speaks for "no conflict": whoever meets it is looked at by a
 * person. An empty range reads as one without ends, which overlaps with everything.
 */
export const isSound = ({
  claimId,
  company,
  familyIds,
  productIds = [],
  standing,
  range,
}: FoundClaim): boolean =>
  claimId !== null &&
  uuid.test(claimId) &&
  typeof company.nameKey === 'string' &&
  company.nameKey.trim() !== '' &&
  [...familyIds, ...productIds].every((id) => typeof id === 'string' && uuid.test(id)) &&
  standings.includes(standing) &&
  (range.from === null || range.to === null || range.from <= range.to)

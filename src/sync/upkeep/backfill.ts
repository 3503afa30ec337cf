/** Which record over there stands for one of ours: what is beyond doubt, and what only looks like it. Pure. */
import { type FieldValue, isMoneyValue } from '#src/kernel/field-value.ts'

export type BackfillVerdict =
  | { readonly kind: 'certain'; readonly remoteId: string; readonly by: 'key' | 'domain' | 'name' }
  | { readonly kind: 'doubtful'; readonly remoteIds: readonly string[]; readonly reason: string }
  | { readonly kind: 'none' }

/** What the search by name and domain says of a company; see `judge` of the engine. */
export type CompanyFound =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'same'
      readonly match: {
        readonly remoteId: string
        readonly by: 'domain' | 'name'
        readonly keyValue: string | null
      }
    }
  | { readonly kind: 'doubtful'; readonly remoteIds: readonly string[] }

/**
 * Our own key over there outweighs everything; else the company's domain, then its name and country. What another
 * record of ours has already is never linked a second time without a person.
 */
export function judgeBackfill(
  recordId: string,
  carriers: readonly string[],
  found: CompanyFound,
  isTaken: (remoteId: string) => boolean,
): BackfillVerdict {
  const [carrier] = carriers
  if (carrier !== undefined) {
    if (carriers.length > 1)
      return doubt(carriers, `${carriers.length} records in the CRM carry the key of this one`)
    return isTaken(carrier)
      ? doubt(
          carriers,
          'The record in the CRM that carries the key of this one is linked to another record of ours',
        )
      : { kind: 'certain', remoteId: carrier, by: 'key' }
  }
  if (found.kind === 'none') return found
  if (found.kind === 'doubtful')
    return doubt(found.remoteIds, `${found.remoteIds.length} records in the CRM may be this one`)
  const { remoteId, by, keyValue } = found.match
  if (keyValue !== null && keyValue !== '' && keyValue !== recordId)
    return doubt([remoteId], 'The record in the CRM carries the key of another record of ours')
  if (isTaken(remoteId)) return doubt([remoteId], 'The record in the CRM is linked to another record of ours')
  return { kind: 'certain', remoteId, by }
}

const doubt = (remoteIds: readonly string[], reason: string): BackfillVerdict => ({
  kind: 'doubtful',
  remoteIds,
  reason,
})

/** What is compared of a registration and an opportunity; customer and partner were compared by their links. */
export interface DealLikeness {
  readonly amount: FieldValue
  readonly expectedCloseDate: FieldValue
}

export interface DealCandidate extends DealLikeness {
  readonly remoteId: string
  /** It names the registration's partner; otherwise it names none. */
  readonly samePartner: boolean
}

const amountTolerance = 0.2
const closeDays = 45
const mostCandidates = 5

/**
 * Opportunities of the same customer that may be this registration, the likeliest first: with the same partner, one of
 * amount and close date must be near; without a partner over there, both. Only ever a suggestion.
 */
export function likeliestDeals(ours: DealLikeness, candidates: readonly DealCandidate[]): readonly string[] {
  return candidates
    .map((candidate) => {
      const near =
        Number(isNearAmount(ours.amount, candidate.amount)) +
        Number(isNearDate(ours.expectedCloseDate, candidate.expectedCloseDate))
      return { ...candidate, near, score: near + (candidate.samePartner ? 2 : 0) }
    })
    .filter(({ near, samePartner }) => near === 2 || (near === 1 && samePartner))
    .toSorted((a, b) => b.score - a.score || (a.remoteId < b.remoteId ? -1 : 1))
    .slice(0, mostCandidates)
    .map(({ remoteId }) => remoteId)
}

function isNearAmount(ours: FieldValue, theirs: FieldValue): boolean {
  if (!isMoneyValue(ours) || !isMoneyValue(theirs) || ours.currency !== theirs.currency) return false
  const [a, b] = [Number(ours.amount), Number(theirs.amount)]
  return Math.abs(a - b) <= Math.max(Math.abs(a), Math.abs(b)) * amountTolerance
}

function isNearDate(ours: FieldValue, theirs: FieldValue): boolean {
  if (typeof ours !== 'string' || typeof theirs !== 'string') return false
  const apartMs = Math.abs(Date.parse(ours) - Date.parse(theirs))
  return apartMs <= closeDays * 86_400_000
}

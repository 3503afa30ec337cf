import { type Tx, withinTime } from '#src/database/database.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import type { CheckSubject } from './claim.ts'
import { customersOf, readHorizon } from './horizon-store.ts'
import type { NumberedTerms } from './judgement.ts'
import { readRulesInForce } from './rule-set-store.ts'
import type { Terms } from './same-deal.ts'
import { type Findings, type SearchResult, searchClaims } from './search-store.ts'
import type { SearchGap } from './verdict.ts'
import type { PastWin } from './winner.ts'

/** Deals that were won at these customers, by any partner; of capabilities above this one. */
export type FindWins = (
  tx: Tx,
  customerIds: readonly CustomerId[],
) => Promise<readonly (PastWin & { readonly customerId: CustomerId })[]>

export async function readTerms(tx: Tx, now: Date): Promise<NumberedTerms> {
  const { version, rules } = await readRulesInForce(tx)
  return { version, rules, asOf: dayIn(now, 'UTC') }
}

const searchLimitMs = 5_000
const searchLimitMsEach = 50

/** As `searchClaims`, with what could not be looked at. A search that is cut off is no search that found nothing. */
export interface BoundedSearch extends Omit<SearchResult, 'findings'> {
  readonly findings: readonly (Pick<Findings, 'canonicalId' | 'claims'> & {
    readonly gaps: readonly SearchGap[]
  })[]
}

export async function searchInTime(
  tx: Tx,
  subjects: readonly CheckSubject[],
  now: Date,
): Promise<BoundedSearch> {
  const limitMs = searchLimitMs + subjects.length * searchLimitMsEach
  const searched = await withinTime(tx, limitMs, (inner) => searchClaims(inner, subjects, now))
  if (searched) {
    const { findings, ...state } = searched.value
    return {
      ...state,
      findings: findings.map(({ canonicalId, claims, complete, damaged }) => ({
        canonicalId,
        claims,
        gaps: [...(complete ? [] : (['too_many'] as const)), ...(damaged ? (['damaged'] as const) : [])],
      })),
    }
  }
  const customerIds = subjects.map(({ customerId }) => customerId)
  const { canonicalIds, ...state } = await readHorizon(tx, customerIds, now)
  return {
    ...state,
    findings: canonicalIds.map((canonicalId) => ({ canonicalId, claims: [], gaps: ['cut_off'] })),
  }
}

/** Wins that the rules ask for, by canonical customer; nothing is read where they ask for none. */
export async function readWins(
  tx: Tx,
  findWins: FindWins,
  { rules }: Terms,
  subjects: readonly CheckSubject[],
): Promise<ReadonlyMap<CustomerId, readonly PastWin[]>> {
  const everybody = rules.activeCustomers.withinDays !== null
  const asked = new Set(
    subjects.flatMap(({ customerId, registrationType }) =>
      customerId !== null && (everybody || rules.renewals.types.includes(registrationType ?? ''))
        ? [customerId]
        : [],
    ),
  )
  const wins = new Map<CustomerId, PastWin[]>()
  if (asked.size === 0) return wins
  const canonicalOf = await customersOf(tx, [...asked])
  for (const { customerId, ...win } of await findWins(tx, [...canonicalOf.keys()])) {
    const canonicalId = canonicalOf.get(customerId)
    if (canonicalId) wins.set(canonicalId, [...(wins.get(canonicalId) ?? []), win])
  }
  for (const known of wins.values()) known.sort(latestFirst)
  return wins
}

const latestFirst = (a: PastWin, b: PastWin): number =>
  a.wonOn !== b.wonOn ? (a.wonOn > b.wonOn ? -1 : 1) : a.dealId > b.dealId ? -1 : 1

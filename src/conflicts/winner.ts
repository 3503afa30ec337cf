/** Who should have a deal that several want: a recommendation by the rules, for the people who decide. Pure. */
import { type Day, daysBetween } from '#src/kernel/calendar.ts'
import type { DealId, PartnerId } from '#src/kernel/ids.ts'
import { type CheckSubject, type FoundClaim, familiesOverlap } from './claim.ts'
import type { ListHit, ListName } from './listed-accounts.ts'
import type { RuleSet, WinnerRule } from './rule-set.ts'
import type { Terms } from './same-deal.ts'
import type { Candidate } from './score.ts'

export interface Winner {
  /** The rule that knew. */
  readonly by: WinnerRule
  /** `subject`: who registers; `direct`: the vendor's own team. */
  readonly side: 'subject' | 'partner' | 'direct'
  readonly partnerId: PartnerId | null
  /** The claim that wins, where one does. */
  readonly claimId: string | null
}

/** A deal that was won at the customer before. */
export interface PastWin {
  readonly dealId: DealId
  readonly partnerId: PartnerId
  readonly wonOn: Day
  readonly familyIds: readonly string[]
}

export interface Contest {
  readonly subject: CheckSubject
  /** As ranked. */
  readonly candidates: readonly Candidate[]
  readonly listed: readonly ListHit[]
  /** At this customer, the latest first. */
  readonly wins: readonly PastWin[]
}

/** The first rule in the order of the rule set that knows an answer; null when none does. */
export function recommendWinner({ rules, asOf }: Terms, contest: Contest): Winner | null {
  for (const by of rules.winner.order) {
    const winner = answers[by]({ rules, asOf }, contest)
    if (winner) return { by, ...winner }
  }
  return null
}

type Answer = Omit<Winner, 'by'>
const ours = ({ subject }: Contest): Answer => ({
  side: 'subject',
  partnerId: subject.partnerId,
  claimId: null,
})

const answers: Readonly<Record<WinnerRule, (terms: Terms, contest: Contest) => Answer | null>> = {
  named_account: (_terms, contest) => {
    const named = firstOf(contest.listed, 'named_account')
    return named ? partnerWins(contest, named.partnerId) : null
  },
  house_account: (_terms, { listed, candidates }) => {
    if (!firstOf(listed, 'house_account')) return null
    const opportunity = candidates.find((candidate) => isCollision(candidate) && candidate.kind === 'direct')
    return { side: 'direct', partnerId: null, claimId: opportunity?.claim.claimId ?? null }
  },
  incumbent: ({ rules }, contest) => {
    const [last] = incumbentWins(rules, contest)
    return last ? partnerWins(contest, last.partnerId) : null
  },
  direct_opportunity: ({ asOf }, { candidates, subject }) => {
    // What the direct team opened after the registration came too late.
    const registeredOn = subject.registeredAt?.slice(0, 10) ?? asOf
    const opportunity = candidates.find(
      (candidate) =>
        isCollision(candidate) &&
        candidate.kind === 'direct' &&
        (candidate.claim.openedOn === null || candidate.claim.openedOn <= registeredOn),
    )
    return opportunity ? { side: 'direct', partnerId: null, claimId: opportunity.claim.claimId } : null
  },
  active_customer: ({ rules, asOf }, contest) => {
    const [last] = activeWins(rules, asOf, contest)
    return last ? partnerWins(contest, last.partnerId) : null
  },
  first_registration: (_terms, contest) => {
    const registrations = contest.candidates
      .filter((candidate) => isCollision(candidate) && candidate.claim.source === 'registration')
      .map(({ claim }) => claim)
    if (registrations.length === 0) return null
    if (isFirst(contest.subject, registrations)) return ours(contest)
    const first = registrations.toSorted(byRegistration)[0]
    return first ? { side: 'partner', partnerId: first.partnerId, claimId: first.claimId } : null
  },
}

const firstOf = (listed: readonly ListHit[], name: ListName): ListHit | undefined =>
  listed.find(({ list }) => list === name)

function partnerWins(contest: Contest, partnerId: PartnerId | null): Answer {
  if (partnerId === contest.subject.partnerId) return ours(contest)
  const own = contest.candidates.find(
    (candidate) => isCollision(candidate) && candidate.claim.partnerId === partnerId,
  )
  return { side: 'partner', partnerId, claimId: own?.claim.claimId ?? null }
}

export const isCollision = ({ band, collides }: Pick<Candidate, 'band' | 'collides'>): boolean =>
  band === 'strong' && collides

/**
 * Was the subject completely registered before all of these? What is submitted for the first time comes after whatever
 * is on file, whichever clock says what.
 */
export function isFirst({ registeredAt }: CheckSubject, registrations: readonly FoundClaim[]): boolean {
  return (
    typeof registeredAt === 'string' &&
    registrations.every(
      (other) => typeof other.registeredAt === 'string' && registeredAt < other.registeredAt,
    )
  )
}

/** One that does not say since when has always been there. */
const byRegistration = (a: FoundClaim, b: FoundClaim): number => {
  const [from, other] = [a.registeredAt ?? '', b.registeredAt ?? '']
  if (from !== other) return from < other ? -1 : 1
  return (a.claimId ?? '') < (b.claimId ?? '') ? -1 : 1
}

/** Wins that make somebody the incumbent of a renewal: same customer, a product family in common. */
export function incumbentWins(
  { renewals }: RuleSet,
  { wins, subject }: Pick<Contest, 'wins' | 'subject'>,
): readonly PastWin[] {
  const type = subject.registrationType
  if (!type || !renewals.types.includes(type)) return []
  return wins.filter(({ familyIds }) => familiesOverlap(familyIds, subject.familyIds))
}

/** Wins of others that make this an active customer of theirs. */
export function activeWins(
  { activeCustomers: { withinDays } }: RuleSet,
  asOf: Day,
  { wins, subject }: Pick<Contest, 'wins' | 'subject'>,
): readonly PastWin[] {
  if (withinDays === null) return []
  return wins.filter(
    ({ partnerId, wonOn }) => partnerId !== subject.partnerId && daysBetween(wonOn, asOf) <= withinDays,
  )
}

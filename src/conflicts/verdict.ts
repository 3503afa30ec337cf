/** From what was found to a verdict, a band and a recommended winner, and what a partner may hear of it. Pure. */
import type { ListName } from './listed-accounts.ts'
import { type RuleSet, stageKey } from './rule-set.ts'
import type { Terms } from './same-deal.ts'
import type { Candidate } from './score.ts'
import {
  activeWins,
  type Contest,
  incumbentWins,
  isCollision,
  isFirst,
  recommendWinner,
  type Winner,
} from './winner.ts'

export type Verdict = 'clear' | 'suspected'
/** What people see of a verdict: `review` and `blocked` are both suspected, and neither is approved by itself. */
export type VerdictBand = 'clear' | 'review' | 'blocked'
export type MirrorState = 'none' | 'fresh' | 'stale'
/**
 * `too_many`: so many claims on this company that not all could be compared · `cut_off`: the search was cancelled or took
 * too long · `damaged`: the index of claims names rows that are not there or cannot be read.
 */
export type SearchGap = 'too_many' | 'cut_off' | 'damaged'
export const verdictReasons = [
  'excluded',
  'house_account',
  'named_account',
  'incumbent',
  'active_customer',
  'candidate',
  'mirror_stale',
  'too_many',
  'cut_off',
  'damaged',
] as const
export type VerdictReason = (typeof verdictReasons)[number]

export interface VerdictFacts extends Contest {
  readonly mirror: MirrorState
  readonly gaps: readonly SearchGap[]
}

export interface Ruling {
  readonly verdict: Verdict
  readonly band: VerdictBand
  readonly reasons: readonly VerdictReason[]
  /** Who should have it if people find that it is one deal; null when nothing competes. */
  readonly winner: Winner | null
  /** What the partner reads. */
  readonly told: string
}

/** Clear only if the search was complete, the mirror can be trusted and nothing speaks for somebody else. */
export function judge(terms: Terms, facts: VerdictFacts): Ruling {
  const { rules } = terms
  const grounds = [
    ...listGrounds(rules, facts),
    ...historyGrounds(terms, facts),
    ...candidateGrounds(rules, facts),
    ...(facts.mirror === 'stale' ? [ground('mirror_stale', 'review')] : []),
    ...facts.gaps.map((gap) => ground(gap, 'review')),
  ]
  const reasons = verdictReasons.filter((reason) => grounds.some((one) => one.reason === reason))
  const winner = grounds.length > 0 ? recommendWinner(terms, facts) : null
  const band = bandOf(grounds, winner)
  const told = facts.listed.find(({ list }) => list === 'exclusion')?.tell ?? rules.texts[band]
  return { verdict: band === 'clear' ? 'clear' : 'suspected', band, reasons, winner, told }
}

interface Ground {
  readonly reason: VerdictReason
  readonly effect: 'review' | 'blocked'
}
const ground = (reason: VerdictReason, effect: Ground['effect']): Ground => ({ reason, effect })

/** Whom the rules would give it to is looked at by a person, not blocked; what nobody may have is blocked for everybody. */
function bandOf(grounds: readonly Ground[], winner: Winner | null): VerdictBand {
  if (grounds.length === 0) return 'clear'
  const blocking = grounds.filter(({ effect }) => effect === 'blocked')
  if (blocking.some(({ reason }) => reason === 'excluded')) return 'blocked'
  return blocking.length > 0 && winner?.side !== 'subject' ? 'blocked' : 'review'
}

/** A company that is only probably the one of a list is for a person to look at. */
const asSure = (rules: RuleSet, score: number, effect: Ground['effect']): Ground['effect'] =>
  score >= rules.sameDeal.company.blockedFrom ? effect : 'review'

function listGrounds(rules: RuleSet, { listed, subject }: VerdictFacts): Ground[] {
  const others = listed.filter(
    ({ list, partnerId }) => list !== 'named_account' || partnerId !== subject.partnerId,
  )
  return others.map(({ list, score }) => {
    const { reason, effect } = meaningOf(rules, list)
    return ground(reason, asSure(rules, score, effect))
  })
}

function meaningOf({ namedAccounts, houseAccounts }: RuleSet, list: ListName): Ground {
  switch (list) {
    case 'exclusion':
      return ground('excluded', 'blocked')
    case 'named_account':
      return ground('named_account', namedAccounts.effect)
    case 'house_account':
      return ground('house_account', houseAccounts.effect)
  }
}

function historyGrounds({ rules, asOf }: Terms, { wins, subject }: VerdictFacts): Ground[] {
  const grounds: Ground[] = []
  const [last] = incumbentWins(rules, { wins, subject })
  if (last && last.partnerId !== subject.partnerId) grounds.push(ground('incumbent', rules.renewals.effect))
  if (activeWins(rules, asOf, { wins, subject }).length > 0) {
    grounds.push(ground('active_customer', rules.activeCustomers.effect))
  }
  return grounds
}

function candidateGrounds(rules: RuleSet, { candidates, subject }: VerdictFacts): Ground[] {
  return candidates.filter(isCollision).map(({ kind, score, claim }): Ground => {
    // A partner's own second registration is nobody else's.
    if (kind === 'own') return ground('candidate', 'review')
    if (kind === 'direct') {
      const { effect, blockedStages } = rules.directOpportunities
      const { stage } = claim
      const far = stage !== null && blockedStages.some((blocked) => stageKey(blocked) === stageKey(stage))
      return ground('candidate', asSure(rules, score, far ? 'blocked' : effect))
    }
    const ahead = claim.standing === 'held' || !isFirst(subject, [claim])
    return ground('candidate', asSure(rules, score, ahead ? 'blocked' : 'review'))
  })
}

/** The best first: what collides, then by score, then the older claim. */
export function rankCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...candidates].sort(
    (a, b) =>
      Number(b.collides) - Number(a.collides) ||
      b.score - a.score ||
      ((a.claim.claimId ?? '') < (b.claim.claimId ?? '') ? -1 : 1),
  )
}

/** All that a partner learns: that there is a conflict, never with whom, what or since when. */
export function conflictForPartner(
  rules: RuleSet,
  ruling: Pick<Ruling, 'verdict' | 'told' | 'reasons'>,
): {
  conflict: boolean
  message: string
} {
  if (ruling.verdict === 'clear') return { conflict: false, message: ruling.told }
  return { conflict: true, message: ruling.reasons.includes('excluded') ? ruling.told : rules.texts.asked }
}

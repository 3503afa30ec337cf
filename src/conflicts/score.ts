/** Scores one claim against what is being checked and says why. Pure: the same two sides always score the same. */
import type { CheckSubject, FoundClaim } from './claim.ts'
import { compareCompanies } from './company-likeness.ts'
import type { CandidateKind, Evidence, MatchKey } from './evidence.ts'
import { compareCircumstances, type Terms } from './same-deal.ts'

export type { CandidateKind, Evidence, MatchKey } from './evidence.ts'

/** Rises with every change of keys or weights, so that an old score can be told from a new one. */
export const matcherVersion = 2

export interface Candidate {
  readonly kind: CandidateKind
  readonly key: MatchKey
  /** 0 to 100: how likely the two companies are one, in percent. */
  readonly score: number
  /** `strong`: taken for the same company; `possible`: shown only. */
  readonly band: 'strong' | 'possible'
  /** Would both stand for the same deal, as the rules say? Accounts and links never collide. */
  readonly collides: boolean
  readonly evidence: readonly Evidence[]
  readonly claim: FoundClaim
}

/** Null when the two are not alike. */
export function scoreClaim(terms: Terms, subject: CheckSubject, claim: FoundClaim): Candidate | null {
  const { shownFrom, reviewFrom } = terms.rules.sameDeal.company
  const { key, score, evidence } = likenessOf(subject, claim)
  if (score < shownFrom) return null
  const kind = kindOf(subject, claim)
  const circumstances = compareCircumstances(terms, subject, claim, kind)
  const competes = kind === 'rival' || kind === 'own' || kind === 'direct'
  return {
    kind,
    key,
    score,
    band: score >= reviewFrom ? 'strong' : 'possible',
    collides: competes && circumstances.same,
    evidence: [...evidence, ...circumstances.evidence],
    claim,
  }
}

function kindOf(subject: CheckSubject, claim: FoundClaim): CandidateKind {
  if (claim.source === 'account') return 'account'
  if (claim.partnerId === null) return 'direct'
  if (claim.partnerId !== subject.partnerId) return 'rival'
  return claim.source === 'registration' ? 'own' : 'link'
}

const customerPoints = 100

/** One resolved customer is the same company, however it is spelled and wherever it sits. */
function likenessOf(
  subject: CheckSubject,
  claim: FoundClaim,
): { key: MatchKey; score: number; evidence: readonly Evidence[] } {
  const likeness = compareCompanies(subject.company, claim.company)
  if (subject.customerId === null || subject.customerId !== claim.customerId) return likeness
  const customer = {
    point: 'customer',
    speaks: 'for',
    ours: subject.customerId,
    theirs: claim.customerId,
    points: customerPoints,
  } as const
  return { key: 'customer', score: 100, evidence: [customer, ...likeness.evidence] }
}

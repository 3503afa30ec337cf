/** Scores one claim against what is being checked and says why. Pure: the same two sides always score the same. */
import { type CheckSubject, commonDays, type FoundClaim, familiesOverlap, type OpenRange } from './claim.ts'
import {
  type CompanyEvidence,
  type CompanyLikeness,
  candidateFrom,
  compareCompanies,
  strongFrom,
} from './company-likeness.ts'

/** Rises with every change of keys, weights or bands, so that an old verdict can be told from a new one. */
export const ruleVersion = 2

export { candidateFrom, strongFrom } from './company-likeness.ts'

/** By what the two are most surely the same. */
export type MatchKey = 'customer' | CompanyLikeness['key']

/**
 * `rival` another partner's claim · `own` the same partner's registration · `direct` an open opportunity without a partner ·
 * `link` an opportunity of the same partner in the CRM · `account` a company in the CRM.
 */
export type CandidateKind = 'rival' | 'own' | 'direct' | 'link' | 'account'

export interface Evidence {
  readonly point: 'customer' | 'families' | 'window' | CompanyEvidence['point']
  readonly speaks: 'for' | 'against'
  readonly ours: string | null
  readonly theirs: string | null
  /** By how much it speaks for or against one company; 0 where it is about something else. */
  readonly points: number
}

export interface Candidate {
  readonly kind: CandidateKind
  readonly key: MatchKey
  /** 0 to 100. */
  readonly score: number
  readonly band: 'strong' | 'possible'
  /** Would both stand for the same customer, products and days? Accounts and links never collide. */
  readonly collides: boolean
  readonly evidence: readonly Evidence[]
  readonly claim: FoundClaim
}

/** Null when the two are not alike. */
export function scoreClaim(subject: CheckSubject, claim: FoundClaim): Candidate | null {
  const { key, score, evidence } = likenessOf(subject, claim)
  if (score < candidateFrom) return null
  const band = score >= strongFrom ? 'strong' : 'possible'
  const kind = kindOf(subject, claim)
  const sameProducts = familiesOverlap(subject.familyIds, claim.familyIds)
  const claimed = claimedRange(claim)
  const days = commonDays(subject.range, claimed)
  const circumstances: Evidence[] = [
    {
      point: 'families',
      speaks: sameProducts ? 'for' : 'against',
      ours: familiesText(subject.familyIds),
      theirs: familiesText(claim.familyIds),
      points: 0,
    },
    {
      point: 'window',
      speaks: days ? 'for' : 'against',
      ours: rangeText(subject.range),
      theirs: rangeText(claimed),
      points: 0,
    },
  ]
  const competes = kind === 'rival' || kind === 'own' || kind === 'direct'
  return {
    kind,
    key,
    score,
    band,
    collides: competes && sameProducts && days !== null,
    evidence: [...evidence, ...circumstances],
    claim,
  }
}

/** A pending registration asks for days from its approval on, whenever that will be. */
const claimedRange = ({ standing, range }: FoundClaim): OpenRange =>
  standing === 'pending' ? { from: range.from, to: null } : range

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

const familiesText = (familyIds: readonly string[]): string =>
  familyIds.length === 0 ? 'all' : familyIds.join(', ')
const rangeText = ({ from, to }: OpenRange): string => `${from ?? '...'} to ${to ?? '...'}`

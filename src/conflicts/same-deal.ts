/** Would a claim and a subject stand for the same deal, given that the company is the same? As the rule set says. Pure. */
import { type Day, daysBetween } from '#src/kernel/calendar.ts'
import { type CheckSubject, commonDays, type FoundClaim, familiesOverlap, type OpenRange } from './claim.ts'
import type { CandidateKind, Evidence } from './evidence.ts'
import { type RuleSet, stageKey } from './rule-set.ts'

/** The rules that a check goes by, and the day on which it does. */
export interface Terms {
  readonly rules: RuleSet
  /** In UTC. */
  readonly asOf: Day
}

/** Whether all circumstances speak for one deal, and each of them with what it says. */
export function compareCircumstances(
  { rules, asOf }: Terms,
  subject: CheckSubject,
  claim: FoundClaim,
  kind: CandidateKind,
): { readonly same: boolean; readonly evidence: readonly Evidence[] } {
  const points = [
    compareProducts(rules, subject, claim),
    compareWindows(rules, subject, claim),
    ...compareTerritory(rules, subject, claim),
    ...(kind === 'direct' ? countDirect(rules, claim, asOf) : []),
  ]
  return { same: points.every(({ speaks }) => speaks === 'for'), evidence: points }
}

/**
 * What a holder keeps from others, as points that the database lets only one have: its products where the rules tell
 * products apart; else its families, with the products that it names, so that a holder by product is met too.
 */
export function scopeOf(
  { sameDeal: { products } }: RuleSet,
  { familyIds, productIds = [] }: Pick<CheckSubject, 'familyIds' | 'productIds'>,
): readonly string[] {
  if (familyIds.length === 0) return []
  return products === 'product' && productIds.length > 0 ? productIds : [...familyIds, ...productIds]
}

const said = (
  point: Evidence['point'],
  holds: boolean,
  ours: string | null,
  theirs: string | null,
): Evidence => ({ point, speaks: holds ? 'for' : 'against', ours, theirs })

function compareProducts(
  { sameDeal: { products } }: RuleSet,
  subject: CheckSubject,
  claim: FoundClaim,
): Evidence {
  const families = familiesOverlap(subject.familyIds, claim.familyIds)
  const [ours, theirs] = [subject.productIds ?? [], claim.productIds ?? []]
  // Whoever names no product asks for all of its families.
  if (products === 'product' && families && ours.length > 0 && theirs.length > 0) {
    return said('products', familiesOverlap(ours, theirs), ours.join(', '), theirs.join(', '))
  }
  const holds = products === 'any' || families
  return said('families', holds, familiesText(subject.familyIds), familiesText(claim.familyIds))
}

function compareWindows(
  { sameDeal: { windows } }: RuleSet,
  subject: CheckSubject,
  claim: FoundClaim,
): Evidence {
  const claimed = claimedRange(claim)
  const holds = windows === 'any' || commonDays(subject.range, claimed) !== null
  return said('window', holds, rangeText(subject.range), rangeText(claimed))
}

function compareTerritory(
  { sameDeal: { territory } }: RuleSet,
  subject: CheckSubject,
  claim: FoundClaim,
): Evidence[] {
  const [ours, theirs] = [subject.company.country, claim.company.country]
  if (territory === 'any') return []
  return [said('territory', ours === null || theirs === null || ours === theirs, ours, theirs)]
}

/** A direct opportunity that the rules leave out of account says so. */
function countDirect(
  { directOpportunities }: RuleSet,
  { stage, openedOn }: FoundClaim,
  asOf: Day,
): Evidence[] {
  const { ignoredStages, ignoredAfterDays } = directOpportunities
  const evidence: Evidence[] = []
  if (stage !== null && ignoredStages.some((ignored) => stageKey(ignored) === stageKey(stage))) {
    evidence.push(said('stage', false, null, stage))
  }
  if (openedOn !== null && ignoredAfterDays !== null && daysBetween(openedOn, asOf) > ignoredAfterDays) {
    evidence.push(said('age', false, asOf, openedOn))
  }
  return evidence
}

/** A pending registration asks for days from its approval on, whenever that will be. */
const claimedRange = ({ standing, range }: FoundClaim): OpenRange =>
  standing === 'pending' ? { from: range.from, to: null } : range

const familiesText = (familyIds: readonly string[]): string =>
  familyIds.length === 0 ? 'all' : familyIds.join(', ')
const rangeText = ({ from, to }: OpenRange): string => `${from ?? '...'} to ${to ?? '...'}`

import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import type { Tx } from '#src/database/database.ts'
import { type CustomerId, type DealId, newId } from '#src/kernel/ids.ts'
import type { CaseDeps } from './case-deps-step.ts'
import type { CaseFinding } from './case-opening-step.ts'
import { type CheckRecord, keepChecks, knownCollisions } from './check-store.ts'
import type { CheckSubject, FoundClaim } from './claim.ts'
import { findCandidates } from './comparison.ts'
import { judgeClaims, type NumberedTerms } from './judgement.ts'
import { type BoundedSearch, readTerms, readWins, searchInTime } from './judgement-step.ts'
import type { Candidate } from './score.ts'
import { claimsOfDeals } from './search-store.ts'
import { customersApart, type WatchCause } from './watch-store.ts'
import { isCollision } from './winner.ts'

export const asSubject = (claim: FoundClaim): CheckSubject => ({
  dealId: claim.dealId,
  partnerId: claim.partnerId,
  customerId: claim.customerId,
  company: claim.company,
  familyIds: claim.familyIds,
  range: claim.range,
  productIds: claim.productIds,
  registrationType: claim.registrationType,
  registeredAt: claim.registeredAt,
})

/** Does the candidate put the claim in question? A registration that came later has a check of its own. */
const questions = ({ claim: theirs }: Candidate, own: FoundClaim): boolean => {
  if (theirs.source !== 'registration' || theirs.standing === 'held') return true
  return own.standing !== 'held' && isOlder(theirs, own)
}

const isOlder = (a: FoundClaim, b: FoundClaim): boolean =>
  a.claimId !== null && b.claimId !== null && a.claimId < b.claimId

/** Why a deal is looked at again. */
export interface Recheck {
  /** What was met before counts too. */
  readonly forced: boolean
  readonly cause: WatchCause
}

type Deps = Pick<CaseDeps, 'clock' | 'customers' | 'findWins'>

interface Look {
  readonly terms: NumberedTerms
  readonly search: BoundedSearch
  readonly wins: Awaited<ReturnType<typeof readWins>>
  readonly startedAt: Date
  readonly isApart: (candidate: Candidate, own: FoundClaim) => boolean
}

/** Searches for claims, and for the same ones as their customers are called now, in one step. */
async function lookFor(
  { findWins }: Deps,
  tx: Tx,
  claims: readonly FoundClaim[],
  renamed: readonly FoundClaim[],
  startedAt: Date,
): Promise<Look> {
  const terms = await readTerms(tx, startedAt)
  const subjects = [...claims, ...renamed].map(asSubject)
  const search = await searchInTime(tx, subjects, startedAt)
  const wins = await readWins(tx, findWins, terms, subjects)
  return { terms, search, wins, startedAt, isApart: await apartAmong(tx, search, claims) }
}

/**
 * Checks registered deals again, by what their partners wrote and by what their customers are called now. Keeps only
 * checks that meet a claim which no check of the deal has met, or which were asked for by force.
 */
export async function recheckDeals(
  deps: Deps,
  tx: Tx,
  marks: ReadonlyMap<DealId, Recheck>,
): Promise<readonly CaseFinding[]> {
  const startedAt = deps.clock.now()
  const claims = await claimsOfDeals(tx, [...marks.keys()])
  if (claims.length === 0) return []
  const renamed = await byCustomerNames(deps, tx, claims)
  const look = await lookFor(deps, tx, claims, renamed, startedAt)
  const { search } = look
  const met = renamed.flatMap((_, index) => search.findings[claims.length + index]?.claims ?? [])
  const known = await knownCollisions(tx, [
    ...new Set([...claims, ...met].flatMap(({ dealId }) => dealId ?? [])),
  ])
  const isNew = (dealId: DealId | null, claim: FoundClaim): boolean =>
    !known.has(`${dealId} ${claim.claimId}`)
  const findings = new Map<DealId, Kept>()
  for (const [index, own] of claims.entries()) {
    const mark = own.dealId === null ? undefined : marks.get(own.dealId)
    if (!mark) continue
    const kept = checkOf(deps, look, asSubject(own), search.findings[index]?.claims ?? [], index, 'watch')
    const isFound = kept.candidates.some(
      (candidate) =>
        blocks(candidate, own, look) &&
        questions(candidate, own) &&
        (mark.forced || isNew(own.dealId, candidate.claim)),
    )
    if (isFound) addFinding(findings, own, kept, causeOf(kept, mark))
  }
  for (const [index, own] of renamed.entries()) {
    const at = claims.length + index
    const met = search.findings[at]?.claims ?? []
    const kept = checkOf(deps, look, asSubject(own), met, at, 'watch')
    for (const candidate of kept.candidates) {
      if (!blocks(candidate, own, look)) continue
      if (questions(candidate, own)) {
        if (isNew(own.dealId, candidate.claim)) addFinding(findings, own, kept, 'watch')
      } else if (candidate.claim.dealId !== null && isNew(candidate.claim.dealId, own)) {
        // The other one came later: it is the other one that meets this customer under its new name.
        const other = candidate.claim
        addFinding(findings, other, checkOf(deps, look, asSubject(other), [own], at, 'watch'), 'watch')
      }
    }
  }
  const found = [...findings.values()]
  await keepChecks(
    tx,
    found.map(({ check }) => check),
  )
  return found.map(({ finding }) => finding)
}

interface Kept {
  readonly check: CheckRecord
  readonly finding: CaseFinding
}

function addFinding(
  findings: Map<DealId, Kept>,
  own: FoundClaim,
  check: CheckRecord,
  cause: WatchCause,
): void {
  const { dealId, partnerId, claimId } = own
  if (dealId === null || partnerId === null || claimId === null || findings.has(dealId)) return
  const { checkId, candidates } = check
  findings.set(dealId, { check, finding: { dealId, partnerId, claimId, checkId, candidates, cause } })
}

/** A direct opportunity is named as such, whatever marked the claim. */
const causeOf = ({ candidates }: CheckRecord, { forced, cause }: Recheck): WatchCause =>
  !forced && candidates.some((candidate) => candidate.kind === 'direct' && isCollision(candidate))
    ? 'direct'
    : cause

const blocks = (candidate: Candidate, own: FoundClaim, { isApart }: Look): boolean =>
  isCollision(candidate) && !isApart(candidate, own)

/**
 * Looks again at deals that wait for something: those in whose way nothing stands any more.
 * @returns the check of each, kept with the verdict clear
 */
export async function findCleared(
  deps: Deps,
  tx: Tx,
  dealIds: readonly DealId[],
): Promise<readonly { readonly dealId: DealId; readonly checkId: CheckRecord['checkId'] }[]> {
  const startedAt = deps.clock.now()
  const claims = await claimsOfDeals(tx, dealIds)
  if (claims.length === 0) return []
  const look = await lookFor(deps, tx, claims, [], startedAt)
  const cleared = claims.flatMap((own, index): { dealId: DealId; check: CheckRecord }[] => {
    const subject = asSubject(own)
    const before = (look.search.findings[index]?.claims ?? []).filter((claim) =>
      findCandidates(look.terms, subject, [claim]).every(
        (candidate) => !isCollision(candidate) || (blocks(candidate, own, look) && questions(candidate, own)),
      ),
    )
    const check = checkOf(deps, look, subject, before, index, 'watch')
    return check.verdict === 'clear' && own.dealId ? [{ dealId: own.dealId, check }] : []
  })
  await keepChecks(
    tx,
    cleared.map(({ check }) => check),
  )
  return cleared.map(({ dealId, check: { checkId } }) => ({ dealId, checkId }))
}

/** The same claims under the names that their customers have now, as far as these are others. */
async function byCustomerNames(
  { customers }: Deps,
  tx: Tx,
  claims: readonly FoundClaim[],
): Promise<readonly FoundClaim[]> {
  const found = await customers.findCustomers(tx, [
    ...new Set(claims.flatMap((claim) => claim.customerId ?? [])),
  ])
  return claims.flatMap((claim) => {
    const customer = claim.customerId === null ? undefined : found.get(claim.customerId)
    if (!customer) return []
    const { name, domain, country, city } = customer
    const company = identifyCompany({ name, domain, country, city })
    return sameIdentity(company, claim.company) ? [] : [{ ...claim, company }]
  })
}

const sameIdentity = (a: CompanyIdentity, b: CompanyIdentity): boolean =>
  a.nameKey === b.nameKey && a.domain === b.domain && a.country === b.country

async function apartAmong(
  tx: Tx,
  { findings }: BoundedSearch,
  own: readonly FoundClaim[],
): Promise<Look['isApart']> {
  const met = findings.flatMap(({ claims }) => claims)
  const customerIds = new Set(
    [...own, ...met].flatMap((claim): CustomerId[] => (claim.customerId ? [claim.customerId] : [])),
  )
  const apart = await customersApart(tx, [...customerIds])
  return ({ claim: { customerId: theirs } }, { customerId: ours }) =>
    theirs !== null && ours !== null && apart.has([ours, theirs].sort().join(' '))
}

function checkOf(
  { clock }: Pick<CaseDeps, 'clock'>,
  { terms, search: { horizon, mirror, findings }, wins, startedAt }: Look,
  subject: CheckSubject,
  claims: readonly FoundClaim[],
  index: number,
  purpose: CheckRecord['purpose'],
): CheckRecord {
  const gaps = findings[index]?.gaps ?? []
  const past = subject.customerId === null ? [] : (wins.get(subject.customerId) ?? [])
  return {
    ...judgeClaims(terms, subject, claims, { mirror, gaps, wins: past }),
    checkId: newId(),
    purpose,
    subject,
    horizon,
    claimSeq: null,
    checkedAt: startedAt,
    durationMs: clock.now().getTime() - startedAt.getTime(),
  }
}

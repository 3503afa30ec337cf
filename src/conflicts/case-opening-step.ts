import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type DealId, newId, type PartnerId } from '#src/kernel/ids.ts'
import type { CaseCause, CaseId } from './case.ts'
import type { CaseDeps } from './case-deps-step.ts'
import { type CaseGroup, groupFindings } from './case-grouping.ts'
import { absorbCases, fileMeetings, type NewCase, type NewParty, openMeetings } from './case-store.ts'
import type { CheckId } from './check-store.ts'
import type { ClaimId } from './claim.ts'
import type { Candidate } from './score.ts'
import { markForWatch } from './watch-store.ts'
import { isCollision } from './winner.ts'

/** A check after which a registration is in question. */
export interface CaseFinding {
  readonly dealId: DealId
  readonly partnerId: PartnerId
  readonly claimId: ClaimId
  readonly checkId: CheckId
  readonly cause: CaseCause
  readonly candidates: readonly Candidate[]
}

/**
 * Opens a case for each meeting of deals, or adds to the open one that has one of them already. Under the claims lock, so
 * that two who find the same at once open one case.
 */
export async function openCases(
  { clock, registrations }: Pick<CaseDeps, 'clock' | 'registrations'>,
  tx: Tx,
  actor: Actor,
  found: readonly CaseFinding[],
): Promise<void> {
  if (found.length === 0) return
  const now = clock.now()
  const findings = found.map((finding) => {
    const rivals = finding.candidates.filter(isCollision).map(({ claim }) => claim)
    const claimIds = [finding.claimId, ...rivals.flatMap(({ claimId }) => claimId ?? [])]
    const dealIds = [finding.dealId, ...rivals.flatMap(({ dealId }) => dealId ?? [])]
    return { ...finding, rivals, claimIds, dealIds, members: [...dealIds, ...claimIds] }
  })
  const open = await openMeetings(
    tx,
    findings.flatMap(({ dealIds }) => dealIds),
    findings.flatMap(({ claimIds }) => claimIds),
  )
  const grouped = groupFindings(findings, open).map((group) => ({ ...group, id: group.caseId ?? newId() }))
  const { created, groups, early } = await startCases(registrations, tx, grouped, now)
  await markForWatch(tx, early, { forced: true })
  if (groups.length === 0) return
  for (const { id, joined } of groups) await absorbCases(tx, now, id, joined)
  const steps = stepsOf(groups)
  await fileMeetings(tx, actor, now, {
    created,
    joined: groups.flatMap(({ caseId }) => caseId ?? []),
    parties: [...partiesOf(groups).values()],
    claims: groups.flatMap(({ id: caseId, findings }) =>
      findings.flatMap(({ claimIds }) => claimIds.map((claimId) => ({ caseId, claimId }))),
    ),
    entries: steps,
  })
  await recordAudit(
    tx,
    actor,
    steps.map(({ caseId, dealId, partnerId, kind, data }) => ({
      action: `conflict_case.${kind}`,
      subject: { kind: 'conflict_case', id: caseId },
      partnerId,
      after: { dealId, ...data },
    })),
  )
}

interface Finding extends CaseFinding {
  readonly members: readonly string[]
  readonly rivals: readonly Candidate['claim'][]
  readonly claimIds: readonly ClaimId[]
}
type Group = CaseGroup<Finding> & { readonly id: CaseId }

/**
 * The new cases of groups that meet no open one. A registration that is claimed for before it is written, as history that
 * is imported, gets its case from the watch.
 */
async function startCases(
  registrations: CaseDeps['registrations'],
  tx: Tx,
  grouped: readonly Group[],
  now: Date,
): Promise<{
  readonly created: readonly NewCase[]
  readonly groups: readonly Group[]
  readonly early: readonly ClaimId[]
}> {
  const starting = grouped.flatMap(({ id, caseId, findings: [finding] }) =>
    caseId === null && finding ? [{ id, finding }] : [],
  )
  if (starting.length === 0) return { created: [], groups: grouped, early: [] }
  const terms = await registrations.termsOf(
    tx,
    starting.map(({ finding }) => finding.dealId),
    now,
  )
  const created = starting.flatMap(({ id, finding: { dealId, cause } }): NewCase[] => {
    const own = terms.get(dealId)
    if (!own && cause !== 'submit') throw new Error(`Deal ${dealId} is in a conflict, but not there`)
    if (!own) return []
    const { programmeId, decider, targetAt, overdueAt } = own
    const [assigneeId, assigneeName] = [decider?.id ?? null, decider?.name ?? null]
    return [{ id, programmeId, cause, assigneeId, assigneeName, targetAt, overdueAt }]
  })
  const started = new Set(created.map(({ id }) => id))
  const isEarly = ({ id, caseId }: Group): boolean => caseId === null && !started.has(id)
  return {
    created,
    groups: grouped.filter((group) => !isEarly(group)),
    early: grouped.filter(isEarly).flatMap(({ findings }) => findings.map(({ claimId }) => claimId)),
  }
}

/** Every deal of the groups once; in question if one finding says so. */
function partiesOf(groups: readonly Group[]): ReadonlyMap<string, NewParty> {
  const parties = new Map<string, NewParty>()
  const add = (party: NewParty): void => {
    const key = `${party.caseId} ${party.dealId}`
    if (party.inQuestion || !parties.has(key)) parties.set(key, party)
  }
  for (const { id: caseId, findings } of groups) {
    for (const { dealId, partnerId, claimId, rivals } of findings) {
      add({ caseId, dealId, partnerId, claimId, inQuestion: true })
      for (const rival of rivals) {
        if (rival.source !== 'registration' || !rival.dealId || !rival.partnerId || !rival.claimId) continue
        const { dealId, partnerId, claimId } = rival
        add({ caseId, dealId, partnerId, claimId, inQuestion: false })
      }
    }
  }
  return parties
}

/** What the timelines of the cases and the audit trail say of it. */
const stepsOf = (groups: readonly Group[]) =>
  groups.flatMap(({ id: caseId, caseId: known, joined, findings }) =>
    findings.map(({ dealId, partnerId, checkId, cause }, index) => ({
      caseId,
      dealId,
      partnerId,
      kind: known === null && index === 0 ? 'opened' : 'found',
      data: { checkId, cause, joined: index === 0 && joined.length > 0 ? joined.join(', ') : null },
    })),
  )

import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { type DealId, newId } from '#src/kernel/ids.ts'
import {
  type CaseDecision,
  type Decided,
  impliedLabel,
  isLost,
  type LabelWord,
  type PartyOutcome,
} from './case.ts'
import {
  addEntries,
  type KeptCaseDecision,
  keepCaseDecision,
  keepLabels,
  type Label,
} from './case-entry-store.ts'
import { readCaseChecks } from './case-evidence-store.ts'
import { type CaseRecord, type CaseRow, type PartyRow, updateCase, updateParties } from './case-store.ts'
import { keepDecision } from './check-store.ts'
import { recordLabel } from './label-step.ts'
import type { Candidate } from './score.ts'
import { isCollision } from './winner.ts'

/** What a person said about a candidate of a deal in the case. */
export interface StatedLabel {
  readonly dealId: DealId
  readonly claimId: string
  readonly sameCompany: LabelWord
  readonly sameDeal: LabelWord
}

/** A decision as a person gave it. */
export interface DecisionInput {
  readonly decision: CaseDecision
  /** For the vendor's own eyes. */
  readonly reason: string
  /** What the partners concerned are told. */
  readonly message: string | null
  readonly labels: readonly StatedLabel[]
}

/** A decision or an answer on its way into the record; `decision` null: the appeal is declined. */
export interface Ruling extends Omit<DecisionInput, 'decision'> {
  readonly decision: CaseDecision | null
  readonly isFinal: boolean
  readonly decided: Decided
  readonly appealUntil: Date
}

/**
 * Writes a decision down once, in every place that tells of it: the case, its deals, its timeline, the labels, the
 * decisions of each deal, the audit trail. Under the claims lock, with the record as read under it.
 */
export async function recordRuling(
  tx: Tx,
  actor: Actor,
  now: Date,
  record: CaseRecord,
  ruling: Ruling,
): Promise<CaseRow> {
  const { decided, decision, reason, message, isFinal } = ruling
  const kept: KeptCaseDecision = {
    id: newId(),
    kind: decision?.kind ?? 'appeal_declined',
    isFinal,
    detail: decision ? { ...decision } : {},
    reason,
    message,
    decidedBy: actorKey(actor),
    decidedByName: actor.name,
    decidedAt: now,
  }
  const { verdicts } = decided.settlement
  await keepCaseDecision(tx, record.row.id, kept)
  await label(tx, record, kept, ruling)
  const before = new Map(record.parties.map((party) => [party.dealId, party]))
  const after = partiesAfter(record, ruling, now)
  await updateParties(
    tx,
    after.filter((party) => party !== before.get(party.dealId)),
  )
  const row = await updateCase(tx, now, record.row, caseAfter(after, kept, decided, now))
  await addEntries(tx, actor, now, [
    {
      caseId: row.id,
      dealId: null,
      kind: isFinal ? 'answered' : 'decided',
      data: { decision: kept.kind, reason, message, status: row.status },
    },
    ...verdicts.map(({ dealId, outcome, act }) => ({
      caseId: row.id,
      dealId,
      kind: 'effect',
      data: { outcome, act: act === 'none' ? null : act },
    })),
  ])
  for (const { dealId, conflict } of verdicts) {
    const [check] = conflict === null ? [] : await readCaseChecks(tx, [dealId], 1)
    if (!check) continue
    await keepDecision(tx, dealId, {
      checkId: check.id,
      decision: conflict === 'upheld' ? 'uphold' : 'override',
      reason,
      decidedBy: kept.decidedBy,
      decidedByName: kept.decidedByName,
      decidedAt: now,
    })
    await recordLabel(tx, {
      checkId: check.id,
      label: conflict === 'upheld' ? 'uphold' : 'override',
      decidedBy: kept.decidedBy,
      decidedAt: now,
    })
  }
  await recordAudit(tx, actor, [
    {
      action: `conflict_case.${isFinal ? 'answered' : 'decided'}`,
      subject: { kind: 'conflict_case', id: row.id },
      before: { status: record.row.status },
      after: { status: row.status, decisionId: kept.id, kind: kept.kind, ...kept.detail, message },
      reason,
    },
    ...verdicts.map(({ dealId, outcome, conflict, act }) => ({
      action: `conflict.${conflict ?? outcome}`,
      subject: { kind: 'deal', id: dealId },
      partnerId: before.get(dealId)?.partnerId ?? null,
      after: { caseId: row.id, decision: kept.kind, outcome, act },
      reason,
    })),
  ])
  return row
}

function caseAfter(
  parties: readonly PartyRow[],
  { decidedBy, decidedByName, decidedAt, isFinal }: KeptCaseDecision,
  { status, closedAs }: Decided,
  now: Date,
) {
  const times = parties.flatMap(({ appealUntil }) => appealUntil?.getTime() ?? [])
  return {
    status,
    // An answer does not change who decided first.
    ...(isFinal ? {} : { decidedAt, decidedBy, decidedByName }),
    appealUntil: times.length > 0 ? new Date(Math.max(...times)) : null,
    closedAt: status === 'closed' ? now : null,
    closedAs,
  }
}

function partiesAfter(
  { parties }: CaseRecord,
  { decided, message, isFinal, decision, appealUntil }: Ruling,
  now: Date,
): readonly PartyRow[] {
  const verdicts = new Map(decided.settlement.verdicts.map((verdict) => [verdict.dealId, verdict]))
  return parties.map((party) => {
    const outcome: PartyOutcome | undefined = verdicts.get(party.dealId)?.outcome
    const ruled: PartyRow =
      outcome === undefined
        ? party
        : { ...party, inQuestion: true, isOpen: false, outcome, message, decidedAt: now }
    const isSettled = decided.status !== 'open'
    const heard: PartyRow = {
      ...ruled,
      isOpen: ruled.isOpen && !isSettled,
      // All may appeal from the day on which the last one was decided.
      appealUntil: !isFinal && isLost(ruled.outcome) ? appealUntil : isFinal ? ruled.appealUntil : null,
    }
    const answered: PartyRow =
      isFinal && party.appealedAt !== null
        ? { ...heard, answer: decision ? 'granted' : 'declined', answerMessage: message, answeredAt: now }
        : heard
    return isSame(party, answered) ? party : answered
  })
}

const isSame = (a: PartyRow, b: PartyRow): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Labels for every candidate that the newest checks of the deals decided on had shown. */
async function label(
  tx: Tx,
  record: CaseRecord,
  kept: KeptCaseDecision,
  { decision, decided, labels }: Ruling,
): Promise<void> {
  const decidedOn = decided.settlement.verdicts.map(({ dealId }) => dealId)
  const dealIds =
    decision?.kind === 'merge_customers' ? record.parties.map(({ dealId }) => dealId) : decidedOn
  const checks = await readCaseChecks(
    tx,
    record.parties.map(({ dealId }) => dealId),
    1,
  )
  const stated = new Map(labels.map((one) => [`${one.dealId} ${one.claimId}`, one]))
  const rows = checks.flatMap(({ id, dealId, ruleVersion, candidates }) =>
    candidates.flatMap(({ kind, key, score, band, collides, claim: { claimId } }): Label[] => {
      if (claimId === null) return []
      const said = stated.get(`${dealId} ${claimId}`)
      stated.delete(`${dealId} ${claimId}`)
      if (!said && (!dealIds.includes(dealId) || decision === null)) return []
      const isStrong = isCollision({ band: band as Candidate['band'], collides: true })
      const implied = decision
        ? impliedLabel(decision.kind, { collides, isStrong })
        : ({ sameCompany: 'unknown', sameDeal: 'unknown' } as const)
      const { sameCompany, sameDeal } = said ?? implied
      return [
        {
          dealId,
          claimId,
          checkId: id,
          ruleVersion,
          candidateKind: kind,
          matchKey: key,
          score,
          band,
          collides,
          sameCompany,
          sameDeal,
          stated: said !== undefined,
        },
      ]
    }),
  )
  const unknown = [...stated.keys()]
  if (unknown.length > 0) {
    throw new InvalidInput(
      'A label is about no candidate of this case',
      labels.flatMap(({ dealId, claimId }, index) =>
        unknown.includes(`${dealId} ${claimId}`)
          ? [
              {
                path: `/labels/${index}`,
                code: 'unknown_candidate',
                message: 'No check of this case shows it',
              },
            ]
          : [],
      ),
    )
  }
  await keepLabels(tx, record.row.id, kept, rows)
  const { decidedBy, decidedAt } = kept
  for (const { checkId, claimId, sameCompany } of rows) {
    if (sameCompany === 'unknown') continue
    const said = sameCompany === 'yes' ? ('same_company' as const) : ('different_company' as const)
    await recordLabel(tx, { checkId, claimId, label: said, decidedBy, decidedAt })
  }
}

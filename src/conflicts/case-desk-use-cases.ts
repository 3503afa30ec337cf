import { recordAudit } from '#src/database/audit.ts'
import { type Tx, takeLastSteps } from '#src/database/database.ts'
import type { Keyed, Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { daysBetween } from '#src/kernel/calendar.ts'
import { InvalidInput, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { DealId, UserId } from '#src/kernel/ids.ts'
import type { CaseId } from './case.ts'
import { managerRoles, outcomeForPartner, ownRevision } from './case-decision-use-cases.ts'
import type { CaseDeps } from './case-deps-step.ts'
import { addEntries, readCaseDecisions, readEntries, readLabels } from './case-entry-store.ts'
import { type CaseClaim, readCaseChecks, readCaseClaims } from './case-evidence-store.ts'
import { type CaseFilter, type CaseSort, listCases, listOwnCases } from './case-list-store.ts'
import { appealCase } from './case-machine.ts'
import { type CaseRow, type PartyRow, readCase, readParties, updateCase } from './case-store.ts'
import { timelineOf } from './case-timeline.ts'
import type { Registration } from './registration.ts'

/** How many checks of each deal a case shows. */
const checksPerDeal = 3

/** A claim in question, with the age of an opportunity in days. */
export interface SeenClaim extends CaseClaim {
  readonly ageDays: number | null
}

/** Everything on a case, for the vendor's eyes only. */
export type CaseView = Awaited<ReturnType<ReturnType<typeof createCaseDeskUseCases>['getCase']>>
/** What a partner may know of a case: of its own deals. */
export interface OwnCase {
  readonly id: CaseId
  readonly revision: number
  readonly deals: readonly OwnParty[]
}
export type OwnParty = ReturnType<typeof ownPartyOf>

export function createCaseDeskUseCases(deps: CaseDeps) {
  const { clock, registrations, people } = deps

  async function knownOf(tx: Tx, parties: readonly PartyRow[]): Promise<ReadonlyMap<DealId, Registration>> {
    return registrations.find(tx, [...new Set(parties.map(({ dealId }) => dealId))])
  }

  const withDeals = (
    row: CaseRow,
    parties: readonly PartyRow[],
    known: ReadonlyMap<DealId, Registration>,
  ) => ({
    ...row,
    deals: parties.map((party) => ({ ...party, registration: known.get(party.dealId) ?? null })),
  })

  return {
    /** One page of cases as the vendor sees them, with the deals in each. */
    async listCases(
      tx: Tx,
      { overdue, ...filter }: Omit<CaseFilter, 'overdueAt'> & { readonly overdue?: boolean | undefined },
      position: Position<CaseSort | `-${CaseSort}`>,
    ) {
      const rows = await listCases(tx, { ...filter, overdueAt: overdue ? clock.now() : undefined }, position)
      const parties = await readParties(
        tx,
        rows.map(({ id }) => id),
      )
      const known = await knownOf(tx, parties)
      const byCase = Map.groupBy(parties, ({ caseId }) => caseId)
      return rows.map((row) => ({ ...withDeals(row, byCase.get(row.id) ?? [], known), sortKey: row.sortKey }))
    },

    /** A case with all its evidence. @throws NotFound */
    async getCase(tx: Tx, caseId: CaseId) {
      await takeLastSteps(tx)
      const record = await readCase(tx, caseId)
      if (!record) throw new NotFound('The conflict case')
      const { row, parties, claimIds } = record
      const known = await knownOf(tx, parties)
      const now = clock.now()
      const dealIds = parties.map(({ dealId }) => dealId)
      const checks = await readCaseChecks(tx, dealIds, checksPerDeal)
      const claims = (await readCaseClaims(tx, claimIds)).map(
        (claim): SeenClaim => ({
          ...claim,
          ageDays:
            claim.openedOn === null ? null : daysBetween(claim.openedOn, now.toISOString().slice(0, 10)),
        }),
      )
      const entries = await readEntries(tx, caseId)
      return {
        ...withDeals(row, parties, known),
        claims,
        decisions: await readCaseDecisions(tx, caseId),
        labels: await readLabels(tx, caseId),
        timeline: timelineOf({ registrations: [...known.values()], checks, claims, entries }),
      }
    },

    /** What a partner may know of the cases of its own deals. */
    async listOwnCases(
      tx: Tx,
      filter: Pick<CaseFilter, 'dealId'>,
      position: Position<'createdAt' | '-createdAt'>,
    ): Promise<readonly (OwnCase & Keyed)[]> {
      const rows = await listOwnCases(tx, filter, position)
      const parties = await readParties(
        tx,
        rows.map(({ id }) => id),
      )
      const known = await knownOf(tx, parties)
      const byCase = Map.groupBy(parties, ({ caseId }) => caseId)
      const now = clock.now()
      return rows.map(({ id, sortKey }) => ({ ...ownCaseOf(id, byCase.get(id) ?? [], known, now), sortKey }))
    },

    /** What a partner may know of a case. @throws NotFound also where its deals are not in question */
    async getOwnCase(tx: Tx, caseId: CaseId): Promise<OwnCase> {
      const parties = await readParties(tx, [caseId])
      if (parties.length === 0) throw new NotFound('The conflict case')
      return ownCaseOf(caseId, parties, await knownOf(tx, parties), clock.now())
    },

    /** The vendor's people speak with each other; partners see nothing of it. */
    async commentOnCase(tx: Tx, actor: Actor, caseId: CaseId, body: string): Promise<void> {
      const record = await readCase(tx, caseId)
      if (!record) throw new NotFound('The conflict case')
      await addEntries(tx, actor, clock.now(), [{ caseId, dealId: null, kind: 'comment', data: { body } }])
      await recordAudit(tx, actor, [
        {
          action: 'conflict_case.commented',
          subject: { kind: 'conflict_case', id: caseId },
          after: { body },
        },
      ])
    },

    /**
     * Gives a case to somebody of the vendor, or to nobody.
     * @throws NotFound, Stale; InvalidInput when that person may not decide; Refused `not_open` when it is over
     */
    async assignCase(
      tx: Tx,
      actor: Actor,
      caseId: CaseId,
      expectedRevision: number | null,
      userId: UserId | null,
    ): Promise<void> {
      const record = await readCase(tx, caseId)
      if (!record) throw new NotFound('The conflict case')
      const { row } = record
      if (expectedRevision !== null && row.revision !== expectedRevision) throw new Stale()
      if (row.status === 'closed') throw new Refused('not_open', 'The case is closed')
      const user = userId === null ? null : await people.findUser(tx, userId)
      const decides = user?.roles.some(
        (role) => role === 'approver' || managerRoles.some((one) => one === role),
      )
      if (userId !== null && (user?.partnerId !== null || user?.status !== 'active' || !decides)) {
        throw new InvalidInput('This person cannot decide cases', [
          {
            path: '/userId',
            code: 'not_a_decider',
            message: 'An active administrator, channel manager or approver of the vendor',
          },
        ])
      }
      if (row.assigneeId === userId) return
      const now = clock.now()
      const after = await updateCase(tx, now, row, { assigneeId: userId, assigneeName: user?.name ?? null })
      await addEntries(tx, actor, now, [
        { caseId, dealId: null, kind: 'assigned', data: { to: after.assigneeName, from: row.assigneeName } },
      ])
      await recordAudit(tx, actor, [
        {
          action: 'conflict_case.assigned',
          subject: { kind: 'conflict_case', id: caseId },
          before: { assigneeId: row.assigneeId, assigneeName: row.assigneeName },
          after: { assigneeId: after.assigneeId, assigneeName: after.assigneeName },
        },
      ])
    },
  }
}

function ownCaseOf(
  id: CaseId,
  parties: readonly PartyRow[],
  known: ReadonlyMap<DealId, Registration>,
  now: Date,
): OwnCase {
  return {
    id,
    revision: ownRevision(parties),
    deals: parties.map((party) => ownPartyOf(party, known.get(party.dealId)?.number ?? null, now)),
  }
}

/** A deal of a case in the words for its partner: no other party, no reason of the vendor's, no evidence. */
function ownPartyOf(party: PartyRow, number: string | null, now: Date) {
  const { dealId, joinedAt, decidedAt, message, appealUntil, appealedAt, appealText } = party
  const { answer, answerMessage, answeredAt, outcome, isOpen } = party
  const state = { status: 'decided', meetsRecords: false, parties: [] } as const
  const as = { ...party, phase: 'ended', customerId: null } as const
  const isHeard = answeredAt !== null
  return {
    dealId,
    number,
    since: joinedAt,
    status: isOpen
      ? ('under_review' as const)
      : appealedAt !== null && !isHeard
        ? ('appealed' as const)
        : outcome !== null && !isHeard
          ? ('decided' as const)
          : ('closed' as const),
    outcome: outcomeForPartner(outcome),
    message,
    decidedAt,
    mayAppeal: !isHeard && appealCase({ ...state, parties: [as] }, dealId, now).ok,
    appealUntil,
    appealedAt,
    appealText,
    answer,
    answerMessage,
    answeredAt,
  }
}

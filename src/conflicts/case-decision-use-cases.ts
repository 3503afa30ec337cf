import { recordAudit } from '#src/database/audit.ts'
import { asSystem, LostRace, type Tx, takeLastSteps } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotAllowed, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { DomainEvent } from '#src/kernel/events.ts'
import type { DealId } from '#src/kernel/ids.ts'
import type { Result } from '#src/kernel/result.ts'
import {
  type CaseDecision,
  type CaseId,
  type CaseRefusal,
  type CaseState,
  type Decided,
  mayDecide,
  type PartyOutcome,
  refusalTexts,
} from './case.ts'
import type { CaseDeps } from './case-deps-step.ts'
import { addEntries } from './case-entry-store.ts'
import { answerAppeal, appealCase, decideCase } from './case-machine.ts'
import { type DecisionInput, type Ruling, recordRuling } from './case-recording-step.ts'
import { closeUnappealed, keepApart } from './case-settlement-store.ts'
import {
  type CaseRecord,
  type CaseRow,
  casesOfDeal,
  type PartyRow,
  readCase,
  readParties,
  updateCase,
  updateParties,
} from './case-store.ts'
import { lockClaims } from './claim-store.ts'
import type { CaseTerms, Registration } from './registration.ts'

export type AnswerInput = Omit<DecisionInput, 'decision'> & {
  /** Null: the appeal is declined and the first decision stands. */
  readonly grant: DecisionInput['decision'] | null
}

/** Roles that decide any case. */
export const managerRoles = ['administrator', 'channel_manager'] as const

/** What the partner of a deal is told of its outcome; never who the other one is. */
const toldAs = {
  upheld: 'not_granted',
  transferred: 'taken_back',
  credited: 'shared',
  shared: 'shared',
  overridden: 'goes_on',
  apart: 'goes_on',
  cleared: 'goes_on',
  ended: 'ended',
} as const satisfies Record<PartyOutcome, string>
export const outcomeForPartner = (outcome: PartyOutcome | null) => (outcome === null ? null : toldAs[outcome])

export function createCaseDecisionUseCases(deps: CaseDeps) {
  const { clock, events, registrations } = deps

  /**
   * The case with its registrations, all locked until the unit of work ends: deals, then claims, then the case.
   * @throws NotFound; Stale; LostRace when a deal came to it meanwhile
   */
  async function lockCase(tx: Tx, caseId: CaseId, expectedRevision: number | null) {
    const before = await readCase(tx, caseId)
    if (!before) throw new NotFound('The conflict case')
    const known = await registrations.lock(tx, dealsOf(before))
    await takeLastSteps(tx)
    await lockClaims(tx)
    const record = await readCase(tx, caseId)
    if (!record) throw new NotFound('The conflict case')
    if (expectedRevision !== null && record.row.revision !== expectedRevision) throw new Stale()
    if (record.parties.some(({ dealId }) => !known.has(dealId))) {
      throw new LostRace('A deal came to the case while it was decided')
    }
    return { record, known, state: await stateOf(tx, record, known) }
  }

  async function stateOf(
    tx: Tx,
    { row, parties, claimIds }: CaseRecord,
    known: ReadonlyMap<DealId, Registration>,
  ): Promise<CaseState> {
    const customers = [...known.values()].flatMap(({ customerId }) => customerId ?? [])
    const canonical = await deps.canonicalOf(tx, [...new Set(customers)])
    const ofDeals = new Set(parties.map(({ claimId }) => claimId))
    return {
      status: row.status,
      meetsRecords: claimIds.some((claimId) => !ofDeals.has(claimId)),
      parties: parties.map((party) => {
        const registration = known.get(party.dealId)
        const customerId = registration?.customerId ?? null
        return {
          ...party,
          phase: registration?.phase ?? 'ended',
          customerId: customerId === null ? null : (canonical.get(customerId) ?? customerId),
        }
      }),
    }
  }

  async function termsOf(tx: Tx, { parties }: CaseRecord, now: Date): Promise<CaseTerms> {
    const [first] = parties
    const terms = first ? (await registrations.termsOf(tx, [first.dealId], now)).get(first.dealId) : undefined
    if (!terms) throw new Error('A case has no registration')
    return terms
  }

  /** Carries out and records what was decided; the caller holds every lock. */
  async function rule(
    tx: Tx,
    actor: Actor,
    { record, state }: { readonly record: CaseRecord; readonly state: CaseState },
    decided: Decided,
    input: Omit<Ruling, 'decided' | 'appealUntil'> & { readonly tellDeals: boolean },
  ): Promise<void> {
    const now = clock.now()
    const { verdicts, split, apart } = decided.settlement
    const { reason, message } = input
    if (input.tellDeals && (verdicts.length > 0 || split)) {
      const isDirect = state.meetsRecords && state.parties.every(({ inQuestion }) => inQuestion)
      await registrations.settle(tx, actor, { verdicts, split, reason, message, isDirect })
    }
    if (apart.length > 0) await keepApart(tx, now, record.row.id, apart)
    const { appealUntil } = await termsOf(tx, record, now)
    await recordRuling(tx, actor, now, record, { ...input, decided, appealUntil })
  }

  /** Tells the partners what became of their own deals. */
  async function tellPartners(
    tx: Tx,
    actor: Actor,
    before: CaseRecord,
    known: ReadonlyMap<DealId, Registration>,
  ): Promise<void> {
    const after = await readCase(tx, before.row.id)
    const earlier = new Map(before.parties.map((party) => [party.dealId, party]))
    const news = (after?.parties ?? []).flatMap((party): DomainEvent[] => {
      const was = earlier.get(party.dealId)
      const kind = was?.answer !== party.answer ? 'conflict_appeal_answered' : 'conflict_decided'
      if (kind === 'conflict_decided' && was?.outcome === party.outcome) return []
      return [
        {
          type: 'notification',
          kind,
          partnerId: party.partnerId,
          subject: { kind: 'deal', id: party.dealId },
          data: {
            number: known.get(party.dealId)?.number ?? null,
            outcome: outcomeForPartner(party.outcome),
            answer: party.answer,
            message: party.answerMessage ?? party.message,
          },
        },
      ]
    })
    await events.publish(tx, actor, news)
  }

  /** Customers become one before claims are locked, in the order in which everybody else locks them. */
  async function merge(tx: Tx, actor: Actor, record: CaseRecord, input: DecisionInput): Promise<Decided> {
    const known = await registrations.lock(tx, dealsOf(record))
    const planned = accepted(decideCase(await stateOf(tx, record, known), input.decision))
    const { merge } = planned.settlement
    if (merge) {
      await deps.customers.mergeCustomers(tx, actor, merge.customerId, merge.into, input.reason, null)
    }
    return planned
  }

  return {
    /**
     * A person decides a case, and everything that follows is done with it.
     * @throws NotFound, NotAllowed, Stale; Refused with a code of `CaseRefusal` or of the registration that says no
     */
    async decideCase(
      tx: Tx,
      actor: Actor,
      caseId: CaseId,
      expectedRevision: number | null,
      input: DecisionInput,
    ): Promise<void> {
      const read = await readCase(tx, caseId)
      if (!read) throw new NotFound('The conflict case')
      assertMay(actor, read.row, { kind: 'decide' })
      if (expectedRevision !== null && read.row.revision !== expectedRevision) throw new Stale()
      const isMerge = input.decision.kind === 'merge_customers'
      const merged = isMerge ? await merge(tx, actor, read, input) : null
      const locked = await lockCase(tx, caseId, expectedRevision)
      if (merged && locked.state.status !== 'open') throw refused('not_open')
      const decided = merged ?? accepted(decideCase(locked.state, input.decision))
      await rule(tx, actor, locked, decided, { ...input, isFinal: false, tellDeals: true })
      await tellPartners(tx, actor, locked.record, locked.known)
    },

    /**
     * A decision on one deal, taken beside its case: the open case hears of it, whoever reacts changes the deal.
     * @throws Refused `appealed` while an appeal of it waits for its answer
     */
    async decideDeal(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      decision: 'override' | 'uphold',
      reason: string,
    ): Promise<'decided' | 'no_case'> {
      const [current] = await asSystem(tx, (system) => casesOfDeal(system, dealId))
      if (current?.status === 'appealed') {
        throw new Refused('appealed', 'The partner appealed: answer the appeal of the case instead')
      }
      if (current?.status !== 'open') return 'no_case'
      const locked = await lockCase(tx, current.id, null)
      const party = locked.record.parties.find((one) => one.dealId === dealId)
      if (!party?.inQuestion || !party.isOpen) return 'no_case'
      const dealIds = [dealId]
      const ruling: CaseDecision =
        decision === 'uphold' ? { kind: 'uphold', dealIds, close: false } : { kind: 'override', dealIds }
      await rule(tx, actor, locked, accepted(decideCase(locked.state, ruling)), {
        decision: ruling,
        reason,
        message: null,
        labels: [],
        isFinal: false,
        tellDeals: false,
      })
      await tellPartners(tx, actor, locked.record, locked.known)
      return 'decided'
    },

    /**
     * The partner of a deal that lost says why that is wrong. Once, in time; somebody else answers.
     * @throws NotFound for a case or deal that is not its own; Stale; Refused `not_yours_to_appeal`, `appealed_already`,
     *   `appeal_over`
     */
    async appeal(
      tx: Tx,
      actor: Actor,
      caseId: CaseId,
      expectedRevision: number | null,
      { dealId, text }: { readonly dealId: DealId; readonly text: string },
    ): Promise<void> {
      // Row level security leaves out what is not the partner's own.
      const ownParties = await readParties(tx, [caseId])
      if (!ownParties.some((party) => party.dealId === dealId)) throw new NotFound('The conflict case')
      await asSystem(tx, async (system) => {
        const { record, state, known } = await lockCase(system, caseId, null)
        const current = record.parties.filter(({ dealId }) => ownParties.some((own) => own.dealId === dealId))
        if (expectedRevision !== null && ownRevision(current) !== expectedRevision) throw new Stale()
        const now = clock.now()
        const status = accepted(appealCase(state, dealId, now))
        const party = record.parties.find((one) => one.dealId === dealId)
        if (!party) throw new NotFound('The conflict case')
        await updateParties(system, [{ ...party, appealedAt: now, appealText: text }])
        const { targetAt, overdueAt } = await termsOf(system, record, now)
        const reopens = status === 'appealed' && record.row.status !== 'appealed'
        const answerer = reopens ? await answererOf(system, record.row) : null
        const row = await updateCase(system, now, record.row, {
          status,
          ...(reopens ? { clockStartedAt: now, targetAt, overdueAt } : {}),
          ...(answerer ? { assigneeId: answerer.id, assigneeName: answerer.name } : {}),
        })
        await addEntries(system, actor, now, [
          { caseId, dealId, kind: 'appealed', data: { text, assignee: row.assigneeName } },
        ])
        await recordAudit(system, actor, [
          {
            action: 'conflict_case.appealed',
            subject: { kind: 'conflict_case', id: caseId },
            partnerId: party.partnerId,
            before: { status: record.row.status, assigneeId: record.row.assigneeId },
            after: { status: row.status, assigneeId: row.assigneeId, dealId },
            reason: text,
          },
        ])
        await events.publish(system, actor, [
          {
            type: 'notification',
            kind: 'conflict_appealed',
            partnerId: null,
            subject: { kind: 'conflict_case', id: caseId },
            data: { number: known.get(dealId)?.number ?? null, case: row.number },
          },
        ])
      })
    },

    /**
     * The last word on a case.
     * @throws NotFound, NotAllowed, Stale; Refused `not_appealed`, `another_person` when who decided first answers
     *   although somebody else could
     */
    async answerAppeal(
      tx: Tx,
      actor: Actor,
      caseId: CaseId,
      expectedRevision: number | null,
      input: AnswerInput,
    ): Promise<void> {
      const read = await readCase(tx, caseId)
      if (!read) throw new NotFound('The conflict case')
      const others = (await deciders(tx)).filter(({ id }) => `vendor:${id}` !== read.row.decidedBy)
      assertMay(actor, read.row, { kind: 'answer', hasOthers: others.length > 0 })
      const locked = await lockCase(tx, caseId, expectedRevision)
      const decided = accepted(answerAppeal(locked.state, input.grant))
      await rule(tx, actor, locked, decided, {
        ...input,
        decision: input.grant,
        isFinal: true,
        tellDeals: true,
      })
      await tellPartners(tx, actor, locked.record, locked.known)
    },

    /** Closes decided cases that nobody appealed in time. @returns how many */
    closeUnappealed: (tx: Tx, actor: Actor, now: Date, limit: number): Promise<number> =>
      asSystem(tx, async (system) => {
        const closed = await closeUnappealed(system, now, limit)
        await addEntries(
          system,
          actor,
          now,
          closed.map((caseId) => ({ caseId, dealId: null, kind: 'closed', data: { as: 'decided' } })),
        )
        await recordAudit(
          system,
          actor,
          closed.map((id) => ({
            action: 'conflict_case.closed',
            subject: { kind: 'conflict_case', id },
            before: { status: 'decided' },
            after: { status: 'closed' },
          })),
        )
        return closed.length
      }),
  }

  function deciders(tx: Tx) {
    return deps.people.recipients(tx, null, managerRoles)
  }

  /** Who answers: not who decided, if there is anybody else; who has the case already, if that is somebody else. */
  async function answererOf(tx: Tx, { decidedBy, assigneeId }: CaseRow) {
    if (assigneeId !== null && `vendor:${assigneeId}` !== decidedBy) return null
    return (await deciders(tx)).find(({ id }) => `vendor:${id}` !== decidedBy) ?? null
  }
}

const dealsOf = ({ parties }: CaseRecord): DealId[] => parties.map(({ dealId }) => dealId)

/** The revision that a partner sees: of all its own deals in the case. */
export const ownRevision = (parties: readonly Pick<PartyRow, 'revision'>[]): number =>
  parties.reduce((sum, { revision }) => sum + revision, 0)

const refused = (code: CaseRefusal): Refused => new Refused(code, refusalTexts[code])

function accepted<Value>(result: Result<Value, CaseRefusal>): Value {
  if (result.ok) return result.value
  throw refused(result.refusal)
}

function assertMay(
  actor: Actor,
  row: CaseRow,
  step: { readonly kind: 'decide' } | { readonly kind: 'answer'; readonly hasOthers: boolean },
): void {
  const may = mayDecide(actor, row, step)
  if (may === 'not_yours') throw new NotAllowed('The case is given to somebody else')
  if (may === 'another_person') {
    throw new Refused('another_person', 'Somebody else than who decided answers the appeal')
  }
}

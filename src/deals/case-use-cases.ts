import type { RegistrationPort } from '#src/conflicts/conflict-use-cases.ts'
import type { CaseTerms, Registration, RegistrationSettlement } from '#src/conflicts/registration.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { addBusinessDays } from '#src/kernel/calendar.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { DealId } from '#src/kernel/ids.ts'
import type { Programme } from '#src/partners/programme.ts'
import { approveDeals } from './approval-step.ts'
import type { Deal } from './deal.ts'
import { awaitsDecision, statusOnAppeal } from './deal-status.ts'
import { findDeals, lockDeals } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { createEarningUseCases } from './earning-use-cases.ts'
import { type DealChange, recordChanges } from './journal-step.ts'
import { programmesOf, requireNext } from './lookup-step.ts'
import { startClock } from './review-clock.ts'

/** What the partner reads where nobody wrote it anything: it names nobody. */
const plainMessage = 'An earlier claim on this customer stands'

/** What conflict cases ask of registrations, and have done with them. */
export function createCaseUseCases(deps: DealDeps) {
  const { setSplit } = createEarningUseCases(deps)

  async function describe(
    tx: Tx,
    deals: ReadonlyMap<DealId, Deal>,
  ): Promise<ReadonlyMap<DealId, Registration>> {
    const partnerIds = [...new Set([...deals.values()].map(({ partnerId }) => partnerId))]
    const partners = await deps.partners.findPartners(tx, partnerIds)
    return new Map(
      [...deals].map(([id, deal]) => [id, registrationOf(deal, partners.get(deal.partnerId)?.name ?? null)]),
    )
  }

  /** A deal after its verdict; who is to hold is approved later, when everybody else has let go. */
  function settled(
    deal: Deal,
    programme: Programme,
    verdict: RegistrationSettlement['verdicts'][number],
    { actor, message, isDirect }: { actor: Actor; message: string | null; isDirect: boolean },
  ): Deal {
    const now = deps.clock.now()
    const heard: Deal = { ...deal, conflict: verdict.conflict ?? deal.conflict }
    if (verdict.act === 'close' && awaitsDecision(deal.status)) {
      return {
        ...heard,
        status: requireNext(deal, 'reject'),
        decidedAt: now,
        decidedBy: actor.name,
        decisionCode: isDirect ? 'direct_engagement' : 'duplicate',
        decisionReason: message ?? plainMessage,
      }
    }
    if (verdict.act === 'close' && deal.status === 'approved') {
      return { ...heard, status: requireNext(deal, 'cancel'), protectionKept: false }
    }
    if (verdict.act === 'reinstate' || verdict.act === 'reinstate_and_hold') {
      const status = statusOnAppeal(deal.status)
      if (!status.ok) {
        throw new Refused('wrong_status', `A registration that is ${deal.status} cannot be taken up again`)
      }
      return {
        ...heard,
        status: status.value,
        review: startClock(now, programme),
        decidedAt: null,
        decidedBy: null,
        decisionCode: null,
        decisionReason: null,
      }
    }
    return heard
  }

  /** Makes a registration the holder: an undecided one by approving it. */
  async function hold(tx: Tx, actor: Actor, deal: Deal, programme: Programme, reason: string | null) {
    if (awaitsDecision(deal.status)) {
      const partners = await deps.partners.findPartners(tx, [deal.partnerId])
      const partner = partners.get(deal.partnerId)
      await approveDeals(deps, tx, actor, [{ deal, programme, partner, protectionDays: null, reason }])
      return
    }
    if (!deal.protectedFrom || !deal.protectedUntil) throw new Error(`Deal ${deal.number} has no protection`)
    const to = deal.protectionKept ? null : deal.protectedUntil
    await deps.conflicts.holdClaims(tx, deal.id, { from: deal.protectedFrom, to })
  }

  return {
    findRegistrations: async (tx: Tx, dealIds: readonly DealId[]) =>
      describe(tx, await findDeals(tx, dealIds)),

    lockRegistrations: async (tx: Tx, dealIds: readonly DealId[]) =>
      describe(tx, await lockDeals(tx, dealIds)),

    /** What the programmes of these deals say of a case that starts, is decided or is appealed at `now`. */
    async caseTermsOf(
      tx: Tx,
      dealIds: readonly DealId[],
      now: Date,
    ): Promise<ReadonlyMap<DealId, CaseTerms>> {
      const deals = await findDeals(tx, dealIds)
      const programmeOf = await programmesOf(deps, tx, [...deals.values()])
      return new Map(
        [...deals].map(([id, deal]) => {
          const programme = programmeOf(deal)
          const { targetAt, overdueAt } = startClock(now, programme)
          const { appealBusinessDays, calendar, timeZone } = programme
          const { deciderId, deciderName } = deal
          return [
            id,
            {
              programmeId: deal.programmeId,
              decider: deciderId && deciderName ? { id: deciderId, name: deciderName } : null,
              targetAt,
              overdueAt,
              appealUntil: addBusinessDays(now, appealBusinessDays, calendar, timeZone),
            },
          ]
        }),
      )
    },

    /**
     * Carries a decision out in the registrations of its case: first whoever lets go, then whoever holds, then the split.
     * @throws Refused `wrong_status`, `already_held`, `no_claim`; InvalidInput for a split among unknown partners
     */
    async settleCase(
      tx: Tx,
      actor: Actor,
      { verdicts, split, reason, message, isDirect }: RegistrationSettlement,
    ): Promise<void> {
      const ids = verdicts.map(({ dealId }) => dealId)
      const deals = await lockDeals(tx, ids)
      const programmeOf = await programmesOf(deps, tx, [...deals.values()])
      const closing = verdicts.filter(({ act }) => act === 'close').map(({ dealId }) => dealId)
      const reviving = verdicts.filter(({ act }) => act.startsWith('reinstate')).map(({ dealId }) => dealId)
      if (closing.length > 0) await deps.conflicts.closeClaims(tx, closing)
      if (reviving.length > 0) await deps.conflicts.reviveClaims(tx, reviving)
      const changes = verdicts.flatMap((verdict): DealChange[] => {
        const before = deals.get(verdict.dealId)
        if (!before) return []
        const after = settled(before, programmeOf(before), verdict, { actor, message, isDirect })
        const data = { verdict: verdict.conflict, message }
        return [{ before, after, kind: 'conflict_decided', reason, data }]
      })
      const saved = await recordChanges(tx, actor, deps, changes)
      const holding = new Set(
        verdicts
          .filter(({ act }) => act === 'hold' || act === 'reinstate_and_hold')
          .map(({ dealId }) => dealId),
      )
      for (const deal of saved) {
        if (holding.has(deal.id)) await hold(tx, actor, deal, programmeOf(deal), message)
      }
      if (split) await setSplit(tx, actor, split.dealId, null, { shares: split.shares, reason })
    },
  }
}

function registrationOf(deal: Deal, partnerName: string | null): Registration {
  const { id: dealId, number, companyName, partnerId, programmeId, customerId, status, conflict } = deal
  const { registeredAt, protectedFrom, protectedUntil, amountMinor, currency, outcome } = deal
  return {
    dealId,
    number,
    companyName,
    partnerId,
    partnerName,
    programmeId,
    customerId,
    status,
    conflict,
    // A lost deal claims nothing any more.
    phase: awaitsDecision(status)
      ? 'pending'
      : status === 'approved' && outcome !== 'lost'
        ? 'approved'
        : 'ended',
    registeredAt,
    protectedFrom,
    protectedUntil,
    amountMinor,
    currency,
  }
}

/** Registrations as conflict cases reach them; asked for late, since conflicts are put together first. */
export const registrationPort = (deals: () => ReturnType<typeof createCaseUseCases>): RegistrationPort => ({
  find: (tx, ids) => deals().findRegistrations(tx, ids),
  lock: (tx, ids) => deals().lockRegistrations(tx, ids),
  termsOf: (tx, ids, now) => deals().caseTermsOf(tx, ids, now),
  settle: (tx, actor, settlement) => deals().settleCase(tx, actor, settlement),
})

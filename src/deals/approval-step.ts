import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type Day, dayIn } from '#src/kernel/calendar.ts'
import { evaluateCondition } from '#src/kernel/condition.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { PlanVersionId, ProgrammeId } from '#src/kernel/ids.ts'
import type { Partner } from '#src/partners/partner.ts'
import type { Programme } from '#src/partners/programme.ts'
import { accrueDeals } from './accrual-step.ts'
import { approvalFactsOf } from './approval-facts.ts'
import type { Deal } from './deal.ts'
import type { DealDeps } from './deps-step.ts'
import { tierIn } from './eligibility.ts'
import { type DealChange, type JournalOptions, recordChanges } from './journal-step.ts'
import { requireNext } from './lookup-step.ts'
import { protectFrom } from './protection.ts'

export interface Approval {
  readonly deal: Deal
  readonly programme: Programme
  readonly partner: Partner | undefined
  /** Full days after the day of approval; null: as the programme says. */
  readonly protectionDays: number | null
  readonly reason: string | null
}

/** The promise of an approval: days in the programme's zone, the partner's tier, the plan of that day. */
export async function promise(
  deps: DealDeps,
  tx: Tx,
  approvals: readonly Approval[],
  approvedOn: (approval: Approval) => Day,
): Promise<Deal[]> {
  const pinned = new Map<string, PlanVersionId | null>()
  const pin = async (programmeId: ProgrammeId, day: Day): Promise<PlanVersionId | null> => {
    const key = `${programmeId} ${day}`
    if (!pinned.has(key)) pinned.set(key, await deps.incentives.pinPlanVersion(tx, programmeId, day))
    return pinned.get(key) ?? null
  }
  const deals: Deal[] = []
  for (const approval of approvals) {
    const { deal, programme, partner, protectionDays } = approval
    const day = approvedOn(approval)
    const range = protectFrom(day, protectionDays ?? programme.protectionDays)
    deals.push({
      ...deal,
      protectedFrom: range.from,
      protectedUntil: range.to,
      planVersionId: await pin(programme.id, day),
      tierId: tierIn(partner, programme.id),
    })
  }
  return deals
}

/**
 * Approves locked deals: holds their claims, starts protection, pins tier and plan, and accrues what was already won.
 * @throws Refused `wrong_status`, `already_held`, `no_claim`
 */
export async function approveDeals(
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  approvals: readonly Approval[],
  options: JournalOptions = {},
): Promise<Deal[]> {
  const now = deps.clock.now()
  const promised = await promise(deps, tx, approvals, ({ programme }) => dayIn(now, programme.timeZone))
  const changes: DealChange[] = []
  for (const [index, { deal, reason }] of approvals.entries()) {
    const status = requireNext(deal, 'approve')
    const after = promised[index]
    if (!after?.protectedFrom || !after.protectedUntil) throw new Error(`Deal ${deal.number} has no promise`)
    await deps.conflicts.holdClaims(tx, deal.id, { from: after.protectedFrom, to: after.protectedUntil })
    const automatic = actor.kind === 'system'
    changes.push({
      before: deal,
      after: {
        ...after,
        status,
        // What the CRM said too early is now what the approval promised.
        outcomeStanding: 'expected',
        decidedAt: now,
        decidedBy: actor.name,
        decisionCode: automatic ? 'automatic' : 'approved',
        decisionReason: reason,
      },
      kind: 'approved',
      reason,
      data: { protectedUntil: after.protectedUntil, automatic: automatic ? 'yes' : null, reason },
      notices: [{ kind: 'deal_approved', to: 'partner', data: { protectedUntil: after.protectedUntil } }],
    })
  }
  const approved = await recordChanges(tx, actor, deps, changes, options)
  await accrueDeals(
    deps,
    tx,
    actor,
    approved.filter(({ outcome }) => outcome === 'won'),
  )
  return approved
}

/**
 * Approves those of freshly checked deals that their programme approves by itself: clear, every gate open, condition met.
 * A claim that somebody holds after all leaves its deal to a person.
 */
export async function approveAutomatically(
  deps: DealDeps,
  tx: Tx,
  approvals: readonly Approval[],
  options: JournalOptions = {},
): Promise<Map<string, Deal>> {
  const approved = new Map<string, Deal>()
  const clear = approvals.filter(
    ({ deal, programme }) =>
      programme.autoApproval !== null && deal.conflict === 'clear' && deal.ineligible.length === 0,
  )
  if (clear.length === 0) return approved
  const familyCodes = await familyCodesOf(deps, tx, clear)
  for (const approval of clear) {
    const { deal, programme, partner } = approval
    const membership = partner?.memberships.find(({ programmeId }) => programmeId === programme.id)
    const facts = approvalFactsOf(deal, {
      tierName: membership?.tierName ?? null,
      partnerStatus: partner?.status ?? 'ended',
      familyCodes: familyCodes(deal),
    })
    if (!programme.autoApproval || !evaluateCondition(programme.autoApproval, facts)) continue
    try {
      const [after] = await approveDeals(deps, tx, automaticApprover, [approval], options)
      if (after) approved.set(deal.id, after)
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'already_held')) throw error
      await recordAudit(tx, automaticApprover, [
        {
          action: 'deal.automatic_approval_refused',
          subject: { kind: 'deal', id: deal.id },
          partnerId: deal.partnerId,
          reason: error.message,
        },
      ])
    }
  }
  return approved
}

const automaticApprover: Actor = { kind: 'system', name: 'automatic approval' }

async function familyCodesOf(
  deps: DealDeps,
  tx: Tx,
  approvals: readonly Approval[],
): Promise<(deal: Deal) => string[]> {
  const products = approvals.flatMap(({ deal }) => deal.products.map(({ productId }) => productId))
  if (products.length === 0) return () => []
  const families = await deps.products.familiesOf(tx, [...new Set(products)])
  const codes = new Map([...families.values()].map(({ id, code }) => [String(id), code]))
  return (deal) => deal.products.map(({ familyId }) => codes.get(familyId) ?? familyId)
}

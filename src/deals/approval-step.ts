import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type Day, dayIn } from '#src/kernel/calendar.ts'
import { evaluateCondition } from '#src/kernel/condition.ts'
import type { ConnectionId, PlanVersionId, ProgrammeId } from '#src/kernel/ids.ts'
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
import { familyCodesOf, fixConnections } from './routing-step.ts'

export interface Approval {
  readonly deal: Deal
  readonly programme: Programme
  readonly partner: Partner | undefined
  /** Full days after the day of approval; null: as the programme says. */
  readonly protectionDays: number | null
  readonly reason: string | null
  /** Where a person said that it goes; otherwise as the routing says. */
  readonly connectionId?: ConnectionId | null
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
 * Approves locked deals: holds their claims, starts protection, pins tier, plan and connection, and accrues what was
 * already won.
 * @throws Refused `wrong_status`, `already_held`, `no_claim`
 */
export async function approveDeals(
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  approvals: readonly Approval[],
  options: JournalOptions = {},
): Promise<Deal[]> {
  const promised = await promiseToday(deps, tx, approvals)
  for (const { after, range } of promised) await deps.conflicts.holdClaims(tx, after.id, range)
  return conclude(deps, tx, actor, promised, options)
}

interface Promised {
  readonly approval: Approval
  /** With what the approval promises. */
  readonly after: Deal
  readonly range: { readonly from: Day; readonly to: Day }
}

async function promiseToday(deps: DealDeps, tx: Tx, approvals: readonly Approval[]): Promise<Promised[]> {
  const now = deps.clock.now()
  const deals = await promise(deps, tx, approvals, ({ programme }) => dayIn(now, programme.timeZone))
  return approvals.map((approval, index) => {
    const status = requireNext(approval.deal, 'approve')
    const after = deals[index]
    if (!after?.protectedFrom || !after.protectedUntil)
      throw new Error('An approval came without its promise')
    const range = { from: after.protectedFrom, to: after.protectedUntil }
    const crmConnectionId = approval.connectionId ?? after.crmConnectionId
    return { approval, after: { ...after, status, crmConnectionId }, range }
  })
}

/** Writes down approvals whose claims are held. */
async function conclude(
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  promised: readonly Promised[],
  options: JournalOptions,
): Promise<Deal[]> {
  const now = deps.clock.now()
  const automatic = actor.kind === 'system'
  const routed = await fixConnections(
    deps,
    tx,
    promised.map(({ after }) => after),
  )
  const changes = promised.map(({ approval: { deal, reason }, after, range }, index): DealChange => {
    return {
      before: deal,
      after: {
        ...(routed[index] ?? after),
        // What the CRM said too early is now what the approval promised.
        outcomeStanding: 'expected',
        decidedAt: now,
        decidedBy: actor.name,
        decisionCode: automatic ? 'automatic' : 'approved',
        decisionReason: reason,
      },
      kind: 'approved',
      reason,
      data: { protectedUntil: range.to, automatic: automatic ? 'yes' : null, reason },
      notices: [{ kind: 'deal_approved', to: 'partner', data: { protectedUntil: range.to } }],
    }
  })
  const approved = await recordChanges(tx, actor, deps, changes, options)
  await deps.events.publish(
    tx,
    actor,
    promised.flatMap(({ approval: { deal, reason } }) =>
      deal.outcomeStanding === 'unexpected'
        ? [
            {
              type: 'outcome_settled' as const,
              dealId: deal.id,
              recognised: true,
              reason: reason ?? 'approved',
            },
          ]
        : [],
    ),
  )
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
 * A claim that somebody holds after all leaves its deal to a person. All of them in a handful of statements.
 */
export async function approveAutomatically(
  deps: DealDeps,
  tx: Tx,
  approvals: readonly Approval[],
  options: JournalOptions = {},
): Promise<Map<string, Deal>> {
  const wanted = await wantedByProgramme(deps, tx, approvals)
  const promised = await promiseToday(deps, tx, wanted)
  const outcomes = await deps.conflicts.holdEach(
    tx,
    promised.map(({ after, range }) => ({ dealId: after.id, range })),
  )
  if (outcomes.includes('no_claim')) throw new Error('A registration was checked and has no claim')
  const held = promised.filter((_, index) => outcomes[index] === 'held')
  const refused = promised.filter((_, index) => outcomes[index] === 'already_held')
  const approved = await conclude(deps, tx, automaticApprover, held, options)
  await recordAudit(
    tx,
    automaticApprover,
    refused.map(({ after }) => ({
      action: 'deal.automatic_approval_refused',
      subject: { kind: 'deal', id: after.id },
      partnerId: after.partnerId,
      reason: 'Another registration holds this customer and one of these product families in that time',
    })),
  )
  return new Map(approved.map((deal) => [deal.id, deal]))
}

async function wantedByProgramme(
  deps: DealDeps,
  tx: Tx,
  approvals: readonly Approval[],
): Promise<readonly Approval[]> {
  const clear = approvals.filter(
    ({ deal, programme }) =>
      programme.autoApproval !== null && deal.conflict === 'clear' && deal.ineligible.length === 0,
  )
  if (clear.length === 0) return []
  const familyCodes = await familyCodesOf(
    deps,
    tx,
    clear.map(({ deal }) => deal),
  )
  return clear.filter(({ deal, programme, partner }) => {
    const membership = partner?.memberships.find(({ programmeId }) => programmeId === programme.id)
    const facts = approvalFactsOf(deal, {
      tierName: membership?.tierName ?? null,
      partnerStatus: partner?.status ?? 'ended',
      familyCodes: familyCodes(deal),
    })
    return programme.autoApproval !== null && evaluateCondition(programme.autoApproval, facts)
  })
}

const automaticApprover: Actor = { kind: 'system', name: 'automatic approval' }

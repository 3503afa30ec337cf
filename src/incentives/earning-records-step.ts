import type { AuditEntry } from '#src/database/audit.ts'
import type { DomainEvent } from '#src/kernel/events.ts'
import type { DealId, PartnerId } from '#src/kernel/ids.ts'
import { formatDecimal } from '#src/kernel/money.ts'
import type { EarningKey } from './accrual.ts'
import type { DealState } from './incentive-store.ts'

export interface PostedEarning extends EarningKey {
  readonly dealId: DealId
  readonly entryId: string
  readonly differenceMinor: bigint
}

export const holdsText = (state: DealState | undefined): string =>
  JSON.stringify((state?.holds ?? []).map(({ planLineId, reason, detail }) => [planLineId, reason, detail]))

/** What the audit trail keeps: one row per deal with new entries, one per change of what is on hold. */
export function auditOf(
  posted: readonly PostedEarning[],
  changed: readonly DealState[],
  known: ReadonlyMap<DealId, DealState>,
): readonly AuditEntry[] {
  const earnings = [...Map.groupBy(posted, ({ dealId }) => dealId)].map(([dealId, entries]) => ({
    action: 'earnings.posted',
    subject: { kind: 'deal', id: dealId },
    after: entries.map(({ dealId: _, ...entry }) => entry),
  }))
  const holds = changed.flatMap((state) => {
    const before = known.get(state.dealId)
    if (holdsText(before) === holdsText(state)) return []
    const action = state.holds.length > 0 ? 'earnings.held' : 'earnings.hold_lifted'
    const subject = { kind: 'deal', id: state.dealId }
    return [{ action, subject, before: before?.holds ?? [], after: state.holds }]
  })
  return [...earnings, ...holds]
}

/** One notification per deal, partner and currency, with the change in it. */
export function earningsPosted(posted: readonly PostedEarning[]): readonly DomainEvent[] {
  const groups = Map.groupBy(posted, ({ dealId, payeeId, currency }) => `${dealId} ${payeeId} ${currency}`)
  return [...groups.values()].flatMap((entries) => {
    const [first] = entries
    const changeMinor = entries.reduce((sum, { differenceMinor }) => sum + differenceMinor, 0n)
    if (!first || changeMinor === 0n) return []
    const subject = { kind: 'deal', id: first.dealId }
    return [notification('earning_posted', first.payeeId, subject, changeMinor, first.currency)]
  })
}

/** One notification per partner and currency, with the sum that became payable. */
export function earningsPayable(
  due: readonly { payeeId: PartnerId; currency: string; remainingMinor: bigint }[],
): readonly DomainEvent[] {
  const groups = Map.groupBy(due, ({ payeeId, currency }) => `${payeeId} ${currency}`)
  return [...groups.values()].flatMap((entries) => {
    const [first] = entries
    if (!first) return []
    const sumMinor = entries.reduce((sum, { remainingMinor }) => sum + remainingMinor, 0n)
    const subject = { kind: 'partner', id: first.payeeId }
    return [notification('earning_payable', first.payeeId, subject, sumMinor, first.currency)]
  })
}

const notification = (
  kind: 'earning_posted' | 'earning_payable',
  partnerId: PartnerId,
  subject: { readonly kind: string; readonly id: string },
  amountMinor: bigint,
  currency: string,
): DomainEvent => ({
  type: 'notification',
  kind,
  partnerId,
  subject,
  data: { amount: formatDecimal(amountMinor, currency), currency },
})

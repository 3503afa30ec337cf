import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { DomainEvent, NotificationKind, Priority } from '#src/kernel/events.ts'
import { type Deal, titleOf } from './deal.ts'
import { insertDealEvents, type Visibility } from './deal-event-store.ts'
import { insertDeals, updateDeals } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'

type Data = Readonly<Record<string, string | null>>

interface Notice {
  readonly kind: NotificationKind
  readonly to: 'partner' | 'vendor'
  readonly data?: Data
}

/** One step of one deal. */
export interface DealChange {
  /** As locked; null for a new deal. */
  readonly before: Deal | null
  readonly after: Deal
  /** What was done: the audit trail has `deal.<kind>`, the history of the deal `<kind>`. */
  readonly kind: string
  /** Goes to the audit trail, and to people only as far as `data` repeats it. */
  readonly reason?: string | null | undefined
  readonly visibility?: Visibility
  readonly data?: Data
  readonly notices?: readonly Notice[]
  /** False when the CRMs know all that changed, because one of them said it. */
  readonly announce?: boolean
}

export interface JournalOptions {
  readonly priority?: Priority
  /** False for history that is imported: nobody wants to hear of it today. */
  readonly notify?: boolean
}

/**
 * The only way in which deals are written: state, audit trail, history, dirty marks and notices of all changes together,
 * in a handful of statements however many there are. A change that changes nothing leaves no trace.
 * @returns the deals as stored, in the order of `changes`
 */
export async function recordChanges(
  tx: Tx,
  actor: Actor,
  { clock, events }: Pick<DealDeps, 'clock' | 'events'>,
  changes: readonly DealChange[],
  options: JournalOptions = {},
): Promise<Deal[]> {
  const now = clock.now()
  const stamped = changes.map((change) => ({ ...change, ...stamp(change, now) }))
  const real = stamped.filter(({ differs }) => differs)
  if (real.length === 0) return stamped.map(({ after }) => after)
  const created = real.filter(({ before }) => before === null).map(({ after }) => after)
  const stored = created.length > 0 ? await insertDeals(tx, created) : []
  const numbered = new Map(stored.map((deal) => [deal.id, deal]))
  const updated = real.filter(({ before }) => before !== null).map(({ after }) => after)
  if (updated.length > 0) await updateDeals(tx, updated)
  const steps = real.map((step) => ({ ...step, after: numbered.get(step.after.id) ?? step.after }))
  await recordAudit(
    tx,
    actor,
    steps.map(({ before, after, kind, reason }) => ({
      action: `deal.${kind}`,
      subject: { kind: 'deal', id: after.id },
      partnerId: after.partnerId,
      ...differences(before, after),
      reason: reason ?? null,
    })),
  )
  await insertDealEvents(
    tx,
    actor,
    now,
    steps.map(({ after, kind, visibility, data }) => ({
      dealId: after.id,
      partnerId: after.partnerId,
      kind,
      visibility: visibility ?? 'public',
      data: data ?? {},
    })),
  )
  await events.publish(tx, actor, announcements(steps, options))
  return stamped.map(({ after }) => numbered.get(after.id) ?? after)
}

function stamp({ before, after }: DealChange, now: Date): { after: Deal; differs: boolean } {
  if (before === null)
    return { after: { ...after, revision: 1, createdAt: now, updatedAt: now }, differs: true }
  const differs = changedKeys(before, after).length > 0
  return differs
    ? { after: { ...after, revision: before.revision + 1, updatedAt: now }, differs }
    : { after: before, differs }
}

function announcements(
  steps: readonly DealChange[],
  { priority = 'live', notify = true }: JournalOptions,
): DomainEvent[] {
  const records = steps
    // No CRM knows a draft, so it cannot be outdated there.
    .filter(({ after, announce = true }) => announce && after.status !== 'draft')
    .map(({ before, after }) => ({
      type: 'record_changed' as const,
      entity: 'deal' as const,
      id: after.id,
      connectionId: after.crmConnectionId,
      priority,
      ...(before === null ? { isNew: true } : {}),
    }))
  const notices = steps.flatMap(({ after, notices = [] }) =>
    notices.map(({ kind, to, data }) => ({
      type: 'notification' as const,
      priority,
      kind,
      partnerId: to === 'partner' ? after.partnerId : null,
      subject: { kind: 'deal', id: after.id },
      data: { number: after.number, title: titleOf(after), ...data },
    })),
  )
  return notify ? [...records, ...notices] : records
}

const bookkeeping = new Set<string>(['revision', 'updatedAt', 'createdAt'])

const changedKeys = (before: Deal, after: Deal): (keyof Deal)[] =>
  (Object.keys(after) as (keyof Deal)[]).filter(
    (key) => !bookkeeping.has(key) && !same(before[key], after[key]),
  )

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  const other = b as Record<string, unknown>
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => same((a as Record<string, unknown>)[key], other[key]))
  )
}

/** Before and after, cut down to what differs; of a new deal what it states. */
function differences(before: Deal | null, after: Deal): { before?: unknown; after: unknown } {
  if (before === null) {
    return { after: Object.fromEntries(Object.entries(after).filter(([, value]) => value !== null)) }
  }
  const keys = changedKeys(before, after)
  return {
    before: Object.fromEntries(keys.map((key) => [key, before[key]])),
    after: Object.fromEntries(keys.map((key) => [key, after[key]])),
  }
}

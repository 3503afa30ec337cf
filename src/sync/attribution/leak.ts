/**
 * Where partners' business shows in the CRM and not with us: deals won without a registration, opportunities that name
 * a partner and have none, registrations whose opportunity lost its partner. It reads what the engine knows and changes
 * nothing: a person registers, links, or asks for a repair.
 *
 * leak.ts: one line of the report, and its totals. Pure.
 */
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export const leakKinds = [
  /** Won with a customer or partner of ours, and no registration stands for it. */
  'won_unregistered',
  /** Names a partner of ours, is not won, and no registration stands for it. */
  'partner_unregistered',
  /** A registration's opportunity names no partner any more. */
  'partner_lost',
  /** A registration's opportunity names somebody else. */
  'partner_changed',
] as const
export type LeakKind = (typeof leakKinds)[number]

export interface Leak {
  readonly kind: LeakKind
  readonly connectionId: ConnectionId
  readonly remoteId: string
  readonly url: string | null
  readonly title: string | null
  /** The account's name over there. */
  readonly company: string | null
  readonly customerId: string | null
  /** Whom the opportunity names. */
  readonly partnerId: string | null
  readonly partnerName: string | null
  /** The registration, where there is one, and whose it is. */
  readonly dealId: string | null
  readonly registeredPartnerId: string | null
  readonly registeredPartnerName: string | null
  readonly outcome: string | null
  readonly closesOn: string | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
}

/** An opportunity without a registration, as the mapping reads it; null: it tells nothing of ours. */
export function kindOfUnregistered(
  outcome: FieldValue,
  names: { readonly customerId: string | null; readonly partnerId: string | null },
): LeakKind | null {
  if (outcome === 'won')
    return names.customerId !== null || names.partnerId !== null ? 'won_unregistered' : null
  return names.partnerId === null ? null : 'partner_unregistered'
}

export interface PartnerStanding {
  /** The registration's partner now. */
  readonly ours: FieldValue
  /** The partner that both sides agreed on last; undefined when they never did. */
  readonly agreed: FieldValue | undefined
  /** Whom the opportunity names, as it stands over there. */
  readonly named: string | null
  /** Partners of ours that this stands for: several may share an account. */
  readonly theirs: readonly string[]
}

/** Null: they agree, or our own change is on its way. */
export function kindOfChange({ ours, agreed, named, theirs }: PartnerStanding): LeakKind | null {
  if (typeof ours !== 'string' || theirs.includes(ours)) return null
  const isOnItsWay =
    agreed !== ours && (agreed === undefined || agreed === null || theirs.includes(String(agreed)))
  if (isOnItsWay) return null
  return named === null || named === '' ? 'partner_lost' : 'partner_changed'
}

export interface LeakTotal {
  readonly kind: LeakKind
  /** Null: opportunities without an amount. */
  readonly currency: string | null
  readonly count: number
  readonly amountMinor: bigint
}

/** Per kind and currency; currencies are never added to one another. */
export function totalsOf(leaks: readonly Leak[]): readonly LeakTotal[] {
  const totals = new Map<string, LeakTotal>()
  for (const { kind, amountMinor, currency } of leaks) {
    const known = amountMinor === null ? null : currency
    const key = `${leakKinds.indexOf(kind)}:${known ?? ''}`
    const before = totals.get(key) ?? { kind, currency: known, count: 0, amountMinor: 0n }
    totals.set(key, {
      ...before,
      count: before.count + 1,
      amountMinor: before.amountMinor + (amountMinor ?? 0n),
    })
  }
  return [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total)
}

/** The kinds in their order, the largest amounts of a kind first. */
export function sortLeaks(leaks: readonly Leak[]): readonly Leak[] {
  return leaks.toSorted((a, b) => {
    const byKind = leakKinds.indexOf(a.kind) - leakKinds.indexOf(b.kind)
    if (byKind !== 0) return byKind
    const [left, right] = [a.amountMinor ?? -1n, b.amountMinor ?? -1n]
    return left === right ? (a.remoteId < b.remoteId ? -1 : 1) : left > right ? -1 : 1
  })
}

/** The evidence of a case on one timeline, both sides' together, the oldest first. Pure. */
import type { DealId } from '#src/kernel/ids.ts'
import type { Registration } from './registration.ts'

export interface TimelineItem<Check, Claim> {
  readonly at: Date
  readonly kind: string
  readonly dealId: DealId | null
  /** Who did it, where somebody did. */
  readonly by: string | null
  readonly data: Readonly<Record<string, string | null>>
  readonly registration: Registration | null
  readonly opportunity: Claim | null
  readonly check: Check | null
}

interface Parts<Check, Claim> {
  readonly registrations: readonly Registration[]
  readonly checks: readonly (Check & { readonly dealId: DealId; readonly checkedAt: Date })[]
  readonly claims: readonly (Claim & {
    readonly source: string
    readonly openedOn: string | null
    readonly seenAt: Date
  })[]
  readonly entries: readonly {
    readonly recordedAt: Date
    readonly kind: string
    readonly dealId: DealId | null
    readonly actorName: string
    readonly data: Readonly<Record<string, string | null>>
  }[]
}

const blank = { dealId: null, by: null, data: {}, registration: null, opportunity: null, check: null }

export function timelineOf<Check, Claim>(parts: Parts<Check, Claim>): readonly TimelineItem<Check, Claim>[] {
  const items: TimelineItem<Check, Claim>[] = [
    ...parts.registrations.flatMap((registration) =>
      registration.registeredAt === null
        ? []
        : [
            {
              ...blank,
              at: registration.registeredAt,
              kind: 'registered',
              dealId: registration.dealId,
              registration,
            },
          ],
    ),
    ...parts.claims
      .filter(({ source }) => source === 'opportunity')
      .map((opportunity) => ({
        ...blank,
        // When it was opened over there, if that is known; else when we first saw it.
        at:
          opportunity.openedOn === null ? opportunity.seenAt : new Date(`${opportunity.openedOn}T00:00:00Z`),
        kind: 'opportunity',
        opportunity,
      })),
    ...parts.checks.map((check) => ({
      ...blank,
      at: check.checkedAt,
      kind: 'checked',
      dealId: check.dealId,
      check,
    })),
    ...parts.entries.map(({ recordedAt, kind, dealId, actorName, data }) => ({
      ...blank,
      at: recordedAt,
      kind,
      dealId,
      by: actorName,
      data,
    })),
  ]
  // The order of the parts decides between what happened at the same moment.
  return items
    .map((item, place) => ({ item, place }))
    .sort((a, b) => a.item.at.getTime() - b.item.at.getTime() || a.place - b.place)
    .map(({ item }) => item)
}

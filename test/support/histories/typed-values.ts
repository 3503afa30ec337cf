import type { FieldValue } from '#src/kernel/field-value.ts'
import type { SeenDeal } from '../desks/crm-desk.ts'

export type Side = 'ours' | 'theirs'

/** A field of a deal, and how its values read on both sides as one text. */
export interface Field {
  readonly local: string
  /** Unlike any other of the history. */
  valueOf(step: number): string
  toLocal(value: string): FieldValue
  fromLocal(value: FieldValue): string
  fromDesk(deal: SeenDeal): string
}

const dayOf = (step: number) => new Date(Date.UTC(2028, 0, 1 + step)).toISOString().slice(0, 10)
const textOf = (value: FieldValue) => String(value ?? '')
const asText = { toLocal: (value: string): FieldValue => value, fromLocal: textOf }

export const fields: readonly Field[] = [
  {
    ...asText,
    local: 'title',
    valueOf: (step) => `Title ${1_000 + step}`,
    fromDesk: ({ name }) => name,
  },
  {
    ...asText,
    local: 'protectionEnd',
    valueOf: dayOf,
    fromDesk: ({ protectedUntil }) => textOf(protectedUntil),
  },
  {
    ...asText,
    local: 'expectedCloseDate',
    valueOf: dayOf,
    fromDesk: ({ closeDate }) => textOf(closeDate),
  },
  {
    local: 'amount',
    valueOf: (step) => `${5_000 + step}.${step % 2 === 0 ? '50' : '07'}`,
    toLocal: (amount) => ({ amount, currency: 'USD' }),
    fromLocal: (value) => (value as { amount: string }).amount,
    fromDesk: ({ amount }) => (amount === null ? '' : amount.toFixed(2)),
  },
]

export interface Typed {
  readonly side: Side
  readonly deal: string
  readonly field: string
  readonly value: string
}

/** How a field of a deal stands now: here, and there; null where the deal is not there yet. */
export type Standing = (deal: string, field: Field) => readonly [ours: string, theirs: string | null]

/**
 * Everything that people typed and that has not come to a good end yet. It has once it stood on both sides, and once
 * somebody typed anew on its own side.
 */
export function createTypedValues(standing: Standing) {
  let open: readonly Typed[] = []
  const all: Typed[] = []

  const supersede = (side: Side, deal: string, field: string) => {
    open = open.filter((entry) => entry.side !== side || entry.deal !== deal || entry.field !== field)
  }
  /** To be called before anything may change what stands on both sides at this moment. */
  const noteEqual = () => {
    for (const field of fields) {
      for (const deal of new Set(open.map((entry) => entry.deal))) {
        const [ours, theirs] = standing(deal, field)
        if (ours !== theirs) continue
        open = open.filter(
          (entry) => entry.deal !== deal || entry.field !== field.local || entry.value !== ours,
        )
      }
    }
  }
  return {
    noteEqual,
    /** The CRM itself changed this field along with something that a person did. */
    supersede,
    /** Values of a field of a deal, the oldest first. */
    of: (deal: string, field: string) => all.filter((entry) => entry.deal === deal && entry.field === field),
    /** Nobody can tell an old value put back from one that was never overwritten: it only ends what was there. */
    add(entry: Typed, isOld = false) {
      noteEqual()
      supersede(entry.side, entry.deal, entry.field)
      all.push(entry)
      if (!isOld) open = [...open, entry]
    },
    open: () => open,
  }
}

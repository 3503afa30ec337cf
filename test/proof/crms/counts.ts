import { describeSizes } from '../crm-calls.ts'
import type { Deed, ProvedCrm } from './proved-crm.ts'

export interface Count {
  readonly calls: number
  readonly records: number
  /** How many calls of how many records. */
  readonly sizes: string
}

/** Calls of a kind since the log was emptied; of one object, or of all. */
export function countDeeds(crm: ProvedCrm, kind: Deed['kind'], object?: string, to?: string): Count {
  const sizes = crm.desk.simulator.calls.log
    .flatMap((call) => crm.deedOf(call) ?? [])
    .filter((deed) => deed.kind === kind && (object === undefined || deed.object === object))
    .filter((deed) => to === undefined || deed.to === to)
    .map(({ records }) => records)
  return describe(sizes)
}

const describe = (sizes: readonly number[]): Count => ({
  calls: sizes.length,
  records: sizes.reduce((sum, size) => sum + size, 0),
  sizes: describeSizes(sizes) || 'none',
})

/**
 * Reads of records by id since the log was emptied: those of which nothing had been written yet, and those that looked
 * again at something written. A poll that reads by id what a search found counts too: the log does not tell why it asked.
 */
export function countReads(
  crm: ProvedCrm,
  kind: 'read' | 'link-read',
  object: string,
): { readonly before: Count; readonly after: Count } {
  const written = new Set<string>()
  const before: number[] = []
  const after: number[] = []
  for (const call of crm.desk.simulator.calls.log) {
    const deed = crm.deedOf(call)
    if (deed?.object !== object) continue
    const ids = (call.ids ?? []).map(idOf)
    if (deed.kind === 'write') for (const id of ids) written.add(id)
    if (deed.kind === kind) (ids.every((id) => !written.has(id)) ? before : after).push(deed.records)
  }
  return { before: describe(before), after: describe(after) }
}

/** Salesforce names a record by 15 or by 18 characters. */
const idOf = (id: string): string => (/^\w{18}$/.test(id) && !/^\d+$/.test(id) ? id.slice(0, 15) : id)

/** Objects that records of this one were associated with. */
export const linkedObjects = (crm: ProvedCrm, object: string): readonly string[] => [
  ...new Set(
    crm.desk.simulator.calls.log.flatMap((call) => {
      const deed = crm.deedOf(call)
      return deed?.kind === 'link-write' && deed.object === object && deed.to ? [deed.to] : []
    }),
  ),
]

export const forgetCalls = (crms: readonly ProvedCrm[]): void => {
  for (const { desk } of crms) desk.simulator.calls.reset()
}

/** Full calls, times what may be lost to half-full ones; one for the rest of a small run at the least. */
export const mostCalls = ({ batch }: ProvedCrm, records: number, factor: number): number =>
  Math.max((factor * records) / batch, Math.ceil(records / batch) + 1)

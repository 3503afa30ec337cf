/** How the two sides of a linked record stand to each other, field by field; what the normal merge would do. Pure. */
import { type FieldValue, isBlank, sameValue } from '#src/kernel/field-value.ts'
import type { Action, Agreed } from '../memory/merge.ts'
import { type EntityReport, type FieldStanding, noFieldCounts } from './task.ts'

export interface ComparedField {
  /** What the merge makes of it. */
  readonly action: Action
  readonly ours: FieldValue
  /** Undefined: it could not be read, or has no counterpart here. */
  readonly theirs: FieldValue | undefined
  readonly agreed: Agreed | undefined
  /** What we have cannot be sent, or what they have cannot be read. */
  readonly isStuck: boolean
}

export function standingOf({ action, ours, theirs, agreed, isStuck }: ComparedField): FieldStanding {
  if (theirs === undefined) return isStuck ? 'held' : 'accepted'
  if (sameValue(ours, theirs)) return 'equal'
  if (action === 'none') return 'accepted'
  if (action === 'hold' || isStuck) return 'held'
  if (!agreed) return isBlank(theirs) ? 'oursNewer' : isBlank(ours) ? 'theirsNewer' : 'differ'
  const oursChanged = !sameValue(ours, agreed.ours)
  const theirsChanged = !sameValue(theirs, agreed.theirs)
  if (oursChanged && theirsChanged) return 'differ'
  if (oursChanged) return 'oursNewer'
  // Moves along with another field of its group.
  return theirsChanged ? 'theirsNewer' : 'accepted'
}

/** These call for a repair; what is held waits for a person. */
export const isDrift = (standing: FieldStanding): boolean =>
  standing === 'oursNewer' || standing === 'theirsNewer' || standing === 'differ'

export const emptyReport = (entity: string, object: string): EntityReport => ({
  entity,
  object,
  linked: 0,
  inStep: 0,
  moving: 0,
  different: 0,
  missing_there: 0,
  linked_to_nothing: 0,
  unlinked_key: 0,
  doubled_key: 0,
  unlinked: 0,
  vanished: 0,
  fields: {},
})

/** The report with the fields of one more record. */
export function countFields(
  report: EntityReport,
  standings: Readonly<Record<string, FieldStanding>>,
): EntityReport {
  const fields = { ...report.fields }
  for (const [name, standing] of Object.entries(standings)) {
    const before = fields[name] ?? noFieldCounts
    fields[name] = { ...before, [standing]: before[standing] + 1 }
  }
  const drifts = Object.values(standings).some(isDrift)
  return {
    ...report,
    fields,
    different: report.different + (drifts ? 1 : 0),
    inStep: report.inStep + (drifts ? 0 : 1),
  }
}

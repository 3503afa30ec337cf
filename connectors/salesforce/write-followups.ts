import { ConnectorFault } from '../fault.ts'
import { nameRecords, type WriteOutcomes } from '../wire/write-calls.ts'
import type { WriteItem } from '../wire/write-plan.ts'
import { findRecords, readRecords } from './reads.ts'
import { isRecordId } from './records.ts'
import type { Session } from './session.ts'
import type { CollectionsCall } from './write-plan.ts'

const lowerCase = (value: string): string => value.toLowerCase()

/** Names the records that were written without a word about which (older answers to an update). */
export async function findUnnamed(
  session: Session,
  { object, keyField, items }: CollectionsCall,
  signal: AbortSignal,
  outcomes: WriteOutcomes,
): Promise<void> {
  if (keyField === null) return
  const find = async (values: readonly string[]) => {
    const records = await findRecords(session, object, keyField, values, [keyField], signal)
    return new Map(records.map(({ id, fields }) => [lowerCase(String(fields[keyField])), id]))
  }
  await nameRecords(items, outcomes, find, lowerCase)
}

/**
 * "Invalid cross reference id" and "entity is deleted" do not say which id: the record's own, or one that it points to.
 * Where the command carried ids, the record is looked at: while it is there, those values are to blame.
 */
export async function confirmGone(
  session: Session,
  { object, items }: CollectionsCall,
  signal: AbortSignal,
  outcomes: WriteOutcomes,
): Promise<void> {
  const doubtful = items.filter((item) => {
    const outcome = outcomes.get(item.index)
    return outcome?.ok === false && outcome.fault.kind === 'gone' && idFields(item).length > 0
  })
  if (doubtful.length === 0) return
  const ids = doubtful.map(({ command: { target } }) => (target.kind === 'id' ? target.id : ''))
  const answers = await orNothing(readRecords(session, object, ids, [], signal))
  doubtful.forEach((item, at) => {
    const answer = answers[at]
    const outcome = outcomes.get(item.index)
    if (outcome?.ok !== false || (answer && 'missing' in answer)) return
    const { message, details } = outcome.fault
    // A record that could not be looked at is not declared gone: that would end its link.
    const kind = answer ? 'rejected' : 'unavailable'
    const fault = new ConnectorFault(kind, message, { ...details, fields: idFields(item) })
    outcomes.set(item.index, { ok: false, fault })
  })
}

const idFields = ({ command: { fields } }: WriteItem): readonly string[] =>
  Object.keys(fields).filter((name) => {
    const value = fields[name]
    return typeof value === 'string' && isRecordId(value)
  })

/** What has been written is settled already; a failed look at it leaves it in doubt, and no more. */
async function orNothing<T>(work: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ConnectorFault) return []
    throw error
  }
}

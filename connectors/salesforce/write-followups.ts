import type { WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { findRecords, readRecords } from './reads.ts'
import { isRecordId } from './records.ts'
import type { Session } from './session.ts'
import type { WriteCall, WriteItem } from './write-plan.ts'

/** What became of a record that was accepted, or sent, without an answer that names it. */
export const unanswered = new ConnectorFault('ambiguous', 'Salesforce gave no result for this record', {
  code: 'UNANSWERED',
})

/** Looks up, by our key, the ids of records that were written without naming them (older answers to an update). */
export async function nameRecords(
  session: Session,
  { object, keyField, items }: WriteCall,
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
): Promise<void> {
  const unnamed = items.filter(({ index }) => {
    const outcome = outcomes.get(index)
    return outcome?.ok === false && outcome.fault === unanswered
  })
  if (keyField === null || unnamed.length === 0) return
  const keyOf = ({ command: { target } }: WriteItem) => (target.kind === 'key' ? target.value : '')
  const records = await orNothing(
    findRecords(session, object, keyField, unnamed.map(keyOf), [keyField], signal),
  )
  const ids = new Map(records.map(({ id, fields }) => [String(fields[keyField]).toLowerCase(), id]))
  for (const item of unnamed) {
    const id = ids.get(keyOf(item).toLowerCase())
    if (id !== undefined) outcomes.set(item.index, { ok: true, id, created: false })
  }
}

/**
 * "Invalid cross reference id" and "entity is deleted" do not say which id: the record's own, or one that it points to.
 * Where the command carried ids, the record is looked at: while it is there, those values are to blame.
 */
export async function confirmGone(
  session: Session,
  { object, items }: WriteCall,
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
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

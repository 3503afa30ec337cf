import type { WriteCommand, WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import {
  halve,
  planCalls,
  type Split,
  type WriteCall,
  type WriteItem,
  type WritePlanning,
} from './write-plan.ts'

/** By the place of the command in the caller's list. */
export type WriteOutcomes = Map<number, WriteOutcome>

export interface Writing<Address> extends WritePlanning<Address> {
  /**
   * Sends one call and notes what became of its commands. Answers those to be sent again, on which nothing was done.
   * Throws the fault of a call that was refused as a whole, or never answered.
   */
  readonly send: (call: WriteCall<Address>, outcomes: WriteOutcomes) => Promise<readonly WriteItem[]>
  /** What to try after such a refusal. Null: every command that is open shares the blame. */
  readonly split: (call: WriteCall<Address>, fault: ConnectorFault) => Split<WriteCall<Address>> | null
  /** So many calls are divided at the most, so that no batch costs hundreds of calls. */
  readonly maxSplits: number
  /** What becomes of the rest after that, where it does not share the blame. */
  readonly afterMaxSplits?: ConnectorFault
  /** A fault that stands for the state of the connection may be one record's after all. */
  readonly isOfRecord?: (fault: ConnectorFault) => boolean
}

/**
 * Sends the commands in calls, one after the other, and answers in their order.
 * - A command's fault is its own outcome; the others of the call stand.
 * - A call whose effect is unknown makes each of its commands `ambiguous`; later ones for those records are held back
 *   (`unavailable`), for they might be overtaken by the one that is still on its way.
 * - A fault of the connection is thrown while nothing is settled; afterwards it is the outcome of everything unsent.
 */
export async function writeInCalls<Address extends object>(
  commands: readonly WriteCommand[],
  writing: Writing<Address>,
): Promise<readonly WriteOutcome[]> {
  const { recordKey, send, split, maxSplits, afterMaxSplits, isOfRecord = () => false } = writing
  const outcomes: WriteOutcomes = new Map()
  const uncertain = new Set<string>()
  const queue = [...planCalls(commands, writing)]
  let splits = 0

  const settle = (items: readonly WriteItem[], fault: ConnectorFault) => {
    for (const { index } of items) outcomes.set(index, { ok: false, fault })
  }
  const sendAgain = (calls: readonly WriteCall<Address>[]) => {
    splits += 1
    queue.unshift(...calls)
  }

  for (let planned = queue.shift(); planned; planned = queue.shift()) {
    const held = planned.items.filter(({ command }) => uncertain.has(recordKey(command)))
    settle(held, heldBack)
    const call = { ...planned, items: planned.items.filter((item) => !held.includes(item)) }
    if (call.items.length === 0) continue
    try {
      const left = await send(call, outcomes)
      if (left.length > 0 && splits < maxSplits) sendAgain(halve({ ...call, items: left }))
      else settle(left, afterMaxSplits ?? unanswered)
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      const open = call.items.filter(({ index }) => !outcomes.has(index))
      if (isOfConnection(error) && !isOfRecord(error)) {
        if (outcomes.size === 0) throw error
        settle([...open, ...queue.flatMap(({ items }) => items)], error)
        break
      }
      const parts = error.kind === 'ambiguous' ? null : split({ ...call, items: open }, error)
      if (parts && splits < maxSplits) {
        settle(parts.blamed, error)
        sendAgain(parts.again)
      } else settle(open, (parts && afterMaxSplits) ?? error)
    }
    for (const { index, command } of call.items) {
      const outcome = outcomes.get(index)
      if (outcome?.ok === false && outcome.fault.kind === 'ambiguous') uncertain.add(recordKey(command))
    }
  }
  return commands.map((_, index) => outcomes.get(index) ?? { ok: false, fault: unanswered })
}

/** Faults of the connection rather than of a record: whatever follows would meet them too. */
const isOfConnection = ({ kind }: ConnectorFault): boolean =>
  kind === 'throttled' || kind === 'unavailable' || kind === 'unauthorised'

const heldBack = new ConnectorFault(
  'unavailable',
  'Held back: what became of an earlier write to this record is not known',
  { code: 'HELD_BACK' },
)

/** What became of a record that was accepted, or sent, without an answer that names it. */
export const unanswered = new ConnectorFault('ambiguous', 'The CRM gave no result for this record', {
  code: 'UNANSWERED',
})

/**
 * Looks up, by our key, the ids of records that were written without naming them; `find` answers the id of each value
 * that it finds, by `sameAs` of the value. What has been written is settled already: a failed look leaves it in doubt.
 */
export async function nameRecords(
  items: readonly WriteItem[],
  outcomes: WriteOutcomes,
  find: (values: readonly string[]) => Promise<ReadonlyMap<string, string>>,
  sameAs: (value: string) => string,
): Promise<void> {
  const unnamed = items.flatMap(({ index, command: { target } }) => {
    const outcome = outcomes.get(index)
    const isUnnamed = outcome?.ok === false && outcome.fault === unanswered
    return isUnnamed && target.kind === 'key' ? [{ index, value: target.value }] : []
  })
  if (unnamed.length === 0) return
  try {
    const ids = await find(unnamed.map(({ value }) => value))
    for (const { index, value } of unnamed) {
      const id = ids.get(sameAs(value))
      if (id !== undefined) outcomes.set(index, { ok: true, id, created: false })
    }
  } catch (error) {
    if (!(error instanceof ConnectorFault)) throw error
  }
}

import type { WriteCommand, WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { listedRecords } from './apis.ts'
import type { TypeFinder } from './associations.ts'
import { readBy } from './reads.ts'
import type { Session } from './session.ts'
import { writeAssociations } from './write-associations.ts'
import {
  halve,
  inputOf,
  isOfConnection,
  keyOf,
  planCalls,
  recordKey,
  splitCall,
  traceOf,
  unanswered,
  type WriteCall,
  type WriteItem,
} from './write-plan.ts'
import { readBatch, type WriteResult } from './write-results.ts'

export const writeBatch = 100
/** Bisection stops here, so that no batch costs hundreds of calls; what is left is tried anew by the engine. */
const maxSplits = 40

/**
 * Sends the commands in batches, one after the other, and answers in their order.
 * - An item's error is its own outcome; the others of the batch stand.
 * - A batch that is refused as a whole is halved until the record to blame is found.
 * - A batch whose effect is unknown makes each of its items `ambiguous`; later commands for those records are held back
 *   (`unavailable`), for they might be overtaken by the one that is still on its way.
 * - A fault of the connection is thrown while nothing is settled; afterwards it is the outcome of everything unsent.
 */
export async function writeRecords(
  session: Session,
  findType: TypeFinder,
  commands: readonly WriteCommand[],
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> {
  const outcomes = new Map<number, WriteOutcome>()
  const uncertain = new Set<string>()
  const queue = [...planCalls(commands, writeBatch)]
  let splits = 0

  const settle = (items: readonly WriteItem[], fault: ConnectorFault) => {
    for (const { index } of items) outcomes.set(index, { ok: false, fault })
  }
  const sendAgain = (calls: readonly WriteCall[]) => {
    splits += 1
    queue.unshift(...calls)
  }

  for (let planned = queue.shift(); planned; planned = queue.shift()) {
    const held = planned.items.filter(({ command }) => uncertain.has(recordKey(command)))
    settle(held, heldBack)
    const call = { ...planned, items: planned.items.filter((item) => !held.includes(item)) }
    if (call.items.length === 0) continue
    try {
      const left = await sendCall(session, findType, call, signal, outcomes)
      if (left.length === 0) continue
      if (splits < maxSplits) sendAgain(halve({ ...call, items: left }))
      else settle(left, tooManyRefusals)
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      if (isOfConnection(error)) {
        if (outcomes.size === 0) throw error
        settle(
          [call, ...queue].flatMap(({ items }) => items),
          error,
        )
        break
      }
      const split = error.kind === 'ambiguous' ? null : splitCall(call, error)
      if (split && splits >= maxSplits) settle(call.items, tooManyRefusals)
      else if (split) {
        settle(split.blamed, error)
        sendAgain(split.again)
      } else settle(call.items, error)
      if (error.kind === 'ambiguous') {
        for (const { command } of call.items) uncertain.add(recordKey(command))
      }
    }
  }
  return commands.map((_, index) => outcomes.get(index) ?? { ok: false, fault: unanswered })
}

const heldBack = new ConnectorFault(
  'unavailable',
  'Held back: what became of an earlier write to this record is not known',
  { code: 'HELD_BACK' },
)
const tooManyRefusals = new ConnectorFault(
  'unavailable',
  'Held back: too many other records of the batch were refused',
  { code: 'TOO_MANY_REFUSALS' },
)

/** One batch and the associations of its records. Answers the items to send again, on which nothing was done. */
async function sendCall(
  session: Session,
  findType: TypeFinder,
  call: WriteCall,
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
): Promise<readonly WriteItem[]> {
  const { object, items } = call
  const { value } = await session.send(
    {
      operation: 'write',
      object,
      records: items.length,
      ask: async (apis): Promise<{ results: readonly WriteResult[]; errors?: readonly unknown[] }> => {
        const inputs = items.map((item) => ({ ...inputOf(item), objectWriteTraceId: traceOf(item) }))
        const { keyField } = call
        if (keyField === null) return listedRecords(await apis.batches().update(object, { inputs }))
        const keyed = inputs.map((input) => ({ ...input, idProperty: keyField }))
        return listedRecords(await apis.batches().upsert(object, { inputs: keyed }))
      },
    },
    signal,
  )
  const reading = readBatch(call, value.results, value.errors ?? [], session.now())
  for (const [index, outcome] of reading.outcomes) outcomes.set(index, outcome)
  if (!reading.hasUnnamedErrors) await nameRecords(session, call, reading.unnamed, signal, outcomes)
  await writeAssociations(session, findType, object, items, signal, outcomes)
  return reading.hasUnnamedErrors ? reading.unnamed : []
}

/** Looks up, by our key, the ids of records that were written without naming them. */
async function nameRecords(
  session: Session,
  { object, keyField }: WriteCall,
  unnamed: readonly WriteItem[],
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
): Promise<void> {
  for (const { index } of unnamed) outcomes.set(index, { ok: false, fault: unanswered })
  if (keyField === null || unnamed.length === 0) return
  const keyValueOf = ({ command: { target } }: WriteItem) => (target.kind === 'key' ? target.value : '')
  try {
    const call = { operation: 'read', object, properties: [keyField] } as const
    const rows = await readBy(session, call, keyField, unnamed.map(keyValueOf), signal)
    const ids = new Map(rows.map(({ id, properties }) => [keyOf(properties[keyField] ?? ''), id]))
    for (const item of unnamed) {
      const id = ids.get(keyOf(keyValueOf(item)))
      if (id !== undefined) outcomes.set(item.index, { ok: true, id, created: false })
    }
  } catch (error) {
    // What has been written is settled already; a failed look at it leaves it in doubt, and no more.
    if (!(error instanceof ConnectorFault)) throw error
  }
}

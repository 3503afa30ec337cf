import type { WriteCommand, WriteOutcome } from '../connector.ts'
import { nameRecords, unanswered, type WriteOutcomes, writeInCalls } from '../wire/write-calls.ts'
import type { WriteItem } from '../wire/write-plan.ts'
import { listedRecords } from './apis.ts'
import type { TypeFinder } from './associations.ts'
import { readBy } from './reads.ts'
import type { Session } from './session.ts'
import { writeAssociations } from './write-associations.ts'
import {
  addressOf,
  type Batch,
  inputOf,
  isOfRecord,
  keyOf,
  maxSplits,
  recordKey,
  splitCall,
  tooManyRefusals,
  traceOf,
} from './write-plan.ts'
import { readBatch, type WriteResult } from './write-results.ts'

export const writeBatch = 100

/** Sends the commands in batches: see `writeInCalls` for what becomes of each. */
export const writeRecords = (
  session: Session,
  findType: TypeFinder,
  commands: readonly WriteCommand[],
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> =>
  writeInCalls(commands, {
    size: writeBatch,
    addressOf,
    recordKey,
    send: (call, outcomes) => sendCall(session, findType, call, signal, outcomes),
    split: splitCall,
    maxSplits,
    afterMaxSplits: tooManyRefusals,
    isOfRecord,
  })

/** One batch and the associations of its records. Answers the items to send again, on which nothing was done. */
async function sendCall(
  session: Session,
  findType: TypeFinder,
  call: Batch,
  signal: AbortSignal,
  outcomes: WriteOutcomes,
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
  if (!reading.hasUnnamedErrors) {
    for (const { index } of reading.unnamed) outcomes.set(index, { ok: false, fault: unanswered })
    await findUnnamed(session, call, signal, outcomes)
  }
  await writeAssociations(session, findType, object, items, signal, outcomes)
  return reading.hasUnnamedErrors ? reading.unnamed : []
}

/** Names the records that were written without a word about which. */
async function findUnnamed(
  session: Session,
  { object, keyField, items }: Batch,
  signal: AbortSignal,
  outcomes: WriteOutcomes,
): Promise<void> {
  if (keyField === null) return
  const find = async (values: readonly string[]) => {
    const call = { operation: 'read', object, properties: [keyField] } as const
    const rows = await readBy(session, call, keyField, values, signal)
    return new Map(rows.map(({ id, properties }) => [keyOf(properties[keyField] ?? ''), id]))
  }
  await nameRecords(items, outcomes, find, keyOf)
}

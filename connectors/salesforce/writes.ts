import { z } from 'zod'
import type { WriteCommand, WriteOutcome } from '../connector.ts'
import { unanswered, type WriteOutcomes, writeInCalls } from '../wire/write-calls.ts'
import type { WriteItem } from '../wire/write-plan.ts'
import { faultOfErrors, readErrors } from './faults.ts'
import type { Session } from './session.ts'
import { checkName } from './soql.ts'
import { confirmGone, findUnnamed } from './write-followups.ts'
import { addressOf, bodyOf, type CollectionsCall, recordKey, splitCall } from './write-plan.ts'

export const writeBatch = 200
/** Bisection of refused calls stops here and blames what is left. */
const maxSplits = 24

const saveResultSchema = z.object({
  id: z.string().nullish(),
  success: z.boolean(),
  created: z.boolean().nullish(),
  errors: z.array(z.unknown()).nullish(),
})
type SaveResult = z.infer<typeof saveResultSchema>

/** Sends the commands in collections calls: see `writeInCalls` for what becomes of each. */
export const writeRecords = (
  session: Session,
  commands: readonly WriteCommand[],
  now: () => Date,
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> =>
  writeInCalls(commands, {
    size: writeBatch,
    addressOf,
    recordKey,
    send: (call, outcomes) => sendCall(session, call, now, signal, outcomes),
    split: splitCall,
    maxSplits,
  })

async function sendCall(
  session: Session,
  call: CollectionsCall,
  now: () => Date,
  signal: AbortSignal,
  outcomes: WriteOutcomes,
): Promise<readonly WriteItem[]> {
  const { object, keyField, allowDuplicate, items } = call
  const path = `/composite/sobjects${keyField === null ? '' : `/${checkName(object)}/${checkName(keyField)}`}`
  const { value: results } = await session.send(
    {
      operation: 'write',
      object,
      records: items.length,
      method: 'PATCH',
      path,
      ...(allowDuplicate ? { headers: { 'sforce-duplicate-rule-header': 'allowSave=true' } } : {}),
      body: bodyOf(call),
      read: (body) => readResults(body, items.length),
    },
    signal,
  )
  results.forEach((result, at) => {
    const item = items[at]
    if (item) outcomes.set(item.index, outcomeOf(result, item, now()))
  })
  await findUnnamed(session, call, signal, outcomes)
  await confirmGone(session, call, signal, outcomes)
  return []
}

function outcomeOf(result: SaveResult, { command: { target } }: WriteItem, now: Date): WriteOutcome {
  if (!result.success) {
    const subject = target.kind === 'id' ? 'record' : 'keyed record'
    return { ok: false, fault: faultOfErrors(readErrors(result.errors ?? []), subject, now) }
  }
  const id = result.id ?? (target.kind === 'id' ? target.id : null)
  return id === null ? { ok: false, fault: unanswered } : { ok: true, id, created: result.created ?? false }
}

/** An answer without a body says that all succeeded, and only that. */
function readResults(body: unknown, count: number): readonly SaveResult[] {
  if (body === undefined) return Array.from({ length: count }, () => ({ success: true }))
  return z.array(saveResultSchema).length(count).parse(body)
}

import { z } from 'zod'
import type { WriteCommand, WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { faultOfErrors, readErrors } from './faults.ts'
import type { Session } from './session.ts'
import { checkName } from './soql.ts'
import { confirmGone, nameRecords, unanswered } from './write-followups.ts'
import { bodyOf, planCalls, recordKey, splitCall, type WriteCall, type WriteItem } from './write-plan.ts'

export const writeBatch = 200
/** Bisection of refused calls stops here and blames what is left, so that no batch costs hundreds of calls. */
const maxSplits = 24

const saveResultSchema = z.object({
  id: z.string().nullish(),
  success: z.boolean(),
  created: z.boolean().nullish(),
  errors: z.array(z.unknown()).nullish(),
})
type SaveResult = z.infer<typeof saveResultSchema>

/** Faults of the connection rather than of a record: whatever follows would meet them too. */
const isOfConnection = ({ kind }: ConnectorFault): boolean =>
  kind === 'throttled' || kind === 'unavailable' || kind === 'unauthorised'

/**
 * Sends the commands in collections calls, one after the other, and answers in their order.
 * - An item's error is its own outcome; the others of the call stand.
 * - A call whose effect is unknown makes each of its items `ambiguous`; later commands for those records are held back
 *   (`unavailable`), for they might be overtaken by the one that is still on its way.
 * - A fault of the connection is thrown while nothing is settled; afterwards it is the outcome of everything unsent.
 */
export async function writeRecords(
  session: Session,
  commands: readonly WriteCommand[],
  now: () => Date,
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> {
  const outcomes = new Map<number, WriteOutcome>()
  const uncertain = new Set<string>()
  const queue = [...planCalls(commands, writeBatch)]
  let splits = 0

  const settle = (items: readonly WriteItem[], fault: ConnectorFault) => {
    for (const { index } of items) outcomes.set(index, { ok: false, fault })
  }

  for (let planned = queue.shift(); planned; planned = queue.shift()) {
    const held = planned.items.filter(({ command }) => uncertain.has(recordKey(command)))
    settle(held, heldBack)
    const call = { ...planned, items: planned.items.filter((item) => !held.includes(item)) }
    if (call.items.length === 0) continue
    try {
      await sendCall(session, call, now, signal, outcomes)
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
      const split = error.kind === 'ambiguous' || splits >= maxSplits ? null : splitCall(call, error)
      settle(split ? split.blamed : call.items, error)
      queue.unshift(...(split?.again ?? []))
      splits += split ? 1 : 0
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
async function sendCall(
  session: Session,
  call: WriteCall,
  now: () => Date,
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
): Promise<void> {
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
  await nameRecords(session, call, signal, outcomes)
  await confirmGone(session, call, signal, outcomes)
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

import type { WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { WriteItem } from '../wire/write-plan.ts'
import { faultOfError, type RemoteError, readError } from './faults.ts'
import { type Batch, keyOf, traceOf } from './write-plan.ts'

/** One result of a batch, as far as it names its record. */
export interface WriteResult {
  readonly id: string
  readonly objectWriteTraceId?: string
  readonly properties: Readonly<Record<string, string | null>>
  /** The client's name of `new`. */
  readonly _new?: boolean
}

export interface BatchReading {
  readonly outcomes: ReadonlyMap<number, WriteOutcome>
  /** Items that no result and no error names. */
  readonly unnamed: readonly WriteItem[]
  /** Some error names none of the items, and several may be meant. */
  readonly hasUnnamedErrors: boolean
}

/**
 * Matches results and errors, which come in any order, with the items of a call: by trace id where HubSpot repeats it,
 * by id, or by the value of the unique property.
 */
export function readBatch(
  call: Batch,
  results: readonly WriteResult[],
  errors: readonly unknown[],
  now: Date,
): BatchReading {
  const outcomes = new Map<number, WriteOutcome>()
  const byName = namesOf(call)
  let foreign = 0
  for (const result of results) {
    const names = [
      traceName(result.objectWriteTraceId),
      call.keyField === null ? idName(result.id) : valueName(result.properties[call.keyField]),
    ]
    const item = names.flatMap((name) => byName.get(name) ?? [])[0]
    if (item) outcomes.set(item.index, { ok: true, id: result.id, created: result._new ?? false })
    else foreign += 1
  }
  const unnamedFaults: ConnectorFault[] = []
  for (const stated of errors) {
    const error = readError(stated)
    const fault = error ? faultOfError(error, { now }) : unreadable
    const items = error ? itemsOf(error, byName) : []
    for (const { index } of items) if (!outcomes.has(index)) outcomes.set(index, { ok: false, fault })
    if (items.length === 0) unnamedFaults.push(fault)
  }
  const unnamed = call.items.filter(({ index }) => !outcomes.has(index))
  const [last, ...others] = unnamed
  const [fault] = unnamedFaults
  if (last && others.length === 0 && fault) {
    outcomes.set(last.index, { ok: false, fault })
    return { outcomes, unnamed: [], hasUnnamedErrors: false }
  }
  const hasUnnamedErrors = unnamedFaults.length > 0
  // An update of a record that was merged away takes effect on the one that took it, and names that one.
  if (call.keyField === null && !hasUnnamedErrors && foreign > 0 && foreign === unnamed.length) {
    for (const { index } of unnamed) outcomes.set(index, { ok: false, fault: mergedAway })
    return { outcomes, unnamed: [], hasUnnamedErrors }
  }
  return { outcomes, unnamed, hasUnnamedErrors }
}

const traceName = (trace: string | undefined): string => `trace ${trace ?? ''}`
const idName = (id: string): string => `id ${id}`
const valueName = (value: string | null | undefined): string => `value ${keyOf(value ?? '')}`

function namesOf(call: Batch): ReadonlyMap<string, WriteItem> {
  return new Map(
    call.items.flatMap((item) => {
      const { target } = item.command
      const address = target.kind === 'id' ? idName(target.id) : valueName(target.value)
      return [
        [traceName(traceOf(item)), item],
        [address, item],
      ]
    }),
  )
}

/** Members of an error's context that name records. */
const naming = ['ids', 'id', 'objectId', 'objectIds', 'invalidObjectIds'] as const

function itemsOf({ context }: RemoteError, byName: ReadonlyMap<string, WriteItem>): readonly WriteItem[] {
  const traced = (context['objectWriteTraceId'] ?? []).flatMap((trace) => byName.get(traceName(trace)) ?? [])
  if (traced.length > 0) return traced
  return naming
    .flatMap((member) => context[member] ?? [])
    .flatMap((name) => byName.get(idName(name)) ?? byName.get(valueName(name)) ?? [])
}

const unreadable = new ConnectorFault('rejected', 'HubSpot refused without a reason', { code: 'NO_REASON' })
const mergedAway = new ConnectorFault('gone', 'The record was merged into another one', { code: 'MERGED' })

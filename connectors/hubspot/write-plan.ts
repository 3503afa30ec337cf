import type { RemoteValue, WriteCommand } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { type CrmObject, crmObject } from './api-paths.ts'
import { isAssociation } from './associations.ts'

/** A command and its place in the caller's list. */
export interface WriteItem {
  readonly index: number
  readonly command: WriteCommand
}

/** One batch: one object, addressed one way, no record twice. */
export interface WriteCall {
  readonly object: CrmObject
  /** The unique property of an upsert, or null for an update by id. */
  readonly keyField: string | null
  readonly items: readonly WriteItem[]
}

/** HubSpot compares unique texts without regard to case or the white space around them. */
export const keyOf = (value: string): string => value.trim().toLowerCase()

export function recordKey({ object, target }: WriteCommand): string {
  const name = target.kind === 'id' ? target.id : `${target.field}=${keyOf(target.value)}`
  return `${object}/${target.kind}/${name}`
}

/**
 * Groups commands by object and way of address, `size` a call. A record that is named again goes into a later call: HubSpot
 * refuses a whole batch in which two inputs lead to one record, and so the later command stands.
 */
export function planCalls(commands: readonly WriteCommand[], size: number): readonly WriteCall[] {
  const groups = new Map<string, { object: CrmObject; keyField: string | null; calls: WriteItem[][] }>()
  const lastCall = new Map<string, number>()
  commands.forEach((command, index) => {
    const { target } = command
    const object = crmObject(command.object)
    const keyField = target.kind === 'key' ? target.field : null
    const name = JSON.stringify([object, keyField])
    const group = groups.get(name) ?? { object, keyField, calls: [] }
    groups.set(name, group)
    const key = recordKey(command)
    const first = (lastCall.get(key) ?? -1) + 1
    const free = group.calls.findIndex((items, at) => at >= first && items.length < size)
    const at = free < 0 ? group.calls.push([]) - 1 : free
    group.calls[at]?.push({ index, command })
    lastCall.set(key, at)
  })
  return [...groups.values()].flatMap(({ object, keyField, calls }) =>
    calls.map((items) => ({ object, keyField, items })),
  )
}

/** Names an input in the answer, whose results come in any order. */
export const traceOf = ({ index }: WriteItem): string => `w${index}`

/** One input of a batch. HubSpot takes texts; an empty one clears. Associations are written on their own. */
export function inputOf({ command: { target, fields } }: WriteItem): {
  readonly id: string
  readonly properties: Record<string, string>
} {
  const keyField = target.kind === 'key' ? target.field : null
  const properties = Object.entries(fields).filter(([name]) => name !== keyField && !isAssociation(name))
  return {
    id: target.kind === 'id' ? target.id : target.value,
    properties: Object.fromEntries(properties.map(([name, value]) => [name, textOf(value)])),
  }
}

const textOf = (value: RemoteValue): string => (value === null ? '' : String(value))

/**
 * What to try after HubSpot refused a batch as a whole. The records that carry a property which the portal does not have
 * are the ones to blame; otherwise halves find the record that is refused. Null: every record shares the blame.
 */
export function splitCall(
  call: WriteCall,
  fault: ConnectorFault,
): { readonly blamed: readonly WriteItem[]; readonly again: readonly WriteCall[] } | null {
  if (call.items.length < 2) return null
  if (fault.kind === 'configuration') {
    const named = fault.details.fields ?? []
    const blamed = call.items.filter(({ command }) =>
      named.some((field) => Object.hasOwn(command.fields, field)),
    )
    if (blamed.length === 0 || blamed.length === call.items.length) return null
    return { blamed, again: [{ ...call, items: call.items.filter((item) => !blamed.includes(item)) }] }
  }
  return isOfRecord(fault) ? { blamed: [], again: halve(call) } : null
}

/** Halves of a call, to be sent again. */
export function halve(call: WriteCall): readonly WriteCall[] {
  const half = Math.ceil(call.items.length / 2)
  return [call.items.slice(0, half), call.items.slice(half)]
    .filter((items) => items.length > 0)
    .map((items) => ({ ...call, items }))
}

const ofRecord: ReadonlySet<string> = new Set(['rejected', 'duplicate', 'gone', 'changed'])

/** A fault that one record of a batch may bring upon the others; a lock is one too. */
export const isOfRecord = ({ kind, details }: ConnectorFault): boolean =>
  ofRecord.has(kind) || details.httpStatus === 423

/** Faults of the connection rather than of a record: whatever follows would meet them too. */
export const isOfConnection = (fault: ConnectorFault): boolean =>
  !isOfRecord(fault) && ['throttled', 'unavailable', 'unauthorised'].includes(fault.kind)

/** What became of a record that was accepted, or sent, without an answer that names it. */
export const unanswered = new ConnectorFault('ambiguous', 'HubSpot gave no result for this record', {
  code: 'UNANSWERED',
})

import type { RemoteValue, WriteCommand } from '../connector.ts'
import type { ConnectorFault } from '../fault.ts'

/** A command and its place in the caller's list. */
export interface WriteItem {
  readonly index: number
  readonly command: WriteCommand
}

/** One collections call: one object, addressed one way, no record twice. */
export interface WriteCall {
  readonly object: string
  /** The external id field, or null where the records are named by id. */
  readonly keyField: string | null
  /** Saved in spite of what duplicate rules find: a header of the call, so these records have calls of their own. */
  readonly allowDuplicate: boolean
  readonly items: readonly WriteItem[]
}

/** Salesforce compares unique text without regard to case, and ids by their first 15 characters. */
export function recordKey({ object, target }: WriteCommand): string {
  const name = target.kind === 'id' ? target.id.slice(0, 15) : `${target.field}=${target.value.toLowerCase()}`
  return `${object}/${target.kind}/${name}`
}

/**
 * Groups commands by object and way of address, `size` a call. A record that is named again goes into a later call, so
 * its commands take effect in their order and no call is refused for naming it twice.
 */
export function planCalls(commands: readonly WriteCommand[], size: number): readonly WriteCall[] {
  const groups = new Map<
    string,
    { object: string; keyField: string | null; calls: { allowDuplicate: boolean; items: WriteItem[] }[] }
  >()
  const lastCall = new Map<string, number>()
  commands.forEach((command, index) => {
    const { object, target } = command
    const keyField = target.kind === 'key' ? target.field : null
    const name = JSON.stringify([object, keyField])
    const group = groups.get(name) ?? { object, keyField, calls: [] }
    groups.set(name, group)
    const key = recordKey(command)
    const first = (lastCall.get(key) ?? -1) + 1
    const { allowDuplicate = false } = command
    const free = group.calls.findIndex(
      (call, at) => at >= first && call.allowDuplicate === allowDuplicate && call.items.length < size,
    )
    const at = free < 0 ? group.calls.push({ allowDuplicate, items: [] }) - 1 : free
    group.calls[at]?.items.push({ index, command })
    lastCall.set(key, at)
  })
  return [...groups.values()].flatMap(({ object, keyField, calls }) =>
    calls.map((call) => ({ object, keyField, ...call })),
  )
}

/** The body of the call. Our own address of the record wins over a field of the same name. */
export function bodyOf({ object, keyField, items }: WriteCall): {
  readonly allOrNone: false
  readonly records: readonly Readonly<Record<string, RemoteValue | { readonly type: string }>>[]
} {
  const records = items.map(({ command: { target, fields } }) => ({
    ...fields,
    attributes: { type: object },
    ...(target.kind === 'key' ? { [keyField ?? target.field]: target.value } : { id: target.id }),
  }))
  return { allOrNone: false, records }
}

/**
 * What to try after Salesforce refused a call as a whole. The records that carry a field which it named are the ones to
 * blame; without a name, halves find the one that no parser takes. Null: every record shares the blame.
 */
export function splitCall(
  call: WriteCall,
  fault: ConnectorFault,
): { readonly blamed: readonly WriteItem[]; readonly again: readonly WriteCall[] } | null {
  const named = fault.details.fields ?? []
  const blamed = call.items.filter(({ command }) =>
    named.some((field) => Object.hasOwn(command.fields, field)),
  )
  if (blamed.length > 0 && blamed.length < call.items.length) {
    return { blamed, again: [{ ...call, items: call.items.filter((item) => !blamed.includes(item)) }] }
  }
  if (fault.kind !== 'rejected' || call.items.length < 2) return null
  const half = Math.ceil(call.items.length / 2)
  const halves = [call.items.slice(0, half), call.items.slice(half)]
  return { blamed: [], again: halves.map((items) => ({ ...call, items })) }
}

import type { WriteCommand } from '../connector.ts'

/** A command and its place in the caller's list. */
export interface WriteItem {
  readonly index: number
  readonly command: WriteCommand
}

/** One batch: records of one table, none of them twice. */
export interface WriteCall {
  readonly object: string
  readonly items: readonly WriteItem[]
}

/** Dataverse compares keys and ids without regard to case. */
export function recordKey({ object, target }: WriteCommand): string {
  const name = target.kind === 'id' ? target.id : `${target.field}=${target.value}`
  return `${object}/${target.kind}/${name.toLowerCase()}`
}

/**
 * Groups commands by table, `size` a batch. A record that is named again goes into a later batch, so that what is known of
 * it when its command is planned includes the earlier one.
 */
export function planCalls(commands: readonly WriteCommand[], size: number): readonly WriteCall[] {
  const groups = new Map<string, WriteItem[][]>()
  const lastCall = new Map<string, number>()
  commands.forEach((command, index) => {
    const calls = groups.get(command.object) ?? []
    groups.set(command.object, calls)
    const key = recordKey(command)
    const first = (lastCall.get(key) ?? -1) + 1
    const free = calls.findIndex((items, at) => at >= first && items.length < size)
    const at = free < 0 ? calls.push([]) - 1 : free
    calls[at]?.push({ index, command })
    lastCall.set(key, at)
  })
  return [...groups].flatMap(([object, calls]) => calls.map((items) => ({ object, items })))
}

/** Halves of a batch that Dataverse refused as a whole, to find the record that it cannot read. Null: there is but one. */
export function splitCall(call: WriteCall): readonly WriteCall[] | null {
  if (call.items.length < 2) return null
  const half = Math.ceil(call.items.length / 2)
  return [call.items.slice(0, half), call.items.slice(half)].map((items) => ({ ...call, items }))
}

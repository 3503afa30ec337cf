import type { WriteCommand } from '../connector.ts'
import type { ConnectorFault } from '../fault.ts'

/** A command and its place in the caller's list. */
export interface WriteItem {
  readonly index: number
  readonly command: WriteCommand
}

/** One call: commands that go to the same address in the same way, no record twice. */
export type WriteCall<Address> = Address & { readonly items: readonly WriteItem[] }

export interface WritePlanning<Address> {
  /** Commands per call. */
  readonly size: number
  /** What the commands of one call have in common. */
  readonly addressOf: (command: WriteCommand) => Address
  /** The same for commands that lead to one record. */
  readonly recordKey: (command: WriteCommand) => string
}

/**
 * Groups commands into calls. A record that is named again goes into a later call: its commands take effect in their
 * order, the later stands, and no call is refused for naming it twice.
 */
export function planCalls<Address extends object>(
  commands: readonly WriteCommand[],
  { size, addressOf, recordKey }: WritePlanning<Address>,
): readonly WriteCall<Address>[] {
  const calls: { readonly name: string; readonly address: Address; readonly items: WriteItem[] }[] = []
  const lastCall = new Map<string, number>()
  commands.forEach((command, index) => {
    const address = addressOf(command)
    const name = JSON.stringify(address)
    const key = recordKey(command)
    const first = (lastCall.get(key) ?? -1) + 1
    const free = calls.findIndex((call, at) => at >= first && call.name === name && call.items.length < size)
    const at = free < 0 ? calls.push({ name, address, items: [] }) - 1 : free
    calls[at]?.items.push({ index, command })
    lastCall.set(key, at)
  })
  return calls.map(({ address, items }) => ({ ...address, items }))
}

/** What to try after a call was refused as a whole. */
export interface Split<Call> {
  readonly blamed: readonly WriteItem[]
  readonly again: readonly Call[]
}
type AnyCall = { readonly items: readonly WriteItem[] }

/** The items that carry a field which the fault names are to blame. Null where all do, or none. */
export function blameByField<Call extends AnyCall>(
  call: Call,
  { details: { fields = [] } }: ConnectorFault,
): Split<Call> | null {
  const blamed = call.items.filter(({ command }) =>
    fields.some((field) => Object.hasOwn(command.fields, field)),
  )
  if (blamed.length === 0 || blamed.length === call.items.length) return null
  return { blamed, again: [{ ...call, items: call.items.filter((item) => !blamed.includes(item)) }] }
}

/** Halves find the one that is refused. Null: there is but one. */
export const blameByHalves = <Call extends AnyCall>(call: Call): Split<Call> | null =>
  call.items.length < 2 ? null : { blamed: [], again: halve(call) }

/** Halves of a call, to be sent again. */
export function halve<Call extends AnyCall>(call: Call): readonly Call[] {
  const half = Math.ceil(call.items.length / 2)
  return [call.items.slice(0, half), call.items.slice(half)]
    .filter((items) => items.length > 0)
    .map((items) => ({ ...call, items }))
}

import type { CallGate } from '#connectors/connector.ts'
import type { Priority } from '#src/kernel/events.ts'

export type CallLabel = Parameters<CallGate['call']>[0]

/** Calls of one kind within one hour. `object` is empty where a call concerns none. */
export interface CallTally {
  readonly hour: Date
  readonly operation: string
  readonly object: string
  /** How urgent the work was. */
  readonly priority: Priority
  readonly calls: number
  readonly records: number
}

const hourMs = 3_600_000

export const hourOf = (moment: Date): Date => new Date(Math.floor(moment.getTime() / hourMs) * hourMs)
export const nextHour = (moment: Date): Date => new Date(hourOf(moment).getTime() + hourMs)

/** Counts in memory until somebody takes what has gathered. */
export function createTally() {
  let gathered = new Map<string, CallTally>()
  return {
    count({ operation, object, records }: CallLabel, priority: Priority, at: Date): void {
      const hour = hourOf(at)
      const key = JSON.stringify([hour.getTime(), operation, object, priority])
      const known = gathered.get(key)
      gathered.set(key, {
        hour,
        operation,
        object: object ?? '',
        priority,
        calls: (known?.calls ?? 0) + 1,
        records: (known?.records ?? 0) + records,
      })
    },
    take(): readonly CallTally[] {
      const taken = [...gathered.values()]
      gathered = new Map()
      return taken
    },
  }
}

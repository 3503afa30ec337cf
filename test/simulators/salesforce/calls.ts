/** The log of every HTTP call, for tests that count calls or look at what was sent. */
import type { Operation } from './faults.ts'

export interface Call {
  readonly at: string
  readonly operation: Operation
  readonly method: string
  readonly path: string
  readonly object: string | null
  /** Records the call carried, there or back. */
  readonly records: number
  /** 0 where no answer was sent. */
  readonly status: number
  /** What the caller named itself in `Sforce-Call-Options`. */
  readonly client: string | null
}

export interface CallLog {
  readonly log: readonly Call[]
  reset(): void
}

export interface CallRecorder extends CallLog {
  record(call: Call): void
}

const maxKept = 50_000

/** Keeps the newest calls only, so that a demo may run for days. */
export function createCallLog(): CallRecorder {
  const log: Call[] = []
  return {
    log,
    record: (call) => {
      log.push(call)
      if (log.length > maxKept) log.splice(0, maxKept / 2)
    },
    reset: () => {
      log.length = 0
    },
  }
}

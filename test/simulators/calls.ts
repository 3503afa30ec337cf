/** The log of every HTTP call, for tests that count calls or look at what was sent. */
export interface Call<Operation extends string = string> {
  readonly at: string
  readonly operation: Operation
  readonly method: string
  readonly path: string
  readonly object: string | null
  /** Records the call carried, there or back. */
  readonly records: number
  /** 0 where no answer was sent. */
  readonly status: number
  /** What the caller named itself, where the protocol has a place for it. */
  readonly client: string | null
  /** Of the records that the call names by id, where the simulator keeps them. */
  readonly ids?: readonly string[]
  /** What a call that holds others held, in their order, as far as it ran. */
  readonly parts?: readonly { readonly operation: Operation; readonly object: string | null }[]
}

export interface CallLog<Operation extends string = string> {
  readonly log: readonly Call<Operation>[]
  reset(): void
}

export interface CallRecorder<Operation extends string = string> extends CallLog<Operation> {
  record(call: Call<Operation>): void
}

const maxKept = 50_000

/** Keeps the newest calls only, so that a demo may run for days. */
export function createCallLog<Operation extends string>(): CallRecorder<Operation> {
  const log: Call<Operation>[] = []
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

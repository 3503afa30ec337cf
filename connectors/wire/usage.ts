import type { CallGate } from '../connector.ts'

type Usage = Parameters<CallGate['observeUsage']>[0]

/** The gate, and the last count of calls that the vendor stated through it. */
export function keepUsage(outer: CallGate): { readonly gate: CallGate; latest(): Usage | null } {
  let known: Usage | null = null
  return {
    gate: {
      call: (call, signal, send) => outer.call(call, signal, send),
      observeUsage(usage) {
        known = usage
        outer.observeUsage(usage)
      },
    },
    latest: () => known,
  }
}

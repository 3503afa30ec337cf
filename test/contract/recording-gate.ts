import type { CallGate } from '#connectors/connector.ts'

type CallLabel = Parameters<CallGate['call']>[0]

export interface RecordingGate extends CallGate {
  readonly calls: (CallLabel & { readonly ok: boolean })[]
  readonly usages: { readonly used: number; readonly limit: number }[]
  count(operation: CallLabel['operation']): number
}

/** Lets everything through and writes down what passed, in the order in which the calls ended. */
export function createRecordingGate(): RecordingGate {
  const calls: RecordingGate['calls'] = []
  const usages: RecordingGate['usages'] = []
  return {
    calls,
    usages,
    count: (operation) => calls.filter((call) => call.operation === operation).length,
    async call(label, signal, send) {
      signal.throwIfAborted()
      try {
        const answer = await send(signal)
        calls.push({ ...label, ok: true })
        return answer
      } catch (error) {
        calls.push({ ...label, ok: false })
        throw error
      }
    },
    observeUsage: (usage) => {
      usages.push(usage)
    },
  }
}

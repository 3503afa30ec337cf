import { setTimeout as delay } from 'node:timers/promises'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { Random } from '#test/support/random.ts'

/** Work that is under way and is to be interrupted. */
export interface Assault {
  /** Comes at a random moment in the middle of the work, and says which. */
  readonly moment: Promise<string>
  /** Ends once everybody who began something has the answer to it. */
  readonly done: Promise<void>
}

const quietMs = 30_000

export const isWrite = ({ operation }: { readonly operation: string }): boolean =>
  /create|update|upsert|delete/.test(operation) && operation !== 'updated' && operation !== 'deleted'

/** Waits for the so-manieth call of a kind (or until it does not come any more) and a random while longer. */
export async function afterCalls(
  simulator: SalesforceSimulator,
  random: Random,
  wanted: {
    readonly calls: number
    readonly what: string
    readonly thenUpToMs: number
    matches(call: SalesforceSimulator['calls']['log'][number]): boolean
  },
): Promise<string> {
  const extraMs = random.whole(0, wanted.thenUpToMs)
  const deadline = Date.now() + quietMs
  const count = () => simulator.calls.log.filter(wanted.matches).length
  while (count() < wanted.calls && Date.now() < deadline) await delay(5)
  await delay(extraMs)
  return `${extraMs} ms after ${wanted.what} ${wanted.calls} (${count()} by then)`
}

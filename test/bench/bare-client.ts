import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Answer, Order } from './bare-connector.ts'

/** The process of `bare-connector.ts`. */
export interface BareClient {
  /** @throws Error with what the connector said */
  ask(order: Order): Promise<Answer>
  stop(): void
}

export async function startBareClient(open: Extract<Order, { kind: 'open' }>): Promise<BareClient> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'bare-connector.ts'), [], {
    serialization: 'advanced',
  })
  const gone = once(child, 'exit').then((): [Answer] => {
    throw new Error('The bare client ended')
  })
  gone.catch(() => undefined)
  const ask = async (order: Order): Promise<Answer> => {
    child.send(order)
    const [answer] = (await Promise.race([once(child, 'message'), gone])) as [Answer]
    if (answer.error !== undefined) throw new Error(`The bare client failed: ${answer.error}`)
    return answer
  }
  await ask(open)
  return { ask, stop: () => void child.disconnect() }
}

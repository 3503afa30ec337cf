import type { CallGate } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { type FailedCall, faultOfFailure } from './failed-call.ts'
import { type Answer, FetchLeg } from './fetch-leg.ts'

export type CallLabel = Parameters<CallGate['call']>[0]

/** One HTTP call through the gate: `ask` makes it on the leg given, `read` makes sense of the answer. */
export type Exchange = <T>(
  label: CallLabel,
  caller: AbortSignal,
  ask: (leg: FetchLeg) => Promise<Answer>,
  read: (answer: Answer) => T,
) => Promise<T>

export interface ExchangeOptions {
  readonly gate: CallGate
  readonly requestTimeoutMs: number
  readonly now: () => Date
  /** Aborted when the connector closes. */
  readonly life: AbortSignal
}

/**
 * Every failure of a call is a ConnectorFault; an answer with an error's status is a failure. What the gate throws of its
 * own accord before anything was sent passes through untouched.
 */
export function createExchange({ gate, requestTimeoutMs, now, life }: ExchangeOptions): Exchange {
  return async ({ operation, object, records }, caller, ask, read) => {
    const signal = AbortSignal.any([caller, life])
    const hangUp = new AbortController()
    let leg: FetchLeg | null = null
    let answer: Answer | null = null
    let isSettled = false

    const faultOf = (error: unknown, abandoned: FailedCall['abandoned']) =>
      faultOfFailure({
        error: error instanceof ConnectorFault ? error : (leg?.failure ?? error),
        abandoned,
        sent: leg?.sent ?? false,
        status: leg?.head?.status ?? null,
        retryAfter: leg?.head?.headers.get('retry-after') ?? null,
        text: answer?.text ?? null,
        changesData: operation === 'write' || operation === 'setup',
        now: now(),
      })

    try {
      return await gate.call({ operation, object, records }, signal, async (gated) => {
        const bounds = [gated, life, hangUp.signal, AbortSignal.timeout(requestTimeoutMs)]
        const bounded = AbortSignal.any(bounds)
        const current = new FetchLeg(bounded)
        leg = current
        try {
          answer = await ask(current)
          if (answer.status >= 400) throw new Error(`HTTP ${answer.status}`)
          return read(answer)
        } catch (error) {
          // An answer that was read to its end counts, however late.
          throw faultOf(error, answer === null ? reasonToAbandon(bounded, life) : null)
        } finally {
          isSettled = true
        }
      })
    } catch (error) {
      // A gate that gives up a call under way knows of the delay, not of what became of the call.
      if (leg !== null && !isSettled) {
        throw faultOf(new Error('The gate gave the call up', { cause: error }), 'TIMEOUT')
      }
      if (error instanceof ConnectorFault || !signal.aborted) throw error
      throw faultOf(error, reasonToAbandon(signal, life))
    } finally {
      hangUp.abort()
    }
  }
}

/** Why we gave a call up ourselves; null where we did not. */
export function reasonToAbandon(signal: AbortSignal, life: AbortSignal): FailedCall['abandoned'] {
  if (!signal.aborted) return null
  if (life.aborted) return 'CLOSED'
  return signal.reason instanceof Error && signal.reason.name === 'TimeoutError' ? 'TIMEOUT' : 'CANCELLED'
}

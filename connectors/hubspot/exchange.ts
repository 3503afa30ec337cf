import type { CallGate } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { type FailedCall, faultOfFailure } from './failed-call.ts'
import { FetchTransport } from './transport.ts'

export type CallLabel = Parameters<CallGate['call']>[0]

export interface Reply<T> {
  readonly value: T
  /** HubSpot's own clock when it answered; null where a proxy took the header out. */
  readonly answeredAt: Date | null
}

/** One HTTP call through the gate: `ask` makes it on the transport given. Every failure of the call is a ConnectorFault. */
export type Exchange = <T>(
  label: CallLabel,
  caller: AbortSignal,
  ask: (transport: FetchTransport) => Promise<T>,
) => Promise<Reply<T>>

export interface ExchangeOptions {
  readonly gate: CallGate
  readonly requestTimeoutMs: number
  readonly now: () => Date
  /** Aborted when the connector closes. */
  readonly life: AbortSignal
}

/** What the gate throws of its own accord before anything was sent passes through untouched. */
export function createExchange({ gate, requestTimeoutMs, now, life }: ExchangeOptions): Exchange {
  return async ({ operation, object, records }, caller, ask) => {
    const signal = AbortSignal.any([caller, life])
    const hangUp = new AbortController()
    let transport: FetchTransport | null = null
    let isSettled = false

    const faultOf = (error: unknown, abandoned: FailedCall['abandoned']) =>
      faultOfFailure({
        error,
        abandoned,
        sent: transport?.sent ?? false,
        status: transport?.answer?.status ?? null,
        retryAfter: transport?.answer?.headers.get('retry-after') ?? null,
        changesData: operation === 'write',
        now: now(),
      })

    try {
      return await gate.call({ operation, object, records }, signal, async (gated) => {
        const bounds = [gated, life, hangUp.signal, AbortSignal.timeout(requestTimeoutMs)]
        const bounded = AbortSignal.any(bounds)
        const current = new FetchTransport(bounded)
        transport = current
        try {
          const value = await ask(current)
          return { value, answeredAt: dateOf(current) }
        } catch (error) {
          throw faultOf(error, reasonToAbandon(bounded, life))
        } finally {
          isSettled = true
          observeUsage(current, gate)
        }
      })
    } catch (error) {
      // A gate that gives up a call under way knows of the delay, not of what became of the call.
      if (transport !== null && !isSettled) {
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

function dateOf(transport: FetchTransport): Date | null {
  const date = new Date(transport.answer?.headers.get('date') ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date
}

/** The day's count of calls; search and OAuth apps are not told it. */
function observeUsage(transport: FetchTransport, gate: CallGate): void {
  const headers = transport.answer?.headers
  const limit = Number(headers?.get('x-hubspot-ratelimit-daily') ?? Number.NaN)
  const left = Number(headers?.get('x-hubspot-ratelimit-daily-remaining') ?? Number.NaN)
  if (limit > 0 && left >= 0 && left <= limit) gate.observeUsage({ used: limit - left, limit })
}

/**
 * What all connectors do alike on the wire: one HTTP call within its bounds, what a failed one means, signing in, and
 * writing in batches. It has no vendor's name, code or address in it: what differs is handed in, as data where it can be.
 */
import type { CallGate } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { type FailedCall, judgeFailedCall, type VendorAnswers } from './failed-call.ts'
import { FetchLeg } from './fetch-leg.ts'

export type CallLabel = Parameters<CallGate['call']>[0]

export interface Reply<T> {
  readonly value: T
  /** The vendor's own clock when it answered; null where a proxy took the header out. */
  readonly answeredAt: Date | null
}

/** One HTTP call through the gate: `ask` makes it on the leg given. Every failure of the call is a ConnectorFault. */
export type Exchange = <T>(
  label: CallLabel,
  caller: AbortSignal,
  ask: (leg: FetchLeg) => Promise<T>,
) => Promise<Reply<T>>

/** What every connector is made of. */
export interface ConnectorOptions<Credentials> {
  readonly credentials: Credentials
  readonly gate: CallGate
  /** Upper bound of one HTTP call; a signal may end it sooner. */
  readonly requestTimeoutMs: number
  readonly now: () => Date
}

export interface ExchangeOptions extends Omit<ConnectorOptions<never>, 'credentials'> {
  /** Aborted when the connector closes. */
  readonly life: AbortSignal
  readonly vendor: VendorAnswers
}

/** What the gate throws of its own accord before anything was sent passes through untouched. */
export function createExchange({ gate, requestTimeoutMs, now, life, vendor }: ExchangeOptions): Exchange {
  return async ({ operation, object, records }, caller, ask) => {
    const signal = AbortSignal.any([caller, life])
    const hangUp = new AbortController()
    let leg: FetchLeg | null = null
    let isSettled = false

    const faultOf = (error: unknown, abandoned: FailedCall['abandoned']) =>
      judgeFailedCall(vendor, {
        error: error instanceof ConnectorFault ? error : (leg?.failure ?? error),
        abandoned,
        sent: leg?.sent ?? false,
        status: leg?.head?.status ?? null,
        retryAfter: leg?.head?.headers.get('retry-after') ?? null,
        text: leg?.answer?.text ?? null,
        changesData: vendor.changing.has(operation),
        now: now(),
      })

    try {
      return await gate.call({ operation, object, records }, signal, async (gated) => {
        const bounds = [gated, life, hangUp.signal, AbortSignal.timeout(requestTimeoutMs)]
        const bounded = AbortSignal.any(bounds)
        const current = new FetchLeg(bounded)
        leg = current
        try {
          const value = await ask(current)
          return { value, answeredAt: dateOf(current) }
        } catch (error) {
          // An answer that was read to its end counts, however late.
          throw faultOf(error, current.answer === null ? reasonToAbandon(bounded, life) : null)
        } finally {
          isSettled = true
          const usage = current.head ? vendor.usageOf?.(current.head.headers) : null
          if (usage) gate.observeUsage(usage)
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

function dateOf({ head }: FetchLeg): Date | null {
  const date = new Date(head?.headers.get('date') ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date
}

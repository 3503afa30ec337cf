import type { ConnectorTraits } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { Priority } from '#src/kernel/events.ts'
import { nextHour } from './call-tally.ts'
import type { Connection, Usage } from './connection.ts'

/** How many calls we allow ourselves on one connection, all workers together. */
export interface CallLimits {
  /** At most so many calls in so many seconds, as a sliding window. */
  readonly windows: readonly { readonly calls: number; readonly seconds: number }[]
  /** In the last 24 hours; null: nobody set a limit. */
  readonly perDay: number | null
  readonly concurrentCalls: number
}

/** The vendor's limits, lowered to what the administrators left to us of them. */
export function limitsOf(
  ceiling: ConnectorTraits['ceiling'],
  { callShare, callsPerDay, usage }: Pick<Connection, 'callShare' | 'callsPerDay' | 'usage'>,
): CallLimits {
  const ours = (calls: number) => Math.max(1, Math.floor((calls * callShare) / 100))
  const days = [callsPerDay, callShare < 100 && usage ? ours(usage.limit) : null].filter(
    (one) => one !== null,
  )
  return {
    windows: ceiling.windows.map(({ calls, seconds }) => ({ calls: ours(calls), seconds })),
    perDay: days.length > 0 ? Math.min(...days) : null,
    concurrentCalls: ours(ceiling.concurrentCalls),
  }
}

/** What part of a limit work may use up, so that what is more urgent still gets through. */
const shares: Readonly<Record<Priority, number>> = { live: 1, repair: 0.9, bulk: 0.8 }

export const limitFor = (calls: number, priority: Priority): number =>
  Math.max(1, Math.floor(calls * shares[priority]))

/** Of the CRM's own allowance not even urgent work takes the last: other systems live off it too. */
const statedShares: Readonly<Record<Priority, number>> = { ...shares, live: 0.98 }

/** What the CRM said counts until the next full hour: then one call goes through and learns anew. */
function shareAt(usage: Usage | null, now: Date): number {
  if (!usage || usage.limit <= 0 || now >= nextHour(usage.at)) return 0
  return usage.used / usage.limit
}

/** When such work may go on, by what the CRM says of its allowance; null while there is room. */
export function exhaustedUntil(usage: Usage | null, priority: Priority, now: Date): Date | null {
  if (!usage) return null
  const share = shareAt(usage, now)
  const isOver = priority === 'live' ? share >= statedShares.live : share > statedShares[priority]
  return isOver ? nextHour(usage.at) : null
}

const reservedCode = 'RESERVED'
const budgetCode = 'BUDGET'
/** A window moves on by itself within this time; a day's limit does not. */
const windowMs = 60_000

/**
 * Refused by ourselves, for the sake of more urgent work or until a window has moved on: no reason to pause a connection,
 * nor to tell people.
 */
export function isPassingRefusal({ details }: ConnectorFault, now: Date): boolean {
  if (details.code === reservedCode) return true
  const { code, retryAt } = details
  return code === budgetCode && retryAt !== undefined && retryAt.getTime() - now.getTime() <= windowMs
}

/** Why no call is made before `retryAt`. */
export const overBudget = (priority: Priority, retryAt: Date): ConnectorFault =>
  priority === 'live'
    ? new ConnectorFault('throttled', 'The calls that we allow ourselves are used up', {
        code: budgetCode,
        retryAt,
      })
    : new ConnectorFault('throttled', 'The calls that are left are kept for more urgent work', {
        code: reservedCode,
        retryAt,
      })

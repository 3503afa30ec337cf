/** Codes of PostgreSQL and of sockets that say "not now": connections, deadlocks, resources, locks, a stop. */
const passing = /^(?:08|40|53|55|57|58)[0-9A-Z]{3}$|^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_)/
const lostConnection =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed)/

/** Whether the same work may well succeed a moment later. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code: unknown = 'code' in error ? error.code : undefined
  return (typeof code === 'string' && passing.test(code)) || lostConnection.test(error.message)
}

const firstRetryMs = 1_000
const longestRetryMs = 60_000
/** About half an hour of trying. */
export const mostFailures = 35

/** How long to wait after the n-th failure in a row (from 1). */
export const retryAfterMs = (failures: number): number =>
  Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs)

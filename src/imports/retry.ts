const firstRetryMs = 1_000
const longestRetryMs = 60_000

/** Failures in a row after which an import is given up: about half an hour of trying. */
export const mostFailures = 35

/** How long to wait after the n-th failure in a row (from 1). */
export const retryAfterMs = (failures: number): number =>
  Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs)

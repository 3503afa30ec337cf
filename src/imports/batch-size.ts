const smallest = 10
const largest = 500
const targetMs = 250

/** Rows of the first batch of an import. */
export const firstBatchRows = 100

/**
 * Rows of the next batch, so that one takes about a quarter of a second: whoever registers a deal meanwhile waits no
 * longer than that. Grows and shrinks by half at most, so that one slow moment does not count for much.
 */
export function nextBatchRows(rows: number, tookMs: number): number {
  const ideal = (rows * targetMs) / Math.max(tookMs, 1)
  const bounded = Math.min(Math.max(ideal, rows / 2), rows * 1.5)
  return Math.round(Math.min(Math.max(bounded, smallest), largest))
}

/** Where a batch was refused as a whole, the row that it was about is looked for. */
export const smallerBatchRows = (rows: number): number => Math.max(1, Math.floor(rows / 4))

/** Time that is left to others after a batch. */
export const restMs = (tookMs: number): number => Math.min(Math.round(tookMs / 10), 200)

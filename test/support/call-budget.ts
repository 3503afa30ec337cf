import type { SharedBudget } from '#src/connections/call-meter.ts'

/** Grants whatever is asked for. */
export const endlessBudget = (): SharedBudget => ({
  take: async ({ wanted }) => ({ id: 1n, calls: wanted, waitMs: null, throttledUntil: null, workers: 1 }),
  giveBack: async () => undefined,
  throttle: async () => undefined,
})

/** Rules never read the clock; whoever calls them passes `now`. Leases use the database's clock instead. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

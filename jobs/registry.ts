import type { Bell, BellName, Drain } from './bell.ts'

export interface Job {
  readonly name: BellName
  readonly drain: Drain
  readonly pollMs?: number
}

/** Hangs every job on the bell. Names are unique: the bell refuses a second drain of the same name. */
export function registerJobs(bell: Bell, jobs: readonly Job[]): void {
  for (const { name, drain, pollMs } of jobs) bell.onRing(name, drain, pollMs === undefined ? {} : { pollMs })
}

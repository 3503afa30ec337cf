/**
 * The bell says "there may be work", never what the work is: work, leases, retries and priorities are rows in the
 * database. Losing a ring loses nothing; every drain is polled as well, so it is only later. Jobs hold no logic: a drain
 * calls one function of a capability. Two bells: over PostgreSQL (LISTEN/NOTIFY) and over Redis (Bull).
 */

/** Lower case words joined by underscores; the same in every process. */
export type BellName = string

/** Does the work that is due now, until none is left or `signal` asks to stop after the piece in hand. */
export type Drain = (signal: AbortSignal) => Promise<void>

export interface DrainOptions {
  /** How often the drain runs without a ring. */
  readonly pollMs?: number
}

/** What a process did for one name since it started. */
export interface DrainHealth {
  readonly name: BellName
  readonly running: boolean
  readonly runs: number
  readonly failures: number
  readonly lastEndedAt: Date | null
  /** Message of the last failure; null once a drain succeeded again. */
  readonly lastFailure: string | null
}

export interface Bell {
  /**
   * Says that work may be due, now or (about) at `notBefore`. Call it after the commit. Returns at once and never
   * throws: what cannot be delivered is logged, and the poll finds the work.
   */
  ring(name: BellName, notBefore?: Date): void
  /**
   * Drains run once at the start, on every ring and on every poll, never twice at the same time in one process. Rings
   * while one runs cause exactly one more. A failing drain is logged and counted, and runs again on the next ring or poll.
   */
  onRing(name: BellName, drain: Drain, options?: DrainOptions): void
  health(): readonly DrainHealth[]
  /** Asks running drains to stop, waits for them at most `withinMs`, then lets go of every connection. */
  close(withinMs?: number): Promise<void>
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '#config/logger.ts'
import type { BellName, Drain, DrainHealth } from './bell.ts'

export interface DrainLoop {
  /** Resolves once a drain has ended that started after this call. Never rejects; calls in between share one drain. */
  run(): Promise<void>
  health(): DrainHealth
}

export interface DrainLoopOptions {
  readonly name: BellName
  readonly drain: Drain
  readonly pollMs: number
  /** Ends the polling and asks a running drain to stop. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** Runs one drain after the other, now and then on every poll. */
export function createDrainLoop({ name, drain, pollMs, signal, logger }: DrainLoopOptions): DrainLoop {
  let current: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null
  let running = false
  let runs = 0
  let failures = 0
  let lastEndedAt: Date | null = null
  let lastFailure: string | null = null

  async function runOnce(): Promise<void> {
    if (signal.aborted) return
    running = true
    try {
      await drain(signal)
      lastFailure = null
    } catch (error) {
      failures += 1
      lastFailure = error instanceof Error ? error.message : String(error)
      logger.error(
        { err: error, bell: name, failures },
        'A drain failed; it runs again on the next ring or poll',
      )
    } finally {
      running = false
      runs += 1
      lastEndedAt = new Date()
    }
  }

  async function follow(): Promise<void> {
    await current
    next = null
    current = runOnce()
    await current
  }

  function run(): Promise<void> {
    next ??= follow()
    return next
  }

  async function poll(): Promise<void> {
    while (!signal.aborted) {
      if (!running) await run()
      // Spread over time, so that the polls of several workers do not fall together.
      await delay(pollMs * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(
        () => undefined,
      )
    }
  }
  void poll()

  return { run, health: () => ({ name, running, runs, failures, lastEndedAt, lastFailure }) }
}

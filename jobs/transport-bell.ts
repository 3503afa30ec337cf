import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '#config/logger.ts'
import type { Bell, BellName } from './bell.ts'
import { createDrainLoop, type DrainLoop } from './drain-loop.ts'

/** What differs between the two bells: carrying names to the processes that drain. */
export interface Transport {
  /** Names that are sent from now on are heard here. May reject: then only polls find work. */
  readonly ready: Promise<unknown>
  /** Resolves when the names are handed over. May wait for a lost connection; rejects when the names are lost. */
  send(names: readonly BellName[]): Promise<void>
  /** From now on names that arrive are delivered. */
  listen(name: BellName): void
  close(): Promise<void>
}

/** Called for a name that arrived; resolves when the drain that it caused has ended, never rejects. */
export type Deliver = (name: BellName) => Promise<void>

export interface BellOptions {
  readonly logger: Logger
  /** How often a drain runs without a ring, unless it says otherwise. */
  readonly pollMs?: number
}

const defaultPollMs = 5_000
const defaultCloseMs = 20_000
const lastWordsMs = 1_000
/** A transport that is not there yet holds no drain up for longer. */
const longestSilenceMs = 1_000
/** Rings for later fall together in steps of this size; a ring never comes early. */
const delayStepMs = 200
/** What is due later than this is left to the poll. */
const longestDelayMs = 15 * 60_000
const validName = /^[a-z][a-z0-9_]{0,62}$/

/** A bell over a transport: coalesces what is sent, keeps rings for later, drains and polls. */
export function createTransportBell(
  { logger, pollMs = defaultPollMs }: BellOptions,
  connect: (deliver: Deliver) => Transport,
): Bell {
  const known = new Set<BellName>()
  const loops = new Map<BellName, DrainLoop>()
  const later = new Map<string, NodeJS.Timeout>()
  const toSend = new Set<BellName>()
  const stopping = new AbortController()
  let closed = false
  let silent = false
  let sending: Promise<void> | null = null
  const transport = connect(async (name) => loops.get(name)?.run())

  async function sendAll(): Promise<void> {
    await Promise.resolve()
    while (toSend.size > 0 && !closed) {
      const names = [...toSend]
      toSend.clear()
      try {
        await transport.send(names)
        silent = false
      } catch (error) {
        if (!silent && !closed)
          logger.warn({ err: error, bells: names }, 'The bell is silent; work is found by polling')
        silent = true
      }
    }
    sending = null
  }

  function ringNow(name: BellName): void {
    if (closed) return
    toSend.add(name)
    sending ??= sendAll()
  }

  function ringLater(name: BellName, dueMs: number): void {
    const step = Math.ceil(dueMs / delayStepMs) * delayStepMs
    const key = `${name} ${step}`
    if (later.has(key) || stopping.signal.aborted) return
    const timer = setTimeout(() => {
      later.delete(key)
      ringNow(name)
    }, step - Date.now())
    timer.unref()
    later.set(key, timer)
  }

  return {
    ring(name, notBefore) {
      if (!validName.test(name)) return logger.error({ bell: name }, 'A bell of this name cannot be rung')
      const waitMs = (notBefore?.getTime() ?? 0) - Date.now()
      if (!(waitMs > 0)) ringNow(name)
      else if (waitMs <= longestDelayMs) ringLater(name, Date.now() + waitMs)
    },
    onRing(name, drain, options) {
      if (!validName.test(name)) throw new Error(`"${name}" is not a name for a bell`)
      if (known.has(name)) throw new Error(`The bell "${name}" has its drain already`)
      known.add(name)
      transport.listen(name)
      const { signal } = stopping
      // Not before rings are heard: one that falls between the first drain and the ear would wait for the poll.
      void endsWithin(transport.ready, longestSilenceMs).then(() => {
        if (signal.aborted) return
        loops.set(name, createDrainLoop({ name, drain, pollMs: options?.pollMs ?? pollMs, signal, logger }))
      })
    },
    health: () => [...loops.values()].map((loop) => loop.health()),
    async close(withinMs = defaultCloseMs) {
      if (stopping.signal.aborted) return
      stopping.abort()
      for (const timer of later.values()) clearTimeout(timer)
      const done = Promise.all([...loops.values()].map((loop) => loop.run()))
      if (!(await endsWithin(done, withinMs))) {
        const running = [...loops.values()].map((loop) => loop.health()).filter((health) => health.running)
        logger.warn(
          { bells: running.map(({ name }) => name) },
          'Drains were still running at the end of the wait',
        )
      }
      if (sending) await endsWithin(sending, Math.min(withinMs, lastWordsMs))
      closed = true
      await transport.close()
    },
  }
}

async function endsWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const waiting = new AbortController()
  const ended = work.then(
    () => true,
    () => false,
  )
  const late = delay(limitMs, false, { signal: waiting.signal }).catch(() => false)
  const result = await Promise.race([ended, late])
  waiting.abort()
  return result
}

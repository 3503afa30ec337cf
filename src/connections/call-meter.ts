import { ConnectorFault } from '#connectors/fault.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type CallLimits, exhaustedUntil, limitFor, overBudget } from './call-budget.ts'
import type { BlockAsk, Grant } from './call-budget-store.ts'
import { createCallSlots } from './call-slots.ts'
import type { Usage } from './connection.ts'

/** What all workers share of one connection's calls; kept in the database. */
export interface SharedBudget {
  take(ask: BlockAsk): Promise<Grant>
  giveBack(id: bigint, unused: number): Promise<void>
  throttle(until: Date): Promise<void>
}

/** One process's part of a connection's budget; the gates of all urgencies pass the same one. */
export interface CallMeter {
  /** @throws ConnectorFault while no such call may be made */
  admit(priority: Priority): void
  /**
   * Waits for a place and for budget. @returns the function that gives the place back
   * @throws ConnectorFault when the wait would be too long: nothing was sent
   */
  enter(priority: Priority, signal: AbortSignal): Promise<() => void>
  /** Calls that hold no place, as those that wait for news. */
  count(priority: Priority, signal: AbortSignal): Promise<void>
  /** The CRM asked one of us to wait, so nobody calls before. */
  throttle(until: Date): Promise<void>
  observeUsage(usage: Usage): void
  setLimits(limits: CallLimits): void
  mayRun(priority: Priority): boolean
  /** Gives back what was taken and not used in time. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface CallMeterOptions {
  /** Names this process among those that share. */
  readonly worker: string
  readonly shared: SharedBudget
  readonly clock: Clock
  readonly limits: CallLimits
  readonly usage: Usage | null
  /** Calls under way at once in this process, where the limits allow as many. */
  readonly concurrency: number
  /** The longest wait for a place and for budget together. */
  readonly waitMs: number
}

interface Block {
  readonly id: bigint
  readonly endsAt: number
  readonly calls: number
  left: number
}

/** How long calls that were taken may be made: so long a worker may not know that another one was asked to wait. */
const longestBlockMs = 500
/** A window counts calls for that much longer than it is, so a block is short against it. */
const blockMsFor = ({ windows }: CallLimits): number =>
  Math.min(longestBlockMs, ...windows.map(({ seconds }) => seconds * 50))

/** Calls that are taken at once where no window says how many are sensible. */
const largestBlock = 100

export function createCallMeter(options: CallMeterOptions): CallMeter {
  const { shared, clock, worker } = options
  let { limits, usage } = options
  let throttledUntil: Date | null = null
  let workers = 1
  const slots = createCallSlots(placesFor(limits, workers))
  const blocks = new Map<Priority, Block>()
  const refills = new Map<Priority, Promise<Grant>>()
  const waiting = new Map<Priority, number>()
  /** Until when such work found the budget used up. */
  const closedUntil = new Map<Priority, Date>()

  function placesFor({ concurrentCalls }: CallLimits, among: number): number {
    return Math.max(1, Math.min(options.concurrency, Math.floor(concurrentCalls / among)))
  }

  function admit(priority: Priority): void {
    const now = clock.now()
    if (throttledUntil && now < throttledUntil) throw throttled(throttledUntil)
    const exhausted = exhaustedUntil(usage, priority, now)
    if (!exhausted) return
    throw priority === 'live'
      ? new ConnectorFault('throttled', "The CRM's allowance of calls is all but used up", {
          code: 'ALLOWANCE_RESERVED',
          retryAt: exhausted,
        })
      : overBudget(priority, exhausted)
  }

  function wantedBy(priority: Priority, last: Block | undefined): number {
    const most = limits.windows.map(({ calls }) => Math.floor(calls / 10))
    const expected = (waiting.get(priority) ?? 1) + (last ? last.calls - last.left : 0)
    return Math.max(1, Math.min(expected, largestBlock, ...most))
  }

  async function refill(priority: Priority): Promise<Grant> {
    const last = blocks.get(priority)
    blocks.delete(priority)
    if (last && last.left > 0) await shared.giveBack(last.id, last.left)
    const askedAt = performance.now()
    const blockMs = blockMsFor(limits)
    const grant = await shared.take({
      worker,
      wanted: wantedBy(priority, last),
      windows: limits.windows.map(({ calls, seconds }) => ({ calls: limitFor(calls, priority), seconds })),
      perDay: limits.perDay === null ? null : limitFor(limits.perDay, priority),
      blockMs,
    })
    ;({ throttledUntil } = laterOf(grant))
    if (grant.workers !== workers) {
      workers = grant.workers
      slots.setLimit(placesFor(limits, workers))
    }
    if (grant.calls > 0) {
      closedUntil.delete(priority)
      blocks.set(priority, { id: grant.id, calls: grant.calls, left: grant.calls, endsAt: askedAt + blockMs })
    }
    return grant
  }
  const laterOf = (grant: Pick<Grant, 'throttledUntil'>) =>
    throttledUntil && (!grant.throttledUntil || grant.throttledUntil < throttledUntil)
      ? { throttledUntil }
      : { throttledUntil: grant.throttledUntil }

  /** @returns how long to wait for budget; null when one call was taken */
  async function takeCall(priority: Priority): Promise<number | null> {
    waiting.set(priority, (waiting.get(priority) ?? 0) + 1)
    try {
      for (;;) {
        const block = blocks.get(priority)
        if (block && block.left > 0 && performance.now() < block.endsAt) {
          block.left -= 1
          return null
        }
        const asked = refills.get(priority) ?? refill(priority).finally(() => refills.delete(priority))
        refills.set(priority, asked)
        const grant = await asked
        if (grant.throttledUntil) throw throttled(grant.throttledUntil)
        if (grant.waitMs !== null) return grant.waitMs
      }
    } finally {
      waiting.set(priority, (waiting.get(priority) ?? 1) - 1)
    }
  }

  async function pass(
    priority: Priority,
    signal: AbortSignal,
    place: (signal: AbortSignal) => Promise<() => void>,
  ): Promise<() => void> {
    const giveUpAt = performance.now() + options.waitMs
    const late = AbortSignal.timeout(options.waitMs)
    for (;;) {
      const giveBack = await place(AbortSignal.any([signal, late])).catch((error: unknown) => {
        if (signal.aborted) throw error
        throw new ConnectorFault('unavailable', 'Too many calls to the CRM are under way', { code: 'BUSY' })
      })
      let waitMs: number | null = null
      try {
        waitMs = await takeCall(priority)
        if (waitMs === null) return giveBack
      } catch (error) {
        giveBack()
        throw error
      }
      // Who waits for budget takes no place from those who have some.
      giveBack()
      if (performance.now() + waitMs > giveUpAt) {
        const retryAt = new Date(clock.now().getTime() + waitMs)
        closedUntil.set(priority, retryAt)
        throw overBudget(priority, retryAt)
      }
      await rest(waitMs, signal)
    }
  }

  async function giveBackUnused(isEnded: (block: Block) => boolean): Promise<void> {
    for (const [priority, block] of blocks) {
      if (!isEnded(block)) continue
      blocks.delete(priority)
      if (block.left > 0) await shared.giveBack(block.id, block.left)
    }
  }

  return {
    admit,
    enter: (priority, signal) => pass(priority, signal, (until) => slots.take(priority, until)),
    async count(priority, signal) {
      await pass(priority, signal, async () => () => undefined)
    },
    async throttle(until) {
      ;({ throttledUntil } = laterOf({ throttledUntil: until }))
      blocks.clear()
      await shared.throttle(until)
    },
    observeUsage(next) {
      usage = next
    },
    setLimits(next) {
      limits = next
      slots.setLimit(placesFor(limits, workers))
    },
    mayRun(priority) {
      const now = clock.now()
      const closed = closedUntil.get(priority)
      return (!closed || closed <= now) && exhaustedUntil(usage, priority, now) === null
    },
    settle: () => giveBackUnused(({ endsAt }) => performance.now() >= endsAt),
    close: () => giveBackUnused(() => true),
  }
}

const throttled = (retryAt: Date): ConnectorFault =>
  new ConnectorFault('throttled', 'The CRM asked us to wait', { code: 'THROTTLED', retryAt })

function rest(forMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave)
      resolve()
    }, forMs)
    signal.addEventListener('abort', leave, { once: true })
  })
}

import { setTimeout as delay } from 'node:timers/promises'
import { createTask, type ScheduledTask, validate } from 'node-cron'
import type { Logger } from '#config/logger.ts'
import type { Database } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { loadLastTick, pruneTicks, returnTick, takeTick } from './schedule-store.ts'

export interface ScheduleEntry {
  /** The same in every process, and for good: what was taken is remembered under it. */
  readonly name: string
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string
  /** The zone in which the fields are read; UTC when left out. */
  readonly timeZone?: string
  /**
   * One short piece of work that looks at the state, not at the time: it may run late, once for several missed ticks,
   * and again after a failure. Usually it rings a bell.
   */
  run(signal: AbortSignal): Promise<void>
}

export interface Schedule {
  /** Ticks missed while no worker ran are caught up, once per entry. Called at the start and every few minutes. */
  catchUp(): Promise<void>
  /** A tick fell due: runs the entry if this process gets it. @returns whether it ran here. */
  tick(name: string, dueAt: Date): Promise<boolean>
  close(withinMs?: number): Promise<void>
}

export interface ScheduleOptions {
  readonly database: Database
  readonly entries: readonly ScheduleEntry[]
  readonly logger: Logger
  readonly clock: Clock
}

const system = systemActor('schedule')
const minuteMs = 60_000
const catchUpEveryMs = 5 * minuteMs
const keptDays = 14
/** How far back a missed tick is looked for; a schedule has at least one tick a year. */
const longestGapMs = 366 * 24 * 60 * minuteMs
const defaultCloseMs = 20_000

/**
 * Starts the clock of every entry. All workers tick; the insert of a tick elects the one that runs it.
 * @throws Error when an expression cannot be read
 */
export function startSchedule({ database, entries, logger, clock }: ScheduleOptions): Schedule {
  const stopping = new AbortController()
  const { signal } = stopping
  const inHand = new Set<Promise<unknown>>()
  /** Up to when an entry has been looked through for missed ticks here. */
  const checked = new Map<string, Date>()
  const clocks = new Map<string, { readonly entry: ScheduleEntry; readonly task: ScheduledTask }>()
  for (const entry of entries) {
    if (clocks.has(entry.name)) throw new Error(`Two schedules have the name "${entry.name}"`)
    clocks.set(entry.name, { entry, task: createClock(entry) })
  }

  function createClock(entry: ScheduleEntry): ScheduledTask {
    if (entry.cron.trim().split(/\s+/).length !== 5 || !validate(entry.cron))
      throw new Error(`The schedule "${entry.name}" has no readable expression: ${entry.cron}`)
    return createTask(entry.cron, ({ date }) => follow(tick(entry.name, date)), {
      timezone: entry.timeZone ?? 'UTC',
      name: entry.name,
      suppressMissedWarning: true,
    })
  }

  /** Work that nobody waits for: its failure is logged, a stop waits for it. */
  function follow(work: Promise<unknown>): void {
    const settled = work
      .catch((error: unknown) => logger.error({ err: error }, 'The schedule could not ask for its ticks'))
      .finally(() => inHand.delete(settled))
    inHand.add(settled)
  }

  async function tick(name: string, dueAt: Date): Promise<boolean> {
    const entry = clocks.get(name)?.entry
    if (!entry || signal.aborted) return false
    const taken = await database.transact(system, async (tx) => {
      const mine = await takeTick(tx, name, dueAt)
      if (mine) await pruneTicks(tx, name, keptDays)
      return mine
    })
    if (!taken) return false
    try {
      await entry.run(signal)
      return true
    } catch (error) {
      logger.error(
        { err: error, schedule: name, dueAt },
        'A scheduled task failed; it is caught up in some minutes',
      )
      checked.delete(name)
      await database.transact(system, (tx) => returnTick(tx, name, dueAt))
      return false
    }
  }

  /** One after the other: what one call is looking into, the next must not take for done. */
  let lastCatchUp: Promise<void> = Promise.resolve()
  function catchUp(): Promise<void> {
    const turn = lastCatchUp.then(catchUpAll)
    lastCatchUp = turn.catch(() => undefined)
    return turn
  }

  async function catchUpAll(): Promise<void> {
    for (const { entry, task } of clocks.values()) {
      const now = clock.now()
      const last = await database.transact(system, (tx) => loadLastTick(tx, entry.name))
      const from = checked.get(entry.name) ?? last
      const missed = last && from ? latestTick(task, last > from ? last : from, now) : null
      checked.set(entry.name, startOfMinute(now))
      if (missed) await tick(entry.name, missed)
      // What is missed from now on is seen, also when no tick falls into the first run.
      if (!last) await database.transact(system, (tx) => takeTick(tx, entry.name, startOfMinute(now)))
    }
  }

  async function catchUpForGood(): Promise<void> {
    while (!signal.aborted) {
      follow(catchUp())
      await delay(catchUpEveryMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  for (const { task } of clocks.values()) void task.start()
  void catchUpForGood()

  return {
    catchUp,
    tick,
    async close(withinMs = defaultCloseMs) {
      stopping.abort()
      for (const { task } of clocks.values()) await task.destroy()
      await Promise.race([Promise.all(inHand), delay(withinMs, undefined, { ref: false })])
    },
  }
}

const startOfMinute = (instant: Date) => new Date(Math.floor(instant.getTime() / minuteMs) * minuteMs)

/** The latest tick after `last` that is due at `now`, looked for minute by minute. */
function latestTick(task: ScheduledTask, last: Date, now: Date): Date | null {
  const earliestMs = Math.max(last.getTime(), now.getTime() - longestGapMs)
  for (let ms = startOfMinute(now).getTime(); ms > earliestMs; ms -= minuteMs) {
    const minute = new Date(ms)
    if (task.match(minute)) return minute
  }
  return null
}

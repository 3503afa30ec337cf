import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Bell } from '#jobs/bell.ts'
import type { BellOptions } from '#jobs/transport-bell.ts'
import { captureLog } from '#test/support/log.ts'

const never = 60 * 60_000

export interface BellSuite {
  readonly name: string
  /** Another process's end of the same bell. */
  open(options: BellOptions): Bell
  /** Cuts every connection of the bell's kind once. */
  interrupt(): Promise<void>
}

/** A drain that can be held: counts its runs and how many ran at the same time. */
function createWork() {
  let gate = Promise.withResolvers<void>()
  gate.resolve()
  const state = { started: 0, ended: 0, atOnce: 0, most: 0, aborted: false }
  return {
    state,
    hold: () => {
      gate = Promise.withResolvers<void>()
    },
    release: () => gate.resolve(),
    drain: async (signal: AbortSignal) => {
      state.started += 1
      state.atOnce += 1
      state.most = Math.max(state.most, state.atOnce)
      await gate.promise
      state.aborted = signal.aborted
      state.atOnce -= 1
      state.ended += 1
    },
  }
}

async function until(claim: () => boolean, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!claim()) {
    if (Date.now() > deadline) throw new Error(`Not so within ${limitMs} ms: ${claim}`)
    await delay(5)
  }
}

const quietMs = 300

/** What both bells promise. Every test has names of its own, so that the suite may run beside others. */
export function describeBell({ name: suite, open, interrupt }: BellSuite): void {
  describe(`the bell over ${suite}`, () => {
    const opened: Bell[] = []
    let names = 0
    const freshName = () => `test_${process.pid}_${Date.now()}_${names++}`
    const openBell = (options: Partial<BellOptions> = {}) => {
      const bell = open({ logger: captureLog().logger, pollMs: never, ...options })
      opened.push(bell)
      return bell
    }
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((bell) => bell.close(500)))
    })

    test('what was due before the start is drained at the start', async () => {
      const work = createWork()
      openBell().onRing(freshName(), work.drain)
      await until(() => work.state.ended === 1)
    })

    test('a ring in one process drains in another', async () => {
      const name = freshName()
      const work = createWork()
      const worker = openBell()
      const api = openBell()
      worker.onRing(name, work.drain)
      await until(() => work.state.ended === 1)
      api.ring(name)
      await until(() => work.state.ended === 2)
    })

    test('a ring for one name leaves the others alone', async () => {
      const [one, two] = [createWork(), createWork()]
      const name = freshName()
      const bell = openBell()
      bell.onRing(name, one.drain)
      bell.onRing(freshName(), two.drain)
      await until(() => one.state.ended === 1 && two.state.ended === 1)
      bell.ring(name)
      await until(() => one.state.ended === 2)
      await delay(quietMs)
      expect(two.state.started).toBe(1)
    })

    test('rings while a drain runs cause exactly one more, never two at once', async () => {
      const name = freshName()
      const work = createWork()
      const bell = openBell()
      bell.onRing(name, work.drain)
      await until(() => work.state.ended === 1)
      work.hold()
      bell.ring(name)
      await until(() => work.state.started === 2)
      for (let i = 0; i < 50; i += 1) {
        bell.ring(name)
        if (i % 10 === 0) await delay(10)
      }
      await delay(quietMs)
      expect(work.state.started).toBe(2)
      work.release()
      await until(() => work.state.ended === 3)
      await delay(quietMs)
      expect(work.state).toMatchObject({ started: 3, most: 1 })
    })

    test('a poll that falls into a running drain does not start a second one', async () => {
      const name = freshName()
      const work = createWork()
      work.hold()
      const bell = openBell({ pollMs: 20 })
      bell.onRing(name, work.drain)
      bell.ring(name)
      await delay(quietMs)
      expect(work.state).toMatchObject({ started: 1, most: 1 })
      work.release()
    })

    test('a ring that nobody gave is made up for by the poll', async () => {
      const work = createWork()
      openBell({ pollMs: 50 }).onRing(freshName(), work.drain)
      await until(() => work.state.ended >= 4)
    })

    test('every ring is heard, however many processes drain', async () => {
      const name = freshName()
      const done = new Set<number>()
      const due = new Set<number>()
      const drain = async () => {
        for (const item of due) done.add(item)
      }
      for (let i = 0; i < 3; i += 1) openBell().onRing(name, drain)
      const api = openBell()
      for (let item = 0; item < 40; item += 1) {
        due.add(item)
        api.ring(name)
        await until(() => done.has(item))
      }
    })

    test('a ring for later comes then, not before', async () => {
      const name = freshName()
      const work = createWork()
      const bell = openBell()
      bell.onRing(name, work.drain)
      await until(() => work.state.ended === 1)
      const dueMs = Date.now() + 600
      bell.ring(name, new Date(dueMs))
      bell.ring(name, new Date(dueMs))
      await until(() => work.state.started === 2)
      expect(Date.now()).toBeGreaterThanOrEqual(dueMs)
      await delay(quietMs)
      expect(work.state.started).toBe(2)
    })

    test('a ring for a moment that has passed comes now', async () => {
      const name = freshName()
      const work = createWork()
      const bell = openBell()
      bell.onRing(name, work.drain)
      await until(() => work.state.ended === 1)
      bell.ring(name, new Date(Date.now() - 60_000))
      await until(() => work.state.ended === 2)
    })

    test('a failing drain is logged and counted, and the next ring runs it again', async () => {
      const name = freshName()
      const log = captureLog()
      let runs = 0
      const bell = openBell({ logger: log.logger })
      bell.onRing(name, async () => {
        runs += 1
        if (runs === 1) throw new Error('The table is locked')
      })
      await until(() => bell.health()[0]?.failures === 1)
      expect(bell.health()[0]).toMatchObject({ name, runs: 1, lastFailure: 'The table is locked' })
      expect(log.entries.filter(({ level }) => level === 'error')).toHaveLength(1)
      bell.ring(name)
      await until(() => runs === 2)
      await until(() => bell.health()[0]?.lastFailure === null)
    })

    test('ringing never throws into the caller, whatever the name or state', async () => {
      const log = captureLog()
      const bell = openBell({ logger: log.logger })
      expect(() => bell.ring('Not a name')).not.toThrow()
      expect(log.entries.map(({ level }) => level)).toEqual(['error'])
      await bell.close()
      expect(() => bell.ring(freshName())).not.toThrow()
    })

    test('a second drain for one name is refused', () => {
      const name = freshName()
      const bell = openBell()
      bell.onRing(name, async () => undefined)
      expect(() => bell.onRing(name, async () => undefined)).toThrow('has its drain already')
    })

    test('a lost connection comes back by itself and rings again', async () => {
      const name = freshName()
      const work = createWork()
      const bell = openBell()
      bell.onRing(name, work.drain)
      bell.ring(name)
      await until(() => work.state.ended >= 2)
      await interrupt()
      const before = work.state.ended
      const deadline = Date.now() + 10_000
      while (work.state.ended === before && Date.now() < deadline) {
        bell.ring(name)
        await delay(100)
      }
      expect(work.state.ended).toBeGreaterThan(before)
    })

    test('closing asks the drain in hand to stop, and waits for it', async () => {
      const name = freshName()
      const work = createWork()
      work.hold()
      const bell = openBell()
      bell.onRing(name, work.drain)
      await until(() => work.state.started === 1)
      bell.ring(name)
      const closing = bell.close(5_000)
      setTimeout(work.release, 100)
      await closing
      expect(work.state).toMatchObject({ started: 1, ended: 1, aborted: true })
    })

    test('closing does not wait longer than its limit for a drain that hears nothing', async () => {
      const log = captureLog()
      const work = createWork()
      work.hold()
      const bell = openBell({ logger: log.logger })
      bell.onRing(freshName(), work.drain)
      await until(() => work.state.started === 1)
      const startedMs = Date.now()
      await bell.close(200)
      expect(Date.now() - startedMs).toBeLessThan(5_000)
      expect(log.entries.map(({ msg }) => msg)).toContain('Drains were still running at the end of the wait')
      work.release()
    })

    test('a closed bell drains nothing more', async () => {
      const name = freshName()
      const work = createWork()
      const worker = openBell({ pollMs: 20 })
      const api = openBell()
      worker.onRing(name, work.drain)
      await until(() => work.state.ended >= 1)
      await worker.close()
      const { started } = work.state
      api.ring(name)
      await delay(quietMs)
      expect(work.state.started).toBe(started)
    })
  })
}

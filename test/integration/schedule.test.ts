import { sql } from 'kysely'
import { afterEach, expect, test } from 'vitest'
import { type Schedule, type ScheduleEntry, startSchedule } from '#jobs/schedule.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { useDatabase } from '#test/support/database.ts'
import { captureLog } from '#test/support/log.ts'

const db = useDatabase()
const system = systemActor('test')
const log = captureLog()
const opened: Schedule[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((schedule) => schedule.close(1_000)))
  await db.database.transact(system, (tx) => sql`delete from schedule_tick`.execute(tx))
})

let now = new Date('2026-03-10T12:00:30Z')
/** A worker of its own; entries that tick at times that do not come while a test runs. */
function startWorker(...entries: ScheduleEntry[]): Schedule {
  const schedule = startSchedule({
    database: db.database,
    entries,
    logger: log.logger,
    clock: { now: () => now },
  })
  opened.push(schedule)
  return schedule
}

function nightly(work: () => void | Promise<void> = () => undefined) {
  const state = { runs: 0 }
  const entry: ScheduleEntry = {
    name: 'nightly',
    cron: '15 2 * * *',
    timeZone: 'Europe/Berlin',
    run: async () => {
      state.runs += 1
      await work()
    },
  }
  return { state, entry }
}

const ticks = () =>
  db.database.transact(
    system,
    async (tx) =>
      (await sql<{ dueAt: Date }>`select due_at from schedule_tick order by due_at`.execute(tx)).rows,
  )

/** Rewrites when everything so far happened, as if the workers had been away since. */
const pretendLastTick = (dueAt: string) =>
  db.database.transact(system, async (tx) => {
    await sql`delete from schedule_tick`.execute(tx)
    await sql`insert into schedule_tick (name, due_at, taken_at) values ('nightly', ${dueAt}, ${dueAt})`.execute(
      tx,
    )
  })

test('of many workers exactly one runs a tick', async () => {
  const { state, entry } = nightly()
  const workers = [1, 2, 3, 4, 5].map(() => startWorker(entry))
  const dueAt = new Date('2027-01-01T01:15:00Z')
  const ran = await Promise.all(workers.map((worker) => worker.tick('nightly', dueAt)))
  expect(ran.filter(Boolean)).toHaveLength(1)
  expect(state.runs).toBe(1)
})

test('on a first start nothing counts as missed, from then on everything does', async () => {
  now = new Date('2026-03-10T12:00:30Z')
  const { state, entry } = nightly()
  await startWorker(entry).catchUp()
  expect(state.runs).toBe(0)
  expect(await ticks()).toHaveLength(1)
})

test('ticks missed while no worker ran are caught up once, by one worker', async () => {
  await pretendLastTick('2026-03-01T01:15:00Z')
  now = new Date('2026-03-10T12:00:30Z')
  const { state, entry } = nightly()
  const workers = [startWorker(entry), startWorker(entry), startWorker(entry)]
  await Promise.all(workers.map((worker) => worker.catchUp()))
  await workers[0]?.catchUp()
  expect(state.runs).toBe(1)
  expect((await ticks()).at(-1)?.dueAt).toEqual(new Date('2026-03-10T01:15:00Z'))
})

test('the hour of a tick follows the clocks of its zone', async () => {
  await pretendLastTick('2026-07-01T00:15:00Z')
  now = new Date('2026-07-02T00:14:59Z')
  const { state, entry } = nightly()
  const worker = startWorker(entry)
  await worker.catchUp()
  expect(state.runs).toBe(0)
  now = new Date('2026-07-02T00:15:01Z')
  await worker.catchUp()
  expect(state.runs).toBe(1)
})

test('a tick whose work failed is logged and caught up', async () => {
  await pretendLastTick('2026-03-09T01:15:00Z')
  now = new Date('2026-03-10T12:00:30Z')
  let failures = 1
  const { state, entry } = nightly(() => {
    failures -= 1
    if (failures >= 0) throw new Error('Mail server away')
  })
  const worker = startWorker(entry)
  await worker.catchUp()
  await worker.catchUp()
  await worker.catchUp()
  expect(state.runs).toBe(2)
  expect(log.entries.map(({ msg }) => msg).join()).toContain('A scheduled task failed')
})

test('old ticks are forgotten, the newest is kept', async () => {
  await pretendLastTick('2025-01-01T01:15:00Z')
  const { entry } = nightly()
  const worker = startWorker(entry)
  await worker.tick('nightly', new Date('2027-01-01T01:15:00Z'))
  await worker.tick('nightly', new Date('2027-01-02T01:15:00Z'))
  expect((await ticks()).map(({ dueAt }) => dueAt.toISOString().slice(0, 10))).toEqual([
    '2027-01-01',
    '2027-01-02',
  ])
})

test('a closed schedule runs nothing more', async () => {
  const { state, entry } = nightly()
  const worker = startWorker(entry)
  await worker.close()
  expect(await worker.tick('nightly', new Date('2027-02-01T01:15:00Z'))).toBe(false)
  expect(state.runs).toBe(0)
})

test('an expression that cannot be read stops the start', () => {
  const { entry } = nightly()
  expect(() => startWorker({ ...entry, cron: '61 2 * * *' })).toThrow('no readable expression')
  expect(() => startWorker({ ...entry, cron: '* * * * * *' })).toThrow('no readable expression')
  expect(() => startWorker(entry, entry)).toThrow('Two schedules')
})

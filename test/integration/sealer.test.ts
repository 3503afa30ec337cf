import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import { recordAudit } from '#src/database/audit.ts'
import { auditJournal } from '#src/database/audit-journal.ts'
import { proveChain } from '#src/database/seal-proof.ts'
import { sealJournal } from '#src/database/sealer.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { useDatabase } from '#test/support/database.ts'
import { query } from '#test/support/sql.ts'

const db = useDatabase()
const system = systemActor('test')
const entry = () => ({ action: 'test.done', subject: { kind: 'test', id: newId() } })
const record = (count: number) =>
  db.database.transact(system, (tx) => recordAudit(tx, system, Array.from({ length: count }, entry)))
const seal = (options = {}) => sealJournal(db.database, auditJournal, options)
const prove = () => db.database.transact(system, (tx) => proveChain(tx, auditJournal))

/** Takes the minute of safety away, so that the window follows the commits as closely as it can. */
const tightenWindow = () =>
  query(
    db.url,
    `update seal_window set next_since = next_since + interval '1 minute'
     where next_since < clock_timestamp() - interval '30 seconds'`,
  )

/** A row that looks older than the window. */
const recordLate = (id: string) =>
  sql`insert into audit_entry (id, recorded_at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, content_hash)
      values (${id}, clock_timestamp() - interval '10 minutes', 'system', 'test', 'test', 'test.late', 'test', 'late', sha256('late'))`

const isSealed = async (id: string) =>
  (await query(db.url, 'select 1 from seal_member where entry_id = $1', [id])).length === 1

test('rows are sealed once, in batches, and then there is nothing to do', async () => {
  await record(25)
  expect(await seal({ limit: 10 })).toBe(25)
  expect(await seal()).toBe(0)
  expect(await prove()).toMatchObject({ sealed: 25, waiting: 0, head: { number: 3n }, fault: null })
})

test('sealers that run at the same time seal every row once', async () => {
  await record(50)
  const counts = await Promise.all(Array.from({ length: 6 }, () => seal({ limit: 7 })))
  const rest = await seal()
  expect(counts.reduce((sum, count) => sum + count, rest)).toBe(50)
  expect(await prove()).toMatchObject({ sealed: 75, fault: null })
})

test('a row of a transaction that commits late is not skipped, however often the sealer ran meanwhile', async () => {
  const slow = Promise.withResolvers<void>()
  const began = Promise.withResolvers<void>()
  const subject = { kind: 'test', id: newId() }
  await seal()
  await tightenWindow()
  const work = db.database.transact(system, async (tx) => {
    await recordAudit(tx, system, [{ action: 'test.late', subject }])
    began.resolve()
    await slow.promise
  })
  await began.promise
  for (let round = 0; round < 5; round += 1) {
    await record(1)
    expect(await seal()).toBe(1)
    await tightenWindow()
  }
  slow.resolve()
  await work
  expect(await seal()).toBe(1)
  await record(1)
  await seal()
  await seal()
  expect(await seal({ everything: true })).toBe(0)
})

test('the recent window moves on, and a look at everything finds what a clock set back left behind it', async () => {
  await vi.waitFor(async () => {
    await record(1)
    await seal()
    const [window] = await query<{ finite: boolean }>(
      db.url,
      'select isfinite(since) as finite from seal_window',
    )
    expect(window?.finite, 'it waits for transactions of every database of the server').toBe(true)
  }, 20_000)
  const id = newId()
  await db.database.transact(system, (tx) => recordLate(id).execute(tx))
  expect(await seal()).toBe(0)
  expect(await seal({ everything: true })).toBe(1)
  expect(await isSealed(id)).toBe(true)
})

test('a window that was restored from another server does not keep rows from being sealed', async () => {
  await query(db.url, "update seal_window set next_xid = '4000000000000'")
  await record(2)
  expect(await seal()).toBe(2)
  const [window] = await query<{ xid: string }>(db.url, 'select next_xid::text as xid from seal_window')
  expect(window?.xid).not.toBe('4000000000000')
})

test('units of work of people cannot write seals', async () => {
  const vendor = { kind: 'vendor', id: newId(), name: 'Ada', roles: [] } as const
  await expect(
    db.database.transact(vendor, (tx) => sql`delete from seal_member`.execute(tx)),
  ).rejects.toThrow(/permission/)
  await expect(
    db.database.transact(vendor, (tx) =>
      sql`insert into seal values ('audit', 99, now(), 1, 'x', 'x')`.execute(tx),
    ),
  ).rejects.toThrow(/permission/)
})

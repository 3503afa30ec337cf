import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { recordAudit } from '#src/database/audit.ts'
import {
  afterCommit,
  asSystem,
  isRerun,
  LostRace,
  leaveForLast,
  savepoint,
  type Tx,
  takeLastSteps,
} from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const partner = {
  kind: 'partner',
  id: newId(),
  name: 'Ada',
  roles: [],
  partnerId: newId<'partner'>(),
} as const

test('a unit of work takes the role of its actor', async () => {
  const role = (actor: Parameters<typeof db.database.transact>[0]) =>
    db.database.transact(
      actor,
      async (tx) => (await sql<{ role: string }>`select current_user as role`.execute(tx)).rows[0]?.role,
    )
  expect(await role(system)).toBe('counterpart_system')
  expect(await role(partner)).toBe('counterpart_app')
})

test('what was written is gone when the work throws', async () => {
  const id = newId()
  const failing = db.database.transact(system, async (tx) => {
    await recordAudit(tx, system, [{ action: 'test.done', subject: { kind: 'test', id } }])
    throw new Error('stop')
  })
  await expect(failing).rejects.toThrow('stop')
  expect(await countAudit(id)).toBe(0n)
})

test('a swallowed database error does not end as a silent rollback', async () => {
  const id = newId()
  const work = db.database.transact(system, async (tx) => {
    await recordAudit(tx, system, [{ action: 'test.done', subject: { kind: 'test', id } }])
    await sql`select 1 / 0`.execute(tx).catch(() => undefined)
  })
  await expect(work).rejects.toThrow(/swallowed/)
  expect(await countAudit(id)).toBe(0n)
})

test('a savepoint keeps the transaction usable after a database error', async () => {
  const id = newId()
  await db.database.transact(system, async (tx) => {
    await recordAudit(tx, system, [{ action: 'test.done', subject: { kind: 'test', id } }])
    await expect(savepoint(tx, (inner) => sql`select 1 / 0`.execute(inner))).rejects.toThrow(/zero/)
  })
  expect(await countAudit(id)).toBe(1n)
})

test('a partner leaves audit rows but cannot read them, unless a system step does', async () => {
  const id = newId()
  const seen = await db.database.transact(partner, async (tx) => {
    await recordAudit(tx, partner, [{ action: 'test.done', subject: { kind: 'test', id } }])
    const own = await sql`select 1 from audit_entry where subject_id = ${id}`.execute(tx)
    const wide = await asSystem(tx, (inner) =>
      sql`select 1 from audit_entry where subject_id = ${id}`.execute(inner),
    )
    const after = await sql`select 1 from audit_entry where subject_id = ${id}`.execute(tx)
    return [own.rows.length, wide.rows.length, after.rows.length]
  })
  expect(seen).toEqual([0, 1, 0])
})

test('nobody edits the audit trail', async () => {
  await expect(
    db.database.transact(system, (tx) => sql`delete from audit_entry`.execute(tx)),
  ).rejects.toThrow(/permission/)
})

function countAudit(id: string): Promise<bigint | undefined> {
  return db.database.transact(system, async (tx) => {
    const { rows } = await sql<{
      count: bigint
    }>`select count(*) from audit_entry where subject_id = ${id}`.execute(tx)
    return rows[0]?.count
  })
}

test('what waits for the commit runs once after it, and never after a rollback', async () => {
  const rung: string[] = []
  await db.database.transact(system, async (tx) => {
    afterCommit(tx, 'bell', () => rung.push('first'))
    afterCommit(tx, 'bell', () => rung.push('second'))
    expect(rung).toEqual([])
  })
  const failing = db.database.transact(system, async (tx) => {
    afterCommit(tx, 'bell', () => rung.push('never'))
    throw new Error('stop')
  })
  await expect(failing).rejects.toThrow('stop')
  expect(rung).toEqual(['second'])
})

test('a unit of work that the server gave up in a deadlock runs again', async () => {
  const keys = [newId(), newId()] as const
  await db.database.transact(system, async (tx) => {
    for (const key of keys)
      await sql`insert into schedule_tick (name, due_at) values (${key}, '2026-01-01')`.execute(tx)
  })
  const touch = (tx: Tx, key: string) =>
    sql`update schedule_tick set taken_at = clock_timestamp() where name = ${key}`.execute(tx)
  let runs = 0
  const bothStarted = Promise.withResolvers<void>()
  let started = 0
  const cross = (first: string, second: string) =>
    db.database.transact(system, async (tx) => {
      runs += 1
      await touch(tx, first)
      started += 1
      if (started === 2) bothStarted.resolve()
      await bothStarted.promise
      await touch(tx, second)
    })
  await Promise.all([cross(keys[0], keys[1]), cross(keys[1], keys[0])])
  expect(runs).toBe(3)
})

test('a step as system ends as it began, also when it fails', async () => {
  const roleNow = async (tx: Tx) =>
    (await sql<{ role: string }>`select current_user as role`.execute(tx)).rows[0]?.role
  const seen = await db.database.transact(partner, async (tx) => {
    await expect(asSystem(tx, async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const after = await roleNow(tx)
    await expect(
      savepoint(tx, () => asSystem(tx, (inner) => sql`select 1 / 0`.execute(inner))),
    ).rejects.toThrow(/zero/)
    return [after, await roleNow(tx), await asSystem(tx, roleNow)]
  })
  expect(seen).toEqual(['counterpart_app', 'counterpart_app', 'counterpart_system'])
})

test('what is left for the end runs as the system, once, after the work and before the commit', async () => {
  const id = newId()
  const order: string[] = []
  await db.database.transact(partner, async (tx) => {
    leaveForLast(tx, async (inner) => {
      order.push('end')
      await recordAudit(inner, system, [{ action: 'test.done', subject: { kind: 'test', id } }])
      const { rows } = await sql<{ role: string }>`select current_user as role`.execute(inner)
      expect(rows[0]?.role).toBe('counterpart_system')
    })
    order.push('work')
  })
  expect(order).toEqual(['work', 'end'])
  expect(await countAudit(id)).toBe(1n)
})

test('what is left for the end may be done earlier, and is dropped with the savepoint that left it', async () => {
  const order: string[] = []
  await db.database.transact(partner, async (tx) => {
    leaveForLast(tx, async () => void order.push('first'))
    await takeLastSteps(tx)
    order.push('work')
    const failing = savepoint(tx, async (inner) => {
      leaveForLast(inner, async () => void order.push('undone'))
      throw new Error('stop')
    })
    await expect(failing).rejects.toThrow('stop')
  })
  expect(order).toEqual(['first', 'work'])
})

test('a unit of work that lost a race at its end runs once more and knows it', async () => {
  const id = newId()
  const reruns: boolean[] = []
  await db.database.transact(partner, async (tx) => {
    reruns.push(isRerun(tx))
    await recordAudit(tx, system, [{ action: 'test.done', subject: { kind: 'test', id } }])
    leaveForLast(tx, async (inner) => {
      if (!isRerun(inner)) throw new LostRace('somebody was quicker')
    })
  })
  expect(reruns).toEqual([false, true])
  expect(await countAudit(id)).toBe(1n)
})

import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { recordAudit } from '#src/database/audit.ts'
import { asSystem, openDatabase, savepoint, type Tx } from '#src/database/database.ts'
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

/** One connection, so that every unit of work meets what the one before left. */
async function onOneConnection(work: (database: ReturnType<typeof openDatabase>) => Promise<void>) {
  const database = openDatabase({ url: db.url, poolSize: 1 })
  try {
    await work(database)
  } finally {
    await database.close()
  }
}

const kept = async (tx: Tx, like: string) =>
  (
    await sql<{ n: number }>`
      select count(*)::int as n from pg_prepared_statements where statement like ${`%${like}%`} and name <> ''`.execute(
      tx,
    )
  ).rows[0]?.n

test('a statement that comes again and again is kept by its connection, one that came once is not', () =>
  onOneConnection(async (database) => {
    await database.transact(system, async (tx) => {
      await sql`select ${1}::int as rare`.execute(tx)
      for (let time = 0; time < 10; time += 1) await sql`select ${time}::int as often`.execute(tx)
      expect(await kept(tx, 'as often')).toBe(1)
      expect(await kept(tx, 'as rare')).toBe(0)
    })
  }))

test('a kept statement shows each role its own rows, however often the role changes', () =>
  onOneConnection(async (database) => {
    const id = newId()
    await database.transact(system, (tx) =>
      recordAudit(tx, system, [{ action: 'test.done', subject: { kind: 'test', id } }]),
    )
    const count = async (tx: Tx) =>
      (
        await sql<{ n: number }>`select count(*)::int as n from audit_entry where subject_id = ${id}`.execute(
          tx,
        )
      ).rows[0]?.n
    for (let time = 0; time < 12; time += 1) {
      const seen = await database.transact(partner, async (tx) => [
        await count(tx),
        await asSystem(tx, count),
        await count(tx),
      ])
      expect(seen).toEqual([0, 1, 0])
      expect(await database.transact(system, count)).toBe(1)
    }
  }))

test('a kept statement sees the partner of the unit of work that it runs in', () =>
  onOneConnection(async (database) => {
    const other = { ...partner, partnerId: newId<'partner'>() }
    const rival = (tx: Tx) =>
      sql<{ id: string | null }>`
        select nullif(current_setting('app.partner', true), '') as id where ${true}::boolean`.execute(tx)
    for (let time = 0; time < 12; time += 1) {
      for (const actor of [partner, other]) {
        const { rows } = await database.transact(actor, rival)
        expect(rows).toEqual([{ id: actor.partnerId }])
      }
    }
  }))

const roleOf = async (tx: Tx) =>
  (await sql<{ role: string }>`select current_user as role where ${true}::boolean`.execute(tx)).rows[0]?.role

test('steps of the system that follow each other take its role once, and what comes after them has its own again', () =>
  onOneConnection(async (database) => {
    const sent: string[] = []
    database.pool.on('connect', (client) => {
      const send = client.query.bind(client) as (query: unknown) => unknown
      client.query = ((query: unknown) => {
        if (typeof query === 'string') sent.push(query)
        return send(query)
      }) as typeof client.query
    })
    const seen = await database.transact(partner, async (tx) => [
      await asSystem(tx, roleOf),
      await asSystem(tx, roleOf),
      await roleOf(tx),
      await asSystem(tx, async () => 'nothing'),
      await roleOf(tx),
    ])
    expect(seen).toEqual([
      'counterpart_system',
      'counterpart_system',
      'counterpart_app',
      'nothing',
      'counterpart_app',
    ])
    expect(sent.slice(1)).toEqual([
      'set local role counterpart_system',
      'set local role counterpart_app',
      'commit',
    ])
  }))

test('what was undone to a savepoint leaves every later statement in the role of its own', () =>
  onOneConnection(async (database) => {
    const fails = async (tx: Tx) => void (await sql`select 1 / ${0}::int`.execute(tx))
    const seen = await database.transact(partner, async (tx) => {
      const roles = [await asSystem(tx, roleOf)]
      await savepoint(tx, (inner) => asSystem(inner, fails)).catch(() => undefined)
      roles.push(await roleOf(tx))
      await asSystem(tx, async (system) => {
        await savepoint(system, fails).catch(() => undefined)
        roles.push(await roleOf(system))
      })
      await savepoint(tx, fails).catch(() => undefined)
      roles.push(await asSystem(tx, roleOf), await roleOf(tx))
      return roles
    })
    expect(seen).toEqual([
      'counterpart_system',
      'counterpart_app',
      'counterpart_system',
      'counterpart_system',
      'counterpart_app',
    ])
    expect(await database.transact(partner, roleOf)).toBe('counterpart_app')
  }))

test('a statement that failed is usable again in the next unit of work', () =>
  onOneConnection(async (database) => {
    const divide = (divisor: number) =>
      database.transact(system, async (tx) => {
        const { rows } = await sql<{ n: number }>`select 10 / ${divisor}::int as n`.execute(tx)
        return rows[0]?.n
      })
    for (let time = 0; time < 12; time += 1) {
      await expect(divide(0)).rejects.toThrow(/zero/)
      expect(await divide(5)).toBe(2)
    }
  }))

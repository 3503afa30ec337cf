import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import pg from 'pg'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createApplication } from '#src/application.ts'
import { openDatabase } from '#src/database/database.ts'
import { migrate } from '#src/database/migrations.ts'
import { outageOf } from '#src/database/outage.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { useDatabase } from '#test/support/database.ts'
import { useInstallations } from '#test/support/installation.ts'
import { query } from '#test/support/sql.ts'

const { freshFolder, start } = useInstallations()
const db = useDatabase()

test('while the database is away everything says so, and goes on by itself when it is back', async () => {
  const folder = freshFolder()
  const server = await start(folder)
  const url = server.url()
  await migrate(url)
  const database = openDatabase({ url })
  const application = await createApplication({
    config: { redisUrl: null, rateLimitPerMinute: 600, trustProxy: false, mail: null, publicUrl: 'http://x' },
    logger: pino({ level: 'silent' }),
    database,
    databaseUrl: url,
    keys: { current: randomBytes(32), previous: [] },
  })
  try {
    const token = await application.bootstrapToken()
    const ask = (path: string, payload?: object) =>
      application.server.inject({
        method: payload ? 'POST' : 'GET',
        url: path,
        headers: { authorization: `Bearer ${token}` },
        ...(payload ? { payload } : {}),
      })
    const programme = { name: 'Programme', timeZone: 'UTC', currency: 'USD' }
    expect((await ask('/readyz')).statusCode).toBe(200)
    expect((await ask('/api/v1/programmes')).json().items).toEqual([])

    await server.stop()
    for (const answer of [await ask('/api/v1/programmes'), await ask('/api/v1/programmes', programme)]) {
      expect([answer.statusCode, answer.json().code]).toEqual([503, 'unavailable'])
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    }
    const ready = await ask('/readyz')
    expect([ready.statusCode, ready.json().checks.database]).toEqual([503, 'cannot be reached'])
    expect((await ask('/livez')).statusCode).toBe(200)
    expect((await ask('/metrics')).body).toContain('process_cpu_seconds_total')

    await start(folder)
    expect((await ask('/api/v1/programmes', programme)).statusCode).toBe(201)
    expect((await ask('/readyz')).statusCode).toBe(200)
    expect((await ask('/api/v1/programmes')).json().items).toHaveLength(1)
  } finally {
    await application.close(2_000)
    await database.close()
  }
})

test('a database that gives up waiting for others is busy, one that is not there is away, a mistake is neither', async () => {
  const errorOf = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: unknown) => error,
    )
  const run = (statement: string) =>
    errorOf(
      db.database.transact(systemActor('test'), async (tx) => {
        await sql.raw("set local lock_timeout = '50ms'").execute(tx)
        await sql.raw(statement).execute(tx)
      }),
    )
  const loseConnection = () =>
    db.database.transact(systemActor('test'), async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
      await query(db.url, 'select pg_terminate_backend($1)', [rows[0]?.pid])
      await sql`select 1`.execute(tx)
    })
  const holder = new pg.Client({ connectionString: db.url })
  await holder.connect()
  await holder.query('begin; lock table programme in access exclusive mode')
  expect(outageOf(await run('select * from programme'))).toBe('busy')
  await holder.end()
  expect(outageOf(await errorOf(loseConnection()))).toBe('away')
  expect(outageOf(await run('select 1 / 0'))).toBeNull()
  for (const url of [
    'postgres://nobody@127.0.0.1:1/none',
    'postgres:///none?host=/nowhere',
    'postgres://no.host.invalid/x',
  ])
    expect([url, outageOf(await errorOf(new pg.Client(url).connect()))]).toEqual([url, 'away'])
  expect(outageOf(await errorOf(Promise.reject(new Error('ENOENT: no such file'))))).toBeNull()
})

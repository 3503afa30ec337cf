import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { systemActor } from '#src/kernel/actor.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { createApi, eventually } from '#test/support/api-client.ts'
import { runNode } from '#test/support/child.ts'
import { credentialsOf } from '#test/support/connections.ts'
import { useDatabase } from '#test/support/database.ts'
import { startService } from '#test/support/service-process.ts'
import { query } from '#test/support/sql.ts'

const db = useDatabase()
const redisUrl = process.env['TEST_REDIS_URL']
const dataFolder = mkdtempSync(join(tmpdir(), 'counterpart-process-'))
const shared = () => ({
  DATABASE_URL: db.url,
  DATA_FOLDER: dataFolder,
  SECRET_KEY: secretKey,
  ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
})
const secretKey = randomBytes(32).toString('base64')
const programme = (name: string) => ({ name, timeZone: 'UTC', currency: 'USD' })
let token = ''

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})
afterAll(() => rmSync(dataFolder, { recursive: true, force: true }))

async function startProcess(env: Record<string, string> = {}) {
  const service = await startService({ env: { ...shared(), ...env } })
  cleanUps.push(() => service.kill())
  token = service.token ?? token
  const ended = new Promise<number | null>((done) => service.child.once('exit', done))
  return { ...service, ended, api: createApi(service.url, token) }
}

const rowsOf = (statement: string) =>
  db.database.transact(systemActor('test'), async (tx) => (await sql.raw(statement).execute(tx)).rows)
const heldLeases = () => rowsOf('select task from sync_slot where leased_until > clock_timestamp()')
const unsealedEntries = () =>
  rowsOf('select id from audit_entry where not exists (select from seal_member where entry_id = id)')

async function holdTable(table: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  await client.query(`begin; lock table ${table} in access exclusive mode`)
  return () => client.end()
}

describe('a stop', () => {
  test('lets requests in hand finish, takes no new ones, and ends well', async () => {
    const service = await startProcess()
    const release = await holdTable('programme')
    const writing = service.api.post('/api/v1/programmes', programme('In hand'))
    const reading = service.api.get('/api/v1/programmes')
    await eventually('both wait for the table', async () => {
      const [row] = await query<{ waiting: number }>(
        db.url,
        `select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )
      return (row?.waiting ?? 0) >= 2
    })
    service.child.kill('SIGTERM')
    await eventually('nobody else gets in', async () =>
      fetch(`${service.url}/livez`).then(
        () => false,
        () => true,
      ),
    )
    await release()
    expect(await writing).toMatchObject({ name: 'In hand' })
    expect((await reading).items.length).toBeLessThanOrEqual(1)
    expect(await service.ended).toBe(0)
  })

  test('waits no longer than it was told for a request that does not end', async () => {
    const service = await startProcess({ SHUTDOWN_SECONDS: '1' })
    const release = await holdTable('programme')
    cleanUps.push(release)
    const hanging = service.api.get('/api/v1/programmes').catch((error: Error) => error)
    await new Promise((done) => setTimeout(done, 300))
    const began = Date.now()
    service.child.kill('SIGTERM')
    await service.ended
    expect(Date.now() - began).toBeLessThan(9_000)
    expect(await hanging).toBeInstanceOf(Error)
  })

  test('in the middle of calls to a CRM gives every lease back', async () => {
    const simulator = await startSalesforceSimulator({ answerDelayMs: 400 })
    cleanUps.push(() => simulator.close())
    const service = await startProcess()
    await service.api.post('/api/v1/connections', {
      name: 'CRM',
      vendor: 'salesforce',
      pollSeconds: 5,
      credentials: credentialsOf(simulator),
    })
    await eventually('a task is under way', async () => (await heldLeases()).length > 0)
    await service.stop()
    expect(await heldLeases()).toEqual([])
  })
})

describe('a start', () => {
  const fails = async (env: Record<string, string>) => {
    const { code, output } = await runNode(['src/main.ts'], { HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...env })
      .ended
    return { code, output }
  }

  test('on a port that is taken says so', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => taken.once('listening', done))
    cleanUps.push(() => new Promise((done) => taken.close(done)))
    const { port } = taken.address() as { port: number }
    const { code, output } = await fails({ ...shared(), PORT: String(port) })
    expect([code, output]).toEqual([1, expect.stringContaining(`Port ${port} on 127.0.0.1 is taken`)])
  })

  test('without its database says which one, and not the password', async () => {
    const { code, output } = await fails({
      ...shared(),
      DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/mine',
    })
    expect([code, output]).toEqual([
      1,
      expect.stringContaining('The database mine at 127.0.0.1:1 cannot be used'),
    ])
    expect(output).not.toContain('hunter2')
    expect(output.trim().split('\n')).toHaveLength(1)
  })

  test('with settings that are all wrong names each of them', async () => {
    const names = ['ROLE', 'PORT', 'TRUST_PROXY', 'DATABASE_URL', 'REDIS_URL', 'SECRET_KEY', 'SMTP_URL']
    const { code, output } = await fails(Object.fromEntries(names.map((name) => [name, 'hunter2:@'])))
    expect(code).toBe(1)
    for (const name of names) expect(output).toContain(`\n  ${name}: `)
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'SECRET_KEY', 'SMTP_URL'])
      expect(output).not.toMatch(new RegExp(`${name}: .*hunter2`))
  })

  test('in a folder that cannot be made says so', async () => {
    const { code, output } = await fails({ DATA_FOLDER: '/proc/nothing', PORT: '0' })
    expect([code, output]).toEqual([1, expect.stringContaining('Set DATA_FOLDER to a folder')])
  })
})

test('one process answers while the other, which works, is away', async () => {
  const front = await startProcess({ ROLE: 'api' })
  const startWorker = async () => {
    const worker = runNode(['src/main.ts'], { ...shared(), ROLE: 'worker' })
    cleanUps.push(async () => worker.process.kill('SIGKILL'))
    await worker.firstLine
    return worker
  }
  const everythingIsSealed = () =>
    eventually('the worker has sealed everything', async () => (await unsealedEntries()).length === 0, 20_000)

  await front.api.post('/api/v1/programmes', programme('Nobody works'))
  expect((await unsealedEntries()).length).toBeGreaterThan(0)
  const first = await startWorker()
  await everythingIsSealed()
  first.process.kill('SIGKILL')
  await first.ended
  await front.api.post('/api/v1/programmes', programme('Nobody works again'))
  const second = await startWorker()
  await everythingIsSealed()
  second.process.kill('SIGTERM')
  expect((await second.ended).code).toBe(0)
  await front.stop()
})

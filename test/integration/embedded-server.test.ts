import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { EmbeddedServer } from '#src/database/embedded/server.ts'
import { runNode } from '#test/support/child.ts'
import { useInstallations } from '#test/support/installation.ts'
import { query } from '#test/support/sql.ts'

const { base, start, freshFolder } = useInstallations()
const root = process.getuid?.() === 0
const count = async (server: EmbeddedServer) =>
  (await query<{ count: string }>(server.url(), 'select count(*) from kept'))[0]?.count
const keep = async (server: EmbeddedServer) => {
  await query(server.url(), 'create table kept as select 1 as row')
}

test('a first start makes the database, a later one finds it again', async () => {
  const folder = freshFolder()
  const first = await start(folder)
  await keep(first)
  await first.stop()
  expect(await count(await start(folder))).toBe('1')
})

test('our role is no superuser, sees nothing past row level security, and speaks UTF8', async () => {
  const server = await start(freshFolder())
  const [role] = await query(
    server.url(),
    `select rolsuper, rolbypassrls, current_setting('server_encoding') as encoding, current_setting('listen_addresses') as addresses
     from pg_roles where rolname = current_user`,
  )
  expect(role).toEqual({ rolsuper: false, rolbypassrls: false, encoding: 'UTF8', addresses: '' })
})

test('a second start on the same folder is refused with the process that uses it', async () => {
  const folder = freshFolder()
  const server = await start(folder)
  await expect(start(folder)).rejects.toThrow(`in use by process ${server.processId}`)
  const other = join(base, 'same-folder-by-another-name')
  symlinkSync(folder, other)
  await expect(start(other)).rejects.toThrow(`in use by process ${server.processId}`)
  expect(await query(server.url(), 'select 1 as alive')).toEqual([{ alive: 1 }])
}, 60_000)

test('of two first starts at the same moment one runs, the other is refused', async () => {
  const folder = freshFolder()
  const [one, two] = await Promise.allSettled([start(folder), start(folder)])
  expect([one.status, two.status].sort()).toEqual(['fulfilled', 'rejected'])
  const refused = one.status === 'rejected' ? one.reason : two.status === 'rejected' ? two.reason : null
  expect(String(refused)).toContain('is in use by process')
  expect(readdirSync(folder).filter((name) => name.startsWith('database.'))).toEqual([])
})

test('a server that is killed is reported, starts again, and has lost nothing acknowledged', async () => {
  const folder = freshFolder()
  const server = await start(folder)
  await keep(server)
  process.kill(server.processId, 'SIGKILL')
  expect(await server.died).toContain('SIGKILL')
  expect(await count(await start(folder))).toBe('1')
})

test('when the process that owns the server is killed, the folder is free again at once', async () => {
  const folder = freshFolder()
  const owner = runNode([
    '-e',
    `import { startEmbeddedServer } from '#src/database/embedded/server.ts'
     const server = await startEmbeddedServer({ dataFolder: ${JSON.stringify(folder)}, checkout: '.' })
     console.log(server.processId)
     setInterval(() => undefined, 1_000)`,
  ])
  const processId = Number(await owner.firstLine)
  owner.process.kill('SIGKILL')
  await owner.ended
  const server = await start(folder)
  expect(server.processId).not.toBe(processId)
})

test('a pid file whose number now belongs to another program does not stop a start', async () => {
  const folder = freshFolder()
  const first = await start(folder)
  await first.stop()
  // PostgreSQL pays heed only to processes of its own account.
  const stranger = spawn('sleep', ['60'], first.home.account ?? {})
  writeFileSync(join(first.home.data, 'postmaster.pid'), `${stranger.pid}\n${first.home.data}\n0\n5432\n\n`)
  const server = await start(folder)
  expect(await query(server.url(), 'select 1 as alive')).toEqual([{ alive: 1 }])
  stranger.kill()
  await once(stranger, 'exit')
})

test('a lock of the socket whose number now belongs to another program does not stop a start', async () => {
  const folder = freshFolder()
  const first = await start(folder)
  const lock = join(first.home.run, '.s.PGSQL.5432.lock')
  const lines = readFileSync(lock, 'utf8').split('\n')
  await first.stop()
  const stranger = spawn('sleep', ['60'], first.home.account ?? {})
  writeFileSync(lock, [stranger.pid, ...lines.slice(1)].join('\n'))
  const server = await start(folder)
  expect(await query(server.url(), 'select 1 as alive')).toEqual([{ alive: 1 }])
  stranger.kill()
  await once(stranger, 'exit')
})

test('a server that cannot be seen among the processes but answers keeps its folder', async () => {
  const folder = freshFolder()
  const server = await start(folder)
  const file = join(server.home.data, 'postmaster.pid')
  const stranger = spawn('sleep', ['60'])
  const lines = readFileSync(file, 'utf8').split('\n')
  writeFileSync(file, [stranger.pid, ...lines.slice(1)].join('\n'))
  await expect(start(folder)).rejects.toThrow('is in use by process')
  expect(existsSync(file)).toBe(true)
  writeFileSync(file, lines.join('\n'))
  stranger.kill()
}, 60_000)

test('a folder of another major version is refused and left alone', async () => {
  const folder = freshFolder()
  const first = await start(folder)
  await first.stop()
  const file = join(first.home.data, 'PG_VERSION')
  writeFileSync(file, '17\n')
  await expect(start(folder)).rejects.toThrow('belongs to PostgreSQL 17')
  expect(readFileSync(file, 'utf8')).toBe('17\n')
})

test('a folder that holds something else is refused and left alone', async () => {
  const folder = freshFolder()
  mkdirSync(join(folder, 'database'))
  writeFileSync(join(folder, 'database', 'letter.txt'), 'mine')
  await expect(start(folder)).rejects.toThrow('holds something else than a database')
  expect(readdirSync(join(folder, 'database'))).toEqual(['letter.txt'])
})

test('an empty folder, such as a fresh volume, is taken', async () => {
  const folder = freshFolder()
  mkdirSync(join(folder, 'database'))
  expect(await query((await start(folder)).url(), 'select 1 as alive')).toEqual([{ alive: 1 }])
})

test('a folder with blanks, quotes and letters of any language in its name works', async () => {
  const server = await start(join(base, "größe & o'brien %20 数据"))
  expect(await query(server.url(), 'select 1 as alive')).toEqual([{ alive: 1 }])
})

test('where the path is too long for a socket it is elsewhere, and gone after the stop', async () => {
  const folder = join(base, 'a-rather-long-name-for-a-folder'.repeat(4))
  const server = await start(folder)
  expect(server.home.run.startsWith(folder)).toBe(false)
  expect(await query(server.url(), 'select 1 as alive')).toEqual([{ alive: 1 }])
  await server.stop()
  expect(existsSync(server.home.run)).toBe(false)
})

test.runIf(root)('where we are root the server runs as an account without rights', async () => {
  const server = await start(freshFolder())
  const account = statSync(server.home.data).uid
  expect(account).not.toBe(0)
  expect(statSync(`/proc/${server.processId}`).uid).toBe(account)
  expect(statSync(server.home.run).mode & 0o777).toBe(0o700)
  expect(statSync(server.home.data).mode & 0o777).toBe(0o700)
})

test.runIf(root)('a folder that the account cannot reach is refused in plain words', async () => {
  const closed = join(base, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  await expect(start(join(closed, 'home'))).rejects.toThrow(`no other account can enter ${closed}`)
})

test('a stop waits until the server has ended', async () => {
  const server = await start(freshFolder())
  await server.stop()
  await delay(0)
  expect(() => process.kill(server.processId, 0)).toThrow()
  expect(existsSync(join(server.home.data, 'postmaster.pid'))).toBe(false)
})

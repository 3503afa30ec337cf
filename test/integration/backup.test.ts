import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { expect, test } from 'vitest'
import { readKeyFile } from '#config/secret-keys.ts'
import { writeArchive } from '#src/database/archive.ts'
import { backUp } from '#src/database/backup.ts'
import type { EmbeddedServer } from '#src/database/embedded/server.ts'
import { restore } from '#src/database/restore.ts'
import { runNode } from '#test/support/child.ts'
import { checkout, useInstallations } from '#test/support/installation.ts'
import { query } from '#test/support/sql.ts'

const { base, start, freshFolder, freshPath: fresh } = useInstallations()
const at = (dataFolder: string) => ({ dataFolder, checkout })
const rowsOf = async (server: EmbeddedServer) =>
  (await query<{ row: number }>(server.url(), 'select row from kept order by row')).map(({ row }) => row)

/** A stopped installation with three rows and a key. */
async function prepare(): Promise<string> {
  const folder = freshFolder()
  const server = await start(folder)
  await query(server.url(), 'create table kept as select generate_series(1, 3) as row')
  readKeyFile(folder)
  await server.stop()
  return folder
}

test('what was written before a backup is there after its restore, the key too', async () => {
  const folder = await prepare()
  const file = fresh('backup.tar.gz')
  expect(await backUp(at(folder), file)).toMatchObject({ online: false, holdsKey: true })
  const target = freshFolder()
  expect(await restore(at(target), file, false)).toMatchObject({
    tables: 1,
    rows: 3n,
    movedAside: [],
    holdsKey: true,
  })
  expect(readKeyFile(target)).toEqual(readKeyFile(folder))
  expect(await rowsOf(await start(target))).toEqual([1, 2, 3])
})

test('a backup may be made while the service runs and writes; it holds a moment without gaps', async () => {
  const folder = freshFolder()
  const server = await start(folder)
  await query(server.url(), 'create table kept (row integer primary key, filling text)')
  await query(server.url(), `insert into kept select i, repeat('x', 500) from generate_series(1, 20000) as i`)
  const client = new pg.Client({ connectionString: server.url() })
  await client.connect()
  let last = 20_000
  let writing = true
  const writer = (async () => {
    while (writing) {
      last += 1
      await client.query(`insert into kept values ($1, repeat('y', 500))`, [last])
      await client.query('update kept set filling = filling || $1 where row = $2', ['z', last % 20_000])
      if (last % 300 === 0) await query(server.url('postgres', 'postgres'), 'checkpoint')
    }
  })()
  await new Promise((go) => setTimeout(go, 300))
  const before = last - 1
  const file = fresh('backup.tar.gz')
  expect(await backUp(at(folder), file)).toMatchObject({ online: true })
  const after = last
  writing = false
  await writer
  await client.end()

  const target = freshFolder()
  await restore(at(target), file, false)
  const rows = await rowsOf(await start(target))
  expect(rows).toEqual(Array.from({ length: rows.length }, (_, i) => i + 1))
  expect(rows.length).toBeGreaterThanOrEqual(before)
  expect(rows.length).toBeLessThanOrEqual(after + 1)
  expect(rows.length).toBeGreaterThan(20_000)
}, 120_000)

test('a backup leaves no slot, no draft and no running server behind, and only its owner reads it', async () => {
  const folder = await prepare()
  const server = await start(folder)
  const file = fresh('backup.tar.gz')
  await backUp(at(folder), file)
  expect(await query(server.url(), 'select slot_name from pg_replication_slots')).toEqual([])
  expect(existsSync(`${file}.partial`)).toBe(false)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  await server.stop()
  await backUp(at(folder), fresh('backup.tar.gz'))
  expect(existsSync(join(folder, 'database', 'postmaster.pid'))).toBe(false)
})

test('a backup does not overwrite a file and needs a database', async () => {
  const folder = await prepare()
  const file = fresh('backup.tar.gz')
  writeFileSync(file, 'mine')
  await expect(backUp(at(folder), file)).rejects.toThrow('exists already')
  expect(readFileSync(file, 'utf8')).toBe('mine')
  const empty = fresh('empty')
  await expect(backUp(at(empty), fresh('backup.tar.gz'))).rejects.toThrow('There is no database')
  expect(existsSync(empty)).toBe(false)
})

test('a restore is refused while the service runs, forced or not', async () => {
  const folder = await prepare()
  const file = fresh('backup.tar.gz')
  await backUp(at(folder), file)
  const server = await start(folder)
  for (const force of [false, true])
    await expect(restore(at(folder), file, force)).rejects.toThrow(`in use by process ${server.processId}`)
  expect(await rowsOf(server)).toEqual([1, 2, 3])
})

test('a restore over data needs force, and then moves the data aside', async () => {
  const folder = await prepare()
  const file = fresh('backup.tar.gz')
  await backUp(at(folder), file)
  const changed = await start(folder)
  await query(changed.url(), 'insert into kept values (4)')
  await changed.stop()
  await expect(restore(at(folder), file, false)).rejects.toThrow('Use --force')
  const { movedAside } = await restore(at(folder), file, true)
  expect(movedAside).toHaveLength(1)
  expect(existsSync(join(movedAside[0]!, 'PG_VERSION'))).toBe(true)
  expect(await rowsOf(await start(folder))).toEqual([1, 2, 3])
})

test('another key that was there is moved aside as well', async () => {
  const file = fresh('backup.tar.gz')
  const source = await prepare()
  await backUp(at(source), file)
  const folder = await prepare()
  const own = readKeyFile(folder)
  const { movedAside } = await restore(at(folder), file, true)
  expect(movedAside).toHaveLength(2)
  expect(readKeyFile(folder)).toEqual(readKeyFile(source))
  expect(own).not.toEqual(readKeyFile(source))
})

test('a damaged, cut off, foreign or newer file changes nothing', async () => {
  const folder = await prepare()
  const file = fresh('backup.tar.gz')
  await backUp(at(folder), file)
  const names = () => readdirSync(folder).sort()
  const before = names()

  const whole = readFileSync(file)
  const cut = fresh('cut.tar.gz')
  writeFileSync(cut, whole)
  truncateSync(cut, whole.length - 5_000)
  await expect(restore(at(folder), cut, true)).rejects.toThrow('Nothing was changed')

  const flipped = fresh('flipped.tar.gz')
  const bytes = Buffer.from(whole)
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 0xff, bytes.length >> 1)
  writeFileSync(flipped, bytes)
  await expect(restore(at(folder), flipped, true)).rejects.toThrow('Nothing was changed')

  const foreign = fresh('foreign.tar.gz')
  writeFileSync(foreign, gzipSync('just text'))
  await expect(restore(at(folder), foreign, true)).rejects.toThrow('Nothing was changed')

  const manifest = { product: 'counterpart', format: 1, createdAt: new Date().toISOString(), holdsKey: false }
  const newer = fresh('newer.tar.gz')
  await writeArchive(newer, (archive) =>
    archive.addText('manifest.json', JSON.stringify({ ...manifest, postgres: '99' })),
  )
  await expect(restore(at(folder), newer, true)).rejects.toThrow('PostgreSQL 99')

  const unfinished = fresh('unfinished.tar.gz')
  await writeArchive(unfinished, async (archive) => {
    await archive.addText('manifest.json', JSON.stringify({ ...manifest, postgres: '18' }))
    await archive.addText('database/PG_VERSION', '18\n')
  })
  await expect(restore(at(folder), unfinished, true)).rejects.toThrow('not a complete backup')

  await expect(restore(at(folder), fresh('nowhere.tar.gz'), true)).rejects.toThrow('There is no file')
  expect(names()).toEqual(before)
  expect(await rowsOf(await start(folder))).toEqual([1, 2, 3])
})

test('an archive cannot write outside of the folder it is restored to', async () => {
  const evil = fresh('evil.tar.gz')
  await writeArchive(evil, async (archive) => {
    const manifest = {
      product: 'counterpart',
      format: 1,
      postgres: '18',
      createdAt: new Date().toISOString(),
    }
    await archive.addText('manifest.json', JSON.stringify({ ...manifest, holdsKey: false }))
    await archive.addText('database/../../escaped', 'out')
  })
  await expect(restore(at(freshFolder()), evil, false)).rejects.toThrow('leads elsewhere')
  expect(existsSync(join(base, 'escaped'))).toBe(false)
})

test.runIf(process.getuid?.() === 0)(
  'where we are root a restored database belongs to the account that runs it',
  async () => {
    const file = fresh('backup.tar.gz')
    await backUp(at(await prepare()), file)
    const target = freshFolder()
    await restore(at(target), file, false)
    const data = join(target, 'database')
    expect(statSync(data).uid).not.toBe(0)
    expect(statSync(join(data, 'base')).uid).toBe(statSync(data).uid)
    expect(statSync(data).mode & 0o777).toBe(0o700)
    expect(statSync(join(target, 'secret.key'))).toMatchObject({ uid: 0 })
  },
)

test('the commands say in plain words what they did and what is wrong', async () => {
  const folder = await prepare()
  const file = fresh('backup.tar.gz')
  const run = (command: string, args: string[], env: NodeJS.ProcessEnv = { DATA_FOLDER: folder }) =>
    runNode([`src/database/${command}-command.ts`, ...args], env).ended
  const backup = await run('backup', [file])
  expect(backup.output).toContain('Backed up while the service does not run')
  expect(backup.code).toBe(0)
  const refused = await run('restore', [file])
  expect(refused.output.trim().split('\n')).toHaveLength(1)
  expect(refused.output).toContain('Use --force')
  expect(refused.code).toBe(1)
  const restored = await run('restore', [file, '--force'])
  expect(restored.output).toContain('What was there before is now')
  expect(restored.code).toBe(0)
  expect((await run('backup', [])).output).toContain('Say where the backup goes')
  expect((await run('backup', [file], { DATABASE_URL: 'postgres://db/x' })).output).toContain(
    'DATABASE_URL is set',
  )
})

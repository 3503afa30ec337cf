/**
 * Backup and restore of the embedded database as one file. Online: PostgreSQL's own base backup protocol over the running
 * server's socket; the copy is consistent with the moment the backup ended, whatever was written meanwhile. A database
 * behind DATABASE_URL is backed up by its own tools, not here.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import { keyFileName } from '#config/secret-keys.ts'
import { type ArchiveWriter, writeArchive } from './archive.ts'
import { connected, socketUrl } from './embedded/connection.ts'
import { chooseFolder, dataName } from './embedded/home.ts'
import { findServer } from './embedded/pid-file.ts'
import { startEmbeddedServer } from './embedded/server.ts'

export interface Installation {
  /** The configured folder; null for the default. */
  readonly dataFolder: string | null
  readonly checkout: string
}

export interface BackupReport {
  readonly file: string
  readonly bytes: number
  /** The service ran meanwhile. */
  readonly online: boolean
  /** The key file is in the backup; without it the secrets of connections cannot be opened. */
  readonly holdsKey: boolean
}

export const manifestName = 'manifest.json'
export const labelName = `${dataName}/backup_label`
export const manifestSchema = z.object({
  product: z.literal('counterpart'),
  format: z.literal(1),
  /** Major version of the server that can read the data. */
  postgres: z.string(),
  createdAt: z.iso.datetime(),
  holdsKey: z.boolean(),
})
export type Manifest = z.infer<typeof manifestSchema>

/** What a running server keeps for itself: the folder goes along, its content does not. */
const emptied = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
])
const leftOut =
  /^(postmaster\.(pid|opts)|(backup_label|tablespace_map)(\.old)?|pgsql_tmp.*|pg_internal\.init.*)$/
const walSegment = /^[0-9A-F]{24}$/

/**
 * @throws Error in plain words: no database, file exists already, disk full
 */
export async function backUp(installation: Installation, file: string): Promise<BackupReport> {
  const folder = chooseFolder(installation.dataFolder, installation.checkout)
  if (!existsSync(join(folder, dataName, 'PG_VERSION')))
    throw new Error(
      `There is no database of Counterpart in ${folder}. Set DATA_FOLDER as the service has it.`,
    )
  if (existsSync(file)) throw new Error(`${file} exists already. Name a new file.`)
  const data = join(realpathSync(folder), dataName)
  const keyFile = join(folder, keyFileName)
  const holdsKey = existsSync(keyFile)
  const running = await findServer(data)
  const server = running ? null : await startEmbeddedServer(installation)
  const socketFolder = running?.socketFolder ?? server?.home.run
  if (!socketFolder) throw new Error('The database is just starting. Try again in a moment.')
  const draft = `${file}.partial`
  try {
    await connected(socketUrl(socketFolder), (client) =>
      writeArchive(draft, async (archive) => {
        await archive.addText(manifestName, JSON.stringify(describeBackup(data, holdsKey)))
        if (holdsKey) await archive.addFile(keyFileName, keyFile)
        await copyDatabase(client, data, archive)
      }),
    )
    renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
    await server?.stop()
  }
  return { file, bytes: statSync(file).size, online: running !== null, holdsKey }
}

const describeBackup = (data: string, holdsKey: boolean): Manifest => ({
  product: 'counterpart',
  format: 1,
  postgres: readFileSync(join(data, 'PG_VERSION'), 'utf8').trim(),
  createdAt: new Date().toISOString(),
  holdsKey,
})

/** The label goes last: an archive without it is not complete. */
async function copyDatabase(client: pg.Client, data: string, archive: ArchiveWriter): Promise<void> {
  if (readdirSync(join(data, 'pg_tblspc')).length > 0)
    throw new Error('The database uses tablespaces outside of its folder, which this backup cannot follow.')
  // The slot lives as long as this connection and keeps the log that the copy needs.
  await client.query(`select pg_create_physical_replication_slot('backup_' || pg_backend_pid(), true, true)`)
  const started = await client.query<{ segment: string }>(
    `select pg_walfile_name(lsn) as segment from pg_backup_start('counterpart', true) as lsn`,
  )
  await copyTree(data, '', archive)
  const ended = await client.query<{ segment: string; labelfile: string }>(
    'select pg_walfile_name(lsn) as segment, labelfile from pg_backup_stop(true)',
  )
  const [start, end] = [started.rows[0], ended.rows[0]]
  if (!start || !end) throw new Error('PostgreSQL did not say where the backup starts and ends')
  await copyLog(data, start.segment, end.segment, archive)
  await archive.addText(labelName, end.labelfile)
}

async function copyTree(data: string, below: string, archive: ArchiveWriter): Promise<void> {
  await archive.addFolder(join(dataName, below))
  for (const entry of readdirSync(join(data, below), { withFileTypes: true })) {
    const path = join(below, entry.name)
    if (leftOut.test(entry.name)) continue
    if (entry.isFile()) await archive.addFile(join(dataName, path), join(data, path))
    else if (entry.isDirectory() && below === '' && emptied.has(entry.name))
      await archive.addFolder(join(dataName, path))
    else if (entry.isDirectory()) await copyTree(data, path, archive)
  }
}

/** The part of the log between start and end brings the copied files to one moment. */
async function copyLog(data: string, start: string, end: string, archive: ArchiveWriter): Promise<void> {
  const folder = join(dataName, 'pg_wal')
  await archive.addFolder(join(folder, 'archive_status'))
  const segments = readdirSync(join(data, 'pg_wal')).filter(
    (name) => walSegment.test(name) && name >= start && name <= end,
  )
  for (const needed of [start, end])
    if (!segments.includes(needed))
      throw new Error(`The log file ${needed} is gone; the backup is not usable`)
  for (const segment of segments)
    if (!(await archive.addFile(join(folder, segment), join(data, 'pg_wal', segment))))
      throw new Error(`The log file ${segment} is gone; the backup is not usable`)
}

import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { keyFileName } from '#config/secret-keys.ts'
import { extractEntry, readArchive, readText } from './archive.ts'
import { type Installation, labelName, type Manifest, manifestName, manifestSchema } from './backup.ts'
import { type Binaries, installBinaries } from './embedded/binaries.ts'
import { connected, superuser } from './embedded/connection.ts'
import { dataName, type Home, leaveHome, ownTree, prepareHome } from './embedded/home.ts'
import { findServer, folderInUse } from './embedded/pid-file.ts'
import { startServer } from './embedded/server.ts'

export interface RestoreReport {
  readonly folder: string
  readonly createdAt: string
  readonly tables: number
  readonly rows: bigint
  /** Where what was there before is now; empty when nothing was there. */
  readonly movedAside: readonly string[]
  readonly holdsKey: boolean
}

/**
 * Puts a backup in place. Extracts it beside the data, starts a server on it and reads every table; only then it takes the
 * place of what was there, which is moved aside, never deleted.
 * @throws Error in plain words: service runs, data exists and no force, not a backup, damaged, other major version
 */
export async function restore(
  installation: Installation,
  file: string,
  force: boolean,
): Promise<RestoreReport> {
  if (!existsSync(file)) throw new Error(`There is no file ${file}.`)
  const home = prepareHome(installation.dataFolder, installation.checkout)
  try {
    await refuseIfTaken(home, force)
    const binaries = installBinaries(home.folder)
    const draft = mkdtempSync(join(home.folder, 'restore.'))
    try {
      const manifest = await unpack(file, draft, binaries.majorVersion)
      const data = join(draft, dataName)
      ownTree(data, home.account)
      // The server must be able to walk there.
      chmodSync(draft, 0o711)
      const proof = await proveReadable({ ...home, data }, binaries)
      await refuseIfTaken(home, force)
      const movedAside = swap(home, draft, manifest.holdsKey)
      return {
        folder: home.folder,
        createdAt: manifest.createdAt,
        movedAside,
        holdsKey: manifest.holdsKey,
        ...proof,
      }
    } finally {
      rmSync(draft, { recursive: true, force: true })
    }
  } finally {
    leaveHome(home)
  }
}

async function refuseIfTaken(home: Home, force: boolean): Promise<void> {
  const running = await findServer(home.data)
  if (running) throw folderInUse(home.data, running.processId)
  if (existsSync(home.data) && !force) {
    throw new Error(
      `There is a database in ${home.folder} already. Use --force to move it aside and put the backup in its place.`,
    )
  }
}

async function unpack(file: string, draft: string, majorVersion: string): Promise<Manifest> {
  const found: { manifest?: Manifest; complete?: boolean } = {}
  try {
    await readArchive(file, async (entry) => {
      if (found.manifest) await extractEntry(entry, draft)
      else
        found.manifest = readManifest(entry.name === manifestName ? await readText(entry) : '', majorVersion)
      if (entry.name === labelName) found.complete = true
    })
  } catch (cause) {
    if (cause instanceof UnusableBackup) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${file} is damaged or not a backup (${reason}). Nothing was changed.`, { cause })
  }
  if (!found.manifest || !found.complete)
    throw new Error(`${file} is not a complete backup. Nothing was changed.`)
  return found.manifest
}

class UnusableBackup extends Error {}

function readManifest(text: string, majorVersion: string): Manifest {
  const parsed = manifestSchema.safeParse(parseJson(text))
  if (!parsed.success)
    throw new UnusableBackup('The file is not a backup of Counterpart. Nothing was changed.')
  if (parsed.data.postgres !== majorVersion) {
    throw new UnusableBackup(
      `The backup was made with PostgreSQL ${parsed.data.postgres}, this version of Counterpart brings ${majorVersion}. ` +
        'Restore it with the version that made it. Nothing was changed.',
    )
  }
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Recovers the copy to its one moment and reads every row of every table. */
async function proveReadable(home: Home, binaries: Binaries): Promise<{ tables: number; rows: bigint }> {
  const server = await startServer(home, binaries)
  try {
    return await connected(server.url(undefined, superuser), async (client) => {
      const tables = await client.query<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables
         where schemaname not in ('pg_catalog', 'information_schema')`,
      )
      let rows = 0n
      for (const { name } of tables.rows) {
        const counted = await client.query<{ count: string }>(`select count(*) from ${name}`)
        rows += BigInt(counted.rows[0]?.count ?? 0)
      }
      return { tables: tables.rows.length, rows }
    })
  } finally {
    await server.stop()
  }
}

/** The same file system, so each step is one rename; if one fails what was there comes back. */
function swap(home: Home, draft: string, holdsKey: boolean): string[] {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const names = [dataName, ...(holdsKey && !sameKey(home, draft) ? [keyFileName] : [])]
  const undo: (() => void)[] = []
  const move = (from: string, to: string) => {
    renameSync(from, to)
    undo.push(() => renameSync(to, from))
  }
  const movedAside: string[] = []
  try {
    for (const name of names) {
      const place = join(home.folder, name)
      const aside = `${place}.before-restore-${stamp}`
      if (existsSync(place)) {
        move(place, aside)
        movedAside.push(aside)
      }
      move(join(draft, name), place)
    }
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
  return movedAside
}

function sameKey(home: Home, draft: string): boolean {
  const there = join(home.folder, keyFileName)
  return existsSync(there) && readFileSync(there).equals(readFileSync(join(draft, keyFileName)))
}

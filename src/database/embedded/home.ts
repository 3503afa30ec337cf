/**
 * The embedded PostgreSQL: a real server out of npm, so that the product runs with nothing installed.
 * We start the package's programs ourselves. Nothing here knows our tables.
 *
 * home.ts decides where its files live and which account runs it.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Home {
  /** Everything below here is ours. */
  readonly folder: string
  readonly data: string
  readonly run: string
  /** Set only where we are root: PostgreSQL refuses to run as root. */
  readonly account: Account | null
}

/** The data folder of the server, below the home. */
export const dataName = 'database'

const socketNameBytes = Buffer.byteLength('/.s.PGSQL.5432')
const socketPathLimitBytes = 103
const runPrefix = 'counterpart-run-'

/**
 * @param dataFolder the configured folder, or null for `.data` below the checkout (below /var/lib where we are root and
 *   the checkout lies in a folder that no other account may enter).
 * @throws Error in plain words when no unprivileged account exists
 */
export function prepareHome(dataFolder: string | null, checkout: string): Home {
  const given = chooseFolder(dataFolder, checkout)
  process.umask(0o022)
  makeFolder(given)
  // One folder has one name, so that a server on it is found however it was reached.
  const folder = realpathSync(given)
  const account = isRoot() ? unprivilegedAccount(join(folder, dataName)) : null
  if (account) openPath(folder)
  const home = { folder, data: join(folder, dataName), run: runFolder(folder), account }
  ownFolder(home.run, account)
  return home
}

const isRoot = () => process.getuid?.() === 0

/** The folder of an installation; null asks for the default. Makes nothing. */
export const chooseFolder = (dataFolder: string | null, checkout: string): string =>
  resolve(dataFolder ?? defaultFolder(checkout, isRoot()))

function makeFolder(folder: string): void {
  try {
    // One by one: Node's own recursion never ends below /proc.
    for (const path of ancestors(folder).reverse()) if (!existsSync(path)) mkdirSync(path)
    if (!statSync(folder).isDirectory()) throw new Error('it is a file')
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new Error(
      `The data folder ${folder} cannot be used (${cause instanceof Error ? cause.message : String(cause)}). ` +
        'Set DATA_FOLDER to a folder that this account may write to.',
      { cause },
    )
  }
}

/** Removes what prepareHome made outside of the folder. */
export function leaveHome(home: Home): void {
  if (home.run.startsWith(join(tmpdir(), runPrefix))) rmSync(home.run, { recursive: true, force: true })
}

/** The server runs as another account than we do, so it must be able to walk to its files. */
function openPath(folder: string): void {
  chmodSync(folder, statSync(folder).mode | 0o011)
  const closed = ancestors(dirname(folder)).find((ancestor) => (statSync(ancestor).mode & 0o001) === 0)
  if (closed) {
    throw new Error(
      `The database server may not run as root, and no other account can enter ${closed}. ` +
        'Set DATA_FOLDER to a folder that others can reach, for example below /var/lib.',
    )
  }
}

function defaultFolder(checkout: string, root: boolean): string {
  if (!root || ancestors(checkout).every((folder) => (statSync(folder).mode & 0o001) !== 0))
    return join(checkout, '.data')
  const digest = createHash('sha256').update(checkout).digest('hex').slice(0, 8)
  return `/var/lib/counterpart/${basename(checkout)}-${digest}`
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...ancestors(parent)]
}

function unprivilegedAccount(data: string): Account {
  if (existsSync(data)) {
    const { uid, gid } = statSync(data)
    if (uid !== 0) return { uid, gid }
  }
  for (const name of ['postgres', 'nobody']) {
    const account = lookUp(name)
    if (account) return account
  }
  throw new Error(
    'PostgreSQL must not run as root, and this machine has neither a "postgres" nor a "nobody" account. ' +
      'Start as another user, or set DATABASE_URL.',
  )
}

function lookUp(name: string): Account | null {
  const ask = (flag: string) =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: ask('-u'), gid: ask('-g') }
  } catch {
    return null
  }
}

function runFolder(folder: string): string {
  const run = join(folder, 'run')
  if (Buffer.byteLength(run) + socketNameBytes <= socketPathLimitBytes) {
    mkdirSync(run, { recursive: true })
    return run
  }
  return mkdtempSync(join(tmpdir(), runPrefix))
}

/** Gives a folder to the server's account and closes it to all others, as PostgreSQL demands. */
export function ownFolder(folder: string, account: Account | null): void {
  chmodSync(folder, 0o700)
  if (account) chownSync(folder, account.uid, account.gid)
}

/** Hands a whole tree to the account (after a restore, for example). */
export function ownTree(folder: string, account: Account | null): void {
  if (!account) return
  chownSync(folder, account.uid, account.gid)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) ownTree(path, account)
    else if (entry.isFile()) chownSync(path, account.uid, account.gid)
  }
}

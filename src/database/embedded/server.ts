import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { installBinaries } from './binaries.ts'
import { type Home, ownFolder, prepareHome } from './home.ts'

export interface EmbeddedServer {
  /** URL of a database, for a role (default: our own database and its owner). */
  url(database?: string, user?: string): string
  readonly home: Home
  readonly processId: number
  /** Resolves when the server ends without being asked to; never rejects. */
  readonly died: Promise<string>
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  readonly dataFolder: string | null
  readonly checkout: string
  /** Server settings, `name=value`. */
  readonly settings?: readonly string[]
}

const superuser = 'postgres'
export const ownerRole = 'counterpart'
export const databaseName = 'counterpart'
const startTimeoutMs = 60_000

/**
 * Starts the server on its data folder (made on first use) and answers once it takes connections.
 * @throws Error in plain words: folder in use, folder of another major version, server that does not start
 */
export async function startEmbeddedServer(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const home = prepareHome(options.dataFolder, options.checkout)
  const binaries = installBinaries(home.folder)
  const run = { ...home.account, cwd: '/', env: { PATH: '/usr/bin:/bin' } }
  if (!existsSync(home.data)) initialise(home, binaries.folder, run)
  checkVersion(home.data, binaries.majorVersion)
  await waitUntilReleased(home.data)

  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${home.run}`,
    'unix_socket_permissions=0700',
  ]
  const flags = [...settings, ...(options.settings ?? [])].flatMap((setting) => ['-c', setting])
  const server = spawn(join(binaries.folder, 'bin/postgres'), ['-D', home.data, ...flags], {
    ...run,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const guard = startGuard(server)
  const output = keepLastLines(server)
  const ended = once(server, 'exit').then(([code, signal]) => `${signal ?? `code ${code}`}\n${output()}`)
  const url = (database = databaseName, user = ownerRole) =>
    `postgres:///${database}?host=${encodeURIComponent(home.run)}&user=${user}`

  let stopping = false
  const died = new Promise<string>((resolve) => {
    void ended.then((reason) => {
      if (!stopping) resolve(reason)
    })
  })
  const stop = async () => {
    stopping = true
    server.kill('SIGINT')
    await ended
    guard.stdin?.end()
  }
  try {
    await waitUntilReady(url(superuser, superuser), ended)
    await createDatabase(url(superuser, superuser))
  } catch (error) {
    if (server.exitCode === null && server.signalCode === null) await stop()
    throw error
  }
  return { url, home, processId: server.pid ?? 0, died, stop }
}

/** Into a draft that is renamed when complete: a killed initdb must not leave half a data folder. */
function initialise(home: Home, binaries: string, run: object): void {
  const draft = mkdtempSync(`${home.data}.`)
  ownFolder(draft, home.account)
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  try {
    execFileSync(join(binaries, 'bin/initdb'), ['-D', draft, '-U', superuser, '--auth=trust', ...locale], {
      ...run,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    })
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true })
    throw new Error(
      `The database folder ${home.data} could not be made. An account without an entry in the password file ` +
        'cannot own one; otherwise the reason is below.',
      { cause },
    )
  }
  renameSync(draft, home.data)
}

function checkVersion(data: string, majorVersion: string): void {
  const found = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  if (found === majorVersion) return
  throw new Error(
    `The data folder ${data} belongs to PostgreSQL ${found}, and this version of Counterpart brings PostgreSQL ` +
      `${majorVersion}. Start the version that made it, make a backup and move the data over, or set DATA_FOLDER to a new folder.`,
  )
}

/**
 * A pid file may be left by a crash. Dead process: PostgreSQL sorts it out. Alive and it serves this folder: it may be
 * ending just now, else somebody uses it. Alive but another program (a recycled pid, usual in containers): remove the
 * file, or PostgreSQL would refuse for good.
 */
async function waitUntilReleased(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const deadline = Date.now() + 5_000
  for (;;) {
    const pid = readPid(file)
    if (pid === null || !isAlive(pid)) return
    if (!commandLine(pid).includes(data)) return rmSync(file, { force: true })
    if (Date.now() > deadline) {
      throw new Error(
        `The data folder ${data} is in use by process ${pid}: another Counterpart runs on it. ` +
          'Stop that one first, or set DATA_FOLDER to another folder.',
      )
    }
    await delay(50)
  }
}

function readPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    return Number.isInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    try {
      return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    } catch {
      return ''
    }
  }
}

/** A shell whose input we hold: however we die, it ends the server. Ctrl-C reaches neither of the two. */
function startGuard(server: ChildProcess): ChildProcess {
  return spawn('/bin/sh', ['-c', `cat >/dev/null; kill -INT ${server.pid} 2>/dev/null`], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
}

function keepLastLines(server: ChildProcess): () => string {
  let text = ''
  server.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4_000)
  })
  return () => text
}

async function waitUntilReady(url: string, ended: Promise<string>): Promise<void> {
  let failure: string | null = null
  void ended.then((reason) => {
    failure = reason
  })
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    if (failure !== null) throw new Error(`The embedded PostgreSQL did not start: ${failure}`)
    if (await canConnect(url)) return
    if (Date.now() > deadline) throw new Error('The embedded PostgreSQL did not answer within a minute')
    await delay(20)
  }
}

async function canConnect(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The default user bypasses row level security, so everything of ours belongs to a role of its own. */
async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const role = await client.query('select 1 from pg_roles where rolname = $1', [ownerRole])
    if (role.rowCount === 0) await client.query(`create role ${ownerRole} login createdb createrole`)
    const database = await client.query('select 1 from pg_database where datname = $1', [databaseName])
    if (database.rowCount === 0) await client.query(`create database ${databaseName} owner ${ownerRole}`)
  } finally {
    await client.end()
  }
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Binaries, installBinaries } from './binaries.ts'
import { askServer, createDatabase, databaseName, ownerRole, socketUrl, superuser } from './connection.ts'
import { type Home, leaveHome, ownFolder, prepareHome } from './home.ts'
import { folderInUse, readPidFile, waitUntilReleased } from './pid-file.ts'

export { databaseName, ownerRole } from './connection.ts'

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

/** How long a server may say nothing at all; one that recovers says so and may take its time. */
const silenceTimeoutMs = 60_000
/** Processes of a killed server may hold its memory for a moment. */
const memoryTimeoutMs = 10_000
const stopTimeoutMs = 30_000
const lastWordsMs = 300

/**
 * Starts the server on its data folder (made on first use) and answers once it takes connections.
 * @throws Error in plain words: folder in use, folder of another major version, server that does not start
 */
export async function startEmbeddedServer(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const home = prepareHome(options.dataFolder, options.checkout)
  try {
    const binaries = installBinaries(home.folder)
    if (isVacant(home.data)) initialise(home, binaries.folder)
    return await startServer(home, binaries, options.settings)
  } catch (error) {
    leaveHome(home)
    throw error
  }
}

/** Starts the server on a data folder that is there. */
export async function startServer(
  home: Home,
  binaries: Binaries,
  settings: readonly string[] = [],
): Promise<EmbeddedServer> {
  checkVersion(home.data, binaries.majorVersion)
  await waitUntilReleased(home.data, home.run)
  const server = await launch(home, binaries, settings)
  let stopping = false
  const died = new Promise<string>((resolve) => {
    void server.ended.then((reason) => {
      if (!stopping) resolve(reason)
    })
  })
  const stop = async () => {
    stopping = true
    await end(server)
    leaveHome(home)
  }
  try {
    await createDatabase(socketUrl(home.run))
  } catch (error) {
    await stop()
    throw error
  }
  const url = (database = databaseName, user = ownerRole) => socketUrl(home.run, database, user)
  return { url, home, processId: server.processId, died, stop }
}

interface RunningServer {
  readonly process: ChildProcess
  readonly processId: number
  readonly guard: ChildProcess
  /** Resolves with the reason and the server's last words. */
  readonly ended: Promise<string>
}

async function launch(home: Home, binaries: Binaries, settings: readonly string[]): Promise<RunningServer> {
  const deadline = Date.now() + memoryTimeoutMs
  for (;;) {
    const server = spawnServer(home, binaries, settings)
    const failure = await waitUntilReady(home, server)
    if (failure === null) return server
    await end(server)
    const other = /lock file .* already exists/.test(failure) ? readPidFile(home.data) : null
    if (other) throw folderInUse(home.data, other.processId)
    if (!/shared memory block .* in use/.test(failure) || Date.now() > deadline)
      throw new Error(`The embedded PostgreSQL did not start: ${failure}`)
    await delay(100)
  }
}

function spawnServer(home: Home, binaries: Binaries, settings: readonly string[]): RunningServer {
  const own = ['listen_addresses=', `unix_socket_directories=${home.run}`, 'unix_socket_permissions=0700']
  const flags = [...own, ...settings].flatMap((setting) => ['-c', setting])
  const server = spawn(join(binaries.folder, 'bin/postgres'), ['-D', home.data, ...flags], {
    ...runAs(home),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const output = keepLastLines(server)
  return {
    process: server,
    processId: server.pid ?? 0,
    guard: startGuard(server),
    ended: waitUntilEnded(server, output),
  }
}

async function waitUntilEnded(server: ChildProcess, output: () => string): Promise<string> {
  try {
    const closed = once(server, 'close')
    const [code, signal] = await once(server, 'exit')
    // What it said last may still be on its way; processes that it left behind keep the pipe open.
    await Promise.race([closed, delay(lastWordsMs)])
    return `${signal ?? `code ${code}`}\n${output()}`
  } catch (error) {
    return String(error)
  }
}

/** Lets running work roll back and ends; a server that does not is stopped hard and recovers on its next start. */
async function end(server: RunningServer): Promise<void> {
  server.process.kill('SIGINT')
  const late = setTimeout(() => server.process.kill('SIGQUIT'), stopTimeoutMs)
  await server.ended
  clearTimeout(late)
  server.guard.stdin?.end()
}

const runAs = (home: Home) => ({ ...home.account, cwd: '/', env: { PATH: '/usr/bin:/bin' } })

/** Not there, or an empty folder (a fresh volume). */
const isVacant = (data: string) => !existsSync(data) || readdirSync(data).length === 0

/** Into a draft that is renamed when complete: a killed initdb must not leave half a data folder. */
function initialise(home: Home, binaries: string): void {
  const draft = mkdtempSync(`${home.data}.`)
  ownFolder(draft, home.account)
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  try {
    execFileSync(join(binaries, 'bin/initdb'), ['-D', draft, '-U', superuser, '--auth=trust', ...locale], {
      ...runAs(home),
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
  try {
    renameSync(draft, home.data)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    // Another process was quicker.
    if (isVacant(home.data)) throw error
  }
}

function checkVersion(data: string, majorVersion: string): void {
  const file = join(data, 'PG_VERSION')
  if (!existsSync(file)) {
    throw new Error(
      `The folder ${data} holds something else than a database. Set DATA_FOLDER to another folder, or restore a backup.`,
    )
  }
  const found = readFileSync(file, 'utf8').trim()
  if (found === majorVersion) return
  throw new Error(
    `The data folder ${data} belongs to PostgreSQL ${found}, and this version of Counterpart brings PostgreSQL ` +
      `${majorVersion}. Start the version that made it, make a backup and move the data over, or set DATA_FOLDER to a new folder.`,
  )
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

/** Null once this very server takes connections, else why it does not. */
async function waitUntilReady(home: Home, server: RunningServer): Promise<string | null> {
  let failure: string | null = null
  void server.ended.then((reason) => {
    failure = reason
  })
  let deadline = Date.now() + silenceTimeoutMs
  while (failure === null) {
    const answer = await askServer(socketUrl(home.run))
    // Of two that start at once one answers and the other ends; only the pid file tells who answers.
    if (answer === 'ready' && readPidFile(home.data)?.processId === server.processId) return null
    if (answer === 'busy') deadline = Date.now() + silenceTimeoutMs
    if (Date.now() > deadline) return 'it does not answer'
    await delay(20)
  }
  return failure
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '#test/support/free-port.ts'
import { guard } from '#test/support/guard.ts'
import { query } from '#test/support/sql.ts'
import { hasEnded } from './site.ts'

const programs = '/usr/lib/postgresql/15/bin'
const startMs = 60_000
const stopMs = 10_000

/** Says in plain words what is missing on this machine; null when nothing is. */
export function missingPrograms(): string | null {
  if (!existsSync(join(programs, 'initdb')))
    return `PostgreSQL 15 is not installed (${programs} is not there). Install Debian's package postgresql-15.`
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return null
  } catch {
    return "Redis is not installed (there is no redis-server). Install Debian's package redis-server."
  }
}

export interface ServerProgram {
  readonly url: string
  stop(): Promise<void>
}

/** PostgreSQL refuses to run as root. */
function serverAccount(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const ask = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: ask('-u'), gid: ask('-g') }
}

/** @returns the superuser's URL; the role and the database `counterpart` are there */
export async function startPostgres(folder: string): Promise<ServerProgram> {
  const data = join(folder, 'postgres')
  const account = serverAccount()
  mkdirSync(data, { mode: 0o700 })
  if (account) chownSync(data, account.uid, account.gid)
  const surroundings = { ...account, cwd: '/' }
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'],
    { ...surroundings, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const port = await freePort()
  // The machine does not crash here, only processes do, so nothing has to be forced to disk.
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${data}`,
    'fsync=off',
    'full_page_writes=off',
    'max_connections=200',
  ]
  const log = openSync(join(folder, 'postgres.log'), 'a')
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...settings.flatMap((one) => ['-c', one])], {
    ...surroundings,
    stdio: ['ignore', log, log],
  })
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`
  const program = asProgram(child, url('counterpart'), 'SIGINT')
  await untilReady(child, 'PostgreSQL 15', () => query(url('postgres'), 'select 1'))
  await query(url('postgres'), 'create role counterpart login createdb createrole')
  await query(url('postgres'), 'create database counterpart owner counterpart')
  return program
}

export async function startRedis(folder: string): Promise<ServerProgram> {
  const data = join(folder, 'redis')
  mkdirSync(data)
  const port = await freePort()
  const log = openSync(join(folder, 'redis.log'), 'a')
  const settings = ['--save', '', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction']
  const child = spawn(
    'redis-server',
    ['--bind', '127.0.0.1', '--port', String(port), '--dir', data, ...settings],
    { cwd: '/', stdio: ['ignore', log, log] },
  )
  const program = asProgram(child, `redis://127.0.0.1:${port}`, 'SIGTERM')
  await untilReady(child, 'Redis', async () => {
    if (askRedis(program.url, 'PING') !== 'PONG') throw new Error('not yet')
  })
  return program
}

/** One command, answered as text. */
export const askRedis = (url: string, command: 'PING' | 'FLUSHALL'): string =>
  execFileSync('redis-cli', ['-u', url, command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()

function asProgram(child: ChildProcess, url: string, signal: NodeJS.Signals): ServerProgram {
  guard(child)
  return {
    url,
    async stop() {
      if (!hasEnded(child)) {
        const ended = once(child, 'exit')
        child.kill(signal)
        const late = setTimeout(() => child.kill('SIGKILL'), stopMs)
        await ended
        clearTimeout(late)
      }
    },
  }
}

async function untilReady(child: ChildProcess, name: string, ask: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + startMs
  for (;;) {
    try {
      await ask()
      return
    } catch (error) {
      if (hasEnded(child) || Date.now() > deadline) throw new Error(`${name} did not start`, { cause: error })
    }
    await delay(100)
  }
}

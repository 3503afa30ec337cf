import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createApi } from '#test/support/api-client.ts'
import { freePort } from '#test/support/free-port.ts'
import { guard } from '#test/support/guard.ts'
import type { Random } from '#test/support/random.ts'
import { type ServiceProcess, startService } from '#test/support/service-process.ts'
import { askRedis } from './server-programs.ts'
import { hasEnded, type Site } from './site.ts'

const checkout = resolve(import.meta.dirname, '../..')
const startMs = 180_000
const shutdownMs = 30_000
const longestAbsenceMs = 4_000

export interface Servers {
  readonly ownerUrl: string
  readonly redisUrl: string
}

interface Worker {
  readonly name: string
  readonly child: ChildProcess
  kill(): Promise<void>
  stop(): Promise<void>
}

/** One process for the API and two workers on PostgreSQL and Redis, as a larger installation runs. */
export async function openServerSite(folder: string, servers: Servers, random: Random): Promise<Site> {
  const env = {
    DATABASE_URL: servers.ownerUrl,
    REDIS_URL: servers.redisUrl,
    SECRET_KEY: randomBytes(32).toString('base64'),
    RATE_LIMIT_PER_MINUTE: '0',
  }
  const port = await freePort()
  const startApi = (): Promise<ServiceProcess> =>
    startService({ env: { ...env, ROLE: 'api' }, logFile: join(folder, 'api.log'), port, startMs })
  let api = await startApi()
  const admin = createApi(api.url, api.token ?? '')
  const frozen = new Set<ChildProcess>()
  const workers = ['first', 'second'].map((name) => startWorker(name, folder, env))

  async function strikeWorker(): Promise<string> {
    const worker = random.pick(workers.filter(({ child }) => !frozen.has(child)))
    await worker.kill()
    return `killed the ${worker.name} worker`
  }
  async function strikeApi(): Promise<string> {
    await api.kill()
    return 'killed the API process'
  }

  return {
    name: 'servers',
    admin,
    folder,
    ownerUrl: () => servers.ownerUrl,
    freeze() {
      const worker = random.pick(workers.filter(({ child }) => !hasEnded(child) && !frozen.has(child)))
      frozen.add(worker.child)
      worker.child.kill('SIGSTOP')
      return {
        what: `stopped the ${worker.name} worker`,
        thaw() {
          frozen.delete(worker.child)
          worker.child.kill('SIGCONT')
        },
      }
    },
    async strike() {
      const words = [random.chance(0.75) ? await strikeWorker() : await strikeApi()]
      if (random.chance(0.4)) {
        askRedis(servers.redisUrl, 'FLUSHALL')
        words.push('emptied Redis')
      }
      return words.join(' and ')
    },
    async recover() {
      // The other worker may well take over meanwhile.
      await delay(random.whole(0, longestAbsenceMs))
      if (hasEnded(api.child)) api = await startApi()
      for (const [index, worker] of workers.entries()) {
        if (hasEnded(worker.child)) workers[index] = startWorker(worker.name, folder, env)
      }
    },
    complaints: () => [
      ...(hasEnded(api.child) ? ['The API process has ended by itself'] : []),
      ...workers.flatMap(({ name, child }) =>
        hasEnded(child) ? [`The ${name} worker has ended by itself`] : [],
      ),
    ],
    async close() {
      await Promise.all([api.stop(), ...workers.map((worker) => worker.stop())])
    },
  }
}

function startWorker(name: string, folder: string, env: Readonly<Record<string, string>>): Worker {
  const log = openSync(join(folder, `worker-${name}.log`), 'a')
  const child = spawn(process.execPath, [join(checkout, 'src/main.ts')], {
    cwd: checkout,
    env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'info', ROLE: 'worker', ...env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  guard(child)
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!hasEnded(child)) {
      const ended = once(child, 'exit')
      child.kill(signal)
      const late = setTimeout(() => child.kill('SIGKILL'), shutdownMs)
      await ended
      clearTimeout(late)
    }
  }
  return { name, child, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

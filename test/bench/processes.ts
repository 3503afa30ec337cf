import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as sendRequest } from 'node:http'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '#test/support/free-port.ts'

const checkout = resolve(import.meta.dirname, '../..')
const startMs = 60_000

export interface ServerProcess {
  readonly url: string
  readonly databaseUrl: string
  readonly processId: number
  stop(): Promise<void>
}

/** One key for all processes of a run: what one seals the next one opens. */
const secretKey = randomBytes(32).toString('base64')

/** The service as its own process, with its ordinary log going nowhere; `api` leaves the background work out. */
export async function startProduct(databaseUrl: string, role: 'api' | 'all' = 'api'): Promise<ServerProcess> {
  const port = await freePort()
  const child = spawn(process.execPath, [...profiling(), join(checkout, 'src/main.ts')], {
    cwd: checkout,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      ROLE: role,
      DATABASE_URL: databaseUrl,
      SECRET_KEY: secretKey,
      RATE_LIMIT_PER_MINUTE: '0',
      NODE_ENV: 'production',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + startMs
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error('The service did not start')
    }
    await delay(100)
  }
  return { url, databaseUrl, processId: child.pid ?? 0, stop: () => end(child) }
}

/** A folder in BENCH_PROFILES collects a CPU profile of each service process. */
const profiling = (): string[] => {
  const folder = process.env['BENCH_PROFILES']
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : []
}

/** The server of `bare-server.ts` as its own process. */
export async function startBareServer(databaseUrl: string, scriptFile: string): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'bare-server.ts'), databaseUrl, scriptFile],
    {
      cwd: checkout,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = once(child, 'exit').then(() => {
    throw new Error('The bare server did not start')
  })
  ended.catch(() => undefined)
  const [text] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer]
  const port = /port (\d+)/.exec(text.toString())?.[1]
  const url = `http://127.0.0.1:${port}`
  return { url, databaseUrl, processId: child.pid ?? 0, stop: () => end(child) }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

export interface Post {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** Posts over connections that stay open. @throws Error for any answer but 2xx */
export function createSender(url: string, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const post = (given: Post): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { ...given.headers, 'content-length': Buffer.byteLength(given.body) }
      const sent = sendRequest(url + given.path, { method: 'POST', agent, headers }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const status = answer.statusCode ?? 0
          if (status >= 200 && status < 300) resolve(text)
          else reject(new Error(`POST ${given.path} answered ${status}: ${text.slice(0, 500)}`))
        })
      })
      sent.on('error', reject)
      sent.end(given.body)
    })
  return { post, close: () => agent.destroy() }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from './free-port.ts'
import { guard } from './guard.ts'

const checkout = resolve(import.meta.dirname, '../..')

export interface ServiceProcess {
  readonly url: string
  /** The administrator's token; null when this installation had one before. */
  readonly token: string | null
  readonly pid: number
  readonly child: ChildProcess
  /** Asks it to stop and waits until it has. */
  stop(): Promise<void>
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>
}

export interface ServiceOptions {
  readonly env: Readonly<Record<string, string>>
  /** Where its log goes; dropped when left out. */
  readonly logFile?: string
  readonly port?: number
  readonly startMs?: number
}

/** Starts the service as its own process, as a newcomer would, and waits until it answers. */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const port = options.port ?? (await freePort())
  const child = spawn(process.execPath, [join(checkout, 'src/main.ts')], {
    cwd: checkout,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'info',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  guard(child)
  const log = options.logFile ? createWriteStream(options.logFile, { flags: 'a' }) : null
  let token: string | null = null
  let ready = false
  let tail = ''
  const read = (chunk: string) => {
    log?.write(chunk)
    tail = (tail + chunk).slice(-8_000)
    token ??= /\b(cp_[\w-]{20,})/.exec(tail)?.[1] ?? null
    if (/Counterpart is running at|"msg":"ready"/.test(tail)) ready = true
  }
  child.stdout.setEncoding('utf8').on('data', read)
  child.stderr.setEncoding('utf8').on('data', read)
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + (options.startMs ?? 90_000)
  while (!ready || !(await answers(`${url}/readyz`))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The service did not start:\n${tail}`)
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`The service was not ready in time:\n${tail}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  const end = (signal: NodeJS.Signals) => async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await exited
    }
    log?.end()
  }
  return { url, token, pid: child.pid ?? 0, child, stop: end('SIGTERM'), kill: end('SIGKILL') }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false
  }
}

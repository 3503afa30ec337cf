import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { askServer, socketUrl } from './connection.ts'

export interface PidFile {
  readonly processId: number
  /** Where the server that wrote the file listens; null when it did not come that far. */
  readonly socketFolder: string | null
}

const releaseTimeoutMs = 5_000
const socketLine = 4
const socketLock = '.s.PGSQL.5432.lock'
const fileOf = (data: string) => join(data, 'postmaster.pid')

export const readPidFile = (data: string): PidFile | null => readLockFile(fileOf(data))

/** The socket's lock has the same lines as the pid file. */
function readLockFile(file: string): PidFile | null {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    const processId = Number(lines[0])
    if (!Number.isInteger(processId) || processId <= 0) return null
    return { processId, socketFolder: lines[socketLine]?.trim() || null }
  } catch {
    return null
  }
}

/** The server that runs on this data folder, whoever started it. */
export async function findServer(data: string): Promise<PidFile | null> {
  const found = readPidFile(data)
  if (!found) return null
  if (isAlive(found.processId) && isServerOn(data, found.processId)) return found
  // Processes of another container cannot be seen from here; their socket can.
  const answers = found.socketFolder && (await askServer(socketUrl(found.socketFolder))) !== 'silent'
  return answers ? found : null
}

/**
 * A pid file, and the lock of the socket, may be left by a crash. Dead process: PostgreSQL sorts it out. A server runs
 * on the folder: it may be ending just now, else somebody uses it. Another program (a recycled pid, usual in containers)
 * or a server that is dead and not collected yet: remove the file, or PostgreSQL would refuse for good.
 * @throws Error in plain words when the folder stays in use
 */
export async function waitUntilReleased(data: string, run: string): Promise<void> {
  const deadline = Date.now() + releaseTimeoutMs
  for (;;) {
    const server = await findServer(data)
    if (!server) break
    if (Date.now() > deadline) throw folderInUse(data, server.processId)
    await delay(50)
  }
  for (const file of [fileOf(data), join(run, socketLock)]) {
    const left = readLockFile(file)
    if (left && isAlive(left.processId) && !isServerOn(data, left.processId)) rmSync(file, { force: true })
  }
}

export const folderInUse = (data: string, processId: number) =>
  new Error(
    `The data folder ${data} is in use by process ${processId}: another Counterpart runs on it. ` +
      'Stop that one first, or set DATA_FOLDER to another folder.',
  )

const isServerOn = (data: string, processId: number): boolean =>
  commandLine(processId).includes(`-D ${data} `)

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The words of a process's command line with a space after each; empty when nobody tells. */
function commandLine(processId: number): string {
  try {
    return readFileSync(`/proc/${processId}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    try {
      return `${execFileSync('ps', ['-o', 'command=', '-p', String(processId)], { encoding: 'utf8' }).trim()} `
    } catch {
      return ''
    }
  }
}

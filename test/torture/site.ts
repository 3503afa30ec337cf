import { type ChildProcess, spawn } from 'node:child_process'
import type { Api } from '#test/support/api-client.ts'

/** An installation that is killed and comes back. */
export interface Site {
  readonly name: 'embedded' | 'servers'
  /** The administrator; the address stays the same over restarts. */
  readonly admin: Api
  /** As the service connects, to look at the engine's own state and to prove the ledger. */
  ownerUrl(): string
  /** Kills something hard. @returns what, in words */
  strike(): Promise<string>
  /** Brings back what was killed, as an operator or a supervisor would. */
  recover(): Promise<void>
  /** Processes that should run and do not, in words. */
  complaints(): string[]
  /** Where its logs are. */
  readonly folder: string
  close(): Promise<void>
}

/**
 * Ends a process when we are gone, however we went: a shell holds a pipe from us and kills once it closes.
 * @returns call it once the process has ended, before its number is given to another one
 */
export function guard(processId: number): () => void {
  const shell: ChildProcess = spawn(
    '/bin/sh',
    ['-c', `cat >/dev/null; kill -KILL ${processId} 2>/dev/null`],
    {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  shell.unref()
  return () => shell.kill('SIGKILL')
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

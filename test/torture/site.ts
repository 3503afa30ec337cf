import type { ChildProcess } from 'node:child_process'
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
  /** Stops a worker in its tracks (SIGSTOP), where there is another one to take over. */
  freeze?(): { readonly what: string; thaw(): void }
  /** Brings back what was killed, as an operator or a supervisor would. */
  recover(): Promise<void>
  /** Processes that should run and do not, in words. */
  complaints(): string[]
  /** Where its logs are. */
  readonly folder: string
  close(): Promise<void>
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

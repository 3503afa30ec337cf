import { setTimeout as pause } from 'node:timers/promises'
import type { Installation } from '#test/demo/installation.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { Api } from '#test/support/api-client.ts'
import type { Random } from '#test/support/random.ts'
import { countDirty } from './deals.ts'
import type { Protocol } from './protocol.ts'
import type { Scenario } from './registrations.ts'

/** What all parts of a run stand on. */
export interface Ground {
  readonly admin: Api
  readonly simulator: SalesforceSimulator
  readonly installation: Installation
  readonly scenario: Scenario
  readonly random: Random
  readonly protocol: Protocol
  /** For files of this run. */
  readonly folder: string
  /** Of the service's own database. */
  readonly dataFolder: string
  readonly pollSeconds: number
}

export const secondsSince = (startedMs: number): number => (performance.now() - startedMs) / 1_000

/** Waits until no record is dirty, and none becomes so for two polls of the CRM. */
export async function waitForSilence({ admin, pollSeconds }: Ground): Promise<void> {
  const quietMs = pollSeconds * 2_000 + 2_000
  const deadlineMs = performance.now() + 15 * 60_000
  for (let quietSinceMs = performance.now(); performance.now() - quietSinceMs < quietMs; ) {
    const dirty = await countDirty(admin)
    if (dirty > 0) quietSinceMs = performance.now()
    if (performance.now() > deadlineMs) throw new Error(`${dirty} records are still dirty after 15 minutes`)
    await pause(500)
  }
}

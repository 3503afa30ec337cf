import { setTimeout as pause } from 'node:timers/promises'
import type { Installation } from '#test/demo/installation.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { Random } from '#test/support/random.ts'
import { countDirty } from './deals.ts'
import type { ProofBase } from './proof-base.ts'
import type { Scenario } from './registrations.ts'

/** What all parts of the proof at full size stand on. */
export interface Ground extends ProofBase {
  readonly simulator: SalesforceSimulator
  readonly installation: Installation
  readonly scenario: Scenario
  readonly random: Random
}

export const secondsSince = (startedMs: number): number => (performance.now() - startedMs) / 1_000

/** Waits until no record is dirty, and none becomes so for two polls of the CRM. */
export async function waitForSilence({
  admin,
  pollSeconds,
}: Pick<ProofBase, 'admin' | 'pollSeconds'>): Promise<void> {
  const quietMs = pollSeconds * 2_000 + 2_000
  const deadlineMs = performance.now() + 15 * 60_000
  for (let quietSinceMs = performance.now(); performance.now() - quietSinceMs < quietMs; ) {
    const dirty = await countDirty(admin)
    if (dirty > 0) quietSinceMs = performance.now()
    if (performance.now() > deadlineMs) throw new Error(`${dirty} records are still dirty after 15 minutes`)
    await pause(500)
  }
}

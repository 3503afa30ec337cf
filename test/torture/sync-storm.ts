import { setTimeout as delay } from 'node:timers/promises'
import { proveAll } from './proofs.ts'
import { pull } from './pull-assault.ts'
import { push } from './push-assault.ts'
import { waitUntilQuiet } from './quiet.ts'
import type { Round } from './rounds.ts'
import { wordsOf } from './rounds.ts'
import type { World } from './world.ts'

const stormMs = 120_000
/** Longer than a lease, so that another worker has taken over when the stopped one wakes up in the middle of a write. */
const shortestFreezeMs = 62_000
const longestFreezeMs = 75_000
const longestLullMs = 9_000

/**
 * Two minutes of pushes and pulls without a break, while workers are killed and stopped (SIGSTOP, past their leases) at
 * random; then everybody is woken up, and both sides are compared. What a stopped worker writes late is known as ours
 * and mended by a poll: the newest value stands.
 */
export async function runStorm(world: World): Promise<Round> {
  const { simulator } = world
  const kills: string[] = []
  let quietSeconds: number | null = null
  try {
    const endsAt = Date.now() + stormMs
    const load = keepBusy(world, endsAt)
    await Promise.all([strikeAtRandom(world, endsAt, kills), load])
    simulator.faults.clear()
    quietSeconds = await waitUntilQuiet(world)
    const proofs = await proveAll(world)
    return {
      kind: 'sync',
      kills,
      quietSeconds,
      checks: proofs.map(({ claim }) => claim),
      violations: proofs.flatMap(({ violations }) => violations),
    }
  } catch (error) {
    return { kind: 'sync', kills, quietSeconds, checks: [], violations: [wordsOf(error)] }
  } finally {
    simulator.faults.clear()
  }
}

async function keepBusy(world: World, endsAt: number): Promise<void> {
  while (Date.now() < endsAt) {
    await Promise.all([push(world).done, pull(world).done])
    world.simulator.faults.clear()
  }
}

async function strikeAtRandom(world: World, endsAt: number, kills: string[]): Promise<void> {
  const { site, random } = world
  const { freeze } = site
  if (!freeze) throw new Error('Only an installation with several workers can have one of them stopped')
  const wakings: Promise<void>[] = []
  let isFrozen = false
  while (Date.now() < endsAt) {
    await delay(random.whole(1_000, longestLullMs))
    if (!isFrozen && random.chance(0.5)) {
      isFrozen = true
      const forMs = random.whole(shortestFreezeMs, longestFreezeMs)
      const { what, thaw } = freeze()
      kills.push(`${what} for ${forMs} ms`)
      wakings.push(
        delay(forMs).then(() => {
          thaw()
          isFrozen = false
        }),
      )
    } else {
      kills.push(await site.strike())
      await site.recover()
    }
  }
  await Promise.all(wakings)
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Assault } from './assault.ts'
import { importDeals } from './import-assault.ts'
import { inLanes } from './patience.ts'
import { proveAll } from './proofs.ts'
import { pull } from './pull-assault.ts'
import { push, registrations } from './push-assault.ts'
import { waitUntilQuiet } from './quiet.ts'
import type { World } from './world.ts'

export const kinds = ['push', 'pull', 'import'] as const
/** What is going on when the kill comes. */
export type Kind = (typeof kinds)[number]

export interface Round {
  readonly kind: Kind | 'sync'
  /** Each kill in words, with its moment. */
  readonly kills: readonly string[]
  /** From the last start until nothing was left to do. */
  readonly quietSeconds: number | null
  readonly checks: readonly string[]
  readonly violations: readonly string[]
}

const rowsPerDeal = 15
/** A little work goes on in the CRM while the service is away. */
const editsMeanwhile = 6
const longestAbsenceMs = 1_500

/**
 * Begins work, kills in the middle of it (sometimes again right after the restart), lets everybody finish, waits until
 * it is quiet, and proves that nothing is lost and nothing doubled.
 */
export async function runRound(world: World, kind: Kind, mostKills: number): Promise<Round> {
  const { site, simulator, random, rep } = world
  const kills: string[] = []
  let quietSeconds: number | null = null
  try {
    if (kind === 'pull' && world.book.all().length < world.dealsPerRound) await prepareDeals(world)
    const assault = begin(world, kind)
    const moment = await assault.moment
    kills.push(`${await site.strike()} ${moment}`)
    // The same file again sets its own rows back to what it says, so nobody else touches those.
    rep.work(random.whole(0, editsMeanwhile), kind === 'import')
    await delay(random.whole(0, longestAbsenceMs))
    await site.recover()
    if (mostKills > 1 && random.chance(0.3)) {
      const pauseMs = random.whole(0, 3_000)
      await delay(pauseMs)
      kills.push(`${await site.strike()} ${pauseMs} ms after the restart`)
      await site.recover()
    }
    const { failure } = await assault.done
    simulator.faults.clear()
    if (failure) throw failure
    quietSeconds = await waitUntilQuiet(world)
    const proofs = await proveAll(world)
    return {
      kind,
      kills,
      quietSeconds,
      checks: proofs.map(({ claim }) => claim),
      violations: proofs.flatMap(({ violations }) => violations),
    }
  } catch (error) {
    return { kind, kills, quietSeconds, checks: [], violations: [wordsOf(error)] }
  } finally {
    simulator.faults.clear()
  }
}

/** With what was behind it: a request that got no answer says little by itself. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message} (${wordsOf(error.cause)})`
}

/** The clients' own failures are looked at when everything has come back. */
function begin(
  world: World,
  kind: Kind,
): { readonly moment: Promise<string>; readonly done: Promise<{ readonly failure: unknown }> } {
  const start: Record<Kind, () => Assault> = {
    push: () => push(world),
    pull: () => pull(world),
    import: () => importDeals(world, world.dealsPerRound * rowsPerDeal),
  }
  const { moment, done } = start[kind]()
  return {
    moment,
    done: done.then(
      () => ({ failure: null }),
      (failure: unknown) => ({ failure }),
    ),
  }
}

async function prepareDeals(world: World): Promise<void> {
  await inLanes(4, registrations(world, world.dealsPerRound))
  await waitUntilQuiet(world)
}

/** Measurements that compare: everything runs in turn, again and again, so that a busy machine disturbs all alike. */

/** Of an even number the lower one of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** A ratio of two measurements of the same round: the median of all rounds, and how far they lay apart. */
export interface Ratio {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

export function ratioOf(above: readonly number[], below: readonly number[]): Ratio {
  const ratios = above.map((value, round) => value / (below[round] ?? Number.NaN))
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) }
}

/**
 * Runs the contestants one after the other, `rounds` times, after one round that does not count.
 * @returns what each gave, round by round
 */
export async function inTurns<Name extends string, Result>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Readonly<Record<Name, Result[]>>> {
  const names = Object.keys(contestants) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>
  for (let round = -1; round < rounds; round += 1) {
    for (const name of names) {
      const result = await contestants[name]()
      if (round >= 0) results[name].push(result)
    }
  }
  return results
}

/** Calls `work` with rising numbers, `connections` of them at once. @returns how long each took, and all together */
export async function driveAtOnce(
  count: number,
  connections: number,
  work: (index: number) => Promise<void>,
): Promise<Driven> {
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < count) {
        const index = next
        next += 1
        const beganMs = performance.now()
        await work(index)
        latenciesMs.push(performance.now() - beganMs)
      }
    }),
  )
  const seconds = (performance.now() - startedMs) / 1000
  return { perSecond: count / seconds, seconds, latenciesMs }
}

export interface Driven {
  readonly perSecond: number
  readonly seconds: number
  readonly latenciesMs: readonly number[]
}

/** Rates and latencies of several rounds as one line of a report. */
export const summarise = (rounds: readonly Driven[]) => ({
  perSecond: round1(median(rounds.map(({ perSecond }) => perSecond))),
  p50Ms: round1(median(rounds.map(({ latenciesMs }) => percentile(latenciesMs, 0.5)))),
  p99Ms: round1(median(rounds.map(({ latenciesMs }) => percentile(latenciesMs, 0.99)))),
})

export const round1 = (value: number): number => Math.round(value * 10) / 10
export const round2 = (value: number): number => Math.round(value * 100) / 100

import type { Call } from '#test/simulators/salesforce/simulator.ts'

const writes = /^(?:collections-)?(?:create|update|upsert|delete)$/
const readsById = /^(?:collections-)?read$/
const partnerKey = /PRM_Partner_Id__c/i

export interface WriteCount {
  readonly calls: number
  readonly records: number
  /** Calls by how many records they carried. */
  readonly sizes: readonly number[]
}

/** Calls that wrote records of an object; accounts of partners are left out. */
export function countWrites(log: readonly Call[], object: 'Account' | 'Opportunity'): WriteCount {
  const sizes = log
    .filter((call) => call.object === object && writes.test(call.operation) && !partnerKey.test(call.path))
    .map(({ records }) => records)
  return { calls: sizes.length, records: sizes.reduce((sum, size) => sum + size, 0), sizes }
}

export const countAllWrites = (log: readonly Call[]): number =>
  log.filter(({ operation }) => writes.test(operation)).length

export const countReads = (log: readonly Call[]): number =>
  log.filter(({ operation }) => readsById.test(operation)).length

/** Number of calls by operation and object. */
export function countCalls(log: readonly Call[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { operation, object } of log) {
    const name = object === null ? operation : `${operation} ${object}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** "12 of 200, 1 of 57": how full the calls were. */
export function describeSizes(sizes: readonly number[]): string {
  const counted = new Map<number, number>()
  for (const size of sizes) counted.set(size, (counted.get(size) ?? 0) + 1)
  return [...counted]
    .sort(([a], [b]) => b - a)
    .map(([size, count]) => `${count} of ${size}`)
    .join(', ')
}

/** Conflict detection: how well and how fast companies are known again, on files given or on the sets beside the checkout. */
import { benchCustomers } from './conflict-customers.ts'
import { readPairs, readQueries, readRegistry, UnfitFile } from './conflict-files.ts'
import { benchLookups } from './conflict-lookups.ts'
import { measurePairs } from './conflict-pairs.ts'
import { measureRegistry } from './conflict-registry.ts'
import { dataIsThere, halfOfPair, halfOfQuery, pairSets, registrySets } from './conflict-sets.ts'
import type { Ground } from './ground.ts'
import type { Scale } from './scale.ts'

/** What `--pairs`, `--registry` and `--queries` name. */
export interface ConflictFiles {
  readonly pairs?: string | undefined
  readonly registry?: string | undefined
  readonly queries?: string | undefined
  /** How many customers to check among. */
  readonly customers?: string | undefined
}

export async function benchConflicts(ground: Ground, scale: Scale) {
  const sets = dataIsThere() ? await measureSets(ground) : 'skipped: there is no ../shared/data'
  return { ...(await benchLookups(ground, scale)), sets }
}

/** The public sets alone. */
export async function measureSets(ground: Ground) {
  const url = await ground.create('conflict_pairs')
  const reports: Record<string, object> = {}
  for (const { name, goal, read } of pairSets) {
    process.stderr.write(`  ${name} ...\n`)
    reports[name] = { goal, ...(await measurePairs(url, await read(), halfOfPair)) }
  }
  await ground.drop('conflict_pairs')
  for (const { name, goal, read } of registrySets) {
    process.stderr.write(`  ${name} ...\n`)
    const { registry, queries } = await read()
    const measured = await measureRegistry(await ground.create('registry'), registry, queries, halfOfQuery)
    reports[name] = { goal, ...measured }
    await ground.drop('registry')
  }
  return reports
}

const pick = ({ pairs, registry, queries, customers }: ConflictFiles) => ({
  pairs,
  registry,
  queries,
  customers,
})

export const namesFiles = (files: ConflictFiles): boolean =>
  Object.values(pick(files)).some((value) => value !== undefined)

/**
 * The files given, each read before anything is started: figures of a file of pairs, of a registry with its queries, or
 * of both under `pairs` and `registry`.
 * @throws UnfitFile
 */
export async function openFiles(files: ConflictFiles) {
  if ((files.registry === undefined) !== (files.queries === undefined)) {
    throw new UnfitFile('--registry and --queries belong together')
  }
  const customers = files.customers === undefined ? null : Number(files.customers)
  if (customers !== null && !(Number.isInteger(customers) && customers > 0)) {
    throw new UnfitFile('--customers takes a number, such as 1000000')
  }
  const pairs = files.pairs === undefined ? null : await readPairs(files.pairs)
  const known =
    files.registry === undefined || files.queries === undefined
      ? null
      : { registry: await readRegistry(files.registry), queries: await readQueries(files.queries) }
  return async (ground: Ground): Promise<object> => {
    const url = await ground.create('conflict_files')
    if (customers !== null) return benchCustomers(ground, customers)
    const ofPairs = pairs && (await measurePairs(url, pairs))
    const ofRegistry = known && (await measureRegistry(url, known.registry, known.queries))
    if (ofPairs && ofRegistry) return { pairs: ofPairs, registry: ofRegistry }
    return ofPairs ?? ofRegistry ?? {}
  }
}

/** The public sets of real companies beside the checkout, as pairs or as registry and queries, with what is aimed at. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { seededRandom } from './companies.ts'
import {
  type LabelledPair,
  type RegistryQuery,
  type RegistryRow,
  readPairs,
  readRows,
} from './conflict-files.ts'
import { makeRegistrations } from './conflict-typing.ts'

export const dataFolder = resolve(import.meta.dirname, '../../../shared/data')
/** In whose half is it? Weights are fitted on the one, and shown on the other. */
export type Half = 'development' | 'check'

export interface PairSet {
  readonly name: string
  readonly goal: string
  readonly read: () => Promise<readonly LabelledPair[]>
}

export interface RegistrySet {
  readonly name: string
  readonly goal: string
  readonly read: () => Promise<{
    readonly registry: readonly RegistryRow[]
    readonly queries: readonly (RegistryQuery & { readonly typing?: string })[]
  }>
}

export const dataIsThere = (): boolean => existsSync(dataFolder)
const matching = (name: string): string => join(dataFolder, 'entity-matching', name)

/** FNV-1a: the same half for the same text, for ever. */
export function halfOf(text: string): Half {
  let hash = 0x811c9dc5
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return ((hash >>> 7) ^ hash) & 1 ? 'development' : 'check'
}

export const halfOfPair = ({ a, b }: LabelledPair): Half => halfOf([a.name, b.name].sort().join('|'))
export const halfOfQuery = (query: RegistryQuery & { readonly original?: { readonly name: string } }): Half =>
  halfOf((query.original ?? query.company).name)

async function rowsOf(path: string, columns: readonly string[]) {
  const rows: Readonly<Record<string, string>>[] = []
  for await (const { row } of readRows(path, columns)) rows.push(row)
  return rows
}

/** Trusts and funds that differ in a number alone: one for a sanctions desk, different companies for a deal registry. */
const isNumberedSibling = ({ a, b }: LabelledPair): boolean => {
  const vehicle = /\b(trust|fund|partners)\b/iu
  const numbers = (name: string) =>
    (name.match(/\b(?:[ivx]+|[a-z]*\d[\w-]*)\b/giu) ?? []).join(' ').toLowerCase()
  return vehicle.test(a.name) && vehicle.test(b.name) && numbers(a.name) !== numbers(b.name)
}

async function readOpenSanctions(): Promise<readonly LabelledPair[]> {
  const weak = new Set<string>()
  const path = matching('pairs-opensanctions-orgs.csv')
  for (const { name1, name2, quality } of await rowsOf(path, ['quality'])) {
    if (quality === 'WEAK') weak.add(`${name1}|${name2}`)
  }
  const pairs = await readPairs(path)
  return pairs.filter((pair) => !weak.has(`${pair.a.name}|${pair.b.name}`) && !isNumberedSibling(pair))
}

/** As similar as trigrams see it, for choosing neighbours. */
function trigramsOf(name: string): ReadonlySet<string> {
  const text = `  ${name.toLowerCase()} `
  return new Set(Array.from({ length: text.length - 2 }, (_, at) => text.slice(at, at + 3)))
}
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0
  for (const gram of a) if (b.has(gram)) common += 1
  return common / (a.size + b.size - common)
}

interface Member {
  readonly cluster: string
  readonly company: LabelledPair['a']
}

/** How many other spellings of its company a spelling is paired with, and how many of other companies, the nearest ones. */
const pairedWith = 4
const neighbours = 2
/** A company with hundreds of spellings counts no more than so many pairs where companies are to count alike. */
const pairsPerCluster = 60

/**
 * Each spelling with a few others of its own cluster, spread over it, and with the nearest spellings of other clusters.
 * @param perCluster so many pairs of each cluster by lot, instead of a few of each spelling
 */
function pairClusters(members: readonly Member[], perCluster = 0): readonly LabelledPair[] {
  const unique = [
    ...new Map(members.map((each) => [`${each.cluster} ${JSON.stringify(each.company)}`, each])).values(),
  ]
  const grams = new Map(unique.map((each) => [each, trigramsOf(each.company.name)]))
  const gramsOf = (each: Member) => grams.get(each) ?? new Set<string>()
  const pairs = new Map<string, LabelledPair>()
  const add = (a: Member, b: Member) => {
    if (a.company.name === b.company.name && a.cluster !== b.cluster) return
    const key = [JSON.stringify(a.company), JSON.stringify(b.company)].sort().join('|')
    pairs.set(key, { a: a.company, b: b.company, match: a.cluster === b.cluster })
  }
  const random = seededRandom(1)
  for (const cluster of Map.groupBy(unique, (each) => each.cluster).values()) {
    if (perCluster > 0) {
      const possible = (cluster.length * (cluster.length - 1)) / 2
      for (let left = Math.min(perCluster, possible); left > 0; left -= 1) {
        const [one, other] = [0, 0].map(() => cluster[Math.floor(random() * cluster.length)])
        if (one && other && one !== other) add(one, other)
      }
      continue
    }
    cluster.forEach((each, index) => {
      for (let step = 1; step <= Math.min(pairedWith, cluster.length - 1); step += 1) {
        const other =
          cluster[(index + Math.ceil((step * cluster.length) / (pairedWith + 1))) % cluster.length]
        if (other && other !== each) add(each, other)
      }
    })
  }
  for (const each of unique) {
    const others = unique.filter(({ cluster }) => cluster !== each.cluster)
    const nearest = others
      .map((other) => ({ other, near: overlap(gramsOf(each), gramsOf(other)) }))
      .sort((a, b) => b.near - a.near)
    for (const { other } of nearest.slice(0, neighbours)) add(each, other)
  }
  return [...pairs.values()]
}

async function readPatstat(perCluster: number): Promise<readonly LabelledPair[]> {
  const rows = await rowsOf(matching('clusters-patstat-assignees.csv'), ['cluster', 'name'])
  return pairClusters(
    rows.map(({ cluster = '', name = '' }) => ({ cluster, company: { name } })),
    perCluster,
  )
}

const readChicago = async (): Promise<readonly LabelledPair[]> => {
  const rows = await rowsOf(matching('clusters-chicago-sites.csv'), ['cluster', 'name'])
  return pairClusters(
    rows.map(({ cluster = '', name = '', address, zip, phone }) => ({
      cluster,
      company: {
        name,
        address: address || null,
        postalCode: zip || null,
        phone: phone || null,
        country: 'US',
      },
    })),
  )
}

/** A short name and its company; and the same with the company whose name is nearest among the others. */
const readTruncated = async (): Promise<readonly LabelledPair[]> => {
  const rows = await rowsOf(matching('hard-truncated-exchange-names.csv'), ['short_name', 'full_name'])
  const companies = rows.map(({ short_name = '', full_name = '', domain = '' }) => ({
    short: { name: short_name },
    full: { name: full_name },
    domain,
    grams: trigramsOf(full_name),
  }))
  return companies.flatMap(({ short, full, domain }) => {
    const grams = trigramsOf(short.name)
    const nearest = companies
      .filter((other) => other.domain !== domain && other.full.name !== full.name)
      .map((other) => ({ other, near: overlap(grams, other.grams) }))
      .sort((a, b) => b.near - a.near)
      .slice(0, neighbours)
    return [
      { a: short, b: full, match: true },
      ...nearest.map(({ other }) => ({ a: short, b: other.full, match: false })),
    ]
  })
}

export const pairSets: readonly PairSet[] = [
  { name: 'openSanctions', goal: 'macroF1 >= 0.83', read: readOpenSanctions },
  { name: 'patstat', goal: 'f1 >= 0.97', read: () => readPatstat(pairsPerCluster) },
  { name: 'patstatAcrossTimes', goal: 'reported', read: () => readPatstat(0) },
  { name: 'chicago', goal: 'reported', read: readChicago },
  {
    name: 'fodorsZagats',
    goal: 'reported',
    read: () => readPairs(matching('pairs-fodors-zagats.csv')),
  },
  { name: 'truncated', goal: 'reported', read: readTruncated },
  {
    name: 'brandsAndRenamings',
    goal: 'reported',
    read: () => readPairs(matching('pairs-easonanalytica.csv')),
  },
]

async function readSec() {
  const registry = await rowsOf(matching('sec-registry.csv'), ['cik', 'name'])
  const queries = await rowsOf(matching('sec-queries.csv'), ['query_name', 'true_cik', 'held_out'])
  const heldOut = new Set(queries.filter(({ held_out }) => held_out === '1').map(({ true_cik }) => true_cik))
  return {
    registry: registry.flatMap(({ cik = '', name = '' }) =>
      heldOut.has(cik) ? [] : [{ id: cik, company: { name } }],
    ),
    queries: queries.map(({ query_name = '', true_cik = '', held_out }) => ({
      company: { name: query_name },
      expectedId: held_out === '1' ? null : true_cik,
    })),
  }
}

export const syntheticSize = { known: 12_000, queries: 2_400 } as const

export async function readSynthetic(seed: number, size: { known: number; queries: number } = syntheticSize) {
  const rows = await rowsOf(join(dataFolder, 'companies/companies-16k.csv'), ['name', 'domain'])
  const companies = rows.map(({ name = '', domain = '' }, index) => ({
    id: String(index),
    company: { name, domain },
  }))
  return makeRegistrations(companies, { seed, ...size })
}

export const registrySets: readonly RegistrySet[] = [
  { name: 'sec', goal: 'f1 >= 0.985, falseMatchesOfOutsiders <= 0.01', read: readSec },
  {
    name: 'registrationsByName',
    goal: 'f1 >= 0.90',
    read: async () => {
      const { registry, queries } = await readSynthetic(7)
      return {
        registry,
        queries: queries.map((query) => ({ ...query, company: { name: query.company.name } })),
      }
    },
  },
  { name: 'registrationsWithDomain', goal: 'f1 >= 0.97', read: () => readSynthetic(7) },
]

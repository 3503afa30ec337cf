/** Known ways to compare company names, each as its users would set it up. They read names only. */
import MiniSearch from 'minisearch'
import type pg from 'pg'
import { nameKeyOf } from '#src/customers/name-key.ts'

/** The best entry of a registry for a name, by its place; score 0 for none. */
export interface Found {
  readonly place: number
  readonly score: number
}

const nothing: Found = { place: -1, score: 0 }
const fuzziness = { fuzzy: 0.2, processTerm: (term: string) => term.toLowerCase() }

/** Equal once case, accents, punctuation and legal forms are off. */
export function indexByKey(names: readonly string[]): (name: string) => Found {
  const places = new Map<string, number>()
  names.forEach((name, place) => {
    const key = nameKeyOf(name)
    if (!places.has(key)) places.set(key, place)
  })
  return (name) => {
    const place = places.get(nameKeyOf(name))
    return place === undefined ? nothing : { place, score: 1 }
  }
}

/** Words with edits of up to a fifth of their length, on names without legal forms; the score is per word asked. */
export function indexByMinisearch(names: readonly string[]): (name: string) => Found {
  const index = new MiniSearch<{ id: number; name: string }>({ fields: ['name'], searchOptions: fuzziness })
  index.addAll(names.map((name, id) => ({ id, name: nameKeyOf(name) })))
  return (name) => {
    const [best] = index.search(nameKeyOf(name))
    return best ? { place: Number(best.id), score: best.score / best.queryTerms.length } : nothing
  }
}

const namesAtOnce = 1_000

/**
 * Of each pair, how well the second name is found by the first, against the first found by itself. The names are indexed
 * a thousand pairs at a time, so that a file of any length takes its time in proportion.
 */
export function minisearchPairs(pairs: readonly (readonly [string, string])[]): number[] {
  const scores: number[] = []
  for (let from = 0; from < pairs.length; from += namesAtOnce) {
    const some = pairs.slice(from, from + namesAtOnce).map(([a, b]) => [nameKeyOf(a), nameKeyOf(b)] as const)
    const ids = new Map([...new Set(some.flat())].map((name, id) => [name, id]))
    const index = new MiniSearch<{ id: number; name: string }>({ fields: ['name'], searchOptions: fuzziness })
    index.addAll([...ids].map(([name, id]) => ({ id, name })))
    for (const [a, b] of some) {
      const found = new Map(index.search(a).map(({ id, score }) => [Number(id), score]))
      const [own, other] = [found.get(ids.get(a) ?? -1) ?? 0, found.get(ids.get(b) ?? -1) ?? 0]
      scores.push(own === 0 ? Number(a === b) : Math.min(1, other / own))
    }
  }
  return scores
}

export async function trigramPairs(
  client: pg.Client,
  pairs: readonly (readonly [string, string])[],
): Promise<number[]> {
  const scores: number[] = []
  for (let from = 0; from < pairs.length; from += namesAtOnce) {
    const some = pairs.slice(from, from + namesAtOnce)
    const { rows } = await client.query<{ likeness: number }>({
      name: 'pairs',
      text: `select similarity(lower(a), lower(b)) as likeness
             from unnest($1::text[], $2::text[]) with ordinality as pair (a, b, position) order by position`,
      values: [some.map(([a]) => a.replaceAll('\0', '')), some.map(([, b]) => b.replaceAll('\0', ''))],
    })
    scores.push(...rows.map(({ likeness }) => likeness))
  }
  return scores
}

/** A table with a trigram index, asked with a generic plan at the threshold of the extension (0.3). */
export async function indexByTrigrams(
  client: pg.Client,
  names: readonly string[],
): Promise<(name: string) => Promise<Found>> {
  await client.query('create table trigram_peer (place integer primary key, name text not null)')
  await client.query(
    `insert into trigram_peer select position - 1, name
     from unnest($1::text[]) with ordinality as given (name, position)`,
    [names.map((name) => nameKeyOf(name).replaceAll('\0', ''))],
  )
  await client.query('create index on trigram_peer using gin (name gin_trgm_ops)')
  await client.query('vacuum analyze trigram_peer')
  // Planning trigram conditions anew each time would take longer than answering them.
  await client.query('set plan_cache_mode = force_generic_plan')
  return async (name) => {
    const { rows } = await client.query<Found>({
      name: 'trigrams',
      text: `select place, similarity(name, $1) as score from trigram_peer
             where name % $1 order by score desc, place limit 1`,
      values: [nameKeyOf(name).replaceAll('\0', '')],
    })
    return rows[0] ?? nothing
  }
}

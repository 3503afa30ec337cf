/** Pairs of companies with a label: how well the product tells them apart, beside others on the same rows. */
import pg from 'pg'
import { compareCompanies, strongFrom } from '#src/conflicts/company-likeness.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { nameKeyOf } from '#src/customers/name-key.ts'
import {
  type Answer,
  bestThreshold,
  calibrationOf,
  figuresAt,
  figuresByHalf,
  rounded,
} from './conflict-figures.ts'
import type { LabelledPair } from './conflict-files.ts'
import { minisearchPairs, trigramPairs } from './conflict-peers.ts'

export const peerNote =
  'best macro-F1 on these very rows, which favours the peer; the threshold of counterpart is fixed by the product'

/** Scores, 0 to 100, as the product would give them. */
export const scorePairs = (pairs: readonly LabelledPair[]): number[] =>
  pairs.map(({ a, b }) => compareCompanies(identifyCompany(a), identifyCompany(b)).score)

/**
 * @param url a database with pg_trgm
 * @param halfOf splits the figures of the product
 */
export async function measurePairs(
  url: string,
  pairs: readonly LabelledPair[],
  halfOf: ((pair: LabelledPair) => string) | null = null,
) {
  const names = pairs.map(({ a, b }) => [a.name, b.name] as const)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const own = await timed(pairs, async () => scorePairs(pairs))
    const peers = {
      pg_trgm: await timed(pairs, () => trigramPairs(client, names)),
      minisearch: await timed(pairs, async () => minisearchPairs(names)),
      'exact-normalised': await timed(pairs, async () =>
        names.map(([a, b]) => Number(nameKeyOf(a) === nameKeyOf(b))),
      ),
    }
    return {
      rows: pairs.length,
      matches: pairs.filter(({ match }) => match).length,
      counterpart: {
        ...rounded(figuresAt(own.answers, strongFrom)),
        lookupsPerSecond: own.perSecond,
        threshold: strongFrom,
        calibration: calibrationOf(own.answers),
        ...(halfOf && figuresByHalf(own.answers, pairs.map(halfOf), strongFrom)),
      },
      ...Object.fromEntries(
        Object.entries(peers).map(([name, { answers, perSecond }]) => {
          const threshold = bestThreshold(answers, 'macroF1')
          const figures = rounded(figuresAt(answers, threshold))
          return [name, { ...figures, lookupsPerSecond: perSecond, threshold }]
        }),
      ),
      thresholdOfPeers: peerNote,
      lookup: 'one comparison of two companies',
    }
  } finally {
    await client.end()
  }
}

export const answersOf = (pairs: readonly LabelledPair[], scores: readonly number[]): Answer[] =>
  pairs.map(({ match }, index) => ({ score: scores[index] ?? 0, right: match, expected: match }))

async function timed(pairs: readonly LabelledPair[], score: () => Promise<readonly number[]>) {
  const startedMs = performance.now()
  const scores = await score()
  const seconds = (performance.now() - startedMs) / 1000
  return { answers: answersOf(pairs, scores), perSecond: Math.round(pairs.length / Math.max(seconds, 1e-6)) }
}

/** Looking companies up in a registry: the best answer or none, through the product's own path, beside others. */
import pg from 'pg'
import type { CheckSubject, MirrorRow } from '#src/conflicts/claim.ts'
import { strongFrom } from '#src/conflicts/company-likeness.ts'
import { findCandidates } from '#src/conflicts/comparison.ts'
import { fileMirrorRows } from '#src/conflicts/mirror-store.ts'
import { defaultRuleSet } from '#src/conflicts/rule-set.ts'
import { searchClaims } from '#src/conflicts/search-store.ts'
import { type CompanyDescription, identifyCompany } from '#src/customers/company-identity.ts'
import { type Database, openDatabase, type Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { query } from '#test/support/sql.ts'
import { seededRandom } from './companies.ts'
import {
  type Answer,
  bestThreshold,
  calibrationOf,
  figuresAt,
  figuresByHalf,
  rounded,
} from './conflict-figures.ts'
import type { RegistryQuery, RegistryRow } from './conflict-files.ts'
import { indexByKey, indexByMinisearch, indexByTrigrams } from './conflict-peers.ts'

const actor = systemActor('bench')
const rowsAtOnce = 1_000
/** A peer that needs longer is measured on as many queries, taken by lot, as it answers in this time. */
const peerBudgetMs = 60_000

export type LookUp = (company: CompanyDescription) => Promise<{ id: string; score: number } | null>

/** Files the registry as accounts of a CRM. */
export async function fileRegistry(database: Database, registry: readonly RegistryRow[]): Promise<void> {
  const connectionId = newId<'connection'>()
  for (let from = 0; from < registry.length; from += rowsAtOnce) {
    const rows = registry.slice(from, from + rowsAtOnce).map(
      ({ company }, index): MirrorRow => ({
        source: 'account',
        connectionId,
        remoteId: String(from + index),
        company: identifyCompany(company),
        partnerId: null,
        customerId: null,
        dealId: null,
        open: true,
        amountMinor: null,
        currency: null,
        stage: null,
        openedOn: null,
      }),
    )
    await database.transact(actor, (tx) => fileMirrorRows(tx, rows))
  }
}

export const subjectOf = (company: CompanyDescription): CheckSubject => ({
  dealId: null,
  partnerId: null,
  customerId: null,
  company: identifyCompany(company),
  familyIds: [],
  range: { from: new Date().toISOString().slice(0, 10), to: null },
})

const terms = { rules: defaultRuleSet, asOf: new Date().toISOString().slice(0, 10) }

/** Identity, search and scores as at a registration, whose unit of work is open already. */
export const lookUpIn =
  (tx: Tx, registry: readonly RegistryRow[]): LookUp =>
  async (company) => {
    const subject = subjectOf(company)
    const { findings } = await searchClaims(tx, [subject], new Date())
    const [best] = findCandidates(terms, subject, findings[0]?.claims ?? [])
    return best ? { id: registry[Number(best.claim.remoteId)]?.id ?? '', score: best.score } : null
  }

/**
 * @param url a migrated database without claims; it stays filled
 * @param halfOf splits the figures of the product
 */
export async function measureRegistry<Query extends RegistryQuery>(
  url: string,
  registry: readonly RegistryRow[],
  queries: readonly Query[],
  halfOf: ((query: Query) => string) | null = null,
) {
  const database = openDatabase({ url, poolSize: 1 })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await fileRegistry(database, registry)
    await query(url, 'vacuum analyze')
    const known = new Set(registry.map(({ id }) => id))
    const asked = shuffled(queries).map((query) => ({
      ...query,
      expectedId: query.expectedId !== null && known.has(query.expectedId) ? query.expectedId : null,
    }))
    const names = registry.map(({ company }) => company.name)
    const own = await database.transact(actor, (tx) =>
      ask(lookUpIn(tx, registry), asked, Number.POSITIVE_INFINITY),
    )
    const atPlace = (find: (name: string) => Promise<{ place: number; score: number }>): LookUp => {
      return async ({ name }) => {
        const { place, score } = await find(name)
        return { id: registry[place]?.id ?? '', score }
      }
    }
    const [byMinisearch, byKey] = [indexByMinisearch(names), indexByKey(names)]
    const peers = {
      pg_trgm: await ask(atPlace(await indexByTrigrams(client, names)), asked, peerBudgetMs),
      minisearch: await ask(
        atPlace(async (name) => byMinisearch(name)),
        asked,
        peerBudgetMs,
      ),
      'exact-normalised': await ask(
        atPlace(async (name) => byKey(name)),
        asked,
        peerBudgetMs,
      ),
    }
    const outsiders = own.answers.filter(({ expected }) => !expected)
    return {
      registry: registry.length,
      queries: queries.length,
      withoutMatch: outsiders.length,
      expectedButNotInRegistry: queries.filter(({ expectedId }) => expectedId && !known.has(expectedId))
        .length,
      counterpart: {
        ...rounded(figuresAt(own.answers, strongFrom)),
        falseMatchesOfOutsiders:
          outsiders.length === 0
            ? null
            : outsiders.filter(({ score }) => score >= strongFrom).length / outsiders.length,
        lookupsPerSecond: own.perSecond,
        threshold: strongFrom,
        calibration: calibrationOf(own.answers),
        ...(halfOf && figuresByHalf(own.answers, asked.map(halfOf), strongFrom)),
      },
      ...Object.fromEntries(
        Object.entries(peers).map(([name, { answers, perSecond }]) => {
          const threshold = bestThreshold(answers, 'f1')
          const figures = rounded(figuresAt(answers, threshold))
          return [name, { ...figures, lookupsPerSecond: perSecond, threshold, queries: answers.length }]
        }),
      ),
      thresholdOfPeers:
        'best F1 on these very queries, which favours the peer; the threshold of counterpart is fixed by the product',
      lookup: 'one company looked up; peers read the name only',
    }
  } finally {
    await database.close()
    await client.end()
  }
}

/** Some queries first, unmeasured, so that nobody pays for warming up. */
const warmingUp = 200

export async function ask(lookUp: LookUp, queries: readonly RegistryQuery[], budgetMs: number) {
  for (const { company } of queries.slice(0, warmingUp)) await lookUp(company)
  const answers: Answer[] = []
  const startedMs = performance.now()
  for (const { company, expectedId } of queries) {
    const found = await lookUp(company)
    answers.push({
      score: found?.score ?? 0,
      right: found !== null && found.id === expectedId,
      expected: expectedId !== null,
    })
    if (performance.now() - startedMs > budgetMs) break
  }
  const seconds = (performance.now() - startedMs) / 1000
  return { answers, perSecond: Math.round((answers.length / Math.max(seconds, 1e-6)) * 10) / 10 }
}

/** By lot, the same every time. */
function shuffled<T>(values: readonly T[]): readonly T[] {
  const random = seededRandom(1)
  return values
    .map((value) => ({ value, lot: random() }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ value }) => value)
}

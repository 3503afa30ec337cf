/**
 * `node test/bench/fit-likeness.ts`: fits the weights of what speaks for and against two companies being one, and writes
 * src/conflicts/likeness-weights.ts. Logistic regression on the development halves of the public sets (../shared/data):
 * labelled pairs as they are, registries by what the product's own search finds for each query. Each weight is drawn
 * towards the one that stood before, and keeps its sign: what agrees never speaks against.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareCompanies, stateFigures } from '#src/conflicts/company-likeness.ts'
import { baseline, type CompanyFigure, weights } from '#src/conflicts/likeness-weights.ts'
import { searchClaims } from '#src/conflicts/search-store.ts'
import { type CompanyIdentity, identifyCompany } from '#src/customers/company-identity.ts'
import { openDatabase } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { fileRegistry, subjectOf } from './conflict-registry.ts'
import { halfOfPair, halfOfQuery, pairSets, registrySets } from './conflict-sets.ts'
import { openGround } from './ground.ts'

interface Sample {
  readonly figures: readonly (readonly [place: number, value: number])[]
  readonly match: number
  weight: number
}

/** How much each set counts as a whole, in rows. */
const setWeights: Readonly<Record<string, number>> = {
  openSanctions: 500,
  patstat: 2_500,
  patstatAcrossTimes: 200,
  chicago: 150,
  fodorsZagats: 150,
  truncated: 500,
  brandsAndRenamings: 60,
  sec: 6_000,
  registrationsByName: 1_200,
  registrationsWithDomain: 1_000,
}
/** Wrong companies kept for a query, the most alike first. */
const wrongKept = 3
/** How strongly a weight is drawn to where it stood, as so many rows that say so. */
const pull = 2
const rounds = 300
/**
 * Set by hand: the sets say nothing of them, or too much. Their sites have one address and their firms one domain, while a
 * customer of ours has several of each.
 */
const byHand: ReadonlySet<string> = new Set(
  'sameIdentifier otherIdentifier otherDomain sameForm oneNumber numberedSibling sameCity sameCountry otherCountry otherCity otherPostalCode otherPhone otherAddress'.split(
    ' ',
  ),
)

const names = Object.keys(weights) as CompanyFigure[]
const places = new Map(names.map((name, place) => [name, place + 1]))
const againstSign =
  /^(?:other|onlyOne|one[A-Z]|bothOther|anyOther|appended|misspelled|abbreviated|equalButVague|numberedSibling|containedAtAll|containedInside)/u
const signOf = (place: number): number =>
  place === 0 ? 0 : againstSign.test(names[place - 1] ?? '') ? -1 : 1

function sampleOf(a: CompanyIdentity, b: CompanyIdentity, match: boolean): Sample {
  const figures: [number, number][] = [[0, 1]]
  for (const point of stateFigures(a, b)) {
    for (const [name, value] of Object.entries(point.figures)) {
      if (value !== 0) figures.push([places.get(name as CompanyFigure) ?? 0, value])
    }
  }
  return { figures, match: Number(match), weight: 1 }
}

const samples: Sample[] = []
function keep(name: string, some: readonly Sample[]): void {
  const each = (setWeights[name] ?? 0) / Math.max(1, some.length)
  for (const sample of some) samples.push({ ...sample, weight: each })
  process.stderr.write(`${name}: ${some.length} rows, ${some.filter(({ match }) => match).length} matches\n`)
}

for (const { name, read } of pairSets) {
  const pairs = (await read()).filter((pair) => halfOfPair(pair) === 'development')
  keep(
    name,
    pairs.map(({ a, b, match }) => sampleOf(identifyCompany(a), identifyCompany(b), match)),
  )
}
const ground = await openGround()
try {
  for (const { name, read } of registrySets) {
    const { registry, queries } = await read()
    const database = openDatabase({ url: await ground.create('fit'), poolSize: 1 })
    await fileRegistry(database, registry)
    const some: Sample[] = []
    for (const query of queries) {
      if (halfOfQuery(query) !== 'development') continue
      const subject = subjectOf(query.company)
      const { findings } = await database.transact(systemActor('bench'), (tx) =>
        searchClaims(tx, [subject], new Date()),
      )
      const found = (findings[0]?.claims ?? []).map(({ company, remoteId }) => ({
        company,
        right: registry[Number(remoteId)]?.id === query.expectedId,
      }))
      const wrong = found
        .filter(({ right }) => !right)
        .map((each) => ({ ...each, score: compareCompanies(subject.company, each.company).score }))
        .sort((x, y) => y.score - x.score)
        .slice(0, wrongKept)
      for (const { company, right } of [...found.filter((each) => each.right), ...wrong]) {
        some.push(sampleOf(subject.company, company, right))
      }
    }
    keep(name, some)
    await database.close()
    await ground.drop('fit')
  }
} finally {
  await ground.close()
}

const before = [baseline, ...names.map((name) => weights[name])]
const fitted = [...before]
const columns = before.map((_, place) =>
  samples.flatMap((sample, index) => {
    const figure = sample.figures.find(([at]) => at === place)
    return figure ? [[index, figure[1]] as const] : []
  }),
)
const logits = samples.map(({ figures }) =>
  figures.reduce((total, [place, value]) => total + value * (fitted[place] ?? 0), 0),
)
for (let round = 0; round < rounds; round += 1) {
  for (const [place, column] of columns.entries()) {
    if (byHand.has(names[place - 1] ?? '')) continue
    const drawn = place === 0 ? 0 : pull
    let slope = drawn * ((fitted[place] ?? 0) - (before[place] ?? 0))
    let bend = drawn + 1e-6
    for (const [index, value] of column) {
      const sample = samples[index]
      if (!sample) continue
      const likely = 1 / (1 + Math.exp(-(logits[index] ?? 0)))
      slope += sample.weight * value * (likely - sample.match)
      bend += sample.weight * value * value * Math.max(0.01, likely * (1 - likely))
    }
    const old = fitted[place] ?? 0
    const stepped = old - Math.max(-0.5, Math.min(0.5, slope / bend))
    const sign = signOf(place)
    const next = sign > 0 ? Math.max(0, stepped) : sign < 0 ? Math.min(0, stepped) : stepped
    fitted[place] = next
    for (const [index, value] of column) logits[index] = (logits[index] ?? 0) + value * (next - old)
  }
}

let [loss, all] = [0, 0]
for (const [index, { match, weight }] of samples.entries()) {
  const logit = logits[index] ?? 0
  loss += weight * Math.log1p(Math.exp(match ? -logit : logit))
  all += weight
}
process.stderr.write(`log loss ${(loss / all).toFixed(4)}\n`)
const round2 = (value: number) => Math.round(value * 100) / 100
const file = join(import.meta.dirname, '../../src/conflicts/likeness-weights.ts')
const text = readFileSync(file, 'utf8')
  .replace(/(baseline = )[-\d.]+/u, `$1${round2(fitted[0] ?? 0)}`)
  .replaceAll(/^( {2})(\w+): [-\d.]+,$/gmu, (line, indent: string, name: string) => {
    const place = places.get(name as CompanyFigure)
    return place === undefined ? line : `${indent}${name}: ${round2(fitted[place] ?? 0)},`
  })
writeFileSync(file, text)

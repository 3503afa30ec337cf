/** How fast companies are found among all claims, against trigram similarity on the same database at its best. */
import pg from 'pg'
import { findCandidates } from '#src/conflicts/comparison.ts'
import { defaultRuleSet } from '#src/conflicts/rule-set.ts'
import { searchClaims } from '#src/conflicts/search-store.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { openDatabase } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { type Company, seededRandom } from './companies.ts'
import type { Ground } from './ground.ts'
import type { Scale } from './scale.ts'
import { companies, seedInstallation, seedRegistrations } from './seeding.ts'
import { driveAtOnce, inTurns, ratioOf, summarise } from './turns.ts'

const actor = systemActor('bench')

export async function benchLookups(ground: Ground, { conflicts: { sizes, lookups, rounds } }: Scale) {
  const installation = await seedInstallation(await ground.create('conflicts_installation'))
  const reports = []
  for (const size of sizes) {
    const name = `conflicts_${size}`
    const url = await ground.copy('conflicts_installation', name)
    await seedRegistrations(url, installation, size)
    reports.push(await compare(url, size, lookups, rounds))
    await ground.drop(name)
  }
  return { sizes: reports, goals: '>= 1 at 12,000 claims, >= 5 at 100,000' }
}

/** Three in four ask for a company that is there, as a partner may type it. */
function questionAt(size: number, index: number): Company {
  const random = seededRandom(size + index)
  return random() < 0.75
    ? companies.retype(companies.companyAt(Math.floor(random() * size)), random)
    : companies.companyAt(size + index)
}

async function compare(url: string, size: number, lookups: number, rounds: number) {
  const database = openDatabase({ url, poolSize: 1 })
  const peer = new pg.Client({ connectionString: url })
  await peer.connect()
  await peer.query(`set role counterpart_system`)
  // Planning trigram conditions anew each time would take longer than answering them.
  await peer.query('set plan_cache_mode = force_generic_plan')
  const questions = Array.from({ length: lookups }, (_, index) => questionAt(size, index))
  const asked = (index: number): Company => questions[index % questions.length] as Company
  const lookUp = async (index: number): Promise<void> => {
    const company = identifyCompany({ ...asked(index), email: null })
    const now = new Date()
    const range = { from: now.toISOString().slice(0, 10), to: null }
    const subject = { dealId: null, partnerId: null, customerId: null, company, familyIds: [], range }
    const { findings } = await database.transact(actor, (tx) => searchClaims(tx, [subject], now))
    findCandidates({ rules: defaultRuleSet, asOf: range.from }, subject, findings[0]?.claims ?? [])
  }
  const lookUpByTrigrams = async (index: number): Promise<void> => {
    await peer.query({
      name: 'trigrams',
      text: `select id, name, similarity(lower(name), lower($1)) as likeness from customer
             where lower(name) % lower($1) order by likeness desc limit 10`,
      values: [asked(index).name],
    })
  }
  try {
    const turns = await inTurns(rounds, {
      product: () => driveAtOnce(lookups, 1, lookUp),
      trigrams: () => driveAtOnce(lookups, 1, lookUpByTrigrams),
    })
    const rates = (name: 'product' | 'trigrams') => turns[name].map(({ perSecond }) => perSecond)
    return {
      claims: size,
      product: summarise(turns.product),
      trigramsAtThreshold03: summarise(turns.trigrams),
      ratio: ratioOf(rates('product'), rates('trigrams')),
    }
  } finally {
    await database.close()
    await peer.end()
  }
}

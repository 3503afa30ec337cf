/** A whole check among as many customers as a large vendor has: how long it takes, and what the database does for it. */
import { sql } from 'kysely'
import { judgeClaims } from '#src/conflicts/judgement.ts'
import { readTerms, searchInTime } from '#src/conflicts/judgement-step.ts'
import { filingKeys, keysVersion } from '#src/conflicts/search-keys.ts'
import { searchQuery } from '#src/conflicts/search-store.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { query } from '#test/support/sql.ts'
import { seededRandom } from './companies.ts'
import { subjectOf } from './conflict-registry.ts'
import type { Ground } from './ground.ts'
import { companies } from './seeding.ts'
import { driveAtOnce, summarise } from './turns.ts'

const actor = systemActor('bench')
const rowsAtOnce = 20_000
const checks = 2_000

/** Files `count` companies as accounts of a CRM and checks registrations against them. */
export async function benchCustomers(ground: Ground, count: number) {
  const url = await ground.create('conflict_customers')
  const database = openDatabase({ url, poolSize: 1 })
  try {
    await seedAccounts(url, database, count)
    const random = seededRandom(count)
    const questions = Array.from({ length: checks }, (_, index) => {
      const known = random() < 0.75
      const company = companies.companyAt(known ? Math.floor(random() * count) : count + index)
      const { domain, ...typed } = known ? companies.retype(company, random) : company
      return subjectOf({ ...typed, domain })
    })
    const check = async (index: number): Promise<void> => {
      const subject = questions[index % questions.length]
      if (!subject) return
      const now = new Date()
      await database.transact(actor, async (tx) => {
        const terms = await readTerms(tx, now)
        const { findings, mirror } = await searchInTime(tx, [subject], now)
        const { claims = [], gaps = [] } = findings[0] ?? {}
        judgeClaims(terms, subject, claims, { mirror, gaps, wins: [] })
      })
    }
    await driveAtOnce(checks / 10, 1, check)
    const driven = await driveAtOnce(checks, 1, check)
    return {
      customers: count,
      check: summarise([driven]),
      plan: await planOf(database, questions.slice(0, 1)),
    }
  } finally {
    await database.close()
    await ground.drop('conflict_customers')
  }
}

/** As filed one by one, only quicker: keys are indexed once all are there. */
async function seedAccounts(url: string, database: Database, count: number): Promise<void> {
  await query(url, 'alter table claim_key drop constraint claim_key_pkey')
  await query(url, 'drop index claim_key_claim')
  const connectionId = newId<'connection'>()
  for (let from = 0; from < count; from += rowsAtOnce) {
    const rows = Array.from({ length: Math.min(rowsAtOnce, count - from) }, (_, place) => ({
      id: newId<'claim'>(),
      remoteId: String(from + place),
      company: identifyCompany(companies.companyAt(from + place)),
    }))
    const keys = rows.flatMap(({ id, company }) => filingKeys(company).map((key) => ({ id, key })))
    await database.transact(actor, async (tx) => {
      await sql`
        insert into claim (id, claim_seq, source, connection_id, remote_id, name, name_key, domain, country, city,
          keys_version, range, standing)
        select id, nextval('claim_seq'), 'account', ${connectionId}, remote_id, name, name_key, domain, country, city,
          ${keysVersion}::int, daterange(null, null), 'held'
        from unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ remoteId }) => remoteId)}::text[],
          ${rows.map(({ company }) => company.name)}::text[], ${rows.map(({ company }) => company.nameKey)}::text[],
          ${rows.map(({ company }) => company.domain)}::text[], ${rows.map(({ company }) => company.country)}::text[],
          ${rows.map(({ company }) => company.city)}::text[])
          as given (id, remote_id, name, name_key, domain, country, city)`.execute(tx)
      await sql`
        insert into claim_key (key, claim_id)
        select key, claim_id from unnest(${keys.map(({ key }) => key)}::text[], ${keys.map(({ id }) => id)}::uuid[])
          as given (key, claim_id)`.execute(tx)
    })
    if ((from / rowsAtOnce) % 10 === 0) process.stderr.write(`  ${from.toLocaleString('en')} customers\n`)
  }
  await query(url, 'alter table claim_key add primary key (key, claim_id)')
  await query(url, 'create index claim_key_claim on claim_key (claim_id)')
  await query(url, 'vacuum analyze')
}

async function planOf(database: Database, subjects: Parameters<typeof searchQuery>[0]) {
  const { rows } = await database.transact(actor, (tx) =>
    sql<
      Record<string, string>
    >`explain (analyze, buffers, costs off) ${searchQuery(subjects, new Date(), false)}`.execute(tx),
  )
  return rows.flatMap((row) => Object.values(row))
}

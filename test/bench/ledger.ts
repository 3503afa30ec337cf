/** Postings through the service against bare SQL that writes the same rows into the same tables. */
import { createHash } from 'node:crypto'
import pg from 'pg'
import { openDatabase } from '#src/database/database.ts'
import type { AwardFacts } from '#src/incentives/award.ts'
import { flatRatePlan } from '#src/incentives/plan.ts'
import { insertPlan, insertVersion } from '#src/incentives/plan-store.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { newId, type PartnerId, type PlanVersionId, type ProgrammeId } from '#src/kernel/ids.ts'
import { postEntries } from '#src/ledger/ledger-use-cases.ts'
import { entryDraft } from '#test/support/ledger.ts'
import { query } from '#test/support/sql.ts'
import type { Ground } from './ground.ts'
import { recordStatements } from './recording.ts'
import type { Scale } from './scale.ts'
import { openService } from './seeding.ts'
import { driveAtOnce, inTurns, ratioOf, round1, summarise } from './turns.ts'

const connections = 16
const batchSize = 1_000
const actor = systemActor('bench')
const day = '2026-03-02'

const partnersOf = (count: number): PartnerId[] => Array.from({ length: count }, () => newId<'partner'>())

/** An entry as bare SQL writes it: one posting from the expense account to the pending account of a partner. */
interface BareEntry {
  readonly id: string
  readonly cause: string
  readonly partnerId: string
  readonly dealId: string
  readonly hash: Buffer
}

const accountId = (name: string): string => {
  const digest = createHash('sha256').update(name).digest('hex')
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}
/** The expense account is kept in as many rows as the service keeps it in; each transaction takes the next. */
const expenses = Array.from({ length: 16 }, (_, stripe) => accountId(`expense ${stripe}`))
let nextExpense = 0

const bareEntry = (partnerId: PartnerId): BareEntry => ({
  id: newId(),
  cause: `bare:${newId()}`,
  partnerId,
  dealId: newId(),
  hash: createHash('sha256').update(partnerId).digest(),
})

const postStatement = `
  with entry as (
    insert into ledger_entry (id, effective_on, period, kind, cause, partner_id, deal_id, plan_line, basis, content_hash)
    select id, '${day}', '2026-03', 'accrual', cause, partner_id, deal_id, 'base', '{"rule":"percent"}', hash
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bytea[]) as e (id, cause, partner_id, deal_id, hash)
  ), posting as (
    insert into ledger_posting (entry_id, line, debit_account, credit_account, amount_minor, currency)
    select entry_id, 0, $6, credit, 100, 'USD' from unnest($1::uuid[], $7::uuid[]) as p (entry_id, credit)
  )
  insert into ledger_account (id, kind, partner_id, currency, stripe, balance_minor)
  select id, kind, partner_id, 'USD', 0, delta
  from unnest($8::uuid[], $9::text[], $10::uuid[], $11::bigint[]) as a (id, kind, partner_id, delta) order by id
  on conflict (id, currency) do update set balance_minor = ledger_account.balance_minor + excluded.balance_minor`

/** One transaction of one statement, however many entries there are. */
async function postBare(client: pg.ClientBase, entries: readonly BareEntry[]): Promise<void> {
  const byPartner = Map.groupBy(entries, ({ partnerId }) => partnerId)
  const partners = [...byPartner.keys()]
  nextExpense = (nextExpense + 1) % expenses.length
  const expense = expenses[nextExpense]
  await client.query('begin')
  await client.query(postStatement, [
    entries.map(({ id }) => id),
    entries.map(({ cause }) => cause),
    entries.map(({ partnerId }) => partnerId),
    entries.map(({ dealId }) => dealId),
    entries.map(({ hash }) => hash),
    expense,
    entries.map(({ partnerId }) => accountId(partnerId)),
    [expense, ...partners.map(accountId)],
    ['incentive_expense', ...partners.map(() => 'partner_pending')],
    [null, ...partners],
    [-100 * entries.length, ...partners.map((id) => 100 * (byPartner.get(id)?.length ?? 0))],
  ])
  await client.query('commit')
}

export async function benchLedger(ground: Ground, scale: Scale) {
  return {
    batches: await benchBatches(ground, scale),
    single: await benchSingle(ground, scale, 10_000),
    hot: await benchSingle(ground, scale, 1),
  }
}

async function benchBatches(ground: Ground, { ledger: { batches, rounds } }: Scale) {
  const service = await openService(await ground.create('ledger_batches'))
  const bare = new pg.Client({ connectionString: await ground.create('ledger_batches_bare') })
  await bare.connect()
  const sameStatements = new pg.Client({ connectionString: await ground.create('ledger_batches_same') })
  await sameStatements.connect()
  const { database, capabilities } = service
  const recording = recordStatements(database.pool)
  const plan = await database.transact(actor, async (tx) => {
    const programmeId: ProgrammeId = newId()
    const { id } = await insertPlan(tx, { id: newId(), programmeId, name: 'Ten percent' })
    const versionId: PlanVersionId = newId()
    await insertVersion(tx, { id: versionId, planId: id, document: flatRatePlan(100_000, 30) })
    return versionId
  })
  const partners = partnersOf(200)
  const each = <T>(make: (partnerId: PartnerId) => T): T[] =>
    Array.from({ length: batchSize }, (_, index) => make(partners[index % partners.length] as PartnerId))
  const perSecond = async (work: () => Promise<unknown>): Promise<number> => {
    const startedMs = performance.now()
    for (let batch = 0; batch < batches; batch += 1) await work()
    return (batches * batchSize * 1000) / (performance.now() - startedMs)
  }
  try {
    const rates = await inTurns(rounds, {
      bare: () => perSecond(() => postBare(bare, each(bareEntry))),
      postEntries: () =>
        perSecond(() =>
          database.transact(actor, (tx) =>
            postEntries(
              tx,
              actor,
              each((id) => entryDraft(id)),
            ),
          ),
        ),
      accrue: () => {
        recording.take()
        return perSecond(() =>
          database.transact(actor, (tx) =>
            capabilities.incentives.accrue(
              tx,
              actor,
              each((id) => wonDeal(id, plan)),
            ),
          ),
        )
      },
      accrueBare: () => {
        const statements = [...recording.take()]
        const each = statements.length / batches
        return perSecond(async () => {
          for (const { text, values } of statements.splice(0, each)) {
            await sameStatements.query(text, [...values])
          }
        })
      },
    })
    return {
      entriesEach: batchSize,
      barePerSecond: median1(rates.bare),
      postEntriesPerSecond: median1(rates.postEntries),
      accruePerSecond: median1(rates.accrue),
      accrueStatementsBarePerSecond: median1(rates.accrueBare),
      postEntriesRatio: ratioOf(rates.postEntries, rates.bare),
      goal: '>= 0.5',
      accrueRatioToItsStatementsBare: ratioOf(rates.accrue, rates.accrueBare),
      accrueRatioToBareEntriesAlone: ratioOf(rates.accrue, rates.bare),
      ...(await proveBalances(ground.url('ledger_batches'))),
    }
  } finally {
    await service.close()
    await bare.end()
    await sameStatements.end()
  }
}

const wonDeal = (partnerId: PartnerId, planVersionId: PlanVersionId): AwardFacts => ({
  dealId: newId<'deal'>(),
  outcome: 'won',
  outcomeRevision: 1,
  effectiveOn: day,
  postedOn: day,
  amountMinor: 1_000n,
  currency: 'USD',
  lines: [],
  partners: [{ partnerId, shareWeight: 1 }],
  tierId: null,
  registrationType: 'resale',
  planVersionId,
  hold: null,
})

const median1 = (values: readonly number[]): number =>
  round1(
    ratioOf(
      values,
      values.map(() => 1),
    ).median,
  )

/** Single postings on many connections, to as many partners as given; to one of them all queue for the same account. */
async function benchSingle(ground: Ground, { ledger: { postings, rounds } }: Scale, partnerCount: number) {
  const name = `ledger_single_${partnerCount}`
  const database = openDatabase({ url: await ground.create(name), poolSize: connections })
  const pool = new pg.Pool({ connectionString: await ground.create(`${name}_bare`), max: connections })
  // Connections that the pool has ended may still be there when the server stops.
  pool.on('error', () => undefined)
  const partners = partnersOf(partnerCount)
  const partnerAt = (index: number) => partners[index % partners.length] as PartnerId
  try {
    const turns = await inTurns(rounds, {
      bare: () =>
        driveAtOnce(postings, connections, async (index) => {
          const client = await pool.connect()
          try {
            await postBare(client, [bareEntry(partnerAt(index))])
          } finally {
            client.release()
          }
        }),
      product: () =>
        driveAtOnce(postings, connections, async (index) => {
          const draft = entryDraft(partnerAt(index))
          await database.transact(actor, (tx) => postEntries(tx, actor, [draft]))
        }),
    })
    const rate = (name: 'bare' | 'product') => turns[name].map(({ perSecond }) => perSecond)
    return {
      connections,
      partners: partnerCount,
      product: summarise(turns.product),
      bare: summarise(turns.bare),
      ratio: ratioOf(rate('product'), rate('bare')),
      goal: partnerCount === 1 ? '>= 0.4, no deadlock' : '>= 0.6, no deadlock',
      ...(await proveBalances(ground.url(name))),
    }
  } finally {
    await database.close()
    await pool.end()
  }
}

/** The sums that must be zero whatever happened, and what the server says about deadlocks. */
async function proveBalances(url: string) {
  const [row] = await query<{ deadlocks: string; wrong: string; sum: string }>(
    url,
    `with moved as (
       select account, sum(delta) as balance from (
         select debit_account, -amount_minor from ledger_posting
         union all select credit_account, amount_minor from ledger_posting) as m (account, delta)
       group by account
     )
     select (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks,
       (select count(*) from ledger_account a full join moved on moved.account = a.id
        where a.balance_minor is distinct from moved.balance) as wrong,
       (select sum(balance_minor) from ledger_account) as sum`,
  )
  return {
    deadlocks: Number(row?.deadlocks),
    wrongBalances: Number(row?.wrong),
    sumOfBalances: Number(row?.sum),
  }
}

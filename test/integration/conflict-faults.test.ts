import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { ClaimSubject } from '#src/conflicts/claim.ts'
import { createConflictUseCases } from '#src/conflicts/conflict-use-cases.ts'
import { defaultRuleSet } from '#src/conflicts/rule-set.ts'
import type { Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { systemClock } from '#src/kernel/clock.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { registrationOf, sellerOf, standInDeps } from '#test/support/conflicts.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const conflicts = createConflictUseCases({
  clock: systemClock,
  events: createEventBus<Tx>({}),
  canonicalOf: async (_tx, ids) => new Map(ids.map((id) => [id, id])),
  ...standInDeps(),
  findWins: async () => [],
})
const asSystem = <T>(work: (tx: Tx) => Promise<T>) => db.database.transact(system, work)
const submit = (subject: ClaimSubject) => {
  const actor = sellerOf(subject.partnerId)
  return db.database.transact(actor, (tx) => conflicts.checkAndClaim(tx, actor, subject))
}
const ask = (name: string) => {
  const actor = sellerOf()
  const { company } = registrationOf(name)
  return db.database.transact(actor, (tx) => conflicts.ask(tx, actor, { company, familyIds: [] }))
}
const keptOf = async ({ sourceId }: ClaimSubject) => {
  const { rows } = await asSystem((tx) =>
    sql<{ verdict: string; band: string; reasons: string[] }>`
      select verdict, band, reasons from conflict_check where deal_id = ${sourceId}`.execute(tx),
  )
  return rows
}

test('a key that names a claim which is not there makes a check suspected, and a question too', async () => {
  await asSystem((tx) =>
    sql`insert into claim_key (key, claim_id) values ('n:verlorene zeile', ${newId()})`.execute(tx),
  )
  const subject = registrationOf('Verlorene Zeile GmbH')
  expect(await submit(subject)).toMatchObject({ verdict: 'suspected', band: 'review', reasons: ['damaged'] })
  expect(await keptOf(subject)).toEqual([{ verdict: 'suspected', band: 'review', reasons: ['damaged'] }])
  expect((await ask('Verlorene Zeile')).conflict).toBe(true)
})

test.each([
  ['families that cannot be read', 'Familienlos', sql`family_ids = array[null]::uuid[]`, ['damaged']],
  ['products that cannot be read', 'Produktverlust', sql`product_ids = array[null]::uuid[]`, ['damaged']],
  ['no name to compare by', 'Namenlos', sql`name_key = ''`, ['damaged']],
  // Days that cannot be read overlap with all days.
  ['an empty range of days', 'Zeitlos', sql`range = 'empty'`, ['candidate']],
] as const)('a claim with %s makes a check suspected', async (_what, name, damage, reasons) => {
  const rival = registrationOf(name, { familyIds: [newId()] })
  await submit(rival)
  await asSystem((tx) => sql`update claim set ${damage} where deal_id = ${rival.sourceId}`.execute(tx))
  const subject = registrationOf(name, { familyIds: name === 'Familienlos' ? [newId()] : rival.familyIds })
  expect(await submit(subject)).toMatchObject({ verdict: 'suspected', reasons })
})

/** Somebody else keeps the index of claims to itself until `release`. */
async function blockSearch() {
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  await client.query('begin; lock table claim_key in access exclusive mode')
  const waiting = async (): Promise<number> => {
    for (;;) {
      // Inside of a transaction the first look would be repeated for ever.
      await client.query('select pg_stat_clear_snapshot()')
      const { rows } = await client.query(
        `select pid from pg_stat_activity
         where wait_event_type = 'Lock' and query like '%claim_key%' and datname = current_database()`,
      )
      if (rows[0]) return rows[0].pid
      await delay(10)
    }
  }
  return {
    onSearch: async (doing: 'cancel' | 'terminate') => {
      const pid = await waiting()
      await client.query(`select pg_${doing}_backend($1)`, [pid])
    },
    release: async () => {
      await client.query('rollback')
      await client.end()
    },
  }
}

test('a search that is cancelled leaves the registration with a person, not clear', async () => {
  await submit(registrationOf('Abgebrochen'))
  const block = await blockSearch()
  const subject = registrationOf('Abgebrochen GmbH')
  const submitting = submit(subject)
  await block.onSearch('cancel')
  await delay(50)
  await block.release()
  expect(await submitting).toMatchObject({ verdict: 'suspected', band: 'review', reasons: ['cut_off'] })
  expect(await keptOf(subject)).toEqual([{ verdict: 'suspected', band: 'review', reasons: ['cut_off'] }])
  // It stands all the same, and whoever comes later meets it.
  expect((await submit(registrationOf('Abgebrochen'))).candidatesFound).toBe(2)
})

test('a search that takes too long is cut off with the same outcome', async () => {
  const block = await blockSearch()
  const asking = ask('Ganz neu und langsam')
  const submitting = submit(registrationOf('Ganz neu und zu langsam'))
  await delay(6_000)
  await block.release()
  expect(await submitting).toMatchObject({ verdict: 'suspected', reasons: ['cut_off'] })
  expect((await asking).conflict).toBe(true)
}, 20_000)

test('after a search in time the limits of the unit of work are its own again', async () => {
  const limit = await asSystem(async (tx) => {
    await conflicts.checkAndClaim(tx, system, registrationOf('Wieder wie vorher'))
    return (await sql<{ limit: string }>`select current_setting('statement_timeout') as limit`.execute(tx))
      .rows[0]?.limit
  })
  expect(limit).toBe('2min')
})

test('a connection that is lost in the middle leaves neither verdict nor claim', async () => {
  const block = await blockSearch()
  const subject = registrationOf('Verbindung verloren')
  const submitting = submit(subject).then(
    () => 'went through',
    () => 'failed',
  )
  await block.onSearch('terminate')
  expect(await submitting).toBe('failed')
  await block.release()
  expect(await keptOf(subject)).toEqual([])
  const { rows } = await asSystem((tx) =>
    sql`select 1 from claim where deal_id = ${subject.sourceId}`.execute(tx),
  )
  expect(rows).toEqual([])
})

test('a stale mirror makes a check suspected until it is fresh again', async () => {
  const connectionId = newId<'connection'>()
  const setMirror = (refreshedAt: Date) =>
    asSystem((tx) =>
      conflicts.setMirrorState(tx, connectionId, 'Opportunity', {
        required: true,
        complete: true,
        refreshedAt,
        maxAgeS: 60,
      }),
    )
  await setMirror(new Date(Date.now() - 120_000))
  expect(await submit(registrationOf('Alter Spiegel'))).toMatchObject({
    verdict: 'suspected',
    band: 'review',
    reasons: ['mirror_stale'],
    mirror: 'stale',
  })
  await setMirror(new Date())
  expect(await submit(registrationOf('Frischer Spiegel'))).toMatchObject({
    verdict: 'clear',
    mirror: 'fresh',
  })
  await asSystem((tx) => conflicts.forgetConnection(tx, connectionId))
})

test('without rules that can be read nothing is checked, and so nothing passes', async () => {
  const setState = (from: string, to: string) =>
    asSystem((tx) => sql`update conflict_rule_set set state = ${to} where state = ${from}`.execute(tx))
  await setState('published', 'superseded')
  await expect(submit(registrationOf('Ohne Regeln'))).rejects.toThrow('No conflict rules are in force')
  await asSystem((tx) =>
    sql`insert into conflict_rule_set (id, version, state, document, created_by, published_by, published_at)
      values (${newId()}, 99, 'published', ${JSON.stringify({ ...defaultRuleSet, texts: {} })}::jsonb, 'test', 'test', now())`.execute(
      tx,
    ),
  )
  await expect(submit(registrationOf('Mit kaputten Regeln'))).rejects.toThrow()
  await asSystem((tx) => sql`delete from conflict_rule_set where version = 99`.execute(tx))
  await setState('superseded', 'published')
  expect((await submit(registrationOf('Mit Regeln'))).verdict).toBe('clear')
})

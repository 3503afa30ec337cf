import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { ClaimSubject } from '#src/conflicts/claim.ts'
import { createConflictUseCases } from '#src/conflicts/conflict-use-cases.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import type { Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { systemClock } from '#src/kernel/clock.ts'
import { Refused } from '#src/kernel/errors.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { type CustomerId, newId, type PartnerId } from '#src/kernel/ids.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const conflicts = createConflictUseCases({
  clock: systemClock,
  events: createEventBus<Tx>({}),
  canonicalOf: async (_tx, ids) => new Map(ids.map((id) => [id, id])),
})

const partner = (partnerId: PartnerId = newId()) =>
  ({ kind: 'partner', id: newId(), name: 'Ada', roles: ['partner_seller'], partnerId }) as const

const registration = (name: string, changes: Partial<ClaimSubject> = {}): ClaimSubject => ({
  source: 'registration',
  sourceId: newId(),
  partnerId: newId(),
  company: identifyCompany({ name }),
  customerId: newId<'customer'>(),
  familyIds: [],
  from: '2026-01-01',
  to: null,
  ...changes,
})

/** As a partner's unit of work does it. */
const submit = (subject: ClaimSubject) => {
  const actor = partner(subject.partnerId)
  return db.database.transact(actor, (tx) => conflicts.checkAndClaim(tx, actor, subject))
}
const hold = (subject: ClaimSubject, from = '2026-01-01', to = '2026-03-31') =>
  db.database.transact(system, (tx) => conflicts.holdClaims(tx, subject.sourceId, { from, to }))

test('the first registration of a company is clear, a later one of another partner is suspected', async () => {
  const first = registration('Blaubeere Maschinenbau GmbH')
  expect(await submit(first)).toMatchObject({ verdict: 'clear', candidates: [] })
  const second = await submit(registration('BLAUBEERE MASCHINENBAU'))
  expect(second).toMatchObject({ verdict: 'suspected', reasons: ['candidate'] })
  expect(second.candidates[0]).toMatchObject({ kind: 'rival', key: 'name', collides: true, band: 'strong' })
  expect(second.candidates[0]?.claim.dealId).toBe(first.sourceId)
})

test('a typo anywhere in the name is found', async () => {
  await submit(registration('Kontravolt Netzwerke AG'))
  for (const name of [
    'Kontravlt Netzwerke',
    'Kontravolt Netzwreke',
    'Komtravolt Netzwerke',
    'Netzwerke Kontravolt',
  ]) {
    const { verdict, candidates } = await submit(registration(name))
    expect([
      name,
      verdict,
      candidates.some(({ claim }) => claim.company.name === 'Kontravolt Netzwerke AG'),
    ]).toEqual([name, 'suspected', true])
  }
})

test('the same domain is the same company under any name', async () => {
  const company = (name: string) => identifyCompany({ name, domain: 'https://www.zephyrcargo.example.com/' })
  await submit(registration('Zephyr Cargo', { company: company('Zephyr Cargo') }))
  const result = await submit(registration('Holding 7', { company: company('Holding 7') }))
  expect(result.candidates[0]).toMatchObject({ key: 'domain', band: 'strong' })
})

test('registrations for other product families do not collide, but are shown', async () => {
  const [storage, network] = [newId(), newId()]
  await submit(registration('Familienwerk', { familyIds: [storage] }))
  const other = await submit(registration('Familienwerk', { familyIds: [network] }))
  expect(other.verdict).toBe('clear')
  expect(other.candidates[0]).toMatchObject({ collides: false, key: 'name' })
  expect(other.candidates[0]?.evidence).toContainEqual({
    point: 'families',
    speaks: 'against',
    ours: network,
    theirs: storage,
  })
  const all = await submit(registration('Familienwerk'))
  expect(all.verdict).toBe('suspected')
})

test('a second registration by the same partner is a candidate of its own kind', async () => {
  const partnerId = newId<'partner'>()
  await submit(registration('Doppelgang', { partnerId }))
  const again = await submit(registration('Doppelgang', { partnerId }))
  expect(again).toMatchObject({ verdict: 'suspected', candidates: [{ kind: 'own' }] })
})

test('a closed claim is no candidate any more', async () => {
  const first = registration('Vorbei und Weg')
  await submit(first)
  await db.database.transact(system, (tx) => conflicts.closeClaims(tx, [first.sourceId]))
  expect(await submit(registration('Vorbei und Weg'))).toMatchObject({ verdict: 'clear', candidates: [] })
})

test('submitting a registration again replaces its claim and does not meet itself', async () => {
  const first = registration('Erstname')
  const { claimSeq } = await submit(first)
  const again = await submit({ ...first, company: identifyCompany({ name: 'Zweitname' }) })
  expect(again).toMatchObject({ verdict: 'clear', candidates: [] })
  expect(again.claimSeq).toBeGreaterThan(claimSeq)
  expect((await submit(registration('Erstname'))).verdict).toBe('clear')
  expect((await submit(registration('Zweitname'))).verdict).toBe('suspected')
})

test('only one registration holds a customer and product family at a time', async () => {
  const customerId = newId<'customer'>()
  const [storage, network] = [newId(), newId()]
  const holder = registration('Halter', { customerId, familyIds: [storage] })
  const everything = registration('Halter', { customerId })
  const elsewhere = registration('Halter', { customerId, familyIds: [network] })
  for (const subject of [holder, everything, elsewhere]) await submit(subject)
  await hold(holder)
  await expect(hold(everything)).rejects.toThrow(Refused)
  await hold(elsewhere)
  await hold(everything, '2026-04-01', '2026-06-30')
  await expect(
    db.database.transact(system, (tx) =>
      conflicts.extendClaims(tx, holder.sourceId, { from: '2026-01-01', to: '2026-04-01' }),
    ),
  ).rejects.toMatchObject({ code: 'already_held' })
})

test('after a refused hold the unit of work goes on in its own role', async () => {
  const customerId = newId<'customer'>()
  const [a, b] = [registration('Rolle', { customerId }), registration('Rolle', { customerId })]
  for (const subject of [a, b]) await submit(subject)
  await hold(a)
  const actor = partner(b.partnerId)
  const role = await db.database.transact(actor, async (tx) => {
    await expect(
      conflicts.holdClaims(tx, b.sourceId, { from: '2026-01-01', to: '2026-03-31' }),
    ).rejects.toMatchObject({ code: 'already_held' })
    return (await sql<{ role: string }>`select current_user as role`.execute(tx)).rows[0]?.role
  })
  expect(role).toBe('counterpart_app')
})

test('within one batch the later of two alike is suspected', async () => {
  const subjects = ['Stapelei Eins', 'Ganz Anders', 'Stapelei Eins GmbH'].map((name) => registration(name))
  const results = await db.database.transact(system, (tx) => conflicts.checkMany(tx, system, subjects))
  expect(results.map(({ verdict }) => verdict)).toEqual(['clear', 'clear', 'suspected'])
  expect(results[2]?.candidates[0]?.claim.dealId).toBe(subjects[0]?.sourceId)
})

test('of fifty registrations at the same instant, spelled alike, exactly one is clear', async () => {
  for (let round = 0; round < 20; round += 1) {
    const spellings = [
      `Ansturm ${round} Werke`,
      `Ansturm ${round} Werke GmbH`,
      `ANSTURM ${round} WERKE`,
      `Ansturm ${round} Werk`,
    ]
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) => submit(registration(spellings[index % 4] ?? ''))),
    )
    const clear = results.filter(({ verdict }) => verdict === 'clear')
    expect([round, clear.length]).toEqual([round, 1])
    const first = results.reduce((a, b) => (a.claimSeq < b.claimSeq ? a : b))
    expect(clear[0]).toBe(first)
  }
})

test('a database error in the middle leaves neither verdict nor claim', async () => {
  const subject = registration('Gift im Brunnen')
  await submit(registration('Gift im Brunnen'))
  await db.database
    .transact(system, async (tx) => {
      await expect(
        conflicts.checkAndClaim(tx, system, { ...subject, familyIds: ['not an id'] }),
      ).rejects.toThrow(/uuid/)
    })
    .catch((error: Error) => expect(error.message).toMatch(/swallowed/))
  const { rows } = await db.database.transact(system, (tx) =>
    sql`select 1 from claim where deal_id = ${subject.sourceId}
      union all select 1 from conflict_check where deal_id = ${subject.sourceId}`.execute(tx),
  )
  expect(rows).toEqual([])
})

test('partners see neither claims nor checks', async () => {
  const subject = registration('Verborgen')
  await submit(subject)
  const rows = await db.database.transact(partner(subject.partnerId), (tx) =>
    sql`select 1 from claim union all select 1 from conflict_check union all select 1 from conflict_candidate
      union all select 1 from claim_key`.execute(tx),
  )
  expect(rows.rows).toEqual([])
})

test('a customer with more claims than can be compared is suspected', async () => {
  const customerId: CustomerId = newId()
  const family = newId()
  const subjects = Array.from({ length: 201 }, () =>
    registration('Überlauf', { customerId, familyIds: [newId()] }),
  )
  await db.database.transact(system, (tx) => conflicts.checkMany(tx, system, subjects))
  const result = await submit(registration('Überlauf', { customerId, familyIds: [family] }))
  expect(result).toMatchObject({ verdict: 'suspected', reasons: ['too_many'] })
})

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
import { type CustomerId, newId } from '#src/kernel/ids.ts'
import { registrationOf, sellerOf, standInDeps } from '#test/support/conflicts.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const conflicts = createConflictUseCases({
  ...standInDeps(),
  clock: systemClock,
  events: createEventBus<Tx>({}),
  canonicalOf: async (_tx, ids) => new Map(ids.map((id) => [id, id])),
  findWins: async () => [],
})

/** As a partner's unit of work does it. */
const submit = (subject: ClaimSubject) => {
  const actor = sellerOf(subject.partnerId)
  return db.database.transact(actor, (tx) => conflicts.checkAndClaim(tx, actor, subject))
}
/** The number of a registration's claim: they are handed out in the order of commits. */
const numberOf = async ({ sourceId }: ClaimSubject): Promise<bigint> => {
  const { rows } = await db.database.transact(system, (tx) =>
    sql<{ claimSeq: bigint }>`select claim_seq from claim where deal_id = ${sourceId}`.execute(tx),
  )
  return rows[0]!.claimSeq
}
const hold = (subject: ClaimSubject, from = '2026-01-01', to = '2026-03-31') =>
  db.database.transact(system, (tx) => conflicts.holdClaims(tx, subject.sourceId, { from, to }))

test('the first registration of a company is clear, a later one of another partner is suspected', async () => {
  const first = registrationOf('Blaubeere Maschinenbau GmbH')
  expect(await submit(first)).toMatchObject({ verdict: 'clear', candidates: [] })
  const second = await submit(registrationOf('BLAUBEERE MASCHINENBAU'))
  expect(second).toMatchObject({ verdict: 'suspected', reasons: ['candidate'] })
  expect(second.candidates[0]).toMatchObject({ kind: 'rival', key: 'name', collides: true, band: 'strong' })
  expect(second.candidates[0]?.claim.dealId).toBe(first.sourceId)
})

test('a typo anywhere in the name is found', async () => {
  await submit(registrationOf('Kontravolt Netzwerke AG'))
  for (const name of [
    'Kontravlt Netzwerke',
    'Kontravolt Netzwreke',
    'Komtravolt Netzwerke',
    'Netzwerke Kontravolt',
  ]) {
    const { verdict, candidates } = await submit(registrationOf(name))
    expect([
      name,
      verdict,
      candidates.some(({ claim }) => claim.company.name === 'Kontravolt Netzwerke AG'),
    ]).toEqual([name, 'suspected', true])
  }
})

test('the same domain is the same company under any name', async () => {
  const company = (name: string) => identifyCompany({ name, domain: 'https://www.zephyrcargo.example.com/' })
  await submit(registrationOf('Zephyr Cargo', { company: company('Zephyr Cargo') }))
  const result = await submit(registrationOf('Holding 7', { company: company('Holding 7') }))
  expect(result.candidates[0]).toMatchObject({ key: 'domain', band: 'strong' })
})

test('registrations for other product families do not collide, but are shown', async () => {
  const [storage, network] = [newId(), newId()]
  await submit(registrationOf('Familienwerk', { familyIds: [storage] }))
  const other = await submit(registrationOf('Familienwerk', { familyIds: [network] }))
  expect(other.verdict).toBe('clear')
  expect(other.candidates[0]).toMatchObject({ collides: false, key: 'name' })
  expect(other.candidates[0]?.evidence).toContainEqual({
    point: 'families',
    speaks: 'against',
    ours: network,
    theirs: storage,
  })
  const all = await submit(registrationOf('Familienwerk'))
  expect(all.verdict).toBe('suspected')
})

test('a second registration by the same partner is a candidate of its own kind', async () => {
  const partnerId = newId<'partner'>()
  await submit(registrationOf('Doppelgang', { partnerId }))
  const again = await submit(registrationOf('Doppelgang', { partnerId }))
  expect(again).toMatchObject({ verdict: 'suspected', candidates: [{ kind: 'own' }] })
})

test('a closed claim is no candidate any more', async () => {
  const first = registrationOf('Vorbei und Weg')
  await submit(first)
  await db.database.transact(system, (tx) => conflicts.closeClaims(tx, [first.sourceId]))
  expect(await submit(registrationOf('Vorbei und Weg'))).toMatchObject({ verdict: 'clear', candidates: [] })
})

test('submitting a registration again replaces its claim and does not meet itself', async () => {
  const first = registrationOf('Erstname')
  await submit(first)
  const number = await numberOf(first)
  const again = await submit({ ...first, company: identifyCompany({ name: 'Zweitname' }) })
  expect(again).toMatchObject({ verdict: 'clear', candidates: [] })
  expect(await numberOf(first)).toBeGreaterThan(number)
  expect((await submit(registrationOf('Erstname'))).verdict).toBe('clear')
  expect((await submit(registrationOf('Zweitname'))).verdict).toBe('suspected')
})

test('only one registration holds a customer and product family at a time', async () => {
  const customerId = newId<'customer'>()
  const [storage, network] = [newId(), newId()]
  const holder = registrationOf('Halter', { customerId, familyIds: [storage] })
  const everything = registrationOf('Halter', { customerId })
  const elsewhere = registrationOf('Halter', { customerId, familyIds: [network] })
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

test('where the rules tell products apart, each product of a family has one holder', async () => {
  const setProducts = (products: string) =>
    db.database.transact(system, (tx) =>
      sql`update conflict_rule_set set id = ${newId()},
        document = jsonb_set(document, '{sameDeal,products}', to_jsonb(${products}::text))`.execute(tx),
    )
  const customerId = newId<'customer'>()
  const [family, one, two] = [newId(), newId<'product'>(), newId<'product'>()]
  const of = (...productIds: string[]) =>
    registrationOf('Produktweise', { customerId, familyIds: [family], productIds })
  const [first, same, other] = [of(one), of(one), of(two)]
  await setProducts('product')
  expect(await submit(first)).toMatchObject({ verdict: 'clear' })
  expect(await submit(same)).toMatchObject({ verdict: 'suspected' })
  expect(await submit(other)).toMatchObject({ verdict: 'clear' })
  await hold(first)
  await hold(other)
  await expect(hold(same)).rejects.toMatchObject({ code: 'already_held' })
  await setProducts('family')
  const later = of(two)
  expect(await submit(later)).toMatchObject({ verdict: 'suspected' })
  await expect(hold(later)).rejects.toMatchObject({ code: 'already_held' })
})

test('after a refused hold the unit of work goes on in its own role', async () => {
  const customerId = newId<'customer'>()
  const [a, b] = [registrationOf('Rolle', { customerId }), registrationOf('Rolle', { customerId })]
  for (const subject of [a, b]) await submit(subject)
  await hold(a)
  const actor = sellerOf(b.partnerId)
  const role = await db.database.transact(actor, async (tx) => {
    await expect(
      conflicts.holdClaims(tx, b.sourceId, { from: '2026-01-01', to: '2026-03-31' }),
    ).rejects.toMatchObject({ code: 'already_held' })
    return (await sql<{ role: string }>`select current_user as role`.execute(tx)).rows[0]?.role
  })
  expect(role).toBe('counterpart_app')
})

test('many holds at once: all that are free, the earlier of two alike, and who is refused does not stop the others', async () => {
  const range = { from: '2026-01-01', to: '2026-03-31' }
  const [taken, contested] = [newId<'customer'>(), newId<'customer'>()]
  const holder = registrationOf('Vergeben', { customerId: taken })
  const late = registrationOf('Vergeben', { customerId: taken })
  const free = ['Frei Eins', 'Frei Zwei', 'Frei Drei'].map((name) => registrationOf(name))
  const alike = ['Doppelt', 'Doppelt'].map((name) => registrationOf(name, { customerId: contested }))
  for (const subject of [holder, late, ...free, ...alike]) await submit(subject)
  await hold(holder)
  const asked = [...free.slice(0, 2), late, ...alike, ...free.slice(2)].map(({ sourceId }) => sourceId)
  const outcomes = await db.database.transact(system, (tx) =>
    conflicts.holdEach(
      tx,
      [...asked, newId<'deal'>()].map((dealId) => ({ dealId, range })),
    ),
  )
  expect(outcomes).toEqual(['held', 'held', 'already_held', 'held', 'already_held', 'held', 'no_claim'])
  const { rows } = await db.database.transact(system, (tx) =>
    sql<{ dealId: string }>`
      select deal_id from claim where standing = 'held' and deal_id = any(${asked}::uuid[])`.execute(tx),
  )
  expect(new Set(rows.map(({ dealId }) => dealId))).toEqual(
    new Set(asked.filter((_, index) => outcomes[index] === 'held')),
  )
})

test('within one batch the later of two alike is suspected', async () => {
  const subjects = ['Stapelei Eins', 'Ganz Anders', 'Stapelei Eins GmbH'].map((name) => registrationOf(name))
  const results = await db.database.transact(system, (tx) => conflicts.checkMany(tx, system, subjects))
  expect(results.map(({ verdict }) => verdict)).toEqual(['clear', 'clear', 'suspected'])
  expect(results[2]?.candidates[0]?.claim.dealId).toBe(subjects[0]?.sourceId)
})

test('of fifty registrations at the same instant, spelled alike, exactly one is clear', async () => {
  for (let round = 0; round < 8; round += 1) {
    const spellings = [
      `Ansturm ${round} Werke`,
      `Ansturm ${round} Werke GmbH`,
      `ANSTURM ${round} WERKE`,
      `Ansturm ${round} Werk`,
    ]
    const results = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const subject = registrationOf(spellings[index % 4] ?? '')
        const { verdict } = await submit(subject)
        return { verdict, number: await numberOf(subject) }
      }),
    )
    const clear = results.filter(({ verdict }) => verdict === 'clear')
    expect([round, clear.length]).toEqual([round, 1])
    const first = results.reduce((a, b) => (a.number < b.number ? a : b))
    expect(clear[0]).toBe(first)
  }
})

test('a database error in the middle leaves neither verdict nor claim', async () => {
  const subject = registrationOf('Gift im Brunnen')
  await submit(registrationOf('Gift im Brunnen'))
  await expect(submit({ ...subject, familyIds: ['not an id'] })).rejects.toThrow(/uuid/)
  const { rows } = await db.database.transact(system, (tx) =>
    sql`select 1 from claim where deal_id = ${subject.sourceId}
      union all select 1 from conflict_check where deal_id = ${subject.sourceId}`.execute(tx),
  )
  expect(rows).toEqual([])
})

test('partners see neither claims nor checks', async () => {
  const subject = registrationOf('Verborgen')
  await submit(subject)
  const rows = await db.database.transact(sellerOf(subject.partnerId), (tx) =>
    sql`select 1 from claim union all select 1 from conflict_check union all select 1 from claim_key`.execute(
      tx,
    ),
  )
  expect(rows.rows).toEqual([])
})

test('a customer with more claims than can be compared is suspected', async () => {
  const customerId: CustomerId = newId()
  const family = newId()
  const subjects = Array.from({ length: 101 }, () =>
    registrationOf('Überlauf', { customerId, familyIds: [newId()] }),
  )
  await db.database.transact(system, (tx) => conflicts.checkMany(tx, system, subjects))
  const result = await submit(registrationOf('Überlauf', { customerId, familyIds: [family] }))
  expect(result).toMatchObject({ verdict: 'suspected', reasons: ['too_many'] })
})

test('a registration that searched before a rival filed is checked against it all the same', async () => {
  const [early, late] = [registrationOf('Wettlauf Werke'), registrationOf('Wettlauf Werke GmbH')]
  const searched = Promise.withResolvers<void>()
  const filed = Promise.withResolvers<void>()
  const actor = sellerOf(late.partnerId)
  const verdicts: string[] = []
  const racing = db.database.transact(actor, async (tx) => {
    const result = await conflicts.checkAndClaim(tx, actor, late)
    verdicts.push(result.verdict)
    searched.resolve()
    await filed.promise
    return result
  })
  await searched.promise
  expect((await submit(early)).verdict).toBe('clear')
  filed.resolve()
  const result = await racing
  expect(verdicts).toEqual(['clear', 'suspected'])
  expect(result.candidates[0]?.claim.dealId).toBe(early.sourceId)
  const { rows } = await db.database.transact(system, (tx) =>
    sql<{ verdict: string }>`select verdict from conflict_check where deal_id = ${late.sourceId}`.execute(tx),
  )
  expect(rows).toEqual([{ verdict: 'suspected' }])
})

test('newer claims that change no verdict are evidence of the check', async () => {
  const first = registrationOf('Beweiskette Werke')
  await submit(first)
  const [early, late] = [registrationOf('Beweiskette Werke AG'), registrationOf('Beweiskette Werke GmbH')]
  const actor = sellerOf(late.partnerId)
  let runs = 0
  await db.database.transact(actor, async (tx) => {
    runs += 1
    expect((await conflicts.checkAndClaim(tx, actor, late)).verdict).toBe('suspected')
    await submit(early)
  })
  expect(runs).toBe(1)
  const { rows } = await db.database.transact(system, (tx) =>
    sql<{ found: number }>`
      select candidates_found as found from conflict_check where deal_id = ${late.sourceId}`.execute(tx),
  )
  expect(rows).toEqual([{ found: 2 }])
})

test('claims filed by older rules are filed anew, once', async () => {
  const old = registrationOf('Überlinger Wasserwerke GmbH')
  await submit(old)
  const keysOf = async () => {
    const { rows } = await db.database.transact(system, (tx) =>
      sql<{ key: string }>`
        select key from claim_key join claim on claim.id = claim_id where deal_id = ${old.sourceId} order by key`.execute(
        tx,
      ),
    )
    return rows.map(({ key }) => key)
  }
  const filed = await keysOf()
  await db.database.transact(system, async (tx) => {
    await sql`delete from claim_key using claim
      where claim.id = claim_id and deal_id = ${old.sourceId} and key like 'f:%'`.execute(tx)
    await sql`update claim set keys_version = 1 where deal_id = ${old.sourceId}`.execute(tx)
  })
  expect(await keysOf()).not.toEqual(filed)
  const refile = () => db.database.transact(system, (tx) => conflicts.refileClaims(tx, 100))
  expect([await refile(), await refile()]).toEqual([1, 0])
  expect(await keysOf()).toEqual(filed)
})

test('what a company is reached under and numbered by is kept with its claim and speaks for it', async () => {
  const company = (name: string) =>
    identifyCompany({
      name,
      country: 'DE',
      postalCode: '78 462',
      phone: '07531 884000',
      address: 'Seestr. 1',
      identifiers: { vat: 'DE 811 128 135' },
    })
  await submit(registrationOf('Bodensee Optik', { company: company('Bodensee Optik') }))
  const result = await submit(registrationOf('BSO Gruppe', { company: company('BSO Gruppe') }))
  expect(result.candidates[0]).toMatchObject({ key: 'identifier', band: 'strong' })
  expect(result.candidates[0]?.claim.company).toMatchObject({ phone: '+497531884000', postalCode: '78462' })
  expect(result.candidates[0]?.evidence).toContainEqual(
    expect.objectContaining({ point: 'phone', speaks: 'for', ours: '+497531884000' }),
  )
})

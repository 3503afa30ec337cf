import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import type { ClaimSubject, MirrorRow } from '#src/conflicts/claim.ts'
import { createConflictUseCases } from '#src/conflicts/conflict-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { createEventBus, type DomainEvent } from '#src/kernel/events.ts'
import { type CustomerId, newId } from '#src/kernel/ids.ts'
import { mirrorRowOf, registrationOf, sellerOf, standInDeps } from '#test/support/conflicts.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const now = new Date('2026-03-02T12:00:00Z')
const mergedInto = new Map<CustomerId, CustomerId>()
let found: Extract<DomainEvent, { type: 'conflict_found' }>[] = []

const canonical = (id: CustomerId): CustomerId => {
  const into = mergedInto.get(id)
  return into ? canonical(into) : id
}
const conflicts = createConflictUseCases({
  ...standInDeps(),
  clock: { now: () => now },
  events: createEventBus<Tx>({
    conflict_found: [async (_tx, _actor, events) => void found.push(...events)],
  }),
  canonicalOf: async (_tx, ids) => new Map(ids.map((id) => [id, canonical(id)])),
  findWins: async () => [],
})

const run = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.database.transact(system, work)
const submit = (subject: ClaimSubject) => {
  const actor = sellerOf(subject.partnerId)
  return db.database.transact(actor, (tx) => conflicts.checkAndClaim(tx, actor, subject))
}
const approved = async (subject: ClaimSubject) => {
  await submit(subject)
  await run((tx) => conflicts.holdClaims(tx, subject.sourceId, { from: '2026-01-01', to: '2026-03-31' }))
  return subject
}
const mirror = (...rows: MirrorRow[]) => run((tx) => conflicts.recordMirror(tx, rows))
const watch = async (): Promise<void> => {
  while ((await run((tx) => conflicts.watchClaims(tx, system))) > 0);
}
const merge = async (from: CustomerId, into: CustomerId | null) => {
  const before = canonical(from)
  if (into) mergedInto.set(from, into)
  else mergedInto.delete(from)
  await run((tx) =>
    conflicts.onCustomersMerged(tx, system, [{ type: 'customers_merged', from, into: into ?? before }]),
  )
}
const standingOf = (subject: ClaimSubject) =>
  run(async (tx) => {
    const { rows } = await sql<{
      standing: string
    }>`select standing from claim where source = 'registration' and deal_id = ${subject.sourceId}`.execute(tx)
    return rows[0]?.standing
  })

beforeEach(async () => {
  await watch()
  found = []
})

test('an open direct opportunity makes a registration suspected, an account alone does not', async () => {
  await mirror(
    mirrorRowOf('Direktvertrieb Kunde'),
    mirrorRowOf('Nur Konto', { source: 'account', amountMinor: null }),
  )
  expect(await submit(registrationOf('Direktvertrieb Kunde GmbH'))).toMatchObject({
    verdict: 'suspected',
    candidates: [{ kind: 'direct', claim: { stage: 'Proposal', amountMinor: 1_200_000n } }],
  })
  expect(await submit(registrationOf('Nur Konto GmbH'))).toMatchObject({
    verdict: 'clear',
    candidates: [{ kind: 'account', collides: false }],
  })
})

test('an opportunity of the same partner may be linked, one of another partner conflicts', async () => {
  const subject = registrationOf('Vermittelt')
  await mirror(mirrorRowOf('Vermittelt', { partnerId: subject.partnerId }))
  expect(await submit(subject)).toMatchObject({ verdict: 'clear', candidates: [{ kind: 'link' }] })
  await mirror(mirrorRowOf('Vergeben', { partnerId: newId() }))
  expect((await submit(registrationOf('Vergeben'))).verdict).toBe('suspected')
})

test('a closed, deleted or renamed opportunity is no candidate any more', async () => {
  const [closed, deleted, renamed] = ['Abgeschlossen', 'Geloescht', 'Umbenannt'].map((name) =>
    mirrorRowOf(name),
  )
  if (!closed || !deleted || !renamed) throw new Error('Three rows are needed')
  await mirror(closed, deleted, renamed)
  await mirror(
    { ...closed, open: false },
    mirrorRowOf('Anders', { connectionId: renamed.connectionId, remoteId: renamed.remoteId }),
  )
  await run((tx) => conflicts.forgetMirror(tx, deleted.connectionId, 'opportunity', [deleted.remoteId]))
  for (const { company } of [closed, deleted, renamed]) {
    expect(await submit(registrationOf(company.name))).toMatchObject({ verdict: 'clear', candidates: [] })
  }
  await mirror(closed)
  expect(
    (await submit(registrationOf(closed.company.name, { partnerId: newId() }))).candidates,
  ).toMatchObject([{ kind: 'direct' }, { kind: 'rival' }])
})

test('stating the same rows again changes nothing', async () => {
  const rows = [mirrorRowOf('Immer gleich'), mirrorRowOf('Immer anders')]
  await mirror(...rows)
  const numbers = () =>
    run(
      async (tx) =>
        (
          await sql`select remote_id, claim_seq from claim where remote_id = any(${rows.map(({ remoteId }) => remoteId)}) order by 1`.execute(
            tx,
          )
        ).rows,
    )
  const before = await numbers()
  await mirror(...rows)
  expect(await numbers()).toEqual(before)
})

test('while a mirror that is needed is unfinished or old, no verdict is clear', async () => {
  const connectionId = newId<'connection'>()
  const state = (change: Parameters<typeof conflicts.setMirrorState>[3]) =>
    run((tx) => conflicts.setMirrorState(tx, connectionId, 'opportunity', change))
  const submitted = async () => {
    const { verdict, reasons, mirror } = await submit(registrationOf(`Spiegel ${newId()}`))
    return [verdict, reasons, mirror]
  }
  expect(await run((tx) => conflicts.mirrorState(tx, now))).toBe('none')
  await state({ required: true, maxAgeS: 600 })
  expect(await submitted()).toEqual(['suspected', ['mirror_stale'], 'stale'])
  await state({ complete: true, refreshedAt: new Date(now.getTime() - 600_000) })
  expect(await submitted()).toEqual(['clear', [], 'fresh'])
  await state({ refreshedAt: new Date(now.getTime() - 600_001) })
  expect(await submitted()).toEqual(['suspected', ['mirror_stale'], 'stale'])
  await run((tx) => conflicts.forgetConnection(tx, connectionId))
  expect(await submitted()).toEqual(['clear', [], 'none'])
})

test('a direct opportunity that appears after the registration opens a case once', async () => {
  const subject = await approved(registrationOf('Spaeter Direkt'))
  const opportunity = mirrorRowOf('Spaeter Direkt AG')
  await mirror(opportunity, mirrorRowOf('Ganz was anderes'))
  await watch()
  expect(found.map(({ dealId }) => dealId)).toEqual([subject.sourceId])
  const { checks } = await run((tx) => conflicts.checksOf(tx, subject.sourceId))
  expect(checks[0]).toMatchObject({
    purpose: 'watch',
    verdict: 'suspected',
    candidates: [{ kind: 'direct' }],
  })
  await mirror({ ...opportunity, stage: 'Negotiation' })
  await watch()
  expect(found).toHaveLength(1)
})

test('the opportunity that a deal is linked to is none of its conflicts', async () => {
  const subject = await approved(registrationOf('Verlinkt'))
  await mirror(mirrorRowOf('Verlinkt', { dealId: subject.sourceId, partnerId: subject.partnerId }))
  await watch()
  expect(found).toEqual([])
  expect((await submit(registrationOf('Verlinkt'))).candidates.map(({ kind }) => kind)).toEqual([
    'rival',
    'rival',
  ])
})

test('when customers merge the later holder becomes contested, and holds again when that is undone', async () => {
  const [a, b] = [registrationOf('Erster Halter'), registrationOf('Voellig Anders')]
  await approved(a)
  await approved(b)
  const bystander = await approved(registrationOf('Unbeteiligt'))
  await merge(b.customerId, a.customerId)
  expect([await standingOf(a), await standingOf(b), await standingOf(bystander)]).toEqual([
    'held',
    'contested',
    'held',
  ])
  await watch()
  expect(found.map(({ dealId }) => dealId)).toEqual([b.sourceId])
  const later = await submit(registrationOf('Dritter', { customerId: b.customerId }))
  expect(later.candidates.map(({ claim }) => claim.dealId).sort()).toEqual([a.sourceId, b.sourceId].sort())
  await merge(b.customerId, null)
  expect([await standingOf(a), await standingOf(b)]).toEqual(['held', 'held'])
})

test('customers merge in a chain, and a registration that names a merged one claims the canonical one', async () => {
  const [x, y, z] = [newId<'customer'>(), newId<'customer'>(), newId<'customer'>()]
  const first = await approved(registrationOf('Kette Eins', { customerId: x }))
  await merge(x, y)
  await merge(y, z)
  const named = registrationOf('Glied', { customerId: y })
  expect((await submit(named)).candidates).toMatchObject([
    { key: 'customer', claim: { dealId: first.sourceId } },
  ])
  await expect(
    run((tx) => conflicts.holdClaims(tx, named.sourceId, { from: '2026-02-01', to: null })),
  ).rejects.toMatchObject({ code: 'already_held' })
  await merge(x, null)
  await run((tx) => conflicts.holdClaims(tx, named.sourceId, { from: '2026-02-01', to: null }))
})

test('a mirror and a registration that arrive at once never miss each other', async () => {
  for (let round = 0; round < 20; round += 1) {
    const name = `Gleichzeitig ${round} Werke`
    const subject = registrationOf(name)
    const [result] = await Promise.all([submit(subject), mirror(mirrorRowOf(name))])
    found = []
    await watch()
    const seen = result.verdict === 'suspected' || found.some(({ dealId }) => dealId === subject.sourceId)
    expect([round, seen]).toEqual([round, true])
  }
})

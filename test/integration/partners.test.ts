import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Tx } from '#src/database/database.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { InvalidInput, NotAllowed, NotFound, Stale } from '#src/kernel/errors.ts'
import { createEventBus, type EventOf } from '#src/kernel/events.ts'
import { newId, type PartnerId, type ProgrammeId, type UserId } from '#src/kernel/ids.ts'
import { createPartnerEntity } from '#src/partners/partner-entity.ts'
import { createPartnerUseCases } from '#src/partners/partner-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const changes: EventOf<'record_changed'>[] = []
let now = new Date('2030-01-15T12:00:00Z')
const partners = createPartnerUseCases({
  events: createEventBus<Tx>({
    record_changed: [async (_tx, _actor, events) => void changes.push(...events)],
  }),
  clock: { now: () => now },
})
const admin: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const run = <T>(actor: Actor, work: (tx: Tx) => Promise<T>) => db.database.transact(actor, work)
const partnerActor = (partnerId: PartnerId): Actor => ({
  kind: 'partner',
  id: newId(),
  name: 'Paula',
  roles: ['partner_administrator'],
  partnerId,
})
const first = { limit: 50, sort: 'name', after: null } as const

let acme: PartnerId
let other: PartnerId
let programmeId: ProgrammeId
let gold: string
let silver: string

beforeAll(async () => {
  await run(admin, async (tx) => {
    acme = (await partners.createPartner(tx, admin, { name: 'Acme Resale', currency: 'EUR' })).id
    other = (await partners.createPartner(tx, admin, { name: 'Other Resale', currency: 'USD' })).id
    const created = { name: 'Resellers', timeZone: 'Europe/Berlin', currency: 'EUR' }
    programmeId = (await partners.createProgramme(tx, admin, created)).id
    gold = (await partners.createTier(tx, admin, programmeId, { name: 'Gold', rank: 2 })).id
    silver = (await partners.createTier(tx, admin, programmeId, { name: 'Silver', rank: 1 })).id
  })
})

describe('a partner', () => {
  test('is kept with its web domain and country in normal form, and every change leaves a trace', async () => {
    changes.length = 0
    const input = { name: 'Nord GmbH', domain: 'https://www.nord.de/x', country: 'Germany', currency: 'EUR' }
    const created = await run(admin, (tx) => partners.createPartner(tx, admin, input))
    expect(created).toMatchObject({
      domain: 'nord.de',
      country: 'DE',
      status: 'active',
      revision: 1,
      memberships: [],
    })
    const updated = await run(admin, (tx) =>
      partners.updatePartner(tx, admin, created.id, { city: 'Kiel' }, 1),
    )
    expect(updated).toMatchObject({ city: 'Kiel', domain: 'nord.de', revision: 2 })
    expect(changes.map(({ id, priority }) => [id, priority])).toEqual([
      [created.id, 'live'],
      [created.id, 'live'],
    ])
    expect(await actionsOn(created.id)).toEqual(['partner.created', 'partner.updated'])
  })

  test('is not changed by somebody who read an older revision', async () => {
    const edit = run(admin, (tx) => partners.updatePartner(tx, admin, acme, { city: 'Bonn' }, 99))
    await expect(edit).rejects.toBeInstanceOf(Stale)
  })

  test('has an external reference of its own', async () => {
    const input = { name: 'One', currency: 'EUR', externalRef: 'ref-1' }
    await run(admin, (tx) => partners.createPartner(tx, admin, input))
    const again = run(admin, (tx) => partners.createPartner(tx, admin, { ...input, name: 'Two' }))
    await expect(again).rejects.toMatchObject({ code: 'external_ref_taken' })
    const edit = run(admin, (tx) => partners.updatePartner(tx, admin, acme, { externalRef: 'ref-1' }, null))
    await expect(edit).rejects.toMatchObject({ code: 'external_ref_taken' })
  })

  test('with an unknown country is refused by naming the field', async () => {
    const work = run(admin, (tx) =>
      partners.createPartner(tx, admin, { name: 'X', currency: 'EUR', country: 'Atlantis' }),
    )
    await expect(work).rejects.toMatchObject({ issues: [{ path: '/country', code: 'unknown_country' }] })
  })

  test('sees itself and no other partner', async () => {
    const actor = partnerActor(acme)
    const seen = await run(actor, (tx) => partners.listPartners(tx, {}, first))
    expect(seen.map(({ id }) => id)).toEqual([acme])
    await expect(run(actor, (tx) => partners.getPartner(tx, other))).rejects.toBeInstanceOf(NotFound)
  })

  test('belongs to programmes with a tier and territories', async () => {
    const input = { tierId: gold, territories: ['Austria', 'DE', 'at'] }
    const joined = await run(admin, (tx) => partners.setMembership(tx, admin, acme, programmeId, input, null))
    expect(joined.memberships).toEqual([
      { programmeId, tierId: gold, tierName: 'Gold', territories: ['AT', 'DE'] },
    ])
    const found = await run(admin, (tx) => partners.listPartners(tx, { tierId: gold }, first))
    expect(found.map(({ id }) => id)).toEqual([acme])
    const wrong = run(admin, (tx) =>
      partners.setMembership(tx, admin, acme, programmeId, { tierId: newId() }, null),
    )
    await expect(wrong).rejects.toMatchObject({ issues: [{ path: '/tierId' }] })
    const left = await run(admin, (tx) => partners.endMembership(tx, admin, acme, programmeId, null))
    expect(left.memberships).toEqual([])
  })

  test('lists page by page in the asked order without gaps or repetitions', async () => {
    const names = ['Page Ä', 'page b', 'Page C', 'page c', 'Page d']
    await run(admin, async (tx) => {
      for (const name of names) await partners.createPartner(tx, admin, { name, currency: 'EUR' })
    })
    for (const sort of ['name', '-name', 'createdAt', '-createdAt'] as const) {
      const whole = await run(admin, (tx) =>
        partners.listPartners(tx, { search: 'page' }, { ...first, sort }),
      )
      expect(whole).toHaveLength(5)
      const paged: string[] = []
      let after: { key: string; id: string } | null = null
      do {
        const rows: Awaited<ReturnType<typeof partners.listPartners>> = await run(admin, (tx) =>
          partners.listPartners(tx, { search: 'page' }, { limit: 2, sort, after }),
        )
        const page = rows.slice(0, 2)
        const last = page.at(-1)
        paged.push(...page.map(({ id }) => id))
        after = rows.length > 2 && last ? { key: last.sortKey, id: last.id } : null
      } while (after)
      expect(paged).toEqual(whole.map(({ id }) => id))
    }
  })
})

describe('a programme', () => {
  test('takes conditions on the facts of a deal only', async () => {
    const condition = { all: [{ field: 'shoeSize', is: 'equals', value: '44' }] } as const
    const edit = run(admin, (tx) =>
      partners.updateProgramme(tx, admin, programmeId, { autoApproval: condition }, null),
    )
    await expect(edit).rejects.toMatchObject({ issues: [{ path: '/autoApproval/all/0/field' }] })
    const good = {
      all: [
        { field: 'amount', is: 'at_most', value: { amount: '5000', currency: 'EUR' } },
        { field: 'conflict', is: 'equals', value: 'clear' },
      ],
    } as const
    const after = await run(admin, (tx) =>
      partners.updateProgramme(tx, admin, programmeId, { autoApproval: good }, null),
    )
    expect(after.autoApproval).toEqual(good)
    expect(after).toMatchObject({ protectionDays: 90, extensionDays: 30, name: 'Resellers' })
  })

  test('names tiers of its own and people who may decide', async () => {
    const edit = { eligibility: { tierIds: [newId()], countries: null }, deciderId: newId<'user'>() }
    const work = run(admin, (tx) => partners.updateProgramme(tx, admin, programmeId, edit, null))
    await expect(work).rejects.toMatchObject({
      issues: [{ path: '/eligibility/tierIds/0' }, { path: '/deciderId' }],
    })
  })

  test('has a name of its own', async () => {
    const input = { name: 'RESELLERS', timeZone: 'UTC', currency: 'EUR' }
    const work = run(admin, (tx) => partners.createProgramme(tx, admin, input))
    await expect(work).rejects.toMatchObject({ code: 'name_taken' })
  })

  test('is listed for its members only', async () => {
    const list = (actor: Actor) => run(actor, (tx) => partners.listProgrammes(tx, actor, first))
    await run(admin, (tx) => partners.setMembership(tx, admin, other, programmeId, { tierId: silver }, null))
    expect(await list(partnerActor(acme))).toEqual([])
    expect(await list(partnerActor(other))).toHaveLength(1)
  })

  test('passes the new name of a tier on to the partners that hold it', async () => {
    const before = await run(admin, (tx) => partners.getPartner(tx, other))
    changes.length = 0
    await run(admin, (tx) => partners.updateTier(tx, admin, silver, { name: 'Sterling' }, 1))
    const after = await run(admin, (tx) => partners.getPartner(tx, other))
    expect(after.memberships[0]?.tierName).toBe('Sterling')
    expect(after.revision).toBe(before.revision + 1)
    expect(changes).toMatchObject([{ id: other, entity: 'partner' }])
  })

  test('keeps a tier that somebody holds', async () => {
    const work = run(admin, (tx) => partners.deleteTier(tx, admin, silver))
    await expect(work).rejects.toMatchObject({ code: 'tier_in_use' })
    const spare = await run(admin, (tx) =>
      partners.createTier(tx, admin, programmeId, { name: 'Spare', rank: 0 }),
    )
    await run(admin, (tx) => partners.deleteTier(tx, admin, spare.id))
    const left = await run(admin, (tx) => partners.listTiers(tx, admin, programmeId))
    expect(left.map(({ name }) => name)).toEqual(['Gold', 'Sterling'])
  })
})

describe('a user', () => {
  const paula = () => ({ email: 'Paula@Acme.example', name: 'Paula', roles: ['partner_seller' as const] })
  let paulaId: UserId

  test('of a partner is managed by its administrator, within the organisation', async () => {
    const actor = partnerActor(acme)
    const user = await run(actor, (tx) => partners.createUser(tx, actor, paula()))
    paulaId = user.id
    expect(user).toMatchObject({ partnerId: acme, email: 'paula@acme.example', status: 'active' })
    const foreign = run(actor, (tx) => partners.createUser(tx, actor, { ...paula(), partnerId: other }))
    await expect(foreign).rejects.toBeInstanceOf(NotAllowed)
    const vendorRole = run(actor, (tx) =>
      partners.createUser(tx, actor, { ...paula(), email: 'x@acme.example', roles: ['administrator'] }),
    )
    await expect(vendorRole).rejects.toBeInstanceOf(InvalidInput)
  })

  test('is invisible to other partners', async () => {
    const actor = partnerActor(other)
    expect(await run(actor, (tx) => partners.listUsers(tx, {}, first))).toEqual([])
    expect(await run(actor, (tx) => partners.findUser(tx, paulaId))).toBeNull()
    const edit = run(actor, (tx) => partners.updateUser(tx, actor, paulaId, { name: 'X' }, null))
    await expect(edit).rejects.toBeInstanceOf(NotFound)
  })

  test('has an address of its own, whatever its case', async () => {
    const again = run(admin, (tx) =>
      partners.createUser(tx, admin, { ...paula(), email: 'PAULA@acme.EXAMPLE', partnerId: other }),
    )
    await expect(again).rejects.toMatchObject({ code: 'email_taken' })
  })

  test('is found as a recipient by role while active', async () => {
    const recipients = () =>
      run(partnerActor(other), (tx) => partners.recipients(tx, acme, ['partner_seller']))
    expect(await recipients()).toMatchObject([{ name: 'Paula', email: 'paula@acme.example' }])
    await run(admin, (tx) => partners.updateUser(tx, admin, paulaId, { status: 'disabled' }, null))
    expect(await recipients()).toEqual([])
    await run(admin, (tx) => partners.updateUser(tx, admin, paulaId, { status: 'active' }, null))
  })
})

describe('a token', () => {
  const authenticate = (secret: string) => run(system, (tx) => partners.authenticate(tx, secret))
  const person = (
    partnerId: PartnerId | null,
    roles: readonly ('partner_seller' | 'partner_finance' | 'approver')[],
  ) =>
    run(admin, (tx) =>
      partners.createUser(tx, admin, {
        partnerId,
        email: `${newId()}@x.example`,
        name: 'Kim',
        roles: [...roles],
      }),
    )

  test('acts for its user, with the roles of its scope that the user still has', async () => {
    const kim = await person(acme, ['partner_seller', 'partner_finance'])
    const { secret, token } = await run(admin, (tx) =>
      partners.createToken(tx, admin, { userId: kim.id, name: 'Script', roles: ['partner_seller'] }),
    )
    expect(secret).toMatch(/^cp_[\w-]{43}$/)
    expect(token).not.toHaveProperty('secretHash')
    const expected = { kind: 'partner', id: kim.id, name: 'Kim', partnerId: acme }
    expect(await authenticate(secret)).toEqual({ ...expected, roles: ['partner_seller'] })
    await run(admin, (tx) => partners.updateUser(tx, admin, kim.id, { roles: ['partner_finance'] }, null))
    expect(await authenticate(secret)).toEqual({ ...expected, roles: [] })
  })

  test('ends with revocation, expiry, its user or its partner', async () => {
    const kim = await person(acme, ['partner_seller'])
    const issue = (expiresAt: Date | null) =>
      run(admin, (tx) => partners.createToken(tx, admin, { userId: kim.id, name: 'T', expiresAt }))
    const revoked = await issue(null)
    await run(admin, (tx) => partners.revokeToken(tx, admin, revoked.token.id))
    expect(await authenticate(revoked.secret)).toBeNull()
    const expiring = await issue(new Date('2030-02-01T00:00:00Z'))
    expect(await authenticate(expiring.secret)).not.toBeNull()
    now = new Date('2030-02-01T00:00:00Z')
    expect(await authenticate(expiring.secret)).toBeNull()
    await expect(issue(now)).rejects.toMatchObject({ issues: [{ path: '/expiresAt' }] })
    const lasting = await issue(null)
    await run(admin, (tx) => partners.updateUser(tx, admin, kim.id, { status: 'disabled' }, null))
    expect(await authenticate(lasting.secret)).toBeNull()
    await run(admin, (tx) => partners.updateUser(tx, admin, kim.id, { status: 'active' }, null))
    expect(await authenticate(lasting.secret)).not.toBeNull()
    await run(admin, (tx) => partners.updatePartner(tx, admin, acme, { status: 'ended' }, null))
    expect(await authenticate(lasting.secret)).toBeNull()
    await run(admin, (tx) => partners.updatePartner(tx, admin, acme, { status: 'active' }, null))
  })

  test('is refused when it is unknown or no token at all', async () => {
    expect(await authenticate('cp_nothing')).toBeNull()
    expect(await authenticate('')).toBeNull()
  })

  test('notes its use once an hour at most', async () => {
    const kim = await person(null, ['approver'])
    const { secret, token } = await run(admin, (tx) =>
      partners.createToken(tx, admin, { userId: kim.id, name: 'T' }),
    )
    const lastUse = async () =>
      (await run(admin, (tx) => partners.listTokens(tx, { userId: kim.id }, first)))[0]?.lastUsedAt
    await authenticate(secret)
    const noted = now
    expect(await lastUse()).toEqual(noted)
    now = new Date(now.getTime() + 30 * 60_000)
    await authenticate(secret)
    expect(await lastUse()).toEqual(noted)
    now = new Date(now.getTime() + 31 * 60_000)
    await authenticate(secret)
    expect(await lastUse()).toEqual(now)
    expect(token.lastUsedAt).toBeNull()
  })

  test('holds no role that its user lacks, and no partner touches those of another', async () => {
    const kim = await person(acme, ['partner_seller'])
    const wide = run(admin, (tx) =>
      partners.createToken(tx, admin, { userId: kim.id, name: 'T', roles: ['partner_finance'] }),
    )
    await expect(wide).rejects.toMatchObject({ issues: [{ path: '/roles/0', code: 'not_held' }] })
    const { token } = await run(admin, (tx) => partners.createToken(tx, admin, { userId: kim.id, name: 'T' }))
    const stranger = partnerActor(other)
    expect(await run(stranger, (tx) => partners.listTokens(tx, {}, first))).toEqual([])
    const revoke = run(stranger, (tx) => partners.revokeToken(tx, stranger, token.id))
    await expect(revoke).rejects.toBeInstanceOf(NotFound)
    const create = run(stranger, (tx) => partners.createToken(tx, stranger, { userId: kim.id, name: 'T' }))
    await expect(create).rejects.toBeInstanceOf(NotFound)
  })
})

describe('a partner in a CRM', () => {
  const events = createEventBus<Tx>({
    record_changed: [async (_tx, _actor, seen) => void changes.push(...seen)],
  })
  const entity = createPartnerEntity({ events })
  const crm: Actor = { kind: 'connection', id: newId(), name: 'CRM' }

  test('shows its tier and takes corrections of name and address, but no standing', async () => {
    const id = await run(admin, async (tx) => {
      const created = await partners.createPartner(tx, admin, {
        name: 'Synced',
        currency: 'EUR',
        country: 'DE',
      })
      await partners.setMembership(tx, admin, created.id, programmeId, { tierId: gold }, null)
      return created.id
    })
    changes.length = 0
    const outcomes = await run(crm, (tx) =>
      entity.applyMany(tx, crm, [
        {
          id,
          changes: { name: 'Synced GmbH', domain: 'https://synced.de/', country: 'Narnia', tier: 'Silver' },
        },
        { id: newId(), changes: { name: 'Ghost' } },
      ]),
    )
    expect(
      outcomes
        .get(id)
        ?.map(({ field, kind }) => [field, kind])
        .sort(),
    ).toEqual([
      ['country', 'review'],
      ['domain', 'applied'],
      ['name', 'applied'],
      ['tier', 'review'],
    ])
    const loaded = (await run(crm, (tx) => entity.load(tx, [id]))).get(id)
    expect(loaded).toMatchObject({
      revision: 3,
      fields: { name: 'Synced GmbH', domain: 'synced.de', country: 'DE', tier: 'Gold', status: 'active' },
    })
    expect(Object.keys(loaded?.fields ?? {}).sort()).toEqual(entity.catalogue.map(({ name }) => name).sort())
    expect(changes).toMatchObject([{ id, entity: 'partner' }])
  })
})

describe('an import of partners', () => {
  test('creates, updates, leaves alone and rejects row by row', async () => {
    const rows = [
      { externalRef: 'imp-1', name: 'Imported One', currency: 'EUR', country: 'France' },
      {
        externalRef: 'imp-2',
        name: 'Imported Two',
        currency: 'USD',
        memberships: [{ programmeId, tierId: gold }],
      },
      { externalRef: 'imp-1', name: 'Again', currency: 'EUR' },
      { externalRef: 'imp-3', name: '', currency: 'EUR' },
      { externalRef: 'imp-4', name: 'No currency' },
      {
        externalRef: 'imp-5',
        name: 'Wrong tier',
        currency: 'EUR',
        memberships: [{ programmeId, tierId: newId() }],
      },
    ]
    const imported = await run(admin, (tx) => partners.upsertPartners(tx, admin, rows))
    expect(imported.map(({ outcome }) => outcome)).toEqual([
      'created',
      'created',
      'invalid',
      'invalid',
      'invalid',
      'invalid',
    ])
    expect(imported.flatMap(({ issues }) => issues.map(({ path }) => path))).toEqual([
      '/externalRef',
      '/name',
      '/currency',
      '/memberships/0/tierId',
    ])
    const second = await run(admin, (tx) =>
      partners.upsertPartners(tx, admin, [
        { externalRef: 'imp-1', name: 'Imported One', city: 'Lyon' },
        { externalRef: 'imp-2', name: 'Imported Two' },
      ]),
    )
    expect(second.map(({ outcome }) => outcome)).toEqual(['updated', 'unchanged'])
    const [one] = await run(admin, (tx) => partners.listPartners(tx, { externalRef: 'imp-1' }, first))
    expect(one).toMatchObject({ city: 'Lyon', country: 'FR', revision: 2 })
    expect(await actionsOn(one?.id ?? '')).toEqual(['partner.created', 'partner.updated'])
  })
})

async function actionsOn(id: string): Promise<string[]> {
  const { rows } = await run(system, (tx) =>
    sql<{ action: string }>`select action from audit_entry where subject_id = ${id} order by id`.execute(tx),
  )
  return rows.map(({ action }) => action)
}

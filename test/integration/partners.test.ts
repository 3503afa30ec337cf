import { describe, expect, test } from 'vitest'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Stale } from '#src/kernel/errors.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { createPartnerEntity } from '#src/partners/partner-entity.ts'
import {
  acme,
  actionsOn,
  admin,
  changes,
  first,
  gold,
  other,
  partnerActor,
  partners,
  programmeId,
  run,
  usePartners,
} from '#test/support/partners.ts'

usePartners()

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

import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { type CompanyDescription, identifyCompany } from '#src/customers/company-identity.ts'
import { createCustomerEntity } from '#src/customers/customer-entity.ts'
import { createCustomerUseCases } from '#src/customers/customer-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { NotFound, Stale } from '#src/kernel/errors.ts'
import { createEventBus, type DomainEvent } from '#src/kernel/events.ts'
import { type CustomerId, newId } from '#src/kernel/ids.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const events: DomainEvent[] = []
const remember = async (_tx: Tx, _actor: Actor, seen: readonly DomainEvent[]) => void events.push(...seen)
const bus = createEventBus<Tx>({ record_changed: [remember], customers_merged: [remember] })
const customers = createCustomerUseCases({ events: bus })
const system = systemActor('test')
const vendor: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const partner: Actor = {
  kind: 'partner',
  id: newId(),
  name: 'Paula',
  roles: ['partner_seller'],
  partnerId: newId<'partner'>(),
}
const run = <T>(actor: Actor, work: (tx: Tx) => Promise<T>) => db.database.transact(actor, work)
const resolve = (...companies: CompanyDescription[]) =>
  run(partner, (tx) => customers.resolveCustomers(tx, partner, companies.map(identifyCompany)))
const first = { limit: 50, sort: 'name', after: null } as const

describe('resolving companies', () => {
  test('gives one customer to one domain, whatever the name', async () => {
    const [a, b] = await resolve(
      { name: 'Domain One', domain: 'https://www.one.example.com/x' },
      { name: 'Erste Domäne', email: 'ada@mail.example.com' },
    )
    expect(a).toBe(b)
    expect(await resolve({ name: 'Third name', domain: 'EXAMPLE.com' })).toEqual([a])
  })

  test('goes by name where there is no domain, unless the countries contradict each other', async () => {
    const [de, us, unknown] = await resolve(
      { name: 'Nordwind GmbH', country: 'DE' },
      { name: 'NORDWIND Inc.', country: 'US' },
      { name: 'Nordwind' },
    )
    expect(de).not.toBe(us)
    expect([de, us]).toContain(unknown)
    expect(await resolve({ name: 'nordwind', country: 'United States' })).toEqual([us])
  })

  test('keeps companies of one name apart when their domains differ', async () => {
    const [a, b] = await resolve(
      { name: 'Delta', domain: 'delta-air.com' },
      { name: 'Delta', domain: 'delta-taps.com' },
    )
    expect(a).not.toBe(b)
  })

  test('learns the domain of a customer that was known by name', async () => {
    const [bare] = await resolve({ name: 'Zephyr Cargo' })
    const [withDomain, other] = await resolve(
      { name: 'Zephyr Cargo Ltd', domain: 'zephyr-cargo.com' },
      { name: 'Zephyr Cargo', domain: 'zephyr-cargo.org' },
    )
    expect(withDomain).toBe(bare)
    expect(other).not.toBe(bare)
    expect(await resolve({ name: 'ZC', domain: 'zephyr-cargo.com' })).toEqual([bare])
  })

  test('creates one customer when many name the same new company at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        resolve(
          i % 2 === 0 ? { name: `Racing ${i}`, domain: 'racing.example.org' } : { name: 'Racing by name' },
        ),
      ),
    )
    const ids = results.flat()
    expect(new Set(ids.filter((_, i) => i % 2 === 0)).size).toBe(1)
    expect(new Set(ids.filter((_, i) => i % 2 === 1)).size).toBe(1)
  })

  test('creates one customer for names that only a legal form tells apart, in one batch and in two at once', async () => {
    const forms = ['GmbH', 'Ltd', 'S.A.', 'Inc.', 'AG']
    const batch = () => resolve(...forms.map((form) => ({ name: `Batchwork ${form}` })))
    const [a, b] = await Promise.all([batch(), batch()])
    expect(new Set([...a, ...b]).size).toBe(1)
  })

  test('stays consistent and free of deadlocks when batches of the same companies race', async () => {
    const pool = Array.from({ length: 30 }, (_, i) => ({
      name: `Race ${i % 10} ${['GmbH', 'Ltd', 'Inc'][i % 3]}`,
      ...(i % 2 === 0 ? { domain: `race-${i % 10}.com` } : {}),
    }))
    const batches = await Promise.all(
      Array.from({ length: 16 }, (_, worker) =>
        resolve(...pool.map((_, i) => pool[(i * 7 + worker * 11) % pool.length]!)),
      ),
    )
    for (const [worker, ids] of batches.entries()) {
      const expected = batches[0]!
      for (const [i, id] of ids.entries()) {
        const index = (i * 7 + worker * 11) % pool.length
        const place = pool.findIndex((_, first) => (first * 7) % pool.length === index)
        expect(id).toBe(expected[place])
      }
    }
    expect(new Set(batches.flat()).size).toBe(10)
  })

  test('copes with a large batch in a few statements', async () => {
    const many = Array.from({ length: 3_000 }, (_, i) => ({
      name: `Bulk company ${i % 1_500}`,
      ...(i % 3 === 0 ? { domain: `bulk-${i % 1_500}.com` } : {}),
    }))
    const ids = await resolve(...many)
    expect(ids).toHaveLength(3_000)
    expect(new Set(ids).size).toBe(1_500)
    for (let i = 0; i < 1_500; i += 100) expect(ids[i]).toBe(ids[i + 1_500])
  })

  test('leaves a trace and tells the sync engine of each new customer', async () => {
    events.length = 0
    const [id = ''] = await resolve({ name: 'Traced company' })
    expect(events).toEqual([
      { type: 'record_changed', entity: 'customer', id, priority: 'live', isNew: true },
    ])
    expect(await actionsOn(id)).toEqual(['customer.created'])
    await resolve({ name: 'Traced company' })
    expect(events).toHaveLength(1)
  })

  test('shows a partner no customer, not even the one that it named', async () => {
    const [id] = await resolve({ name: 'Hidden company', domain: 'hidden.example.net' })
    const seen = await run(partner, (tx) => customers.listCustomers(tx, {}, first))
    expect(seen).toEqual([])
    await expect(run(partner, (tx) => customers.getCustomer(tx, id!))).rejects.toBeInstanceOf(NotFound)
    const rows = await run(partner, (tx) => sql`select 1 from customer_domain`.execute(tx))
    expect(rows.rows).toEqual([])
  })
})

describe('a customer', () => {
  const create = (name: string, more: { domain?: string; externalRef?: string } = {}) =>
    run(vendor, (tx) => customers.createCustomer(tx, vendor, { name, ...more }))

  test('is kept in normal form and edited against its revision', async () => {
    const created = await create('Plain GmbH', { domain: 'www.plain-widgets.de' })
    expect(created).toMatchObject({ nameKey: 'plain', domain: 'plain-widgets.de', revision: 1 })
    const update = (expected: number) =>
      run(vendor, (tx) =>
        customers.updateCustomer(tx, vendor, created.id, { name: 'Plainer', country: 'Spain' }, expected),
      )
    expect(await update(1)).toMatchObject({ nameKey: 'plainer', country: 'ES', revision: 2 })
    await expect(update(1)).rejects.toBeInstanceOf(Stale)
    const wrong = run(vendor, (tx) =>
      customers.updateCustomer(tx, vendor, created.id, { domain: 'gmail.com', country: 'Narnia' }, null),
    )
    await expect(wrong).rejects.toMatchObject({ issues: [{ path: '/domain' }, { path: '/country' }] })
  })

  test('is found by part of its name, whatever signs that has', async () => {
    const created = await create('100%_Fun\\Park')
    const found = await run(vendor, (tx) => customers.listCustomers(tx, { search: '0%_fun\\p' }, first))
    expect(found.map(({ id }) => id)).toEqual([created.id])
  })

  test('stands for those merged into it until that is undone', async () => {
    const [a, b, c] = [await create('Merge A'), await create('Merge B'), await create('Merge C')]
    const canonical = async (id: CustomerId) =>
      (await run(partner, (tx) => customers.canonicalOf(tx, [id]))).get(id)
    const merge = (from: CustomerId, into: CustomerId) =>
      run(vendor, (tx) => customers.mergeCustomers(tx, vendor, from, into, 'Same company', null))
    events.length = 0
    await merge(a.id, b.id)
    await merge(b.id, c.id)
    expect(events.filter(({ type }) => type === 'customers_merged')).toEqual([
      { type: 'customers_merged', from: a.id, into: b.id },
      { type: 'customers_merged', from: b.id, into: c.id },
    ])
    expect(await canonical(a.id)).toBe(c.id)
    expect(await resolve({ name: 'Merge A' })).toEqual([c.id])
    await expect(merge(c.id, a.id)).rejects.toMatchObject({ code: 'same_customer' })
    await expect(merge(a.id, c.id)).rejects.toMatchObject({ code: 'already_merged' })
    const undone = await run(vendor, (tx) => customers.unmergeCustomer(tx, vendor, b.id, 'A mistake', null))
    expect(undone.mergedInto).toBeNull()
    expect(await canonical(a.id)).toBe(b.id)
    expect(await canonical(c.id)).toBe(c.id)
    expect(await actionsOn(b.id)).toEqual(['customer.created', 'customer.merged', 'customer.unmerged'])
  })

  test('never ends in a circle, however merges race', async () => {
    const [a, b, c] = [await create('Circle A'), await create('Circle B'), await create('Circle C')]
    const merge = (from: CustomerId, into: CustomerId) =>
      run(vendor, (tx) => customers.mergeCustomers(tx, vendor, from, into, 'race', null))
    const outcomes = await Promise.allSettled([merge(a.id, b.id), merge(b.id, c.id), merge(c.id, a.id)])
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    const ends = await run(vendor, (tx) => customers.canonicalOf(tx, [a.id, b.id, c.id]))
    expect(new Set(ends.values()).size).toBe(1)
  })
})

describe('an import of customers', () => {
  const upsert = (rows: readonly unknown[]) =>
    run(vendor, (tx) => customers.upsertCustomers(tx, vendor, rows))

  test('creates, updates, leaves alone and rejects row by row', async () => {
    const rows = [
      { externalRef: 'c-1', name: 'Import One', country: 'France', phone: '+33 1' },
      { externalRef: 'c-2', name: 'Import Two', domain: 'import-two.com' },
      { externalRef: 'c-1', name: 'Twice' },
      { externalRef: 'c-3', name: 'Bad', country: 'Narnia' },
      { name: 'No reference' },
    ]
    expect((await upsert(rows)).map(({ outcome }) => outcome)).toEqual([
      'created',
      'created',
      'invalid',
      'invalid',
      'invalid',
    ])
    const again = await upsert([
      { externalRef: 'c-1', name: 'Import One', city: 'Lyon' },
      { externalRef: 'c-2', name: 'Import Two', domain: 'www.import-two.com' },
    ])
    expect(again.map(({ outcome }) => outcome)).toEqual(['updated', 'unchanged'])
    const [one] = await run(vendor, (tx) => customers.listCustomers(tx, { externalRef: 'c-1' }, first))
    expect(one).toMatchObject({ country: 'FR', phone: '+33 1', city: 'Lyon', revision: 2 })
  })

  test('gives its reference to a customer that a registration brought in before', async () => {
    const [registered] = await resolve({ name: 'Adopted Ltd', domain: 'adopted.example.info' })
    const [result] = await upsert([{ externalRef: 'c-9', name: 'Adopted Limited', domain: 'example.info' }])
    expect(result).toMatchObject({ id: registered, outcome: 'updated' })
  })
})

describe('a customer in a CRM', () => {
  const entity = createCustomerEntity({ events: bus })
  const crm: Actor = { kind: 'connection', id: newId(), name: 'CRM' }

  test('is loaded with its fields and takes what the CRM states, value by value', async () => {
    const created = await run(vendor, (tx) =>
      customers.createCustomer(tx, vendor, { name: 'Synced AG', country: 'CH', phone: '1' }),
    )
    const missing = newId()
    const outcomes = await run(crm, (tx) =>
      entity.applyMany(tx, crm, [
        {
          id: created.id,
          changes: { name: 'Synced SA', country: 'Narnia', phone: '', domain: 'synced.ch', code: 'x' },
        },
        { id: missing, changes: { name: 'Ghost' } },
      ]),
    )
    expect(Object.fromEntries(outcomes.get(created.id)!.map(({ field, kind }) => [field, kind]))).toEqual({
      name: 'applied',
      country: 'review',
      phone: 'applied',
      domain: 'applied',
      code: 'review',
    })
    expect(outcomes.get(missing)).toMatchObject([{ field: 'name', kind: 'review', code: 'record_missing' }])
    const loaded = await run(crm, (tx) => entity.load(tx, [created.id, missing]))
    expect([...loaded.keys()]).toEqual([created.id])
    expect(loaded.get(created.id)).toMatchObject({
      revision: 2,
      fields: {
        name: 'Synced SA',
        domain: 'synced.ch',
        country: 'CH',
        city: null,
        postalCode: null,
        phone: null,
      },
    })
  })

  test('keeps its name when the CRM clears it', async () => {
    const created = await run(vendor, (tx) => customers.createCustomer(tx, vendor, { name: 'Named' }))
    const outcomes = await run(crm, (tx) =>
      entity.applyMany(tx, crm, [{ id: created.id, changes: { name: null } }]),
    )
    expect(outcomes.get(created.id)).toMatchObject([{ field: 'name', kind: 'review' }])
  })
})

async function actionsOn(id: string): Promise<string[]> {
  const { rows } = await run(system, (tx) =>
    sql<{ action: string }>`select action from audit_entry where subject_id = ${id} order by id`.execute(tx),
  )
  return rows.map(({ action }) => action)
}

describe('naming people', () => {
  const name = (customerId: CustomerId, ...addresses: string[]) =>
    run(partner, (tx) =>
      customers.resolveContacts(
        tx,
        partner,
        addresses.map((email) => ({ customerId, email, name: 'Cora Contact', phone: null })),
      ),
    )
  const made = async (ids: readonly unknown[]) =>
    run(
      system,
      async (tx) =>
        (
          await sql<{ id: string }>`
            select subject_id as id from audit_entry
            where action = 'contact.created' and subject_id = any(${ids}::text[]) order by id`.execute(tx)
        ).rows,
    )

  test('makes those who are new and finds those who are known, whatever their order', async () => {
    const [company] = await resolve({ name: 'People One', domain: 'people-one.com' })
    if (!company) throw new Error('No customer')
    const [cora] = await name(company, 'Cora@people-one.com')
    events.length = 0
    const [carl, again, twice, unreadable] = await name(
      company,
      'carl@people-one.com',
      'cora@people-one.com',
      'CARL@people-one.com',
      'nobody',
    )
    expect([again, twice, unreadable]).toEqual([cora, carl, null])
    expect(carl).not.toBe(cora)
    expect(events).toEqual([
      { type: 'record_changed', entity: 'contact', id: carl, priority: 'live', isNew: true },
    ])
    expect(await made([cora, carl])).toEqual([{ id: cora }, { id: carl }])
  })

  test('makes one contact of somebody whom many name in the same moment', async () => {
    const [company] = await resolve({ name: 'People Two', domain: 'people-two.com' })
    if (!company) throw new Error('No customer')
    const named = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        name(company, 'cora@people-two.com', `${index % 2}@people-two.com`),
      ),
    )
    expect(new Set(named.map(([cora]) => cora)).size).toBe(1)
    expect(new Set(named.flat()).size).toBe(3)
    expect(named.flat()).not.toContain(null)
    expect(await made(named.flat())).toHaveLength(3)
  })
})

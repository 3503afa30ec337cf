import { describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  gate,
  insertDeal,
  never,
  poll,
  simulator,
  useDynamics,
} from '#test/support/dynamics-organisation.ts'
import { recordsOf } from './connector-bench.ts'

useDynamics()

const insertDeals = (count: number) =>
  simulator.insertMany(
    'opportunity',
    Array.from({ length: count }, (_, at) => ({ name: `deal ${at}` })),
  )
const deletionsOf = (pages: Awaited<ReturnType<typeof poll>>) => pages.flatMap(({ deletions }) => deletions)
const cursorOf = async (object = 'opportunity', fields: readonly string[] = ['name']) =>
  (await poll(null, fields, object)).at(-1)!.cursor

describe('changes in Dynamics', () => {
  it('of a quiet table cost one call', async () => {
    insertDeals(3)
    const cursor = await cursorOf()
    const before = gate.count('changes')
    expect(await poll(cursor)).toMatchObject([{ records: [], deletions: [], done: true }])
    expect(gate.count('changes')).toBe(before + 1)
  })

  it('come in pages, and a cursor goes on behind its page', async () => {
    const ids = insertDeals(1200)
    const first: string[] = []
    let cursor: string | null = null
    for await (const page of connector.changes('opportunity', null, ['name'], never)) {
      first.push(...page.records.map(({ id }) => id))
      cursor = page.cursor
      expect(page.done).toBe(false)
      break
    }
    expect(first).toHaveLength(500)
    simulator.update('opportunity', first[0]!, { name: 'changed meanwhile' })
    const rest = await poll(cursor)
    const seen = new Set([...first, ...recordsOf(rest).map(({ id }) => id)])
    expect([...seen].toSorted()).toEqual(ids.toSorted())
    const later = await poll(rest.at(-1)!.cursor)
    const told = [...recordsOf(rest), ...recordsOf(later)].filter(({ id }) => id === first[0])
    expect(told.at(-1)?.fields['name']).toBe('changed meanwhile')
  })

  it('that have expired are read anew from the beginning, and say so by nothing but their number', async () => {
    const [a, b] = insertDeals(2) as [string, string]
    const cursor = await cursorOf()
    simulator.update('opportunity', a, { name: 'new' })
    simulator.expireDeltaLinks()
    const pages = await poll(cursor)
    expect(
      recordsOf(pages)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([a, b].toSorted())
    simulator.remove('opportunity', b)
    expect(deletionsOf(await poll(pages.at(-1)!.cursor))).toMatchObject([{ object: 'opportunity', id: b }])
  })

  it('are read anew once the column that they bring is deleted and asked for no more, and not before', async () => {
    const id = insertDeal()
    const cursor = await cursorOf('opportunity', ['name', 'prm_registrationnumber'])
    simulator.removeField('opportunity', 'prm_registrationnumber')
    const fault = await faultOf(poll(cursor, ['name', 'prm_registrationnumber']))
    expect([fault.kind, fault.details.fields]).toEqual(['configuration', ['prm_registrationnumber']])
    expect(recordsOf(await poll(cursor, ['name'])).map((record) => record.id)).toEqual([id])
  })

  it('tell of deletions once, also of records made and removed between two polls', async () => {
    const kept = insertDeal()
    const cursor = await cursorOf()
    const brief = insertDeal()
    simulator.remove('opportunity', brief)
    simulator.remove('opportunity', kept)
    const pages = await poll(cursor)
    expect(recordsOf(pages)).toEqual([])
    expect(deletionsOf(pages).map(({ id }) => id)).toContain(kept)
    expect(await poll(pages.at(-1)!.cursor)).toMatchObject([{ records: [], deletions: [] }])
  })

  it('say into which record another was merged, and so does reading it', async () => {
    const [master, loser, other] = simulator.insertMany('account', [
      { name: 'a' },
      { name: 'b' },
      { name: 'c' },
    ]) as [string, string, string]
    const cursor = await cursorOf('account')
    simulator.merge('account', master, [loser])
    simulator.update('account', other, { name: 'c2' })
    const pages = await poll(cursor, ['name'], 'account')
    expect(deletionsOf(pages)).toMatchObject([{ object: 'account', id: loser, mergedInto: master }])
    expect(recordsOf(pages).map(({ id }) => id)).toContain(other)
    expect(recordsOf(pages).map(({ id }) => id)).not.toContain(loser)
    expect(await connector.read('account', [loser, other], ['name'], never)).toMatchObject([
      { id: loser, missing: true, mergedInto: master },
      { id: other, fields: { name: 'c2' } },
    ])
    expect(await connector.find('account', 'name', ['b'], ['name'], never)).toEqual([])
  })

  it('of a table without change tracking are a matter of configuration, in words that help', async () => {
    simulator.setChangeTracking('opportunity', false)
    const fault = await faultOf(poll(null))
    expect(fault).toMatchObject({ kind: 'configuration', details: { code: 'CHANGE_TRACKING_OFF' } })
    expect(fault.message).toContain('Track changes')
    simulator.setChangeTracking('opportunity', true)
    expect(await poll(null)).toHaveLength(1)
  })

  it('without the right to read the whole organisation are a matter of configuration', async () => {
    simulator.setPrivilege('opportunity', 'read', 'user')
    expect((await faultOf(poll(null))).kind).toBe('configuration')
  })

  it('bring fields that were mapped after the cursor was made', async () => {
    const [a] = insertDeals(2) as [string, string]
    const cursor = await cursorOf()
    simulator.update('opportunity', a, { name: 'new', estimatedvalue: 7, stepname: '1-Qualify' })
    const pages = await poll(cursor, ['name', 'estimatedvalue', 'transactioncurrencyid', 'stepname'])
    expect(recordsOf(pages)).toMatchObject([
      { id: a, fields: { name: 'new', estimatedvalue: 7, stepname: '1-Qualify' } },
    ])
  })

  it('name the currency of an amount by its code', async () => {
    const euro = simulator.list('transactioncurrency').find((row) => row['isocurrencycode'] === 'EUR')
    const id = insertDeal({
      estimatedvalue: 5,
      transactioncurrencyid: String(euro?.['transactioncurrencyid']),
    })
    const [page] = await poll(null, ['estimatedvalue', 'transactioncurrencyid'])
    expect(page?.records).toMatchObject([{ id, fields: { estimatedvalue: 5, transactioncurrencyid: 'EUR' } }])
  })

  it('do not take the cursor of another table', async () => {
    expect((await faultOf(poll(await cursorOf('account')))).kind).toBe('configuration')
  })

  it('carry the version that a write may be based on', async () => {
    const id = insertDeal()
    const [page] = await poll(null)
    const [read] = await connector.read('opportunity', [id], ['name'], never)
    expect(page?.records[0]?.version).toMatch(/^W\/"\d+"$/)
    expect(read).toMatchObject({ version: page?.records[0]?.version })
  })
})

import { describe, expect, it } from 'vitest'
import {
  connector,
  dealFields,
  gate,
  idsOf,
  insertDeals,
  never,
  poll,
  reconnect,
  restart,
  simulator,
  useSalesforce,
} from '#test/support/salesforce-organisation.ts'

useSalesforce()

describe('Salesforce', () => {
  describe('changes', () => {
    it('deliver 10,000 records with one SystemModstamp, across pages and across polls', async () => {
      const ids = insertDeals(10_000)
      simulator.touch('Opportunity', ids, new Date('2026-11-19T10:00:00Z'))
      const pages = await poll(null)
      expect(pages.length).toBeGreaterThanOrEqual(5)
      expect(idsOf(pages)).toHaveLength(10_000)
      expect(new Set(idsOf(pages)).size).toBe(10_000)
      expect(idsOf(await poll(pages.at(-1)!.cursor))).toEqual([])

      const resumed = idsOf(await poll(pages[1]!.cursor))
      expect(new Set([...idsOf(pages.slice(0, 2)), ...resumed]).size).toBe(10_000)
      expect(resumed).toHaveLength(10_000 - idsOf(pages.slice(0, 2)).length)

      const now = new Date()
      simulator.touch('Opportunity', ids, now)
      const second = await poll(pages.at(-1)!.cursor)
      expect(new Set(idsOf(second)).size).toBe(10_000)
      const third = await poll(second.at(-1)!.cursor)
      expect(new Set(idsOf(third)).size).toBe(10_000)
    })

    it('include a row that was saved before the last poll and committed after it', async () => {
      const [early, late] = insertDeals(2) as [string, string]
      simulator.touch('Opportunity', [late], new Date('2020-01-01T00:00:00Z'))
      simulator.touch('Opportunity', [early], new Date())
      const cursor = (await poll(null)).at(-1)!.cursor
      simulator.touch('Opportunity', [late], new Date(Date.now() - 3 * 60_000))
      expect(idsOf(await poll(cursor))).toContain(late)
    })

    it('follow the clock of Salesforce, not ours', async () => {
      const clock = new Date('2031-01-01T00:00:00Z')
      await restart({ now: () => new Date() })
      await reconnect({ now: () => clock })
      const [first] = insertDeals(1) as [string]
      const cursor = (await poll(null)).at(-1)!.cursor
      const [second] = insertDeals(1) as [string]
      expect(idsOf(await poll(cursor))).toEqual(expect.arrayContaining([second]))
      expect(idsOf(await poll(cursor))).toContain(first)
    })

    it('fall silent once the newest row is older than the overlap', async () => {
      const ids = insertDeals(3)
      simulator.touch('Opportunity', ids, new Date(Date.now() - 10 * 60_000))
      const cursor = (await poll(null)).at(-1)!.cursor
      const quiet = await poll(cursor)
      expect(quiet).toMatchObject([{ records: [], deletions: [], done: true, cursor }])
      expect(gate.count('changes')).toBe(2)
    })

    it('tell a merge from a deletion, and name the survivor', async () => {
      const [kept, lost, deleted] = ['kept', 'lost', 'deleted'].map((Name) =>
        simulator.insert('Account', { Name }),
      ) as [string, string, string]
      const cursor = (await poll(null, 'Account')).at(-1)!.cursor
      simulator.merge('Account', kept, [lost])
      simulator.remove('Account', deleted)
      const deletions = (await poll(cursor, 'Account')).flatMap((page) => page.deletions)
      expect(deletions).toHaveLength(2)
      expect(deletions).toEqual(
        expect.arrayContaining([
          { object: 'Account', id: lost, mergedInto: kept, deletedAt: expect.any(String) },
          { object: 'Account', id: deleted, deletedAt: expect.any(String) },
        ]),
      )
    })

    it('tell of what went along with an account, and of all of it when it is taken back', async () => {
      const account = simulator.insert('Account', { Name: 'Acme' })
      const deals = simulator.insertMany(
        'Opportunity',
        ['a', 'b'].map((name) => ({ ...dealFields(name), AccountId: account })),
      )
      const cursor = (await poll(null)).at(-1)!.cursor
      simulator.remove('Account', account)
      const gone = await poll(cursor)
      expect(gone.flatMap(({ deletions }) => deletions.map(({ id }) => id)).toSorted()).toEqual(deals)
      expect(idsOf(gone)).toEqual([])
      simulator.undelete('Account', account)
      const back = await poll(gone.at(-1)!.cursor)
      expect(idsOf(back).toSorted()).toEqual(deals)
      expect(back.flatMap(({ deletions }) => deletions)).toEqual([])
    })

    it('show the records that a merge gave to another account', async () => {
      const [kept, lost] = simulator.insertMany('Account', [{ Name: 'kept' }, { Name: 'lost' }]) as [
        string,
        string,
      ]
      const deal = simulator.insert('Opportunity', { ...dealFields('a'), AccountId: lost })
      const cursor = (await poll(null)).at(-1)!.cursor
      simulator.merge('Account', kept, [lost])
      expect(idsOf(await poll(cursor))).toContain(deal)
      const [record] = await connector.read('Opportunity', [deal], ['AccountId'], never)
      expect(record).toMatchObject({ fields: { AccountId: kept } })
    })

    it('lead from a record that was merged twice to the one that is left', async () => {
      const [a, b, c] = simulator.insertMany('Account', [{ Name: 'a' }, { Name: 'b' }, { Name: 'c' }]) as [
        string,
        string,
        string,
      ]
      const cursor = (await poll(null, 'Account')).at(-1)!.cursor
      simulator.merge('Account', b, [a])
      simulator.merge('Account', c, [b])
      const merged = (await poll(cursor, 'Account')).flatMap(({ deletions }) => deletions)
      expect(new Map(merged.map(({ id, mergedInto }) => [id, mergedInto]))).toEqual(
        new Map([
          [a, b],
          [b, c],
        ]),
      )
      expect(await connector.read('Account', [a, b, c], ['Name'], never)).toMatchObject([
        { missing: true, mergedInto: c },
        { missing: true, mergedInto: c },
        { id: c },
      ])
      expect(gate.count('read')).toBe(3)
    })

    it('of an object without deletion cost one refused query once', async () => {
      const pages = await poll(null, 'User')
      expect(idsOf(pages)).toContain(simulator.integrationUserId)
      await poll(pages.at(-1)!.cursor, 'User')
      expect(gate.calls.filter(({ operation, ok }) => operation === 'changes' && !ok)).toHaveLength(1)
    })
  })
})

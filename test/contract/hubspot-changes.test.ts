import { describe, expect, it } from 'vitest'
import {
  connector,
  gate,
  idsOf,
  insertDeals,
  never,
  poll,
  restart,
  simulator,
  useHubspot,
} from '#test/support/hubspot-portal.ts'

useHubspot()

const lastOf = (pages: Awaited<ReturnType<typeof poll>>): string => pages.at(-1)!.cursor
const sorted = (ids: readonly string[]) => [...ids].sort()

describe('changes in HubSpot', () => {
  it('that share one instant are all told, however many they are', async () => {
    const ids = insertDeals(650)
    simulator.touch('deals', ids, new Date('2026-11-20T10:00:00.123Z'))
    const pages = await poll(null)
    expect(sorted(idsOf(pages))).toEqual(sorted(ids))
    expect(pages.every(({ records }) => records.length <= 200)).toBe(true)
  })

  it('go on from any page as if nothing had happened', async () => {
    const ids = insertDeals(450)
    ids.forEach((id, index) => {
      simulator.touch('deals', [id], new Date(Date.parse('2026-11-20T10:00:00Z') + (index % 7)))
    })
    const seen: string[] = []
    let cursor: string | null = null
    for (let round = 0; round < 20; round += 1) {
      const [page] = await firstPage(cursor)
      if (!page) break
      seen.push(...page.records.map(({ id }) => id))
      cursor = page.cursor
      if (page.done) break
    }
    expect(sorted([...new Set(seen)])).toEqual(sorted(ids))
    expect(seen).toHaveLength(ids.length)
  })

  async function firstPage(cursor: string | null) {
    for await (const page of connector.changes('deals', cursor, ['dealname'], never)) return [page]
    return []
  }

  it('that the index shows late are told by a later poll', async () => {
    const clock = { at: Date.parse('2026-11-20T10:00:00Z') }
    await restart({ indexLagMs: 60_000, now: () => new Date(clock.at) }, { now: () => new Date(clock.at) })
    const [early = ''] = insertDeals(1)
    clock.at += 90_000
    const [late = ''] = insertDeals(1)
    const first = await poll(null)
    expect(idsOf(first)).toEqual([early])
    clock.at += 90_000
    expect(idsOf(await poll(lastOf(first)))).toContain(late)
  })

  it('are not read again where they are known as they are now', async () => {
    const ids = insertDeals(3)
    const at = new Date('2026-11-20T10:00:00.123Z')
    simulator.touch('deals', ids, at)
    const asked: string[] = []
    const known = async (records: readonly { id: string; modifiedAt: string }[]) => {
      asked.push(...records.map(({ id, modifiedAt }) => `${id} ${modifiedAt}`))
      return new Set(ids.slice(0, 2))
    }
    const pages = []
    for await (const page of connector.changes('deals', null, ['dealname'], never, known)) pages.push(page)
    expect(sorted(asked)).toEqual(sorted(ids.map((id) => `${id} ${at.toISOString()}`)))
    expect(idsOf(pages)).toEqual(ids.slice(2))
    // What the records themselves say is the same time.
    expect(pages[0]?.records[0]?.modifiedAt).toBe(at.toISOString())
  })

  it('carry what stands in the records, not what the index still holds', async () => {
    const clock = { at: Date.parse('2026-11-20T10:00:00Z') }
    await restart({ indexLagMs: 60_000, now: () => new Date(clock.at) }, { now: () => new Date(clock.at) })
    const [id = ''] = insertDeals(1)
    clock.at += 90_000
    simulator.update('deals', id, { dealname: 'newest' })
    const [page] = await poll(null)
    expect(page?.records[0]?.fields).toEqual({ dealname: 'newest' })
  })

  it('cost two calls where nothing happened', async () => {
    insertDeals(3)
    simulator.touch(
      'deals',
      simulator.list('deals').map(({ id }) => String(id)),
      new Date('2026-11-01T00:00:00Z'),
    )
    const cursor = lastOf(await poll(null))
    const before = gate.calls.length
    expect(idsOf(await poll(cursor))).toEqual([])
    expect(gate.calls.length - before).toBe(2)
  })

  it('tell of a merge with the record that is left', async () => {
    const [a = '', b = ''] = insertDeals(2)
    const cursor = lastOf(await poll(null))
    const left = simulator.merge('deals', a, [b])
    const pages = await poll(cursor)
    const deletions = pages.flatMap((page) => page.deletions)
    const gone = [a, b].filter((id) => id !== left)
    for (const id of gone) expect(deletions).toContainEqual(expect.objectContaining({ id, mergedInto: left }))
    expect(deletions.filter((deletion) => deletion.mergedInto === undefined)).toEqual([])
    expect(idsOf(pages)).toContain(left)
    const answers = await connector.read('deals', gone, ['dealname'], never)
    expect(answers).toEqual(gone.map((id) => ({ object: 'deals', id, missing: true, mergedInto: left })))
  })

  it('tell what was deleted, also beyond one page of deleted records, and read that list less often', async () => {
    const clock = { at: Date.parse('2026-11-20T10:00:00Z') }
    await restart({ now: () => new Date(clock.at) }, { now: () => new Date(clock.at) })
    const ids = insertDeals(250)
    let cursor = lastOf(await poll(null))
    for (const id of ids) simulator.remove('deals', id)
    const pages = await poll(cursor)
    expect(sorted(pages.flatMap(({ deletions }) => deletions.map(({ id }) => id)))).toEqual(sorted(ids))
    cursor = lastOf(pages)
    simulator.calls.reset()
    await poll(cursor)
    expect(simulator.calls.log.filter(({ operation }) => operation === 'list')).toEqual([])
  })

  it('of companies and contacts are polled alike', async () => {
    const company = simulator.insert('companies', { name: 'Acme' })
    const contact = simulator.insert('contacts', { email: 'ann@acme.example' })
    expect(idsOf(await poll(null, 'companies', ['name']))).toEqual([company])
    expect(idsOf(await poll(null, 'contacts', ['email']))).toEqual([contact])
  })

  it('bring associations along', async () => {
    const company = simulator.insert('companies', { name: 'Acme' })
    const [id = ''] = insertDeals(1)
    simulator.associate(id, company, 5)
    const [page] = await poll(null, 'deals', ['dealname', 'association.companies'])
    expect(page?.records[0]?.fields).toEqual({ dealname: 'd0', 'association.companies': company })
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { openSession } from '#test/simulators/hubspot/session.ts'
import {
  type HubspotSimulator,
  type SimulatorOptions,
  startHubspotSimulator,
} from '#test/simulators/hubspot/simulator.ts'

let simulator: HubspotSimulator

async function start(options: SimulatorOptions = {}) {
  simulator = await startHubspotSimulator({ searchLimit: 1_000, ...options })
  const session = openSession(simulator)
  const search = (body: unknown) => session.post('/crm/v3/objects/deals/search', body)
  const filter = async (propertyName: string, operator: string, rest: Record<string, unknown> = {}) => {
    const { body } = await search({
      filterGroups: [{ filters: [{ propertyName, operator, ...rest }] }],
      limit: 200,
    })
    return (
      body.results?.map((each: { properties: { dealname: string } }) => each.properties.dealname) ??
      body.message
    )
  }
  return { search, filter }
}
afterEach(() => simulator.close())

describe('a search', () => {
  it('compares by the kind of a property', async () => {
    const { filter } = await start()
    simulator.insertMany('deals', [
      { dealname: 'Nine', amount: '9', closedate: '2026-01-01', dealtype: 'newbusiness' },
      { dealname: 'Ten', amount: '10', closedate: '2026-06-01' },
      { dealname: 'Blank and Co' },
    ])
    const at = String(Date.parse('2026-06-01'))
    expect(await filter('amount', 'GT', { value: '9' })).toEqual(['Ten'])
    expect(await filter('amount', 'BETWEEN', { value: '1', highValue: '9.5' })).toEqual(['Nine'])
    expect(await filter('closedate', 'GTE', { value: at })).toEqual(['Ten'])
    expect(await filter('closedate', 'LT', { value: '2026-06-01' })).toEqual(['Nine'])
    expect(await filter('dealname', 'EQ', { value: 'nine' })).toEqual(['Nine'])
    expect(await filter('dealname', 'IN', { values: ['nine', 'ten'] })).toEqual(['Nine', 'Ten'])
    expect(await filter('dealname', 'IN', { values: ['Nine'] })).toEqual([])
    expect(await filter('dealtype', 'IN', { values: ['newbusiness'] })).toEqual(['Nine'])
    expect(await filter('amount', 'NOT_HAS_PROPERTY')).toEqual(['Blank and Co'])
    expect(await filter('dealtype', 'HAS_PROPERTY')).toEqual(['Nine'])
    expect(await filter('dealname', 'CONTAINS_TOKEN', { value: 'bla*' })).toEqual(['Blank and Co'])
    expect(await filter('dealname', 'CONTAINS_TOKEN', { value: 'lank' })).toEqual([])
    expect(await filter('dealname', 'NEQ', { value: 'ten' })).toEqual(['Nine', 'Blank and Co'])
    expect(await filter('nothing', 'EQ', { value: '1' })).toBe('Property "nothing" does not exist')
  })

  it('finds by id and by association', async () => {
    const { filter } = await start()
    const [deal = '', other = ''] = simulator.insertMany('deals', [{ dealname: 'A' }, { dealname: 'B' }])
    const company = simulator.insert('companies', { name: 'Acme' })
    simulator.associate(other, company, 341)
    expect(await filter('hs_object_id', 'IN', { values: [deal, '404'] })).toEqual(['A'])
    expect(await filter('associations.company', 'EQ', { value: company })).toEqual(['B'])
  })

  it('finds by value what holds it now', async () => {
    const { filter } = await start()
    const named = (value: string) => filter('dealname', 'EQ', { value })
    const [id = '', other = ''] = simulator.insertMany('deals', [{ dealname: 'Acme' }, { dealname: 'ACME' }])
    expect(await named('acme')).toEqual(['Acme', 'ACME'])
    simulator.update('deals', id, { dealname: 'Beta' })
    simulator.remove('deals', other)
    simulator.insert('deals', { dealname: 'acme' })
    expect(await named('acme')).toEqual(['acme'])
    expect(await named('beta')).toEqual(['Beta'])
    simulator.undelete('deals', other)
    expect(await named('acme')).toEqual(['ACME', 'acme'])
  })

  it('takes any group, and all filters of a group', async () => {
    const { search } = await start()
    simulator.insertMany('deals', [
      { dealname: 'A', amount: '1' },
      { dealname: 'B', amount: '1' },
      { dealname: 'C', amount: '3' },
    ])
    const is = (propertyName: string, value: string) => ({ propertyName, operator: 'EQ', value })
    const { body } = await search({
      filterGroups: [{ filters: [is('amount', '1'), is('dealname', 'a')] }, { filters: [is('amount', '3')] }],
      sorts: [{ propertyName: 'dealname', direction: 'DESCENDING' }],
    })
    const names = body.results.map((each: { properties: { dealname: string } }) => each.properties.dealname)
    expect(names).toEqual(['C', 'A'])
  })

  it('pages by offset, and not past 10,000', async () => {
    const { search } = await start()
    simulator.insertMany(
      'deals',
      Array.from({ length: 450 }, (_, at) => ({ dealname: `D ${at}` })),
    )
    const seen = new Set<string>()
    let after: string | undefined = '0'
    while (after !== undefined) {
      const { body } = await search({ limit: 200, after })
      expect(body.total).toBe(450)
      for (const { id } of body.results) seen.add(id)
      after = body.paging?.next.after
    }
    expect(seen.size).toBe(450)
    expect((await search({ limit: 200, after: '9800' })).status).toBe(200)
    expect((await search({ limit: 200, after: '9801' })).status).toBe(400)
    expect((await search({ limit: 201 })).status).toBe(400)
  })

  it('has bounds for its filters, its sorts and its body', async () => {
    const { search } = await start()
    const filter = { propertyName: 'amount', operator: 'EQ', value: '1' }
    const groups = (count: number, each: number) => ({
      filterGroups: Array.from({ length: count }, () => ({
        filters: Array.from({ length: each }, () => filter),
      })),
    })
    expect((await search(groups(3, 6))).status).toBe(200)
    for (const body of [groups(6, 1), groups(1, 7), groups(4, 5)])
      expect((await search(body)).status).toBe(400)
    expect((await search({ sorts: ['amount', 'dealname'] })).status).toBe(400)
    const values = Array.from({ length: 400 }, (_, at) => `value ${at}`)
    const long = { filterGroups: [{ filters: [{ propertyName: 'dealname', operator: 'IN', values }] }] }
    expect((await search(long)).status).toBe(400)
  })

  it('sees changes as late as the index is behind, and archived records not at all', async () => {
    let now = new Date('2026-11-02T10:00:00.000Z')
    const { filter } = await start({ now: () => now, indexLagMs: 10_000 })
    const [id = '', gone = ''] = simulator.insertMany('deals', [{ dealname: 'A' }, { dealname: 'B' }])
    const all = () => filter('dealname', 'HAS_PROPERTY')
    expect(await all()).toEqual([])
    now = new Date('2026-11-02T10:00:10.000Z')
    expect(await all()).toEqual(['A', 'B'])
    simulator.update('deals', id, { dealname: 'A2' })
    simulator.remove('deals', gone)
    expect(await all()).toEqual(['A', 'B'])
    now = new Date('2026-11-02T10:00:20.000Z')
    expect(await all()).toEqual(['A2'])
  })

  it('by the time of change finds each record at its last change, also where clocks go back', async () => {
    let now = new Date('2026-11-02T10:00:00.000Z')
    const { search } = await start({ now: () => now })
    const ids = simulator.insertMany(
      'deals',
      Array.from({ length: 5 }, (_, at) => ({ dealname: `D ${at}` })),
    )
    now = new Date('2026-11-02T12:00:00.000Z')
    simulator.update('deals', ids[1] ?? '', { amount: '1' })
    simulator.update('deals', ids[1] ?? '', { amount: '2' })
    simulator.touch('deals', [ids[3] ?? ''], new Date('2026-11-02T11:00:00.000Z'))
    const since = { propertyName: 'hs_lastmodifieddate', operator: 'GT' }
    const { body } = await search({
      filterGroups: [{ filters: [{ ...since, value: String(Date.parse('2026-11-02T10:00:00Z')) }] }],
      sorts: ['hs_lastmodifieddate'],
    })
    expect(body.results.map((each: { id: string }) => each.id)).toEqual([ids[3], ids[1]])
  })

  it('is limited to five a second for the account, and tells no limits in its headers', async () => {
    const { search } = await start({ searchLimit: 5 })
    const answers = await Promise.all(Array.from({ length: 6 }, () => search({})))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429])
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.body).toMatchObject({ errorType: 'RATE_LIMIT', policyName: 'SECONDLY' })
    expect(answers[0]?.headers.has('x-hubspot-ratelimit-remaining')).toBe(false)
  })
})

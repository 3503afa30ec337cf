import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawSession } from '#test/simulators/dynamics/session.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

let simulator: DynamicsSimulator
let session: RawSession
let now: Date

beforeEach(async () => {
  now = new Date('2026-11-20T10:00:00Z')
  simulator = await startDynamicsSimulator({ now: () => now })
  session = await openSession(simulator)
})

afterEach(() => simulator.close())

type Named = { name: string }
const get = (path: string, prefer?: string) =>
  session.send('GET', path, undefined, prefer === undefined ? {} : { prefer })
const names = async (query: string) =>
  (await get(`/accounts?$select=name&${query}`)).body.value.map((each: Named) => each.name)

describe('a query', () => {
  beforeEach(() => {
    simulator.insertMany('account', [
      { name: 'Acme', numberofemployees: 10, address1_city: 'Berlin' },
      { name: "O'Hara & Söhne", numberofemployees: 20, address1_city: null },
      { name: 'Zenith', numberofemployees: 30, address1_city: 'berlin' },
    ])
  })

  it.each([
    ["name eq 'acme'", ['Acme']],
    ["name eq 'O''Hara & Söhne'", ["O'Hara & Söhne"]],
    ['numberofemployees gt 10 and numberofemployees le 30', ["O'Hara & Söhne", 'Zenith']],
    ["address1_city eq 'Berlin'", ['Acme', 'Zenith']],
    ['address1_city eq null', ["O'Hara & Söhne"]],
    ['address1_city ne null', ['Acme', 'Zenith']],
    ["address1_city ne 'berlin'", ["O'Hara & Söhne"]],
    ["contains(name,'E') and not (name eq 'Acme')", ["O'Hara & Söhne", 'Zenith']],
    ["startswith(name,'z') or endswith(name,'me')", ['Acme', 'Zenith']],
    ["Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['Zenith','ACME'])", ['Acme', 'Zenith']],
    ["(name eq 'Acme' or name eq 'Zenith') and statecode eq 0", ['Acme', 'Zenith']],
    ["ownerid/fullname eq 'Rita Sales' and name eq 'Acme'", ['Acme']],
    ['modifiedon ge 2026-11-20T10:00:01Z', []],
  ])('finds by %s', async (filter, expected) => {
    expect(await names(`$filter=${encodeURIComponent(filter)}`)).toEqual(expected)
  })

  it('orders, cuts and counts', async () => {
    expect(await names('$orderby=numberofemployees desc&$top=2')).toEqual(['Zenith', "O'Hara & Söhne"])
    const { body } = await get("/accounts?$count=true&$top=1&$filter=startswith(address1_city,'b')")
    expect(body['@odata.count']).toBe(2)
    expect(body.value).toHaveLength(1)
    expect((await get('/accounts/$count')).body).toBe('3')
  })

  it.each(['foo eq 1', "name eq 'a' garbage", "name in ('a')", 'tolower(name) eq 1', "name eq 'open", ''])(
    'refuses the filter «%s»',
    async (filter) => {
      const answer = await get(`/accounts?$filter=${encodeURIComponent(filter)}`)
      expect(answer).toMatchObject({ status: 400, body: { error: { code: '0x80060888' } } })
    },
  )

  it.each(['$skip=1', '$search=acme', '$apply=aggregate(x)', '$select=foo', '$orderby=foo', '$top=0'])(
    'refuses the option %s',
    async (option) => {
      expect((await get(`/accounts?${option}`)).status).toBe(400)
    },
  )

  it('comes in pages that neither lose nor repeat what stays, while records are added and removed', async () => {
    simulator.insertMany(
      'account',
      Array.from({ length: 7 }, (_, index) => ({ name: `Firm ${index}` })),
    )
    const seen: string[] = []
    let link: string | undefined = '/accounts?$select=name'
    let page = 0
    while (link !== undefined) {
      const { body, headers } = await get(link, 'odata.maxpagesize=4')
      expect(headers.get('preference-applied')).toBe('odata.maxpagesize=4')
      seen.push(...body.value.map((each: Named) => each.name))
      link = body['@odata.nextLink']
      page += 1
      const [first] = simulator.list('account')
      if (page === 1 && first !== undefined) simulator.remove('account', String(first['accountid']))
    }
    expect(page).toBe(3)
    expect(new Set(seen).size).toBe(10)
    expect(seen).toHaveLength(10)
  })

  it('pages an ordered and limited answer to its end', async () => {
    const first = await get('/accounts?$select=name&$orderby=name desc', 'odata.maxpagesize=2')
    const second = await get(first.body['@odata.nextLink'], 'odata.maxpagesize=2')
    expect(second.body.value.map((each: Named) => each.name)).toEqual(['Acme'])
    expect(second.body['@odata.nextLink']).toBeUndefined()
  })

  it('brings linked records and what a person reads', async () => {
    const [acme] = simulator.list('account')
    const id = simulator.insert('opportunity', {
      name: 'Deal',
      parentaccountid: { logicalName: 'account', id: String(acme?.['accountid']) },
      prm_registrationstatus: 100_000_004,
    })
    const path = `/opportunities?$select=name,prm_registrationstatus,_parentaccountid_value&$expand=parentaccountid($select=name)&$filter=opportunityid eq ${id}`
    const { body } = await get(path, 'odata.include-annotations="*"')
    expect(body.value[0]).toMatchObject({
      'prm_registrationstatus@OData.Community.Display.V1.FormattedValue': 'Approved',
      '_parentaccountid_value@OData.Community.Display.V1.FormattedValue': 'Acme',
      '_parentaccountid_value@Microsoft.Dynamics.CRM.lookuplogicalname': 'account',
      parentaccountid: { name: 'Acme' },
    })
  })
})

describe('change tracking', () => {
  interface Read {
    readonly records: string[]
    readonly deleted: string[]
    readonly link: string
    readonly pages: number
  }

  async function follow(start: string, between: (page: number) => void = () => undefined): Promise<Read> {
    const records: string[] = []
    const deleted: string[] = []
    let link = start
    for (let pages = 1; ; pages += 1) {
      const { status, body } = await get(link, 'odata.track-changes,odata.maxpagesize=2')
      expect(status).toBe(200)
      for (const each of body.value) {
        if (each.reason === 'deleted') deleted.push(each.id)
        else records.push(each.name)
      }
      if (body['@odata.deltaLink'] !== undefined) {
        return { records, deleted, link: body['@odata.deltaLink'], pages }
      }
      between(pages)
      link = body['@odata.nextLink']
    }
  }

  const start = '/opportunities?$select=name'
  const insert = (name: string) => simulator.insert('opportunity', { name })

  it('gives everything at first, then the newest state of what changed, then what was deleted', async () => {
    const [a, b] = [insert('a'), insert('b'), insert('c')]
    const first = await follow(start)
    expect(first).toMatchObject({ records: ['a', 'b', 'c'], deleted: [], pages: 2 })
    simulator.update('opportunity', a, { name: 'a2' })
    simulator.update('opportunity', a, { name: 'a3' })
    simulator.remove('opportunity', b)
    const brief = insert('brief')
    simulator.remove('opportunity', brief)
    const second = await follow(first.link)
    expect(second).toMatchObject({ records: ['a3'], deleted: [b, brief] })
    expect(await follow(second.link)).toMatchObject({ records: [], deleted: [] })
  })

  it('misses nothing that changes while pages are read', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'].map(insert)
    const first = await follow(start, (page) => {
      if (page === 1) simulator.update('opportunity', String(ids[4]), { name: 'e2' })
    })
    const second = await follow(first.link)
    expect([...first.records, ...second.records]).toContain('e2')
    simulator.remove('opportunity', String(ids[0]))
    simulator.undelete('opportunity', String(ids[0]))
    expect(await follow(second.link)).toMatchObject({ records: ['a'], deleted: [] })
  })

  it('says when a link has expired, by age and by force', async () => {
    insert('a')
    const { link } = await follow(start)
    now = new Date('2026-11-27T09:00:00Z')
    session = await openSession(simulator)
    expect((await get(link)).status).toBe(200)
    now = new Date('2026-11-27T10:00:01Z')
    session = await openSession(simulator)
    expect(await get(link)).toMatchObject({ status: 400, body: { error: { code: '0x80044352' } } })
    const fresh = await follow(start)
    simulator.expireDeltaLinks()
    expect((await get(fresh.link)).body.error.code).toBe('0x80044352')
    expect((await get((await follow(start)).link)).status).toBe(200)
  })

  it.each(['$filter=statecode eq 0', '$orderby=name', '$top=5', '$expand=parentaccountid'])(
    'refuses %s',
    async (option) => {
      const answer = await get(`/opportunities?${option}`, 'odata.track-changes')
      expect(answer.status).toBe(400)
      expect(answer.body.error.message).toContain("isn't supported when Change Tracking is enabled")
    },
  )

  it('needs a tracked table and the right to read all of it', async () => {
    simulator.setChangeTracking('opportunity', false)
    expect((await get(start, 'odata.track-changes')).status).toBe(400)
    simulator.setChangeTracking('opportunity', true)
    simulator.setPrivilege('opportunity', 'read', 'user')
    expect((await get(start, 'odata.track-changes')).status).toBe(403)
    expect((await get(start)).status).toBe(200)
  })
})

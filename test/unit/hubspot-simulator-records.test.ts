import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type Session } from '#test/simulators/hubspot/session.ts'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'

let simulator: HubspotSimulator
let session: Session
let now = new Date('2026-11-02T10:00:00.000Z')

beforeEach(async () => {
  now = new Date('2026-11-02T10:00:00.000Z')
  simulator = await startHubspotSimulator({ now: () => now })
  simulator.addProperty('deals', { name: 'prm_deal_id', type: 'string', hasUniqueValue: true })
  session = openSession(simulator)
})
afterEach(() => simulator.close())

const deals = '/crm/v3/objects/deals'
const upsert = (inputs: readonly unknown[], base = deals) => session.post(`${base}/batch/upsert`, { inputs })
const keyed = (id: string, properties: Record<string, unknown>, trace: string | null = id) => ({
  id,
  idProperty: 'prm_deal_id',
  properties,
  ...(trace === null ? {} : { objectWriteTraceId: trace }),
})

describe('values', () => {
  it('come back as text, whatever they were given as', async () => {
    const { body } = await session.post(deals, {
      properties: { dealname: 7, amount: 100.5, closedate: '2026-12-31', prm_deal_id: 'D-1' },
    })
    const read = await session.get(
      `${deals}/${body.id}?properties=amount,closedate,dealname,dealtype,no_such_one`,
    )
    expect(read.body.properties).toEqual({
      amount: '100.5',
      closedate: '2026-12-31T00:00:00Z',
      dealname: '7',
      dealtype: null,
      createdate: '2026-11-02T10:00:00Z',
      hs_lastmodifieddate: '2026-11-02T10:00:00Z',
      hs_object_id: body.id,
    })
  })

  it('are cleared by the empty text, and by nothing else', async () => {
    const id = simulator.insert('deals', { dealname: 'A', amount: '5' })
    expect((await session.patch(`${deals}/${id}`, { properties: { amount: null } })).status).toBe(400)
    await session.patch(`${deals}/${id}`, { properties: { amount: '' } })
    expect(simulator.get('deals', id)).toMatchObject({ dealname: 'A', amount: null })
  })

  it('are refused by name and code', async () => {
    const wrong: readonly (readonly [string, string, string])[] = [
      ['amount', '1,000', 'INVALID_INTEGER'],
      ['amount', ' 5', 'LEADING_TRAILING_WHITESPACE'],
      ['closedate', 'tomorrow', 'INVALID_LONG'],
      ['dealtype', 'barter', 'INVALID_OPTION'],
      ['dealstage', 'nowhere', 'INVALID_OPTION'],
      ['pipeline', 'nowhere', 'INVALID_OPTION'],
      ['hubspot_owner_id', '1', 'INVALID_OWNER_ID'],
      ['hs_is_closed', 'true', 'READ_ONLY_VALUE'],
      ['no_such_one', 'x', 'PROPERTY_DOESNT_EXIST'],
    ]
    for (const [name, value, code] of wrong) {
      const { status, body } = await session.post(deals, { properties: { [name]: value } })
      expect([status, body.category, body.errors[0].code, body.errors[0].context]).toEqual([
        400,
        'VALIDATION_ERROR',
        code,
        { propertyName: [name] },
      ])
      expect(body.message).toMatch(/^Property values were not valid: \[\{"isValid":false,/)
    }
    expect(simulator.list('deals')).toEqual([])
  })

  it('of a stage need its pipeline', async () => {
    const stages = [{ id: 'partner-new', label: 'New', probability: 0.1 }]
    simulator.setPipelines('deals', [
      { id: 'default', label: 'Sales', stages: [{ id: 'open', label: 'Open', probability: 0.5 }] },
      { id: 'partners', label: 'Partners', stages },
    ])
    const alone = await session.post(deals, { properties: { dealstage: 'partner-new' } })
    expect(alone.body.errors[0].code).toBe('INVALID_OPTION')
    const both = { dealstage: 'partner-new', pipeline: 'partners' }
    expect((await session.post(deals, { properties: both })).status).toBe(201)
  })
})

describe('what the portal works out by itself', () => {
  it('tells won, lost and open from the stage, and closes a deal on the day it is won', async () => {
    const id = simulator.insert('deals', { dealname: 'A', amount: '100', deal_currency_code: 'USD' })
    simulator.update('deals', id, { closedate: '2027-01-31', dealstage: 'contractsent' })
    expect(simulator.get('deals', id)).toMatchObject({ hs_is_closed: 'false', amount_in_home_currency: '90' })
    now = new Date('2026-11-05T08:00:00.000Z')
    await session.patch(`${deals}/${id}`, { properties: { dealstage: 'closedwon' } })
    expect(simulator.get('deals', id)).toMatchObject({
      hs_is_closed: 'true',
      hs_is_closed_won: 'true',
      hs_is_closed_lost: 'false',
      closedate: '2026-11-05T08:00:00Z',
    })
    const lost = { dealstage: 'closedlost', closedate: '2026-11-04' }
    await session.patch(`${deals}/${id}`, { properties: lost })
    expect(simulator.get('deals', id)).toMatchObject({
      hs_is_closed_won: 'false',
      hs_is_closed_lost: 'true',
      closedate: '2026-11-04T00:00:00Z',
    })
  })

  it('leaves stamp and history alone where a write changes nothing', async () => {
    const id = simulator.insert('deals', { dealname: 'A' })
    now = new Date('2026-11-02T11:00:00.000Z')
    await session.patch(`${deals}/${id}`, { properties: { dealname: 'A' } })
    expect(simulator.get('deals', id)).toMatchObject({ hs_lastmodifieddate: '2026-11-02T10:00:00Z' })
    expect(simulator.history('deals', id)).toHaveLength(1)
  })
})

describe('a batch', () => {
  it('writes what is in order and names the rest by trace id, in no order', async () => {
    const inputs = Array.from({ length: 20 }, (_, at) => keyed(`D-${at}`, { amount: at === 7 ? 'x' : at }))
    const { status, body } = await upsert(inputs)
    expect([status, body.status, body.numErrors]).toEqual([207, 'COMPLETE', 1])
    expect(body.errors[0].context.objectWriteTraceId).toEqual(['D-7'])
    const keys = body.results.map(
      (each: { properties: Record<string, string> }) => each.properties['prm_deal_id'],
    )
    const expected = inputs.map(({ id }) => id).filter((id) => id !== 'D-7')
    expect([...keys].sort()).toEqual([...expected].sort())
    expect(keys).not.toEqual(expected)
  })

  it('without trace ids is refused as a whole, and nothing is written', async () => {
    const { status, body } = await upsert([
      keyed('D-1', { amount: 1 }, null),
      keyed('D-2', { amount: 'x' }, null),
    ])
    expect([status, body.category]).toEqual([400, 'VALIDATION_ERROR'])
    expect(simulator.list('deals')).toEqual([])
  })

  it('is refused where two inputs lead to one record, by key or through a merge', async () => {
    const twice = await upsert([keyed('D-1', { amount: 1 }), keyed('D-1', { amount: 2 })])
    expect([twice.status, twice.body.context]).toEqual([400, { ids: ['D-1'] }])
    const [left = '', right = ''] = simulator.insertMany('deals', [{ dealname: 'L' }, { dealname: 'R' }])
    simulator.merge('deals', left, [right])
    const inputs = [left, right].map((id) => ({ id, properties: { amount: '1' } }))
    const merged = await session.post(`${deals}/batch/update`, { inputs })
    expect(merged.body.message).toMatch(/^Duplicate IDs found in batch input/)
    expect(simulator.list('deals')).toHaveLength(1)
  })

  it('says which ids it does not know, and carries out the rest', async () => {
    const id = simulator.insert('deals', { dealname: 'A' })
    const inputs = [id, '404'].map((each) => ({ id: each, properties: { amount: '1' } }))
    const update = await session.post(`${deals}/batch/update`, { inputs })
    expect([update.status, update.body.results.length]).toEqual([207, 1])
    expect(update.body.errors[0]).toMatchObject({ category: 'OBJECT_NOT_FOUND', context: { ids: ['404'] } })
    const read = await session.post(`${deals}/batch/read`, { inputs: [{ id }, { id: '404' }] })
    expect([read.status, read.body.errors[0].context.ids]).toEqual([207, ['404']])
  })

  it('has at most 100 inputs', async () => {
    const inputs = Array.from({ length: 101 }, (_, at) => keyed(`D-${at}`, {}))
    expect((await upsert(inputs)).status).toBe(400)
  })

  it('needs a property with unique values to find a record by', async () => {
    const inputs = [{ id: 'A', idProperty: 'dealname', properties: {} }]
    const { status, body } = await session.post(`${deals}/batch/upsert`, { inputs })
    expect([status, body.message]).toEqual([
      400,
      `Unable to perform update/upsert by non-unique 0-3 property dealname in portal ID ${simulator.organisationId}`,
    ])
    expect(
      (await session.post(`${deals}/batch/upsert`, { inputs: [{ id: '1', properties: {} }] })).status,
    ).toBe(400)
  })

  it('reads at most 50 records with the history of properties', async () => {
    const inputs = Array.from({ length: 51 }, (_, at) => ({ id: String(at) }))
    const asked = { inputs, properties: [], propertiesWithHistory: ['amount'] }
    expect((await session.post(`${deals}/batch/read`, asked)).status).toBe(400)
  })

  it('fails for the one record that a fault strikes', async () => {
    simulator.faults.add({ kind: 'record-error', nth: 2, operation: 'batch-upsert' })
    const { status, body } = await upsert(['D-1', 'D-2', 'D-3'].map((id) => keyed(id, { amount: 1 })))
    expect([status, body.errors[0].context.objectWriteTraceId]).toEqual([207, ['D-2']])
    expect(simulator.list('deals')).toHaveLength(2)
  })
})

describe('unique values', () => {
  it('are held by one live record', async () => {
    const id = simulator.insert('deals', { dealname: 'A', prm_deal_id: 'D-1' })
    const again = { properties: { prm_deal_id: 'D-1' } }
    const { status, body } = await session.post(deals, again)
    expect([status, body.category, body.errors[0].code]).toEqual([
      400,
      'VALIDATION_ERROR',
      'CONFLICTING_UNIQUE_VALUE',
    ])
    expect(body.message).toContain(`${id} already has that value`)
    simulator.remove('deals', id)
    expect((await session.post(deals, again)).status).toBe(201)
  })

  it('of e-mail addresses conflict in words of their own, whatever the case', async () => {
    const id = simulator.insert('contacts', { email: 'ann@acme.example' })
    const { status, body } = await session.post('/crm/v3/objects/contacts', {
      properties: { email: 'Ann@Acme.example' },
    })
    expect([status, body.category, body.message]).toEqual([
      409,
      'CONFLICT',
      `Contact already exists. Existing ID: ${id}`,
    ])
  })

  it('are taken within a batch too', async () => {
    const inputs = ['a', 'b'].map((trace) => ({
      objectWriteTraceId: trace,
      properties: { dealname: trace, prm_deal_id: 'D-1' },
    }))
    const { status, body } = await session.post(`${deals}/batch/create`, { inputs })
    expect([status, body.results.length, body.errors[0].context.objectWriteTraceId]).toEqual([207, 1, ['b']])
  })
})

describe('rules of an administrator', () => {
  it('about required properties bind the API from version 2026-09 on', async () => {
    simulator.setRequired('deals', 'closedate', true)
    const properties = { dealname: 'A' }
    expect((await session.post(deals, { properties })).status).toBe(201)
    expect((await session.post('/crm/objects/2026-03/deals', { properties })).status).toBe(201)
    const { status, body } = await session.post('/crm/objects/2026-09/deals', { properties })
    expect([status, body.category, body.errors[0].context.propertyName]).toEqual([
      400,
      'VALIDATION_ERROR',
      ['closedate'],
    ])
  })

  it('about what is required under a condition do so too', async () => {
    simulator.addValidationRule({
      object: 'deals',
      property: 'closed_won_reason',
      code: 'MISSING_REQUIRED_PROPERTY',
      binds: 'from-2026-09',
      check: ({ dealstage, closed_won_reason }) =>
        dealstage === 'closedwon' && closed_won_reason === undefined ? 'Say why it was won' : null,
    })
    const [a = '', b = ''] = simulator.insertMany('deals', [{ dealname: 'A' }, { dealname: 'B' }])
    const won = { properties: { dealstage: 'closedwon' } }
    const { status, body } = await session.patch(`/crm/objects/2026-09/deals/${a}`, won)
    expect([status, body.errors[0].code]).toEqual([400, 'MISSING_REQUIRED_PROPERTY'])
    expect((await session.patch(`/crm/objects/2026-03/deals/${b}`, won)).status).toBe(200)
  })

  it('about values bind every version', async () => {
    const remove = simulator.addValidationRule({
      object: 'deals',
      property: 'dealname',
      code: 'INVALID_ALPHA',
      check: ({ dealname }) =>
        dealname === undefined || /^[a-z ]*$/i.test(dealname) ? null : 'Enter only letters',
    })
    const { body } = await session.post(deals, { properties: { dealname: 'A1' } })
    expect(body.errors[0]).toMatchObject({ code: 'INVALID_ALPHA', message: 'Enter only letters' })
    remove()
    expect((await session.post(deals, { properties: { dealname: 'A1' } })).status).toBe(201)
  })

  it('take a property and its values away', async () => {
    const id = simulator.insert('deals', { dealname: 'A', prm_deal_id: 'D-1' })
    simulator.removeField('deals', 'prm_deal_id')
    expect((await upsert([keyed('D-1', { amount: 1 })])).status).toBe(400)
    const write = await session.patch(`${deals}/${id}`, { properties: { prm_deal_id: 'D-2' } })
    expect(write.body.errors[0].code).toBe('PROPERTY_DOESNT_EXIST')
    const read = await session.get(`${deals}/${id}?properties=prm_deal_id`)
    expect(read.body.properties).not.toHaveProperty('prm_deal_id')
  })

  it('replace the options of a choice, and records keep theirs', async () => {
    const id = simulator.insert('deals', { dealname: 'A', dealtype: 'newbusiness' })
    simulator.setOptions('deals', 'dealtype', ['renewal'])
    const write = await session.patch(`${deals}/${id}`, { properties: { dealtype: 'newbusiness' } })
    expect(write.body.errors[0].code).toBe('INVALID_OPTION')
    expect(simulator.get('deals', id)).toMatchObject({ dealtype: 'newbusiness' })
  })
})

describe('records that go', () => {
  it('are archived: unknown to reads, listed on request, restored by a person', async () => {
    const [id = ''] = simulator.insertMany('deals', [{ dealname: 'A' }, { dealname: 'B' }])
    now = new Date('2026-11-03T09:30:00.000Z')
    simulator.remove('deals', id)
    expect((await session.get(`${deals}/${id}`)).status).toBe(404)
    expect((await session.get(`${deals}/${id}?archived=true`)).body.archivedAt).toBe('2026-11-03T09:30:00Z')
    expect((await session.patch(`${deals}/${id}`, { properties: { amount: '1' } })).status).toBe(404)
    const archived = await session.get(`${deals}?archived=true`)
    expect(archived.body.results.map((each: { id: string }) => each.id)).toEqual([id])
    expect((await session.delete(`${deals}/${id}`)).status).toBe(204)
    simulator.undelete('deals', id)
    expect((await session.get(`${deals}/${id}`)).body.archived).toBe(false)
  })

  it('are merged into a new record that answers for both old ids', async () => {
    const left = simulator.insert('deals', { dealname: 'L', amount: '5', prm_deal_id: 'D-1' })
    const right = simulator.insert('deals', {
      dealname: 'R',
      description: 'from the right',
      prm_deal_id: 'D-2',
    })
    const merged = simulator.merge('deals', left, [right])
    for (const old of [left, right]) {
      const { body } = await session.get(
        `${deals}/${old}?properties=dealname,amount,description,hs_merged_object_ids`,
      )
      expect(body).toMatchObject({
        id: merged,
        properties: {
          dealname: 'L',
          amount: '5',
          description: 'from the right',
          hs_merged_object_ids: `${left};${right}`,
        },
      })
    }
    const read = await session.post(`${deals}/batch/read`, { inputs: [{ id: left }, { id: right }] })
    expect([read.status, read.body.results.map((each: { id: string }) => each.id)]).toEqual([200, [merged]])
    expect((await session.get(`${deals}?archived=true`)).body.results).toEqual([])
    const byKey = await session.post(`${deals}/batch/read`, {
      idProperty: 'prm_deal_id',
      inputs: [{ id: 'D-1' }, { id: 'D-2' }],
    })
    expect(byKey.body.errors[0].context.ids).toEqual(['D-2'])
  })

  it('are merged over the API as well', async () => {
    const [left = '', right = ''] = simulator.insertMany('companies', [{ name: 'L' }, { name: 'R' }])
    const { status, body } = await session.post('/crm/v3/objects/companies/merge', {
      primaryObjectId: left,
      objectIdToMerge: right,
    })
    expect(status).toBe(200)
    expect([left, right]).not.toContain(body.id)
  })
})

describe('lists', () => {
  it('go through all live records once, whatever the object is called', async () => {
    const ids = simulator.insertMany(
      'deals',
      Array.from({ length: 25 }, (_, at) => ({ dealname: `D ${at}` })),
    )
    simulator.remove('deals', ids[3] ?? '')
    for (const name of ['deals', 'deal', '0-3']) {
      const seen: string[] = []
      let after = ''
      do {
        const { body } = await session.get(`/crm/objects/2026-03/${name}?limit=10${after}`)
        seen.push(...body.results.map((each: { id: string }) => each.id))
        after = body.paging === undefined ? '' : `&after=${body.paging.next.after}`
      } while (after !== '')
      expect(seen).toEqual(ids.filter((_, at) => at !== 3))
    }
  })

  it('answer at most 100 records, and know their objects', async () => {
    expect((await session.get(`${deals}?limit=101`)).status).toBe(400)
    const unknown = await session.get('/crm/v3/objects/gizmos')
    expect([unknown.status, unknown.body.message]).toEqual([400, 'Unable to infer object type from: gizmos'])
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type Session } from '#test/simulators/hubspot/session.ts'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'

let simulator: HubspotSimulator
let session: Session

beforeEach(async () => {
  simulator = await startHubspotSimulator()
  session = openSession(simulator)
})
afterEach(() => simulator.close())

const property = (name: string, rest: Record<string, unknown> = {}) => ({
  name,
  label: name,
  type: 'string',
  fieldType: 'text',
  groupName: 'dealinformation',
  ...rest,
})

describe('properties', () => {
  it('are created with unique values, ten at most, and never twice', async () => {
    const create = (body: unknown) => session.post('/crm/v3/properties/deals', body)
    for (let at = 0; at < 10; at += 1)
      expect((await create(property(`prm_${at}`, { hasUniqueValue: true }))).status).toBe(201)
    expect((await create(property('prm_10', { hasUniqueValue: true }))).status).toBe(400)
    const again = await create(property('prm_1'))
    expect([again.status, again.body.category]).toEqual([409, 'OBJECT_ALREADY_EXISTS'])
    expect((await create(property('Prm_Upper'))).status).toBe(400)
    expect((await create(property('prm_lost', { groupName: 'nowhere' }))).status).toBe(400)
    expect((await create(property('prm_mixed', { fieldType: 'checkbox' }))).status).toBe(400)
    expect((await create(property('prm_bare', { type: 'enumeration', fieldType: 'select' }))).status).toBe(
      400,
    )
  })

  it('are described with what may be written', async () => {
    const { body } = await session.get('/crm/properties/2026-03/deals/hs_is_closed_won')
    expect(body).toMatchObject({
      type: 'bool',
      calculated: true,
      modificationMetadata: { readOnlyValue: true, archivable: false },
    })
    const owner = await session.get('/crm/v3/properties/deals/hubspot_owner_id')
    expect(owner.body).toMatchObject({ externalOptions: true, referencedObjectType: 'OWNER', options: [] })
    expect((await session.get('/crm/v3/properties/deals/nothing')).status).toBe(404)
    expect((await session.get('/crm/v3/properties/gizmos')).status).toBe(400)
  })

  it('are read, created and archived in batches', async () => {
    const made = await session.post('/crm/v3/properties/deals/batch/create', {
      inputs: [property('prm_a'), property('dealname')],
    })
    expect([made.status, made.body.results.length, made.body.errors[0].category]).toEqual([
      207,
      1,
      'OBJECT_ALREADY_EXISTS',
    ])
    const read = await session.post('/crm/v3/properties/deals/batch/read', { inputs: [{ name: 'prm_a' }] })
    expect([read.status, read.body.results[0].name]).toEqual([200, 'prm_a'])
    await session.post('/crm/v3/properties/deals/batch/archive', { inputs: [{ name: 'prm_a' }] })
    expect((await session.get('/crm/v3/properties/deals/prm_a')).status).toBe(404)
  })

  it('change, unless they are the vendor’s own', async () => {
    await session.post(
      '/crm/v3/properties/deals',
      property('prm_kind', {
        type: 'enumeration',
        fieldType: 'select',
        options: [{ label: 'A', value: 'a' }],
      }),
    )
    const options = [
      { label: 'A', value: 'a' },
      { label: 'B', value: 'b' },
    ]
    await session.patch('/crm/v3/properties/deals/prm_kind', { options })
    expect((await session.post('/crm/v3/objects/deals', { properties: { prm_kind: 'b' } })).status).toBe(201)
    expect((await session.patch('/crm/v3/properties/deals/amount', { label: 'X' })).status).toBe(403)
    expect((await session.delete('/crm/v3/properties/deals/amount')).status).toBe(403)
  })

  it('are in groups', async () => {
    const group = { name: 'prm', label: 'Partners', displayOrder: 3 }
    expect((await session.post('/crm/v3/properties/deals/groups', group)).status).toBe(201)
    expect((await session.post('/crm/v3/properties/deals/groups', group)).status).toBe(409)
    const created = await session.post('/crm/v3/properties/deals', property('prm_x', { groupName: 'prm' }))
    expect(created.body.groupName).toBe('prm')
    const { body } = await session.get('/crm/v3/properties/deals/groups')
    expect(body.results.map((each: { name: string }) => each.name)).toEqual(['dealinformation', 'prm'])
  })
})

describe('the account', () => {
  it('tells its id, currencies and usage', async () => {
    const { body } = await session.get('/account-info/2026-03/details')
    expect(body).toMatchObject({ portalId: Number(simulator.organisationId), companyCurrency: 'EUR' })
    const usage = await session.get('/account-info/v3/api-usage/daily/private-apps')
    expect(usage.body.results[0]).toMatchObject({ usageLimit: 650_000, currentUsage: 2 })
  })

  it('finds owners by e-mail address whatever the case, and hides those who left', async () => {
    const id = simulator.addOwner({ email: 'paul.partner@vendor.example' })
    const left = simulator.addOwner({ email: 'gone@vendor.example', archived: true })
    const found = await session.get('/crm/v3/owners/?email=Paul.Partner@vendor.example')
    expect(found.body.results).toMatchObject([{ id, firstName: 'paul', lastName: 'partner' }])
    expect((await session.get('/crm/v3/owners?email=gone@vendor.example')).body.results).toEqual([])
    const archived = await session.get('/crm/owners/2026-03?archived=true')
    expect(archived.body.results.map((each: { id: string }) => each.id)).toEqual([left])
    expect((await session.get(`/crm/v3/owners/${id}`)).body.email).toBe('paul.partner@vendor.example')
    const first = await session.get('/crm/v3/owners?limit=1')
    expect(first.body.paging.next.after).toBe(first.body.results[0].id)
  })

  it('lists pipelines with stages as texts', async () => {
    const { body } = await session.get('/crm/pipelines/2026-03/deals/default/stages')
    expect(body.results.at(-1)).toMatchObject({
      id: 'closedlost',
      metadata: { isClosed: 'true', probability: '0.0' },
    })
    expect((await session.get('/crm/v3/pipelines/deals/nowhere')).status).toBe(404)
  })
})

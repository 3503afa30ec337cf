import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type Session } from '#test/simulators/hubspot/session.ts'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'

let simulator: HubspotSimulator
let session: Session
let deal = ''
let acme = ''
let other = ''

beforeEach(async () => {
  simulator = await startHubspotSimulator()
  session = openSession(simulator)
  deal = simulator.insert('deals', { dealname: 'A' })
  acme = simulator.insert('companies', { name: 'Acme' })
  other = simulator.insert('companies', { name: 'Other' })
})
afterEach(() => simulator.close())

const defined = (associationTypeId: number) => ({ associationCategory: 'HUBSPOT_DEFINED', associationTypeId })
const read = async (id = deal) => {
  const { body } = await session.get(`/crm/v4/objects/deals/${id}/associations/companies`)
  return body.results.map((each: { toObjectId: string; associationTypes: { typeId: number }[] }) => [
    each.toObjectId,
    each.associationTypes.map(({ typeId }) => typeId).sort((left, right) => left - right),
  ])
}

describe('associations', () => {
  it('add labels and keep one company primary', async () => {
    await session.put(`/crm/v4/objects/deals/${deal}/associations/companies/${acme}`, [defined(5)])
    expect(await read()).toEqual([[acme, [5, 341]]])
    await session.put(`/crm/objects/2026-09/deals/${deal}/associations/companies/${other}`, [defined(341)])
    expect(await read()).toEqual([
      [acme, [5, 341]],
      [other, [341]],
    ])
    await session.put(`/crm/v4/objects/0-3/${deal}/associations/0-2/${other}`, [defined(5)])
    expect(await read()).toEqual([
      [acme, [341]],
      [other, [5, 341]],
    ])
    expect(simulator.get('deals', deal)).toMatchObject({ hs_primary_associated_company: other })
    expect(simulator.get('companies', other)).toMatchObject({ num_associated_deals: '1' })
    expect(simulator.associated(other, 6)).toEqual([deal])
  })

  it('are refused where the type does not lead there, or nobody is there', async () => {
    const path = `/crm/v4/objects/deals/${deal}/associations/companies`
    expect((await session.put(`${path}/${acme}`, [defined(3)])).status).toBe(400)
    expect((await session.put(`${path}/404`, [defined(5)])).status).toBe(404)
    const created = await session.post('/crm/v3/objects/deals', {
      properties: { dealname: 'B' },
      associations: [{ to: { id: '404' }, types: [defined(5)] }],
    })
    expect(created.status).toBe(400)
    expect(simulator.list('deals')).toHaveLength(1)
  })

  it('are read and written in batches, each on its own', async () => {
    const lonely = simulator.insert('deals', { dealname: 'Lonely' })
    const pair = (from: string, to: string) => ({ from: { id: from }, to: { id: to }, types: [defined(5)] })
    const written = await session.post('/crm/v4/associations/deals/companies/batch/create', {
      inputs: [pair(deal, acme), pair(lonely, '404')],
    })
    expect([written.status, written.body.results.length, written.body.numErrors]).toEqual([207, 1, 1])
    const answer = await session.post('/crm/associations/2026-03/deals/companies/batch/read', {
      inputs: [{ id: deal }, { id: lonely }],
    })
    expect(answer.status).toBe(207)
    expect(answer.body.results).toMatchObject([{ from: { id: deal }, to: [{ toObjectId: acme }] }])
    expect(answer.body.errors[0]).toMatchObject({
      category: 'OBJECT_NOT_FOUND',
      context: { fromObjectId: [lonely] },
    })
    await session.post('/crm/v4/associations/deals/companies/batch/archive', {
      inputs: [{ from: { id: deal }, to: [{ id: acme }] }],
    })
    expect(await read()).toEqual([])
  })

  it('lose single labels and keep the rest', async () => {
    simulator.associate(deal, acme, 5)
    await session.post('/crm/v4/associations/deals/companies/batch/labels/archive', {
      inputs: [{ from: { id: deal }, to: { id: acme }, types: [defined(5)] }],
    })
    expect(await read()).toEqual([[acme, [341]]])
    expect(simulator.get('deals', deal)).toMatchObject({ hs_primary_associated_company: null })
  })

  it('move to the merged record', async () => {
    const second = simulator.insert('deals', { dealname: 'B' })
    simulator.associate(deal, acme, 5)
    simulator.associate(second, other, 5)
    const merged = simulator.merge('deals', deal, [second])
    expect(await read(merged)).toEqual([
      [acme, [5, 341]],
      [other, [341]],
    ])
  })

  it('follow a merged company', async () => {
    simulator.associate(deal, acme, 5)
    const merged = simulator.merge('companies', acme, [other])
    expect(await read()).toEqual([[merged, [5, 341]]])
    expect(simulator.get('deals', deal)).toMatchObject({ hs_primary_associated_company: merged })
  })

  it('carry labels that the portal made, under names of their own', async () => {
    const labels = '/crm/associations/2026-03/deals/companies/labels'
    const made = await session.post(labels, {
      label: 'Referred by',
      name: 'referred_by',
      inverseLabel: 'Referred',
    })
    expect(made.body.results.map(({ label }: { label: string }) => label)).toEqual([
      'Referred by',
      'Referred',
    ])
    const { typeId, category } = made.body.results[0]
    expect(category).toBe('USER_DEFINED')
    expect((await session.post(labels, { label: 'Referred by', name: 'referred_by' })).status).toBe(409)
    const path = `/crm/v4/objects/deals/${deal}/associations/companies/${acme}`
    expect((await session.put(path, [defined(typeId)])).status).toBe(400)
    const own = { associationCategory: 'USER_DEFINED', associationTypeId: typeId }
    expect((await session.put(path, [own])).status).toBe(201)
    expect(await read()).toEqual([[acme, [341, typeId]]])
    await session.put(labels, { associationTypeId: typeId, label: 'Brought by' })
    const { body } = await session.get(labels)
    expect(body.results.at(-1)).toEqual({ category: 'USER_DEFINED', typeId, label: 'Brought by' })
    expect((await session.delete(`${labels}/5`)).status).toBe(403)
    expect((await session.delete(`${labels}/${typeId}`)).status).toBe(204)
    expect(await read()).toEqual([[acme, [341]]])
  })

  it('name their types', async () => {
    const { body } = await session.get('/crm/v4/associations/deals/companies/labels')
    expect(body.results).toEqual([
      { category: 'HUBSPOT_DEFINED', typeId: 5, label: 'Primary' },
      { category: 'HUBSPOT_DEFINED', typeId: 341, label: null },
    ])
  })
})

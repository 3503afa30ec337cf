/** The vendor's own client talks to the simulator: what it sends is understood, what comes back it can read. */
import { Client } from '@hubspot/api-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'

let simulator: HubspotSimulator
let client: Client

beforeEach(async () => {
  simulator = await startHubspotSimulator()
  simulator.addProperty('deals', { name: 'prm_deal_id', type: 'string', hasUniqueValue: true })
  client = new Client({
    accessToken: simulator.accessToken,
    basePath: simulator.url,
    numberOfApiCallRetries: 0,
  })
})
afterEach(() => simulator.close())

const deals = () => client.crm.deals
const companies = () => client.crm.companies
const primary = 5

describe("the vendor's client", () => {
  it('creates, reads, changes and archives a deal', async () => {
    const company = await companies().basicApi.create({ properties: { name: 'Acme' } })
    const created = await deals().basicApi.create({
      properties: {
        dealname: 'Acme',
        amount: '100.50',
        dealstage: 'appointmentscheduled',
        prm_deal_id: 'D-1',
      },
      associations: [
        {
          to: { id: company.id },
          types: [{ associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: primary }],
        },
      ],
    })
    const read = await deals().basicApi.getById(
      'D-1',
      ['amount', 'hs_is_closed'],
      ['amount'],
      ['companies'],
      false,
      'prm_deal_id',
    )
    expect(read.id).toBe(created.id)
    expect(read.properties).toMatchObject({ amount: '100.50', hs_is_closed: 'false' })
    expect(read.createdAt).toBeInstanceOf(Date)
    expect(read.associations?.['companies']?.results.map(({ id }) => id)).toContain(company.id)
    expect(read.propertiesWithHistory?.['amount']?.[0]).toMatchObject({
      value: '100.50',
      sourceType: 'INTEGRATION',
    })
    await deals().basicApi.update('D-1', { properties: { amount: '7' } }, 'prm_deal_id')
    expect((await deals().basicApi.getById(created.id, ['amount'])).properties['amount']).toBe('7')
    await deals().basicApi.archive(created.id)
    await expect(deals().basicApi.getById(created.id)).rejects.toMatchObject({
      code: 404,
      body: { category: 'OBJECT_NOT_FOUND' },
    })
    const archived = await deals().basicApi.getPage(10, undefined, undefined, undefined, undefined, true)
    expect(archived.results.map(({ id, archived: gone }) => [id, gone])).toEqual([[created.id, true]])
  })

  it('upserts a batch by our key and reads the result of each', async () => {
    const known = simulator.insert('deals', { dealname: 'Known', prm_deal_id: 'D-1' })
    const answer = await deals().batchApi.upsert({
      inputs: ['D-1', 'D-2', 'D-3'].map((id) => ({
        id,
        idProperty: 'prm_deal_id',
        objectWriteTraceId: id,
        properties: { amount: id === 'D-3' ? 'much' : '10' },
      })),
    })
    expect(answer).toMatchObject({ status: 'COMPLETE', numErrors: 1 })
    const settled = new Map(answer.results.map((each) => [each.properties['prm_deal_id'], each]))
    expect(settled.get('D-1')).toMatchObject({ id: known, _new: false })
    expect(settled.get('D-2')).toMatchObject({ _new: true })
    const [error] = 'errors' in answer ? (answer.errors ?? []) : []
    expect(error).toMatchObject({ category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['D-3'] } })
    expect(error?.errors[0]).toMatchObject({ code: 'INVALID_INTEGER' })
  })

  it('reads a batch by our key and learns which are missing', async () => {
    simulator.insert('deals', { dealname: 'Known', prm_deal_id: 'D-1' })
    const answer = await deals().batchApi.read({
      idProperty: 'prm_deal_id',
      inputs: [{ id: 'D-1' }, { id: 'D-9' }],
      properties: ['dealname'],
      propertiesWithHistory: [],
    })
    expect(answer.results.map(({ properties }) => properties['dealname'])).toEqual(['Known'])
    expect(answer).toMatchObject({
      numErrors: 1,
      errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['D-9'] } }],
    })
  })

  it('searches', async () => {
    simulator.insertMany('deals', [
      { dealname: 'A', amount: '5' },
      { dealname: 'B', amount: '50' },
    ])
    const answer = await deals().searchApi.doSearch({
      filterGroups: [{ filters: [{ propertyName: 'amount', operator: 'GTE' as never, value: '10' }] }],
      sorts: ['hs_lastmodifieddate'],
      properties: ['dealname'],
      limit: 100,
    })
    expect(answer.total).toBe(1)
    expect(answer.results[0]?.properties['dealname']).toBe('B')
  })

  it('describes properties, creates one, and lists pipelines and owners', async () => {
    const made = await client.crm.properties.coreApi.create('deals', {
      name: 'prm_partner',
      label: 'Partner',
      type: 'string' as never,
      fieldType: 'text' as never,
      groupName: 'dealinformation',
      hasUniqueValue: true,
    })
    expect(made).toMatchObject({ name: 'prm_partner', hasUniqueValue: true, archived: false })
    const all = await client.crm.properties.coreApi.getAll('0-3')
    expect(all.results.map(({ name }) => name)).toEqual(expect.arrayContaining(['dealname', 'prm_partner']))
    const stage = all.results.find(({ name }) => name === 'dealstage')
    expect(stage?.options.map(({ value }) => value)).toContain('closedwon')
    expect(stage?.modificationMetadata?.readOnlyValue).toBe(false)
    const pipelines = await client.crm.pipelines.pipelinesApi.getAll('deals')
    expect(pipelines.results[0]?.stages.find(({ id }) => id === 'closedwon')?.metadata).toEqual({
      isClosed: 'true',
      probability: '1.0',
    })
    const owners = await client.crm.owners.ownersApi.getPage('rita.sales@vendor.example')
    expect(owners.results).toMatchObject([{ firstName: 'Rita', archived: false }])
  })

  it('associates and reads associations of version 4', async () => {
    const deal = simulator.insert('deals', { dealname: 'A' })
    const company = simulator.insert('companies', { name: 'Acme' })
    await client.crm.associations.v4.basicApi.create('deals', deal, 'companies', company, [
      { associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: primary },
    ])
    const read = await client.crm.associations.v4.batchApi.getPage('deals', 'companies', {
      inputs: [{ id: deal }],
    })
    expect(read.results[0]).toMatchObject({ _from: { id: deal }, to: [{ toObjectId: company }] })
    expect(read.results[0]?.to[0]?.associationTypes.map(({ typeId }) => typeId).sort()).toEqual([341, 5])
    await client.crm.associations.v4.basicApi.archive('deals', deal, 'companies', company)
    const left = await client.crm.associations.v4.basicApi.getPage('deals', deal, 'companies')
    expect(left.results).toEqual([])
  })

  it('signs in with the refresh token', async () => {
    const { clientId, clientSecret, refreshToken } = simulator.credentials
    const tokens = await client.oauth.tokensApi.create(
      'refresh_token',
      undefined,
      undefined,
      clientId,
      clientSecret,
      refreshToken,
    )
    expect(tokens).toMatchObject({ refreshToken, expiresIn: 1_800, tokenType: 'bearer' })
    const about = await client.oauth.accessTokensApi.get(tokens.accessToken)
    expect(String(about.hubId)).toBe(simulator.organisationId)
    expect(String(about.userId)).toBe(simulator.integrationUserId)
    client.setAccessToken(tokens.accessToken)
    expect((await deals().basicApi.getPage()).results).toEqual([])
  })

  it('reads the body of a refusal', async () => {
    await expect(
      deals().basicApi.create({ properties: { dealstage: 'nowhere' }, associations: [] }),
    ).rejects.toMatchObject({
      code: 400,
      body: { category: 'VALIDATION_ERROR', errors: [{ code: 'INVALID_OPTION' }] },
    })
  })
})

import { Connection } from 'jsforce'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'

let simulator: SalesforceSimulator
let connection: Connection

async function connect(): Promise<Connection> {
  const { url, credentials } = simulator
  const made = new Connection({
    loginUrl: url,
    version: '62.0',
    oauth2: { loginUrl: url, clientId: credentials.clientId, clientSecret: credentials.clientSecret },
  })
  await made.authorize({ grant_type: 'client_credentials' })
  return made
}

beforeEach(async () => {
  simulator = await startSalesforceSimulator()
  connection = await connect()
})

afterEach(() => simulator.close())

const deal = (key: string, fields: Record<string, unknown> = {}) => ({
  Name: `Deal ${key}`,
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
  PRM_Deal_Id__c: key,
  ...fields,
})

describe('through jsforce', () => {
  it('logs in with client credentials and says who we are over there', async () => {
    const identity = await connection.identity()
    expect(identity.organization_id).toBe(simulator.organisationId)
    expect(identity.user_id).toBe(simulator.integrationUserId)
    expect(connection.limitInfo.apiUsage?.limit).toBeUndefined()
    await connection.request('/limits')
    expect(connection.limitInfo.apiUsage).toEqual({ used: 1, limit: 100_000 })
  })

  it('creates, reads, updates and deletes one record', async () => {
    const created = await connection.sobject('Opportunity').create(deal('d-1', { Amount: 10.005 }))
    expect(created).toMatchObject({ success: true, id: expect.stringMatching(/^006.{15}$/) })
    const id = String(created.id)
    const read = await connection.sobject('Opportunity').retrieve(id)
    expect(read).toMatchObject({ Amount: 10.01, Probability: 10, IsWon: false, ExpectedRevenue: 1 })
    await connection.sobject('Opportunity').update({ Id: id, StageName: 'Closed Won' })
    expect(simulator.get('Opportunity', id)).toMatchObject({
      IsWon: true,
      IsClosed: true,
      Probability: 100,
      LastModifiedById: simulator.integrationUserId,
    })
    await connection.sobject('Opportunity').destroy(id)
    expect(simulator.get('Opportunity', id)).toMatchObject({ IsDeleted: true })
    await expect(connection.sobject('Opportunity').retrieve(id)).rejects.toMatchObject({
      errorCode: 'ENTITY_IS_DELETED',
    })
  })

  it('settles each record of a collection on its own', async () => {
    const results = await connection
      .sobject('Opportunity')
      .create([deal('d-1'), { Name: 'No stage', CloseDate: '2026-12-31' }, deal('D-1')], { allOrNone: false })
    expect(results.map((result) => result.success)).toEqual([true, false, false])
    expect(results[1]?.errors[0]).toMatchObject({
      statusCode: 'REQUIRED_FIELD_MISSING',
      fields: ['StageName'],
    })
    expect(results[2]?.errors[0]).toMatchObject({ statusCode: 'DUPLICATE_VALUE' })
  })

  it('creates, then updates, by external id', async () => {
    const first = await connection
      .sobject('Opportunity')
      .upsert([deal('d-1'), deal('d-2')], 'PRM_Deal_Id__c', { allOrNone: false })
    const second = await connection
      .sobject('Opportunity')
      .upsert([deal('D-1', { Amount: 5 })], 'PRM_Deal_Id__c')
    expect(first.map((result) => result.success)).toEqual([true, true])
    expect(second[0]).toMatchObject({ success: true, id: first[0]?.id, created: false })
    expect(simulator.list('Opportunity')).toHaveLength(2)
  })

  it('pages a query of more than 2,000 records', async () => {
    simulator.insertMany(
      'Account',
      Array.from({ length: 4500 }, (_, index) => ({ Name: `Account ${index}` })),
    )
    const first = await connection.query('SELECT Id, Name FROM Account ORDER BY SystemModstamp, Id')
    expect(first).toMatchObject({ totalSize: 4500, done: false })
    const second = await connection.queryMore(String(first.nextRecordsUrl))
    const third = await connection.queryMore(String(second.nextRecordsUrl))
    expect([first, second, third].map((page) => page.records.length)).toEqual([2000, 2000, 500])
    expect(third.done).toBe(true)
    expect(third.records.at(-1)?.['Name']).toBe('Account 4499')
  })

  it('describes its fields', async () => {
    const described = await connection.describe('Opportunity')
    const stage = described.fields.find((field) => field.name === 'StageName')
    expect(stage).toMatchObject({ type: 'picklist', nillable: false, createable: true })
    expect(stage?.picklistValues).toContainEqual(expect.objectContaining({ value: 'Closed Won' }))
    const won = described.fields.find((field) => field.name === 'IsWon')
    expect(won).toMatchObject({ type: 'boolean', updateable: false })
  })
})

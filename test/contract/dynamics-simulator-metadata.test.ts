import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawSession } from '#test/simulators/dynamics/session.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

let simulator: DynamicsSimulator
let session: RawSession
let now: Date

beforeEach(async () => {
  now = new Date('2026-11-20T10:00:00Z')
  simulator = await startDynamicsSimulator({ now: () => now, prepared: false, keyBuildMs: 60_000 })
  session = await openSession(simulator)
})

afterEach(() => simulator.close())

const opportunity = "/EntityDefinitions(LogicalName='opportunity')"
const label = (text: string) => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.Label',
  LocalizedLabels: [
    { '@odata.type': 'Microsoft.Dynamics.CRM.LocalizedLabel', Label: text, LanguageCode: 1033 },
  ],
})
const attribute = (kind: string, schemaName: string, more: object = {}) => ({
  '@odata.type': `Microsoft.Dynamics.CRM.${kind}AttributeMetadata`,
  SchemaName: schemaName,
  DisplayName: label(schemaName),
  RequiredLevel: { Value: 'None', CanBeChanged: true },
  ...more,
})
const post = (path: string, body: unknown) => session.send('POST', path, body)
const get = (path: string) => session.send('GET', path)

describe('definitions', () => {
  it('of tables are listed, filtered and read by name', async () => {
    const { body } = await get(
      '/EntityDefinitions?$select=LogicalName,EntitySetName&$filter=ChangeTrackingEnabled eq true',
    )
    expect(body.value).toContainEqual(
      expect.objectContaining({ LogicalName: 'contact', EntitySetName: 'contacts' }),
    )
    const one = await get(`${opportunity}?$select=EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled`)
    expect(one.body).toMatchObject({
      EntitySetName: 'opportunities',
      PrimaryIdAttribute: 'opportunityid',
      ChangeTrackingEnabled: false,
    })
    expect(one.body.SchemaName).toBeUndefined()
    const none = await get("/EntityDefinitions(LogicalName='nothing')")
    expect(none).toMatchObject({ status: 404, body: { error: { code: '0x80040217' } } })
    expect((await get(`${opportunity}?$select=Foo`)).status).toBe(400)
  })

  it('of attributes tell type, length, requirement and what may be written', async () => {
    const { body } = await get(
      `${opportunity}/Attributes?$select=LogicalName,AttributeType,IsValidForCreate,RequiredLevel`,
    )
    const find = (name: string) =>
      body.value.find((each: { LogicalName: string }) => each.LogicalName === name)
    expect(find('name')).toMatchObject({
      '@odata.type': '#Microsoft.Dynamics.CRM.StringAttributeMetadata',
      AttributeType: 'String',
      RequiredLevel: { Value: 'ApplicationRequired' },
    })
    expect(find('estimatedvalue_base')).toMatchObject({ AttributeType: 'Money', IsValidForCreate: false })
    expect(find('customerid')).toMatchObject({ AttributeType: 'Customer' })
    const name = await get(`${opportunity}/Attributes(LogicalName='name')`)
    expect(name.body).toMatchObject({ LogicalName: 'name', MaxLength: 300 })
  })

  it('of choices bring their options where the type is named and they are expanded', async () => {
    const cast = `${opportunity}/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata`
    const { body } = await get(`${cast}?$select=LogicalName&$expand=OptionSet($select=Options)`)
    const [status] = body.value
    expect(status.OptionSet.Options.find((each: { Value: number }) => each.Value === 4)).toMatchObject({
      State: 2,
      Label: { UserLocalizedLabel: { Label: 'Canceled' } },
    })
    const plain = await get(`${cast}?$select=LogicalName`)
    expect(plain.body.value[0].OptionSet).toBeUndefined()
    const whole = await get(`${opportunity}/Attributes?$expand=OptionSet`)
    expect(whole.status).toBe(400)
  })

  it('of relationships tell how a lookup is bound', async () => {
    const { body } = await get(
      `${opportunity}/ManyToOneRelationships?$select=ReferencingEntityNavigationPropertyName,ReferencedEntity&$filter=ReferencingAttribute eq 'customerid'`,
    )
    expect(
      body.value.map((each: Record<string, string>) => [
        each['ReferencedEntity'],
        each['ReferencingEntityNavigationPropertyName'],
      ]),
    ).toEqual([
      ['account', 'customerid_account'],
      ['contact', 'customerid_contact'],
    ])
  })
})

describe('setting up', () => {
  it('adds columns that hold values at once', async () => {
    const text = await post(`${opportunity}/Attributes`, attribute('String', 'prm_DealId', { MaxLength: 64 }))
    expect(text.status).toBe(204)
    expect(text.headers.get('odata-entityid')).toMatch(/\/EntityDefinitions\([0-9a-f-]{36}\)\/Attributes\(/)
    const again = await post(
      `${opportunity}/Attributes`,
      attribute('String', 'prm_DealId', { MaxLength: 64 }),
    )
    expect(again).toMatchObject({ status: 400, body: { error: { code: '0x80047013' } } })
    const options = [{ Value: 100_000_000, Label: label('Draft') }]
    await post(
      `${opportunity}/Attributes`,
      attribute('Picklist', 'prm_Status', { OptionSet: { Options: options } }),
    )
    await post(`${opportunity}/Attributes`, attribute('DateTime', 'prm_End', { Format: 'DateOnly' }))
    await post(`${opportunity}/Attributes`, attribute('Money', 'prm_Fee'))
    const created = await session.send(
      'POST',
      '/opportunities',
      { prm_dealid: 'd-1', prm_status: 100_000_000, prm_end: '2026-12-31', prm_fee: 10 },
      { prefer: 'return=representation' },
    )
    expect(created.body).toMatchObject({ prm_dealid: 'd-1', prm_end: '2026-12-31', prm_fee_base: 10 })
  })

  it.each([
    ['no prefix', attribute('String', 'DealId', { MaxLength: 64 })],
    ['no length', attribute('String', 'prm_DealId')],
    ['no label', { ...attribute('String', 'prm_DealId', { MaxLength: 64 }), DisplayName: undefined }],
    ['a lookup', attribute('Lookup', 'prm_Partner')],
    ['no options', attribute('Picklist', 'prm_Status')],
  ])('refuses a column with %s', async (_what, body) => {
    expect(await post(`${opportunity}/Attributes`, body)).toMatchObject({
      status: 400,
      body: { error: { code: '0x80040203' } },
    })
  })

  it('adds a lookup with its relationship, bound by its schema name', async () => {
    const answer = await post('/RelationshipDefinitions', {
      '@odata.type': 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
      SchemaName: 'prm_account_opportunity_Partner',
      ReferencedEntity: 'account',
      ReferencedAttribute: 'accountid',
      ReferencingEntity: 'opportunity',
      Lookup: attribute('Lookup', 'prm_Partner'),
    })
    expect(answer.status).toBe(204)
    const account = simulator.insert('account', { name: 'Acme' })
    const body = { 'prm_Partner@odata.bind': `/accounts(${account})` }
    expect((await post('/opportunities', body)).status).toBe(204)
    expect(simulator.list('opportunity')[0]?.['prm_partner']).toBe(account)
  })

  it('adds a key that works once its index is built', async () => {
    await post(`${opportunity}/Attributes`, attribute('String', 'prm_DealId', { MaxLength: 64 }))
    const key = { SchemaName: 'prm_DealKey', DisplayName: label('Deal'), KeyAttributes: ['prm_dealid'] }
    expect((await post(`${opportunity}/Keys`, key)).status).toBe(204)
    const upsert = () => session.send('PATCH', "/opportunities(prm_dealid='d-1')", { name: 'x' })
    const state = async () =>
      (await get(`${opportunity}/Keys?$select=KeyAttributes,EntityKeyIndexStatus`)).body.value
    expect(await state()).toMatchObject([{ KeyAttributes: ['prm_dealid'], EntityKeyIndexStatus: 'Pending' }])
    expect((await upsert()).body.error.code).toBe('0x80060890')
    now = new Date(now.getTime() + 60_000)
    expect(await state()).toMatchObject([{ EntityKeyIndexStatus: 'Active' }])
    expect((await upsert()).status).toBe(204)
    const expanded = await get(`${opportunity}?$select=LogicalName&$expand=Keys($select=KeyAttributes)`)
    expect(expanded.body.Keys).toMatchObject([{ KeyAttributes: ['prm_dealid'] }])
  })

  it('fails to build a key over doubled values', async () => {
    simulator.insertMany('account', [{ accountnumber: '7' }, { accountnumber: '7' }])
    simulator.addKey('account', ['accountnumber'])
    const { body } = await get("/EntityDefinitions(LogicalName='account')/Keys")
    expect(body.value[0].EntityKeyIndexStatus).toBe('Failed')
  })

  it('turns change tracking on for good', async () => {
    const put = (on: boolean) =>
      session.send('PUT', opportunity, {
        '@odata.type': 'Microsoft.Dynamics.CRM.EntityMetadata',
        ChangeTrackingEnabled: on,
      })
    expect((await put(true)).status).toBe(204)
    const tracked = await session.send('GET', '/opportunities', undefined, { prefer: 'odata.track-changes' })
    expect(tracked.status).toBe(200)
    expect((await put(false)).status).toBe(400)
  })

  it('is for those who may customize', async () => {
    simulator.setPrivilege('opportunity', 'customize', 'none')
    const answer = await post(`${opportunity}/Attributes`, attribute('String', 'prm_X', { MaxLength: 5 }))
    expect(answer).toMatchObject({ status: 403, body: { error: { code: '0x80040220' } } })
  })
})

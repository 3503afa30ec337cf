import { describe, expect, it } from 'vitest'
import { attributesReplySchema, choicesReplySchema, toRemoteFields } from '#connectors/dynamics/fields.ts'
import { selectOf, toRecord } from '#connectors/dynamics/records.ts'
import { columnOf, tableReplySchema, toTable } from '#connectors/dynamics/table.ts'
import { ConnectorFault } from '#connectors/fault.ts'

const label = (text: string) => ({ UserLocalizedLabel: { Label: text } })
const attribute = (LogicalName: string, type: string, rest: object = {}) => ({
  LogicalName,
  AttributeType: type === 'MultiSelectPicklist' ? 'Virtual' : type,
  AttributeTypeName: { Value: `${type}Type` },
  AttributeOf: null,
  IsValidForRead: true,
  IsValidForCreate: true,
  IsValidForUpdate: true,
  RequiredLevel: { Value: 'None' },
  DisplayName: label(`Label of ${LogicalName}`),
  ...rest,
})
const attributes = [
  attribute('opportunityid', 'Uniqueidentifier', { RequiredLevel: { Value: 'SystemRequired' } }),
  attribute('name', 'String', { MaxLength: 300, RequiredLevel: { Value: 'ApplicationRequired' } }),
  attribute('prm_dealid', 'String', { MaxLength: 64, RequiredLevel: { Value: 'SystemRequired' } }),
  attribute('description', 'Memo', { MaxLength: 2000 }),
  attribute('estimatedvalue', 'Money', { Precision: 2 }),
  attribute('closeprobability', 'Integer'),
  attribute('prm_share', 'Decimal', { Precision: 4 }),
  attribute('estimatedclosedate', 'DateTime', {
    Format: 'DateOnly',
    DateTimeBehavior: { Value: 'DateOnly' },
  }),
  attribute('prm_day', 'DateTime', { Format: 'DateOnly', DateTimeBehavior: { Value: 'UserLocal' } }),
  attribute('statecode', 'State', { RequiredLevel: { Value: 'SystemRequired' }, IsValidForCreate: false }),
  attribute('prm_region', 'Picklist'),
  attribute('prm_tags', 'MultiSelectPicklist'),
  attribute('parentaccountid', 'Lookup'),
  attribute('customerid', 'Customer'),
  attribute('ownerid', 'Owner', { RequiredLevel: { Value: 'SystemRequired' } }),
  attribute('transactioncurrencyid', 'Lookup'),
  attribute('parentaccountidname', 'String', { AttributeOf: 'parentaccountid' }),
  attribute('secret', 'String', { IsValidForRead: false }),
  attribute('entityimage', 'Image'),
]
const relationship = (
  ReferencingAttribute: string,
  ReferencedEntity: string,
  property = ReferencingAttribute,
) => ({
  ReferencingAttribute,
  ReferencedEntity,
  ReferencingEntityNavigationPropertyName: property,
})
const table = toTable(
  tableReplySchema.parse({
    LogicalName: 'opportunity',
    EntitySetName: 'opportunities',
    PrimaryIdAttribute: 'opportunityid',
    ChangeTrackingEnabled: true,
    Attributes: attributes,
    Keys: [{ LogicalName: 'prm_key', KeyAttributes: ['prm_dealid'], EntityKeyIndexStatus: 'Active' }],
    ManyToOneRelationships: [
      relationship('parentaccountid', 'account'),
      relationship('customerid', 'account', 'customerid_account'),
      relationship('customerid', 'contact', 'customerid_contact'),
      relationship('ownerid', 'owner'),
      relationship('transactioncurrencyid', 'transactioncurrency'),
    ],
  }),
)
const choices = choicesReplySchema.parse({
  value: [
    {
      LogicalName: 'statecode',
      OptionSet: { Options: [{ Value: 0, Label: label('Open') }] },
      GlobalOptionSet: null,
    },
    { LogicalName: 'prm_region', OptionSet: null, GlobalOptionSet: { Options: [{ Value: 7, Label: null }] } },
  ],
})
const currencies = [
  { id: 'c1', code: 'EUR', active: true },
  { id: 'c2', code: 'DEM', active: false },
]
const fields = new Map(
  toRemoteFields(table, attributesReplySchema.parse({ value: attributes }).value, choices, currencies).map(
    (field) => [field.name, field],
  ),
)

describe('columns', () => {
  it.each([
    ['name', { type: 'text', maxLength: 300, required: false, unique: false }],
    ['prm_dealid', { type: 'text', maxLength: 64, required: true, unique: true, externalId: true }],
    ['estimatedvalue', { type: 'currency', scale: 2, maxLength: null }],
    ['closeprobability', { type: 'number', scale: 0 }],
    ['prm_share', { type: 'number', scale: 4 }],
    ['estimatedclosedate', { type: 'date' }],
    ['prm_day', { type: 'datetime' }],
    [
      'statecode',
      {
        type: 'choice',
        required: false,
        creatable: false,
        choices: [{ value: '0', label: 'Open', active: true }],
      },
    ],
    ['prm_region', { type: 'choice', choices: [{ value: '7', label: '7', active: true }] }],
    ['prm_tags', { type: 'multichoice', choices: [] }],
    ['parentaccountid', { type: 'reference', references: ['account'], writable: true }],
    [
      'customerid',
      { type: 'reference', references: ['account', 'contact'], writable: false, creatable: false },
    ],
    ['ownerid', { type: 'reference', required: false, writable: true, references: ['systemuser', 'team'] }],
    [
      'transactioncurrencyid',
      {
        type: 'choice',
        references: [],
        choices: [
          { value: 'EUR', label: 'EUR', active: true },
          { value: 'DEM', label: 'DEM', active: false },
        ],
      },
    ],
    ['entityimage', { type: 'other' }],
    ['opportunityid', { required: false, unique: true }],
  ])('are described: %s', (name, expected) => {
    expect(fields.get(name)).toMatchObject({ label: `Label of ${name}`, ...expected })
  })

  it('that point to several tables are described once more for each, to be written', () => {
    expect(fields.get('customerid.account')).toMatchObject({
      label: 'Label of customerid (account)',
      references: ['account'],
      writable: true,
      creatable: true,
    })
    expect(fields.get('customerid.contact')).toMatchObject({ references: ['contact'], writable: true })
    expect(selectOf(table, ['customerid.account', 'customerid'])).toEqual([
      'opportunityid',
      '_customerid_value',
    ])
  })

  it('that belong to others, or cannot be read, are none', () => {
    expect(fields.has('parentaccountidname')).toBe(false)
    expect(fields.has('secret')).toBe(false)
    expect(() => columnOf(table, 'secret')).toThrow(ConnectorFault)
  })

  it('are asked for by the name under which their value comes', () => {
    expect(selectOf(table, ['name', 'parentaccountid', 'name'])).toEqual([
      'opportunityid',
      'name',
      '_parentaccountid_value',
    ])
  })
})

describe('a record', () => {
  const row = {
    '@odata.etag': 'W/"9"',
    opportunityid: '1B2C3D4E-0000-4000-8000-000000000001',
    name: 'Acme',
    _parentaccountid_value: null,
    _transactioncurrencyid_value: 'C1',
    estimatedvalue: 100.5,
  }
  const codes = new Map([['c1', 'EUR']])

  it('shows lookups by id, currencies by code, and what is blank as blank', () => {
    expect(
      toRecord(table, row, ['name', 'parentaccountid', 'transactioncurrencyid', 'estimatedvalue'], codes),
    ).toEqual({
      object: 'opportunity',
      id: '1b2c3d4e-0000-4000-8000-000000000001',
      fields: { name: 'Acme', parentaccountid: null, transactioncurrencyid: 'EUR', estimatedvalue: 100.5 },
      modifiedAt: null,
      modifiedBy: null,
      version: 'W/"9"',
    })
  })

  it.each([
    ['a column that was not sent', ['description'], codes],
    ['a currency that cannot be read', ['transactioncurrencyid'], new Map<string, string>()],
  ])('is not taken for blank in %s', (_, names, known) => {
    expect(() => toRecord(table, row, names, known)).toThrow(ConnectorFault)
    expect(() => toRecord(table, { ...row, name: { first: 'x' } }, ['name'], known)).toThrow(ConnectorFault)
  })
})

import { describe, expect, it, test } from 'vitest'
import { ConnectorFault } from '#connectors/fault.ts'
import { associationField, holdersOf, slugOf, valuesOf } from '#connectors/hubspot/associations.ts'
import { type PropertyDefinition, toRemoteField } from '#connectors/hubspot/fields.ts'
import { slices } from '#connectors/hubspot/finds.ts'
import { mergedInto, toRecord } from '#connectors/hubspot/records.ts'
import { judgeProperty, propertyToCreate } from '#connectors/hubspot/setup-fields.ts'

const property = (type: string, rest: Partial<PropertyDefinition> = {}): PropertyDefinition => ({
  name: 'p',
  label: 'P',
  type,
  fieldType: 'text',
  ...rest,
})
const typeOf = (type: string, rest: Partial<PropertyDefinition> = {}) =>
  toRemoteField('deals', property(type, rest), []).type

describe('a property', () => {
  it.each([
    ['string', {}, 'text'],
    ['phone_number', {}, 'text'],
    ['number', {}, 'number'],
    ['number', { showCurrencySymbol: true }, 'currency'],
    ['bool', {}, 'boolean'],
    ['date', {}, 'date'],
    ['datetime', {}, 'datetime'],
    ['enumeration', { fieldType: 'select' }, 'choice'],
    ['enumeration', { fieldType: 'checkbox' }, 'multichoice'],
    ['enumeration', { referencedObjectType: 'OWNER' }, 'reference'],
    ['json', {}, 'other'],
    ['object_coordinates', {}, 'other'],
  ] as const)('of type %s %j is shown as %s', (type, rest, shown) => {
    expect(typeOf(type, rest)).toBe(shown)
  })

  test('that HubSpot keeps itself cannot be written', () => {
    for (const rest of [{ calculated: true }, { modificationMetadata: { readOnlyValue: true } }]) {
      expect(toRemoteField('deals', property('string', rest), [])).toMatchObject({
        creatable: false,
        writable: false,
      })
    }
  })

  test('is unique where HubSpot says so, and the e-mail of a contact is', () => {
    expect(toRemoteField('deals', property('string', { hasUniqueValue: true }), []).unique).toBe(true)
    expect(toRemoteField('contacts', property('string', { name: 'email' }), []).unique).toBe(true)
    expect(toRemoteField('deals', property('string', { name: 'email' }), []).unique).toBe(false)
  })

  test('of stages shows the stages of every pipeline by their ids', () => {
    const pipelines = [
      { id: 'a', label: 'Sales', stages: [{ id: '1', label: 'Open' }] },
      { id: 'b', label: 'Partners', archived: true, stages: [{ id: '2', label: 'Open' }] },
    ]
    const stages = toRemoteField('deals', property('enumeration', { name: 'dealstage' }), pipelines).choices
    expect(stages).toEqual([
      { value: '1', label: 'Sales: Open', active: true },
      { value: '2', label: 'Partners: Open', active: false },
    ])
  })
})

describe('an association field', () => {
  const associated = [
    { id: '30', types: [{ category: 'HUBSPOT_DEFINED', typeId: 341, label: null }] },
    {
      id: '9',
      types: [
        { category: 'HUBSPOT_DEFINED', typeId: 5, label: 'Primary' },
        { category: 'USER_DEFINED', typeId: 77, label: 'PRM Partner' },
      ],
    },
    { id: '10', types: [{ category: 'USER_DEFINED', typeId: 77, label: 'PRM partner' }] },
    { id: '8', types: [{ category: 'USER_DEFINED', typeId: 5, label: 'Reseller' }] },
  ] as const

  test('names an object and perhaps a label', () => {
    expect(associationField('deals', 'dealname')).toBeNull()
    expect(associationField('deals', 'association.companies')).toMatchObject({ to: 'companies', label: null })
    expect(associationField('deals', 'association.companies.prm_partner')).toMatchObject({
      label: 'prm_partner',
    })
    for (const name of ['association.deals', 'association.', 'association.toString']) {
      expect(() => associationField('deals', name)).toThrow(ConnectorFault)
    }
  })

  test('holds the primary company, or the one with the label, the lowest id of several', () => {
    const fields = [
      'association.companies',
      'association.companies.prm_partner',
      'association.companies.none',
    ].map((name) => associationField('deals', name)!)
    expect(valuesOf('deals', fields, () => associated)).toEqual({
      'association.companies': '9',
      'association.companies.prm_partner': '9',
      'association.companies.none': null,
    })
    expect(holdersOf('deals', fields[1]!, associated)).toEqual(['9', '10'])
  })

  it.each([
    ['PRM Partner', 'prm_partner'],
    ['  Décision - maker! ', 'd_cision_maker'],
    ['***', ''],
  ])('goes by its label in plain letters: %s', (label, slug) => {
    expect(slugOf(label)).toBe(slug)
  })
})

describe('a record', () => {
  const row = {
    id: '7',
    properties: {
      dealname: 'Acme',
      amount: null,
      hs_lastmodifieddate: '2026-11-20T10:00:00.123Z',
      hs_merged_object_ids: '5;6',
    },
    updatedAt: new Date('2026-11-20T09:00:00Z'),
  }

  test('holds what was asked for, when it was changed and which it swallowed', () => {
    expect(
      toRecord('deals', row, ['dealname', 'amount', 'association.companies'], {
        'association.companies': '9',
      }),
    ).toEqual({
      object: 'deals',
      id: '7',
      fields: { dealname: 'Acme', amount: null, 'association.companies': '9' },
      modifiedAt: '2026-11-20T10:00:00.123Z',
      modifiedBy: null,
    })
    expect(mergedInto(row)).toEqual(['5', '6'])
  })

  test('without a property that was asked for is no record with an empty one', () => {
    expect(() => toRecord('deals', row, ['prm_x'], {})).toThrow(/prm_x/)
  })
})

test('values are searched for in slices that a search can take', () => {
  expect(slices([])).toEqual([])
  const long = Array.from({ length: 250 }, (_, index) => `${index}@${'x'.repeat(40)}`)
  const made = slices(long)
  expect(made.flat()).toEqual(long)
  expect(Math.max(...made.map((slice) => JSON.stringify(slice).length))).toBeLessThan(2100)
  expect(slices(Array.from({ length: 250 }, String)).every((slice) => slice.length <= 100)).toBe(true)
})

describe('a property that mappings need', () => {
  const key = { name: 'prm_id', label: 'Id', type: 'text', isKey: true } as const

  test('is made unique where it is the key, with options where it has some', () => {
    expect(propertyToCreate(key)).toMatchObject({ type: 'string', hasUniqueValue: true })
    const status = {
      name: 's',
      label: 'S',
      type: 'choice',
      choices: ['1'],
      choiceLabels: ['One'],
      isKey: false,
    } as const
    expect(propertyToCreate(status).options).toMatchObject([{ value: '1', label: 'One' }])
    const flag = { name: 'f', label: 'F', type: 'boolean', isKey: false } as const
    expect(propertyToCreate(flag).options?.map(({ value }) => value)).toEqual(['true', 'false'])
  })

  test('is wrong where it is not unique or of another type, and done otherwise', () => {
    const judge = (rest: Partial<PropertyDefinition>) =>
      judgeProperty('deals', key, property('string', rest)).state
    expect(judgeProperty('deals', key, undefined).state).toBe('missing')
    expect(judge({})).toBe('wrong')
    expect(judge({ hasUniqueValue: true })).toBe('done')
    expect(judge({ type: 'number', hasUniqueValue: true })).toBe('wrong')
  })
})

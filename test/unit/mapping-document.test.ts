import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { RemoteField, RemoteFieldType } from '#connectors/connector.ts'
import { checkAgainstCatalogue } from '#mappings/check-catalogue.ts'
import { checkAgainstSchema } from '#mappings/check-schema.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { diffDocuments } from '#mappings/diff.ts'
import { type MappingDocument, mappingDocumentSchema } from '#mappings/document.ts'
import type { FieldType, SyncedField } from '#src/kernel/synced-entity.ts'

const defaults = readDefaultMappings()
const ofSalesforce = defaults.filter(({ vendor }) => vendor === 'salesforce')
const deal = ofSalesforce.find(({ document }) => document.entity === 'deal')!.document
const [title] = deal.fields

const local = (name: string, type: FieldType = 'text', rest: Partial<SyncedField> = {}): SyncedField => ({
  name,
  label: name,
  type,
  writable: false,
  ...rest,
})
const catalogues: Record<string, SyncedField[]> = {
  deal: [
    local('title'),
    local('customer', 'reference', { references: 'customer' }),
    local('contact', 'reference', { references: 'contact' }),
    local('responsible'),
    local('partner', 'reference', { references: 'partner' }),
    local('status', 'choice', {
      choices: [
        'draft',
        'submitted',
        'in_review',
        'returned',
        'approved',
        'rejected',
        'withdrawn',
        'cancelled',
        'expired',
      ],
    }),
    local('protectionEnd', 'date'),
    local('amount', 'money', { writable: true }),
    local('expectedCloseDate', 'date', { writable: true }),
    local('outcome', 'choice', { choices: ['open', 'won', 'lost'], writable: true }),
    local('stage', 'text', { writable: true }),
    local('need'),
    local('products'),
  ],
  customer: ['name', 'domain', 'country', 'city', 'postalCode', 'phone'].map((name) => local(name)),
  partner: ['name', 'domain', 'country', 'tier'].map((name) => local(name)),
  contact: [
    ...['firstName', 'lastName', 'email', 'phone'].map((name) => local(name)),
    local('customer', 'reference', { references: 'customer' }),
  ],
}

const remote = (name: string, type: RemoteFieldType, rest: Partial<RemoteField> = {}): RemoteField => ({
  name,
  label: name,
  type,
  required: false,
  creatable: true,
  writable: true,
  maxLength: null,
  scale: null,
  choices: null,
  restrictedChoices: false,
  references: [],
  unique: false,
  externalId: false,
  ...rest,
})
const key = (name: string) => remote(name, 'text', { maxLength: 64, unique: true, externalId: true })
const derived = { creatable: false, writable: false }
const choicesOf = (...values: string[]) => values.map((value) => ({ value, label: value, active: true }))

/** Lengths and types as Salesforce documents them for the standard objects. */
const salesforce: Record<string, RemoteField[]> = {
  Opportunity: [
    key('PRM_Deal_Id__c'),
    remote('Name', 'text', { required: true, maxLength: 120 }),
    remote('StageName', 'choice', { required: true, choices: choicesOf('Prospecting', 'Closed Won') }),
    remote('CloseDate', 'date', { required: true }),
    remote('LeadSource', 'choice', { choices: choicesOf('Partner', 'Web') }),
    remote('AccountId', 'reference', { references: ['Account'] }),
    // Given once, when the opportunity is made.
    remote('ContactId', 'reference', { references: ['Contact'], writable: false }),
    remote('OwnerId', 'reference', { references: ['User', 'Group'] }),
    remote('Amount', 'currency', { scale: 2 }),
    remote('Description', 'text', { maxLength: 32_000 }),
    remote('IsWon', 'boolean', derived),
    remote('IsClosed', 'boolean', derived),
    remote('HasOpportunityLineItem', 'boolean', derived),
    remote('PRM_Partner__c', 'reference', { references: ['Account'] }),
    remote('PRM_Registration_Status__c', 'text', { maxLength: 40 }),
    remote('PRM_Protection_End__c', 'date'),
    remote('PRM_Products__c', 'text', { maxLength: 2000 }),
  ],
  Contact: [
    key('PRM_Contact_Id__c'),
    remote('AccountId', 'reference', { references: ['Account'] }),
    remote('LastName', 'text', { required: true, maxLength: 80 }),
    remote('FirstName', 'text', { maxLength: 40 }),
    remote('Email', 'text', { maxLength: 80 }),
    remote('Phone', 'text', { maxLength: 40 }),
  ],
  Account: [
    key('PRM_Customer_Id__c'),
    key('PRM_Partner_Id__c'),
    remote('Name', 'text', { required: true, maxLength: 255 }),
    remote('Website', 'text', { maxLength: 255 }),
    remote('BillingCountry', 'text', { maxLength: 80 }),
    remote('BillingCity', 'text', { maxLength: 40 }),
    remote('BillingPostalCode', 'text', { maxLength: 20 }),
    remote('Phone', 'text', { maxLength: 40 }),
    remote('PRM_Partner_Tier__c', 'text', { maxLength: 100 }),
  ],
}

describe('the shape of a mapping document', () => {
  const faults: [string, unknown][] = [
    ['another version of the shape', { ...deal, schema: 2 }],
    ['an unknown member', { ...deal, script: 'x' }],
    ['no lines', { ...deal, fields: [] }],
    ['more lines than the limit', { ...deal, fields: Array.from({ length: 201 }, () => title) }],
    ['an unknown transform', { ...deal, fields: [{ ...title, via: { kind: 'formula', text: '1+1' } }] }],
    ['an unknown flow', { ...deal, fields: [{ ...title, flow: 'sideways' }] }],
    ['an owner for some phases only', { ...deal, fields: [{ ...title, owner: { won: 'crm' } }] }],
    ['no remote field', { ...deal, fields: [{ ...title, remote: [] }] }],
    ['a name that every object answers to', { ...deal, fields: [{ ...title, local: 'constructor' }] }],
    ['a remote name that every object answers to', { ...deal, keyField: '__proto__' }],
    ['a zero factor', { ...deal, fields: [{ ...title, via: { kind: 'number', scale: 2, factor: '0.0' } }] }],
    [
      'one value for yes and no',
      {
        ...deal,
        fields: [{ ...title, via: { kind: 'boolean', trueValue: 'x', falseValue: 'x' } }],
      },
    ],
    [
      'a zone that does not exist',
      {
        ...deal,
        fields: [{ ...title, via: { kind: 'date', form: 'iso', timeZone: 'Mars/Olympus' } }],
      },
    ],
  ]
  test.each(faults)('%s is refused', (_, document) => {
    expect(mappingDocumentSchema.safeParse(document).success).toBe(false)
  })

  test('can be described to API clients, in both directions alike', () => {
    const input = z.toJSONSchema(mappingDocumentSchema, { io: 'input' })
    expect(z.toJSONSchema(mappingDocumentSchema, { io: 'output' })).toEqual(input)
  })

  test('a document is stored as it was written', () => {
    for (const { document } of defaults) {
      expect(mappingDocumentSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document)
    }
  })
})

describe('the default mappings', () => {
  test('cover deal, customer, partner and contact of every CRM', () => {
    const entitiesOf = Map.groupBy(defaults, ({ vendor }) => vendor)
    expect([...entitiesOf.keys()].toSorted()).toEqual(['dynamics', 'hubspot', 'salesforce'])
    for (const own of entitiesOf.values()) {
      const entities = own.map(({ document }) => document.entity)
      expect(entities.toSorted()).toEqual(['contact', 'customer', 'deal', 'partner'])
    }
  })

  test.each(defaults.map(({ vendor, document }) => [vendor, document.entity, document] as const))(
    'agree with our fields: %s %s',
    (_, entity, document) => {
      const issues = checkAgainstCatalogue(
        document,
        catalogues[entity] ?? [],
        ['deal', 'customer', 'partner', 'contact'],
        [{ name: 'status', type: 'text' }],
      )
      expect(issues).toEqual([])
    },
  )

  test.each(ofSalesforce.map(({ document }) => [document.object, document] as const))(
    'agree with the standard fields of Salesforce and our own there: %s',
    (object, document) => {
      const describe = salesforce[object] ?? []
      expect(checkAgainstSchema(document, describe, { multiCurrency: false })).toEqual([])
      const currency = remote('CurrencyIsoCode', 'choice', { choices: [], restrictedChoices: true })
      expect(checkAgainstSchema(document, [...describe, currency], { multiCurrency: true })).toEqual([])
    },
  )
})

describe('what changed between two versions', () => {
  const changeLine = (name: string, change: object): MappingDocument => ({
    ...deal,
    fields: deal.fields.map((line) => (line.local === name ? { ...line, ...change } : line)),
  })

  test('is nothing between a document and itself, whatever the order of its lines and members', () => {
    const shuffled = JSON.parse(JSON.stringify(deal)) as MappingDocument
    shuffled.fields.reverse()
    const { onCreate, ...others } = shuffled.fixed
    shuffled.fixed = { ...others, onCreate }
    expect(diffDocuments(deal, shuffled)).toEqual([])
  })

  test.each([
    [changeLine('amount', { flow: 'in' }), 'field amount: flow', 'both', 'in'],
    [
      changeLine('amount', { owner: 'review' }),
      'field amount: owner',
      'approved: crm, registered: prm, won: crm',
      'review',
    ],
    [
      changeLine('need', { via: { kind: 'text', maxLength: 500, overflow: 'cut' } }),
      'field need: via',
      'kind: text, maxLength: 32000, overflow: cut',
      'kind: text, maxLength: 500, overflow: cut',
    ],
    [
      changeLine('amount', { skipWhen: undefined }),
      'field amount: skipWhen',
      'equals: true, remote: HasOpportunityLineItem',
      null,
    ],
    [{ ...deal, keyField: 'Other__c' }, 'keyField', 'PRM_Deal_Id__c', 'Other__c'],
    [
      { ...deal, fixed: { ...deal.fixed, onCreate: { StageName: 'Qualification', LeadSource: 'Partner' } } },
      'fixed value (onCreate) StageName',
      'Prospecting',
      'Qualification',
    ],
  ] as const)('is told in words (%#)', (after, subject, before, now) => {
    expect(diffDocuments(deal, after as MappingDocument)).toMatchObject([{ subject, before, after: now }])
  })

  test('names lines that came and went', () => {
    const without = { ...deal, fields: deal.fields.filter(({ local }) => local !== 'stage') }
    expect(diffDocuments(deal, without)).toMatchObject([
      { path: '/fields/stage', kind: 'removed', subject: 'field stage', after: null },
    ])
    expect(diffDocuments(without, deal)).toMatchObject([
      { path: '/fields/stage', kind: 'added', before: null },
    ])
  })
})

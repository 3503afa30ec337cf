import { describe, expect, test } from 'vitest'
import { checkAgainstCatalogue } from '#mappings/check-catalogue.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { diffDocuments } from '#mappings/diff.ts'
import { type MappingDocument, mappingDocumentSchema } from '#mappings/document.ts'

const defaults = readDefaultMappings()
const deal = defaults.find(({ document }) => document.entity === 'deal')!.document
const [title] = deal.fields

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

  test('a document is stored as it was written', () => {
    for (const { document } of defaults) {
      expect(mappingDocumentSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document)
    }
  })
})

describe('the default mappings', () => {
  test('cover deal, customer and partner of Salesforce', () => {
    expect(defaults.map(({ vendor, document }) => `${vendor} ${document.entity}`)).toEqual([
      'salesforce customer',
      'salesforce deal',
      'salesforce partner',
    ])
  })

  test.each(defaults.map(({ document }) => [document.entity, document] as const))(
    'agree with themselves: %s',
    (_, document) => {
      const known = new Set(['unknown_field'])
      const issues = checkAgainstCatalogue(document, [], ['deal', 'customer', 'partner'])
      expect(issues.filter(({ code }) => !known.has(code))).toEqual([])
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
    shuffled.fixed = { always: shuffled.fixed.always, onCreate: shuffled.fixed.onCreate }
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

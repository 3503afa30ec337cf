import { describe, expect, test } from 'vitest'
import type { RemoteField } from '#connectors/connector.ts'
import { checkAgainstCatalogue } from '#mappings/check-catalogue.ts'
import { checkAgainstSchema } from '#mappings/check-schema.ts'
import { type MappingDocument, type MappingLine, mappingDocumentSchema } from '#mappings/document.ts'
import type { SyncedField } from '#src/kernel/synced-entity.ts'

const local = (name: string, rest: Partial<SyncedField> = {}): SyncedField => ({
  name,
  label: name,
  type: 'text',
  writable: true,
  ...rest,
})
const catalogue = [
  local('title'),
  local('note'),
  local('number', { writable: false }),
  local('amount', { type: 'money' }),
  local('services', { type: 'money' }),
  local('closeDate', { type: 'date' }),
  local('customer', { type: 'reference', references: 'customer' }),
  local('status', { type: 'choice', choices: ['approved', 'expired'], writable: false }),
  local('outcome', { type: 'choice', choices: ['open', 'won', 'lost'] }),
]
const entities = ['deal', 'customer', 'partner']

const remote = (name: string, rest: Partial<RemoteField> = {}): RemoteField => ({
  name,
  label: name,
  type: 'text',
  required: false,
  creatable: true,
  writable: true,
  maxLength: 255,
  scale: null,
  choices: null,
  restrictedChoices: false,
  references: [],
  unique: false,
  externalId: false,
  ...rest,
})
const choicesOf = (...values: string[]) =>
  values.map((value) => ({ value: value.replace('-', ''), label: value, active: !value.startsWith('-') }))
const schema = [
  remote('Key', { externalId: true }),
  remote('Name', { required: true, maxLength: 120 }),
  remote('Stage', {
    required: true,
    type: 'choice',
    choices: choicesOf('New', '-Old'),
    restrictedChoices: true,
  }),
  remote('Amount', { type: 'currency', maxLength: null, scale: 2 }),
  remote('Close', { type: 'date', maxLength: null }),
  remote('Won', { type: 'boolean', maxLength: null, creatable: false, writable: false }),
  remote('Account', { type: 'reference', maxLength: 18 }),
  remote('Rate', { type: 'number', maxLength: null, scale: 2 }),
  remote('Frozen', { writable: false }),
]

const text: MappingLine['via'] = { kind: 'text', maxLength: 120, overflow: 'issue' }
const line = (rest: Partial<MappingLine> = {}): MappingLine => ({
  local: 'title',
  remote: 'Name',
  flow: 'out',
  owner: 'prm',
  onEmpty: 'keep',
  via: text,
  ...rest,
})
const documentOf = (fields: MappingLine[], rest: Partial<MappingDocument> = {}): MappingDocument =>
  mappingDocumentSchema.parse({
    schema: 1,
    entity: 'deal',
    object: 'Opportunity',
    keyField: 'Key',
    include: { field: 'status', is: 'equals', value: 'approved' },
    fixed: { onCreate: { Stage: 'New' }, always: {} },
    fields,
    ...rest,
  })

const flags: MappingLine['via'] = {
  kind: 'flags',
  cases: [{ remote: 'Won', equals: true, value: 'won' }],
  otherwise: 'open',
}
const statusTable: MappingLine['via'] = {
  kind: 'choice',
  table: [
    ['approved', 'Approved'],
    ['expired', 'Expired'],
  ],
}
const sound: MappingLine[] = [
  line(),
  line({ local: 'amount', remote: ['Amount', 'Currency'], flow: 'both', via: { kind: 'money' } }),
  line({ local: 'closeDate', remote: 'Close', flow: 'both', via: { kind: 'date' } }),
  line({
    local: 'customer',
    remote: 'Account',
    flow: 'create',
    via: { kind: 'reference', entity: 'customer' },
  }),
  line({ local: 'outcome', remote: 'Won', flow: 'in', via: flags }),
]

describe('a document against our catalogue', () => {
  const check = (fields: MappingLine[], rest: Partial<MappingDocument> = {}) =>
    checkAgainstCatalogue(documentOf(fields, rest), catalogue, entities)

  test('a sound document has no issues', () => {
    expect(check(sound)).toEqual([])
    expect(check([line({ local: 'status', via: statusTable })])).toEqual([])
  })

  const faults: [string, string, string, MappingLine[], Partial<MappingDocument>?][] = [
    ['an unknown entity', '/entity', 'unknown_entity', [line()], { entity: 'quote' }],
    [
      'a condition on an unknown fact',
      '/include/field',
      'unknown_field',
      [line()],
      {
        include: { field: 'mood', is: 'equals', value: 'good' },
      },
    ],
    ['an unknown field', '/fields/0/local', 'unknown_field', [line({ local: 'colour' })]],
    ['a transform that does not fit', '/fields/0/local', 'wrong_type', [line({ local: 'amount' })]],
    [
      'a read-only field that flows in',
      '/fields/0/local',
      'not_writable',
      [line({ local: 'number', flow: 'both' })],
    ],
    [
      'cut text that flows in',
      '/fields/0/flow',
      'one_way',
      [line({ flow: 'both', via: { kind: 'text', maxLength: 9, overflow: 'cut' } })],
    ],
    [
      'a template that flows in',
      '/fields/0/flow',
      'one_way',
      [line({ flow: 'in', via: { kind: 'template', text: '{title}', maxLength: 9 } })],
    ],
    [
      'flags that flow out',
      '/fields/0/flow',
      'one_way',
      [line({ local: 'outcome', remote: 'Won', via: flags })],
    ],
    [
      'a placeholder that does not exist',
      '/fields/0/local',
      'unknown_field',
      [line({ via: { kind: 'template', text: 'Deal {number}: {mood}', maxLength: 99 } })],
    ],
    [
      'a choice without counterpart',
      '/fields/0/local',
      'choice_not_covered',
      [line({ local: 'status', via: { kind: 'choice', table: [['approved', 'Approved']] } })],
    ],
    [
      'a choice of the table that we do not have',
      '/fields/0/local',
      'unknown_choice',
      [line({ local: 'status', via: { ...statusTable, table: [...statusTable.table, ['odd', 'Odd']] } })],
    ],
    [
      'two of ours for one of theirs, flowing in',
      '/fields/0/local',
      'not_one_to_one',
      [
        line({
          local: 'outcome',
          flow: 'in',
          via: {
            kind: 'choice',
            table: [
              ['won', 'Closed'],
              ['lost', 'Closed'],
            ],
          },
        }),
      ],
    ],
    [
      'two of theirs for one of ours, flowing out',
      '/fields/0/local',
      'not_one_to_one',
      [
        line({
          local: 'status',
          via: { ...statusTable, table: [...statusTable.table, ['approved', 'Yes']] },
        }),
      ],
    ],
    [
      'a flag value that we do not have',
      '/fields/0/local',
      'unknown_choice',
      [line({ local: 'outcome', remote: 'Won', flow: 'in', via: { ...flags, otherwise: 'pending' } })],
    ],
    [
      'a flag that the line does not read',
      '/fields/0/local',
      'unread_field',
      [line({ local: 'outcome', remote: 'Closed', flow: 'in', via: flags })],
    ],
    [
      'a link to another entity than the field names',
      '/fields/0/local',
      'wrong_entity',
      [line({ local: 'customer', via: { kind: 'reference', entity: 'partner' } })],
    ],
    [
      'a link to an entity that is not synced',
      '/fields/0/local',
      'unknown_entity',
      [line({ local: 'customer', via: { kind: 'reference', entity: 'invoice' } })],
    ],
    ['a field of ours twice', '/fields/1/local', 'field_twice', [line(), line({ remote: 'Title' })]],
    ['a remote field with two writers', '/fields/1/remote', 'two_writers', [line(), line({ local: 'note' })]],
    ['a line that writes a fixed value', '/fields/0/remote', 'two_writers', [line({ remote: 'Stage' })]],
    ['a line that writes the key', '/fields/0/remote', 'two_writers', [line({ remote: 'Key' })]],
    [
      'a fixed value in the key',
      '/fixed/always/Key',
      'two_writers',
      [line()],
      {
        fixed: { onCreate: {}, always: { Key: 'x' } },
      },
    ],
    ['too many remote fields', '/fields/0/remote', 'too_many_fields', [line({ remote: ['Name', 'Other'] })]],
    [
      'a remote field named twice',
      '/fields/0/remote',
      'field_twice',
      [line({ local: 'amount', remote: ['Amount', 'Amount'], flow: 'in', via: { kind: 'money' } })],
    ],
    [
      'group members with different owners',
      '/fields/1/group',
      'group_differs',
      [line({ group: 'g' }), line({ local: 'note', remote: 'Note', group: 'g', owner: 'crm' })],
    ],
    [
      'group members that flow differently',
      '/fields/1/group',
      'group_differs',
      [line({ group: 'g' }), line({ local: 'note', remote: 'Note', group: 'g', flow: 'both' })],
    ],
  ]
  test.each(faults)('names %s at %s', (_, path, code, fields, rest = {}) => {
    const issues = check(fields, rest)
    expect(issues.map((issue) => [issue.path, issue.code, issue.severity])).toContainEqual([
      path,
      code,
      'error',
    ])
    for (const issue of issues) expect(issue.message).toMatch(/\w+ \w+/)
  })

  test('several amounts may share the currency of their record', () => {
    const services = line({ local: 'services', remote: ['Services', 'Currency'], via: { kind: 'money' } })
    expect(check([...sound, services])).toEqual([])
    expect(check([...sound, line({ local: 'note', remote: 'Currency' })])).toMatchObject([
      { code: 'two_writers' },
    ])
  })

  test('text that may not fit the other side is a warning', () => {
    const short = catalogue.map((field) => (field.name === 'title' ? { ...field, maxLength: 80 } : field))
    const issuesOf = (flow: MappingLine['flow'], maxLength: number) =>
      checkAgainstCatalogue(
        documentOf([line({ flow, via: { kind: 'text', maxLength, overflow: 'issue' } })]),
        short,
        entities,
      ).map(({ code, severity }) => `${severity} ${code}`)
    expect(issuesOf('out', 79)).toEqual(['warning too_long'])
    expect(issuesOf('both', 81)).toEqual(['warning too_long'])
    expect(issuesOf('both', 80)).toEqual([])
  })

  test('two lines may read one remote field', () => {
    const stage = line({ local: 'note', remote: 'Stage', flow: 'in', via: { kind: 'copy' } })
    const again = line({ local: 'title', remote: 'Stage', flow: 'in', via: { kind: 'copy' } })
    expect(check([stage, again])).toEqual([])
  })

  test('a condition may ask for facts beyond the catalogue', () => {
    const document = documentOf([line()], { include: { field: 'region', is: 'equals', value: 'EMEA' } })
    expect(checkAgainstCatalogue(document, catalogue, entities)).toHaveLength(1)
    expect(checkAgainstCatalogue(document, catalogue, entities, [{ name: 'region', type: 'text' }])).toEqual(
      [],
    )
  })
})

describe("a document against the CRM's own description", () => {
  const check = (fields: MappingLine[], rest: Partial<MappingDocument> = {}, multiCurrency = false) =>
    checkAgainstSchema(documentOf(fields, rest), schema, { multiCurrency })

  test('a sound document has no issues', () => {
    expect(check(sound)).toEqual([])
  })

  test('the currency field is asked for only where the organisation has several currencies', () => {
    expect(check(sound, {}, true)).toMatchObject([
      { path: '/fields/1/remote', code: 'missing_field', message: 'There is no field Currency in the CRM' },
    ])
  })

  const name = line()
  const faults: [string, string, string, MappingLine[], Partial<MappingDocument>?][] = [
    ['a key that is not there', '/keyField', 'missing_field', [name], { keyField: 'Gone' }],
    [
      'a key that is not unique',
      '/keyField',
      'not_unique',
      [line({ remote: 'Name' })],
      { keyField: 'Frozen' },
    ],
    ['a key too short for our ids', '/keyField', 'too_long', [name], { keyField: 'Account' }],
    ['a missing field', '/fields/1/remote', 'missing_field', [name, line({ local: 'note', remote: 'Gone' })]],
    [
      'a missing field that skips a line',
      '/fields/0/skipWhen',
      'missing_field',
      [line({ skipWhen: { remote: 'Gone', equals: true } })],
    ],
    [
      'a field that cannot be changed',
      '/fields/1/remote',
      'not_writable',
      [name, line({ local: 'note', remote: 'Frozen' })],
    ],
    [
      'a field that cannot be filled',
      '/fields/1/remote',
      'not_creatable',
      [name, line({ local: 'note', remote: 'Won', flow: 'create', via: { kind: 'boolean' } })],
    ],
    [
      'text longer than the field',
      '/fields/0/remote',
      'too_long',
      [line({ via: { kind: 'text', maxLength: 121, overflow: 'cut' } })],
    ],
    [
      'a template longer than the field',
      '/fields/0/remote',
      'too_long',
      [line({ via: { kind: 'template', text: 'x', maxLength: 121 } })],
    ],
    [
      'another type',
      '/fields/1/remote',
      'wrong_type',
      [name, line({ local: 'closeDate', remote: 'Amount', via: { kind: 'date' } })],
    ],
    [
      'more decimal places than the field keeps',
      '/fields/1/remote',
      'too_precise',
      [name, line({ local: 'rate', remote: 'Rate', via: { kind: 'number', scale: 1, factor: '0.01' } })],
    ],
    [
      'free text for a restricted choice',
      '/fields/1/remote',
      'choices_restricted',
      [name, line({ local: 'note', remote: 'Stage' })],
    ],
    [
      'a choice that is no longer active',
      '/fields/1/remote',
      'unknown_choice',
      [
        name,
        line({ local: 'status', remote: 'Stage', via: { kind: 'choice', table: [['approved', 'Old']] } }),
      ],
    ],
    [
      'a required field that nothing fills',
      '/fields',
      'required_field',
      [line({ local: 'note', remote: 'Frozen', flow: 'create' })],
    ],
    [
      'a fixed value for a missing field',
      '/fixed/always/Gone',
      'missing_field',
      [name],
      {
        fixed: { onCreate: { Stage: 'New' }, always: { Gone: 1 } },
      },
    ],
    [
      'a fixed value that is no choice',
      '/fixed/onCreate/Stage',
      'unknown_choice',
      [name],
      {
        fixed: { onCreate: { Stage: 'Old' }, always: {} },
      },
    ],
    [
      'a fixed value that cannot be changed',
      '/fixed/always/Frozen',
      'not_writable',
      [name],
      {
        fixed: { onCreate: { Stage: 'New' }, always: { Frozen: 'x' } },
      },
    ],
  ]
  test.each(faults)('names %s at %s', (_, path, code, fields, rest = {}) => {
    const issues = check(fields, rest)
    expect(issues.map((issue) => [issue.path, issue.code, issue.severity])).toContainEqual([
      path,
      code,
      'error',
    ])
  })

  test('a create line needs no right to change the field later', () => {
    expect(check([line(), line({ local: 'note', remote: 'Frozen', flow: 'create' })])).toEqual([])
  })

  test('choices that may come in without a counterpart are a warning', () => {
    const incoming = line({
      local: 'outcome',
      remote: 'Stage',
      flow: 'in',
      via: { kind: 'choice', table: [['won', 'Old']] },
    })
    expect(check([line(), incoming])).toMatchObject([
      { path: '/fields/1/remote', code: 'choice_not_covered', severity: 'warning' },
    ])
  })

  test('an amount field without decimal places is a warning', () => {
    const whole = schema.map((field) => (field.name === 'Amount' ? { ...field, scale: 0 } : field))
    expect(checkAgainstSchema(documentOf(sound), whole, { multiCurrency: false })).toMatchObject([
      { path: '/fields/1/remote', code: 'too_precise', severity: 'warning' },
    ])
  })

  test('an open list may be extended by us: a warning', () => {
    const open = schema.map((field) =>
      field.name === 'Stage' ? { ...field, restrictedChoices: false } : field,
    )
    const document = documentOf([line()], { fixed: { onCreate: { Stage: 'Brand new' }, always: {} } })
    expect(checkAgainstSchema(document, open, { multiCurrency: false })).toMatchObject([
      { code: 'unknown_choice', severity: 'warning' },
    ])
  })
})

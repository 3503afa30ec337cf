import { describe, expect, test } from 'vitest'
import { checkAgainstCatalogue } from '#mappings/check-catalogue.ts'
import type { MappingDocument, MappingLine } from '#mappings/document.ts'
import type { SyncedField } from '#src/kernel/synced-entity.ts'
import { documentOf, flags, line, sound } from '#test/support/mapping-documents.ts'

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

const statusTable: MappingLine['via'] = {
  kind: 'choice',
  table: [
    ['approved', 'Approved'],
    ['expired', 'Expired'],
  ],
}

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

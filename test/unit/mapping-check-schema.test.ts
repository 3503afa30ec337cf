import { describe, expect, test } from 'vitest'
import type { RemoteField } from '#connectors/connector.ts'
import { checkAgainstSchema } from '#mappings/check-schema.ts'
import type { MappingDocument, MappingLine } from '#mappings/document.ts'
import { documentOf, line, sound } from '#test/support/mapping-documents.ts'

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

import { describe, expect, test } from 'vitest'
import type { RemoteField, RemoteRecord, RemoteValue } from '#connectors/connector.ts'
import { compileMapping } from '#mappings/apply.ts'
import { type MappingDocument, mappingDocumentSchema } from '#mappings/document.ts'
import {
  assertPublishable,
  checkOurSide,
  checkSuccession,
  checkTheirSide,
  isPublishable,
  mendedFields,
} from '#src/connections/mapping-release.ts'
import { tryMappings } from '#src/connections/mapping-trial.ts'
import { collectReferences, mappingContext } from '#src/connections/references.ts'
import type { SyncedField } from '#src/kernel/synced-entity.ts'

const catalogue: SyncedField[] = [
  { name: 'title', label: 'Title', type: 'text', writable: false },
  { name: 'amount', label: 'Amount', type: 'money', writable: true },
  { name: 'stage', label: 'Stage', type: 'text', writable: true },
  { name: 'partner', label: 'Partner', type: 'reference', writable: false, references: 'partner' },
]
const entities = new Map([
  ['deal', { catalogue }],
  ['partner', { catalogue: [] }],
])
const line = (
  local: string,
  remote: string | [string, string],
  flow: string,
  via: object,
  over: object = {},
) => ({
  local,
  remote,
  flow,
  owner: 'prm',
  onEmpty: 'clear',
  via,
  ...over,
})
const documentOf = (over: object = {}): MappingDocument =>
  mappingDocumentSchema.parse({
    schema: 1,
    entity: 'deal',
    object: 'Opportunity',
    keyField: 'Key',
    include: { all: [] },
    fixed: { onCreate: { Type: 'New' }, always: {} },
    fields: [
      line('title', 'Name', 'out', { kind: 'copy' }),
      line(
        'amount',
        ['Amount', 'Currency'],
        'both',
        { kind: 'money' },
        { skipWhen: { remote: 'HasLines', equals: true } },
      ),
      line('stage', 'Stage', 'in', { kind: 'copy' }),
      line('partner', 'Partner', 'out', { kind: 'reference', entity: 'partner' }),
    ],
    ...over,
  })
const remote = (name: string, over: Partial<RemoteField> = {}): RemoteField => ({
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
  ...over,
})
const described = [
  remote('Key', { unique: true }),
  remote('Name'),
  remote('Type'),
  remote('Amount', { type: 'currency', maxLength: null, scale: 2 }),
  remote('Currency'),
  remote('HasLines', { type: 'boolean' }),
  remote('Stage'),
  remote('Partner', { type: 'reference' }),
]
const single = { multiCurrency: false, homeCurrency: 'USD' }

describe('a mapping', () => {
  test('that fits both sides may be published', () => {
    const issues = [
      ...checkOurSide(documentOf(), entities),
      ...checkTheirSide(documentOf(), described, single),
    ]
    expect(issues).toEqual([])
    expect(isPublishable(issues)).toBe(true)
  })

  test('of an entity that we do not keep in step may not', () => {
    const issues = checkOurSide(documentOf({ entity: 'lead' }), entities)
    expect(issues).toContainEqual(expect.objectContaining({ path: '/entity', code: 'unknown_entity' }))
  })

  test('with warnings only may be published, and a refusal carries the errors alone', () => {
    const warnings = checkTheirSide(documentOf(), described, { multiCurrency: false, homeCurrency: null })
    expect(warnings).toMatchObject([{ severity: 'warning', path: '/fields/1', code: 'no_currency' }])
    expect(() => assertPublishable(warnings)).not.toThrow()
    const all = [...warnings, ...checkTheirSide(documentOf(), null, single)]
    expect(() => assertPublishable(all)).toThrow(
      expect.objectContaining({
        code: 'mapping_not_publishable',
        issues: [expect.objectContaining({ path: '/object', code: 'missing_object' })],
      }),
    )
  })

  test('moves to another object only while nothing is linked', () => {
    const next = documentOf({ object: 'Deal__c' })
    expect(checkSuccession(documentOf(), next, false)).toEqual([])
    expect(checkSuccession(null, next, true)).toEqual([])
    expect(checkSuccession(documentOf(), next, true)).toMatchObject([{ severity: 'error', path: '/object' }])
    const key = checkSuccession(documentOf(), documentOf({ keyField: 'Other' }), true)
    expect(key).toMatchObject([{ severity: 'warning', path: '/keyField' }])
  })
})

describe('a resting field', () => {
  const mended = (resting: string[], fields: RemoteField[]) =>
    mendedFields(resting, documentOf(), checkTheirSide(documentOf(), fields, single))
  const without = (...names: string[]) => described.filter(({ name }) => !names.includes(name))

  test('goes on when nothing stands against its line, its fixed value or the key', () => {
    const resting = ['Name', 'Amount', 'Type', 'Key']
    expect(mended(resting, described)).toEqual(resting)
    expect(mended(resting, without('Amount'))).toEqual(['Name', 'Type', 'Key'])
    expect(mended(resting, without('Type', 'Key'))).toEqual(['Name', 'Amount'])
    expect(mended(['HasLines'], without('HasLines'))).toEqual([])
  })

  test('that the mapping does not name any more goes on', () => {
    expect(mended(['Forgotten'], described)).toEqual(['Forgotten'])
  })
})

describe('trying a mapping', () => {
  const there = (fields: Record<string, RemoteValue>): RemoteRecord => ({
    object: 'Opportunity',
    id: '006',
    fields,
    modifiedAt: null,
    modifiedBy: null,
  })
  const here = {
    fields: { title: 'Ours', amount: { amount: '1.00', currency: 'USD' }, stage: 'Old', partner: 'p1' },
  }
  const standing = there({ Name: 'Theirs', Amount: 2, HasLines: false, Stage: 'New', Partner: '001' })
  const connection = { multiCurrency: false, homeCurrency: 'USD', timeZone: 'UTC' }
  const ctx = mappingContext(connection, {
    toRemoteId: (_entity, id) => (id === 'p1' ? '001' : null),
    toLocalId: () => undefined,
  })
  const attempt = (before: MappingDocument | null, after: MappingDocument, record = standing) =>
    new Map(
      tryMappings(before && compileMapping(before), compileMapping(after), here, record, ctx).map((one) => [
        one.field,
        one,
      ]),
    )

  test('against itself changes nothing', () => {
    const fields = attempt(documentOf(), documentOf())
    expect([...fields.values()].filter(({ changed }) => changed)).toEqual([])
    expect(fields.get('amount')?.after).toMatchObject({
      writes: { Amount: 1 },
      applies: { value: { amount: '2.00', currency: 'USD' } },
      skipped: false,
    })
    expect(fields.get('stage')?.after).toMatchObject({ writes: null, applies: { value: 'New' } })
  })

  test('shows a line that comes or goes, and one that is left alone over there', () => {
    const less = documentOf({ fields: documentOf().fields.slice(0, 2) })
    expect(attempt(documentOf(), less).get('stage')).toMatchObject({
      after: null,
      changed: true,
      ours: 'Old',
    })
    expect(attempt(less, documentOf()).get('stage')).toMatchObject({ before: null, changed: true })
    expect(attempt(null, less).get('title')).toMatchObject({
      before: null,
      after: { writes: { Name: 'Ours' } },
    })
    const lines = attempt(null, less, there({ ...standing.fields, HasLines: true }))
    expect(lines.get('amount')?.after).toMatchObject({ skipped: true, writes: null })
  })

  test('asks at once for every record that a value names', () => {
    const pairs = collectReferences([compileMapping(documentOf())], [{ here, there: standing }])
    expect(pairs).toEqual({
      locals: [{ entity: 'partner', id: 'p1' }],
      remotes: [{ entity: 'partner', remoteId: '001' }],
    })
  })
})

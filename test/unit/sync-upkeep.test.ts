import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RemoteField } from '#connectors/connector.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import type { MappingDocument } from '#mappings/document.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import {
  kindOfChange,
  kindOfUnregistered,
  type Leak,
  sortLeaks,
  totalsOf,
} from '#src/sync/attribution/leak.ts'
import { type CompanyFound, judgeBackfill, likeliestDeals } from '#src/sync/upkeep/backfill.ts'
import { type Drift, findDrift } from '#src/sync/upkeep/drift.ts'
import { countFields, emptyReport, isDrift, standingOf } from '#src/sync/upkeep/reconciliation.ts'

describe('a backfill', () => {
  const none: CompanyFound = { kind: 'none' }
  const same = (remoteId: string, keyValue: string | null = null): CompanyFound => ({
    kind: 'same',
    match: { remoteId, by: 'domain', keyValue },
  })
  const free = () => false

  test('believes our own key before anything else', () => {
    expect(judgeBackfill('r', ['A'], same('B'), free)).toEqual({ kind: 'certain', remoteId: 'A', by: 'key' })
    expect(judgeBackfill('r', ['A', 'B'], none, free)).toMatchObject({
      kind: 'doubtful',
      remoteIds: ['A', 'B'],
    })
  })

  test('links one company of the same domain or name, and nothing where there is none', () => {
    expect(judgeBackfill('r', [], same('A'), free)).toEqual({ kind: 'certain', remoteId: 'A', by: 'domain' })
    expect(judgeBackfill('r', [], same('A', 'r'), free)).toMatchObject({ kind: 'certain' })
    expect(judgeBackfill('r', [], none, free)).toEqual(none)
  })

  test('asks a person before it takes what another record of ours has', () => {
    expect(judgeBackfill('r', [], same('A'), () => true)).toMatchObject({
      kind: 'doubtful',
      remoteIds: ['A'],
    })
    expect(judgeBackfill('r', ['A'], none, () => true)).toMatchObject({ kind: 'doubtful' })
    expect(judgeBackfill('r', [], same('A', 'another'), free)).toMatchObject({ kind: 'doubtful' })
  })

  test('never is certain of a record that is taken', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('A', 'B', 'C'), { maxLength: 3 }),
        fc.constantFrom<CompanyFound>(none, same('A'), same('B', 'r'), {
          kind: 'doubtful',
          remoteIds: ['A', 'C'],
        }),
        fc.subarray(['A', 'B', 'C']),
        (carriers, found, taken) => {
          const verdict = judgeBackfill('r', carriers, found, (id) => taken.includes(id))
          expect(verdict.kind === 'certain' && taken.includes(verdict.remoteId)).toBe(false)
        },
      ),
    )
  })

  test('suggests opportunities of the same partner near in amount or date, others only near in both', () => {
    const usd = (amount: string): FieldValue => ({ amount, currency: 'USD' })
    const ours = { amount: usd('1000'), expectedCloseDate: '2027-01-31' }
    const candidate = (
      remoteId: string,
      amount: FieldValue,
      expectedCloseDate: FieldValue,
      samePartner = true,
    ) => ({
      remoteId,
      amount,
      expectedCloseDate,
      samePartner,
    })
    expect(
      likeliestDeals(ours, [
        candidate('near date', usd('9000'), '2027-02-20'),
        candidate('near both', usd('1100'), '2027-02-20'),
        candidate('far', usd('9000'), '2029-01-01'),
        candidate('blank', null, null),
        candidate('euro', { amount: '1000', currency: 'EUR' }, '2029-01-01'),
        candidate('no partner, both', usd('1000'), '2027-01-31', false),
        candidate('no partner, amount', usd('1000'), '2029-01-31', false),
      ]),
    ).toEqual(['near both', 'near date', 'no partner, both'])
  })
})

describe('the standing of a field', () => {
  const standing = (over: Partial<Parameters<typeof standingOf>[0]>) =>
    standingOf({ action: 'none', ours: 'a', theirs: 'a', agreed: undefined, isStuck: false, ...over })
  const agreed = (ours: FieldValue, theirs: FieldValue) => ({ ours, theirs })

  test('is equal, or accepted as it is, where the merge would do nothing', () => {
    expect(standing({})).toBe('equal')
    expect(standing({ theirs: 'A', agreed: agreed('a', 'A') })).toBe('accepted')
    expect(standing({ ours: null, theirs: '' })).toBe('equal')
    expect(standing({ theirs: undefined })).toBe('accepted')
  })

  test('says who changed since both agreed', () => {
    expect(standing({ action: 'write', ours: 'b', agreed: agreed('a', 'a') })).toBe('oursNewer')
    expect(standing({ action: 'apply', theirs: 'b', agreed: agreed('a', 'a') })).toBe('theirsNewer')
    expect(standing({ action: 'apply', ours: 'c', theirs: 'b', agreed: agreed('a', 'a') })).toBe('differ')
  })

  test('without an agreement says so of blanks only', () => {
    expect(standing({ action: 'write', theirs: null })).toBe('oursNewer')
    expect(standing({ action: 'apply', ours: null })).toBe('theirsNewer')
    expect(standing({ action: 'write', theirs: 'b' })).toBe('differ')
  })

  test('is held where a person decides, or a value has no counterpart', () => {
    expect(standing({ action: 'hold', theirs: 'b', agreed: agreed('c', 'd') })).toBe('held')
    expect(standing({ theirs: undefined, isStuck: true })).toBe('held')
    expect(isDrift('held')).toBe(false)
  })

  test('is counted per field and record', () => {
    const first = countFields(emptyReport('deal', 'Opportunity'), { amount: 'equal', title: 'oursNewer' })
    const report = countFields(first, { amount: 'equal', title: 'accepted' })
    expect(report).toMatchObject({
      inStep: 1,
      different: 1,
      fields: { amount: { equal: 2 }, title: { oursNewer: 1, accepted: 1 } },
    })
  })
})

describe('the drift of a set-up', () => {
  const document: MappingDocument = {
    ...readDefaultMappings().find((one) => one.vendor === 'salesforce' && one.document.entity === 'deal')!
      .document,
    object: 'Thing',
    keyField: 'Key',
    fixed: { onCreate: { Source: 'Partner' }, always: {} },
    fields: [
      {
        local: 'title',
        remote: 'Name',
        flow: 'out',
        owner: 'prm',
        onEmpty: 'keep',
        via: { kind: 'text', maxLength: 50, overflow: 'cut' },
      },
      {
        local: 'status',
        remote: 'Status',
        flow: 'both',
        owner: 'prm',
        onEmpty: 'keep',
        via: { kind: 'choice', table: [['approved', 'Approved']] },
      },
    ],
  }
  const field = (name: string, over: Partial<RemoteField> = {}): RemoteField => ({
    name,
    label: name,
    type: 'text',
    required: false,
    creatable: true,
    writable: true,
    maxLength: 100,
    scale: null,
    choices: null,
    restrictedChoices: false,
    references: [],
    unique: false,
    externalId: false,
    ...over,
  })
  const choices = (...values: string[]) => values.map((value) => ({ value, label: value, active: true }))
  const key = field('Key', { unique: true, externalId: true })
  const status = field('Status', { type: 'choice', choices: choices('Approved') })
  const schema = [key, field('Name'), status, field('Source')]
  const replace = (name: string, ...by: RemoteField[]) => [
    ...schema.filter((one) => one.name !== name),
    ...by,
  ]
  const drift = (now: RemoteField[] | null, before: RemoteField[] | null = schema): readonly Drift[] =>
    findDrift({ document, before, now, organisation: { multiCurrency: false, homeCurrency: 'USD' } })

  test('is none while everything fits, whatever happens to fields that nobody mapped', () => {
    expect(drift(schema)).toEqual([])
    expect(drift([...schema, field('New')])).toEqual([])
    expect(drift(schema, [...schema, field('Gone')])).toEqual([])
  })

  test('guesses a rename by label or name among new fields of the same type, and never between two as good', () => {
    const renamed = (...fresh: RemoteField[]) => drift(replace('Name', ...fresh))[0]?.details['renamedTo']
    expect(renamed(field('Title__c', { label: 'Name' }), field('Other'))).toBe('Title__c')
    expect(renamed(field('Name2'), field('Unlike'))).toBe('Name2')
    expect(renamed(field('Name2', { type: 'number' }))).toBeNull()
    expect(renamed(field('A', { label: 'Name' }), field('B', { label: 'Name' }))).toBeNull()
    expect(drift(replace('Name', field('Name2')), null)[0]?.details['renamedTo']).toBeNull()
  })

  test.each<[string, RemoteField[], Partial<Drift>]>([
    ['a field that is gone', replace('Name'), { kind: 'field_missing', effect: 'field_rests' }],
    [
      'a right that was taken',
      replace('Name', field('Name', { writable: false, creatable: false })),
      { kind: 'not_permitted', effect: 'field_rests' },
    ],
    [
      'a type that does not fit',
      replace('Name', field('Name', { type: 'number', maxLength: null })),
      { kind: 'type_changed', effect: 'field_rests', details: { before: 'text', now: 'number' } },
    ],
    [
      'a length that is too short',
      replace('Name', field('Name', { maxLength: 20 })),
      { kind: 'shortened', effect: 'field_rests', details: { before: 100, now: 20 } },
    ],
    [
      'a restricted value that is gone',
      replace('Status', { ...status, choices: choices(), restrictedChoices: true }),
      { kind: 'choice_gone', effect: 'field_rests' },
    ],
    [
      'an open value that is gone',
      replace('Status', { ...status, choices: choices() }),
      { kind: 'choice_gone', effect: 'told' },
    ],
    [
      'a new value',
      replace('Status', { ...status, choices: choices('Approved', 'Granted') }),
      { kind: 'choice_new', effect: 'told', details: { values: ['Granted'] } },
    ],
    [
      'a new required field',
      [...schema, field('Region', { required: true })],
      { kind: 'required_new', effect: 'creations_held', remoteField: 'Region' },
    ],
    [
      'a fixed value without its field',
      replace('Source'),
      { kind: 'fixed_unusable', effect: 'creations_held' },
    ],
    [
      'a key that is not unique',
      replace('Key', field('Key')),
      { kind: 'key_unusable', effect: 'creations_held' },
    ],
  ])('tells of %s, once, with what to do', (_, now, expected) => {
    const found = drift(now)
    expect(found).toMatchObject([expected])
    expect(found[0]?.advice.length).toBeGreaterThan(20)
  })

  test('of a type or length that still fits only tells, or nothing', () => {
    expect(drift(replace('Name', field('Name', { maxLength: 60 })))).toEqual([])
    expect(drift(null)).toMatchObject([{ kind: 'object_missing', effect: 'creations_held' }])
  })
})

describe('an attribution leak', () => {
  const leak = (over: Partial<Leak>): Leak => ({
    kind: 'won_unregistered',
    connectionId: newId<'connection'>() as ConnectionId,
    remoteId: 'A',
    url: null,
    title: null,
    company: null,
    customerId: null,
    partnerId: null,
    partnerName: null,
    dealId: null,
    registeredPartnerId: null,
    registeredPartnerName: null,
    outcome: null,
    closesOn: null,
    amountMinor: null,
    currency: null,
    ...over,
  })

  test('is a won deal of ours, or an opportunity that names a partner', () => {
    const nobody = { customerId: null, partnerId: null }
    expect(kindOfUnregistered('won', nobody)).toBeNull()
    expect(kindOfUnregistered('won', { ...nobody, customerId: 'c' })).toBe('won_unregistered')
    expect(kindOfUnregistered('open', { ...nobody, customerId: 'c' })).toBeNull()
    expect(kindOfUnregistered('lost', { ...nobody, partnerId: 'p' })).toBe('partner_unregistered')
  })

  test('is a registration whose opportunity names nobody, or somebody else', () => {
    const change = (over: Partial<Parameters<typeof kindOfChange>[0]>) =>
      kindOfChange({ ours: 'p', agreed: 'p', named: 'P', theirs: ['p'], ...over })
    expect(change({})).toBeNull()
    expect(change({ theirs: ['q', 'p'] })).toBeNull()
    expect(change({ named: null, theirs: [] })).toBe('partner_lost')
    expect(change({ named: 'Q', theirs: ['q'] })).toBe('partner_changed')
    expect(change({ ours: 'q', agreed: 'p', theirs: ['p'] })).toBeNull()
    expect(change({ ours: null, named: null, theirs: [] })).toBeNull()
  })

  test('is summed per kind and currency, never over currencies, and loses no cent', () => {
    const amounts = fc.array(
      fc.record({
        kind: fc.constantFrom('won_unregistered' as const, 'partner_lost' as const),
        currency: fc.constantFrom('USD', 'EUR'),
        amountMinor: fc.option(fc.bigInt({ min: 0n, max: 10n ** 12n })),
      }),
    )
    fc.assert(
      fc.property(amounts, (rows) => {
        const leaks = rows.map((row) =>
          leak({ ...row, currency: row.amountMinor === null ? null : row.currency }),
        )
        const totals = totalsOf(leaks)
        const sum = (some: readonly { amountMinor: bigint | null }[]) =>
          some.reduce((all, { amountMinor }) => all + (amountMinor ?? 0n), 0n)
        for (const currency of ['USD', 'EUR']) {
          expect(sum(totals.filter((total) => total.currency === currency))).toBe(
            sum(leaks.filter((one) => one.currency === currency)),
          )
        }
        expect(totals.reduce((all, { count }) => all + count, 0)).toBe(leaks.length)
      }),
    )
  })

  test('stands in its order: won ones first, the largest first', () => {
    const leaks = [
      leak({ kind: 'partner_lost', remoteId: 'L', amountMinor: 9n }),
      leak({ remoteId: 'none' }),
      leak({ remoteId: 'small', amountMinor: 1n }),
      leak({ remoteId: 'large', amountMinor: 5n }),
    ]
    expect(sortLeaks(leaks).map(({ remoteId }) => remoteId)).toEqual(['large', 'small', 'none', 'L'])
  })
})

import { describe, expect, test } from 'vitest'
import {
  compileMapping,
  isIncluded,
  localToRemote,
  localValueOf,
  type Mapping,
  readBack,
  remoteFieldsOf,
  remoteToLocal,
  toLocal,
  toRemote,
} from '#mappings/apply.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { type MappingDocument, mappingDocumentSchema, ownerOf } from '#mappings/document.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'

const ctx: MappingContext = {
  multiCurrency: false,
  homeCurrency: 'EUR',
  timeZone: 'UTC',
  toRemoteId: (entity, id) => (id === 'new' ? null : id === 'never' ? undefined : `${entity}-${id}`),
  users: {
    idOf: (_, email) => (email === 'mona@vendor.example' ? '005mona' : null),
    emailOf: (_, id) => (id === '005mona' ? 'mona@vendor.example' : null),
  },
  toLocalId: (entity, id) => (id.startsWith(`${entity}-`) ? id.slice(entity.length + 1) : undefined),
}

function defaultOf(entity: string): Mapping {
  const found = readDefaultMappings().find(
    ({ vendor, document }) => vendor === 'salesforce' && document.entity === entity,
  )
  if (!found) throw new Error(`no default mapping of ${entity}`)
  return compileMapping(found.document)
}
const deal = defaultOf('deal')

const local = {
  title: 'Deal D-7: Acme',
  customer: 'c1',
  contact: 'k1',
  responsible: 'mona@vendor.example',
  partner: 'p1',
  status: 'approved',
  protectionEnd: '2027-02-28',
  amount: { amount: '1250.50', currency: 'EUR' },
  expectedCloseDate: '2026-12-31',
  outcome: 'open',
  stage: null,
  need: 'A new warehouse',
  products: 'Commerce Suite',
}
const opportunity = {
  PRM_Deal_Id__c: 'd1',
  Name: 'Deal D-7: Acme',
  AccountId: 'customer-c1',
  ContactId: 'contact-k1',
  OwnerId: '005mona',
  PRM_Partner__c: 'partner-p1',
  PRM_Registration_Status__c: 'Approved',
  PRM_Protection_End__c: '2027-02-28',
  Amount: 1250.5,
  HasOpportunityLineItem: false,
  CloseDate: '2026-12-31',
  IsWon: false,
  IsClosed: false,
  StageName: 'Prospecting',
  Description: 'A new warehouse',
  PRM_Products__c: 'Commerce Suite',
}

/** A document of its own, with copied text lines unless stated. */
const documentOf = (
  fields: (Partial<MappingDocument['fields'][number]> & { local: string })[],
  rest: Partial<MappingDocument> = {},
): Mapping =>
  compileMapping(
    mappingDocumentSchema.parse({
      schema: 1,
      entity: 'deal',
      object: 'Opportunity',
      keyField: 'Key',
      include: { all: [] },
      fixed: { onCreate: {}, always: {} },
      fields: fields.map((line) => ({
        remote: line.local,
        flow: 'out',
        owner: 'prm',
        onEmpty: 'clear',
        via: { kind: 'copy' },
        ...line,
      })),
      ...rest,
    }),
  )

describe('writing a deal', () => {
  test('a new opportunity takes every line that goes out and the fixed values', () => {
    const write = toRemote(deal, local, ctx, { creating: true })
    expect(write.issues).toEqual([])
    expect(write.fields).toEqual({
      StageName: 'Prospecting',
      LeadSource: 'Partner',
      Name: 'Deal D-7: Acme',
      AccountId: 'customer-c1',
      ContactId: 'contact-k1',
      OwnerId: '005mona',
      PRM_Partner__c: 'partner-p1',
      PRM_Registration_Status__c: 'Approved',
      PRM_Protection_End__c: '2027-02-28',
      Amount: 1250.5,
      CloseDate: '2026-12-31',
      Description: 'A new warehouse',
      PRM_Products__c: 'Commerce Suite',
    })
  })

  test('a linked opportunity is not told again what only a new one takes', () => {
    const { fields, perLine } = toRemote(deal, local, ctx, { creating: false })
    for (const field of ['StageName', 'LeadSource', 'AccountId', 'Description']) {
      expect(fields).not.toHaveProperty(field)
    }
    expect(Object.keys(perLine)).toEqual([
      'title',
      'partner',
      'status',
      'protectionEnd',
      'amount',
      'expectedCloseDate',
      'products',
    ])
  })

  test('only the lines asked for are written, and none that only comes in', () => {
    const write = toRemote(deal, local, ctx, { creating: false, lines: ['amount', 'outcome', 'need'] })
    expect(write.perLine).toEqual({ amount: { Amount: 1250.5 }, need: { Description: 'A new warehouse' } })
    expect(() => toRemote(deal, local, ctx, { creating: false, lines: ['colour'] })).toThrow(/no line colour/)
  })

  test('an amount is left alone where products make it up', () => {
    const remote = { ...opportunity, HasOpportunityLineItem: true }
    const write = toRemote(deal, local, ctx, { creating: false, remote })
    expect(write.skipped).toEqual(['amount'])
    expect(write.fields).not.toHaveProperty('Amount')
    expect(toRemote(deal, local, ctx, { creating: false, remote: opportunity }).skipped).toEqual([])
  })

  test('an unlinked customer is waited for by name, the other lines are ready', () => {
    const write = toRemote(deal, { ...local, customer: 'new' }, ctx, { creating: true })
    expect(write.waiting).toEqual([{ field: 'customer', entity: 'customer', id: 'new' }])
    expect(write.fields).toMatchObject({ Name: 'Deal D-7: Acme' })
  })

  test('one value that does not fit holds back its own line only', () => {
    const amount = { amount: '9.00', currency: 'USD' }
    const write = toRemote(deal, { ...local, amount }, ctx, { creating: true })
    expect(write.issues).toMatchObject([{ field: 'amount', remote: 'Amount', code: 'wrong_currency' }])
    expect(write.issues[0]?.message).toBe('Amount: the amount is in USD, Amount in the CRM is in EUR')
    expect(write.perLine).not.toHaveProperty('amount')
    expect(write.fields).toMatchObject({ CloseDate: '2026-12-31' })
  })

  test('a blank value clears the field or leaves it, as the line says', () => {
    const blank = { ...local, protectionEnd: null, expectedCloseDate: null }
    const write = toRemote(deal, blank, ctx, { creating: false })
    expect(write.perLine['protectionEnd']).toEqual({ PRM_Protection_End__c: null })
    expect(write.perLine).not.toHaveProperty('expectedCloseDate')
  })

  test('text of nothing but white space is blank', () => {
    expect(localToRemote(deal, 'title', ' \n', ctx)).toEqual({ ok: true, fields: {} })
    expect(localToRemote(documentOf([{ local: 'title' }]), 'title', '', ctx)).toEqual({
      ok: true,
      fields: { title: null },
    })
  })

  test('a field that was not loaded is left out, never cleared', () => {
    const write = toRemote(deal, { status: 'expired' }, ctx, { creating: false })
    expect(write.fields).toEqual({ PRM_Registration_Status__c: 'Expired' })
  })

  test('in a single-currency organisation no currency field is read or written', () => {
    expect(remoteFieldsOf(deal, { multiCurrency: false })).not.toContain('CurrencyIsoCode')
    expect(remoteFieldsOf(deal, { multiCurrency: true })).toContain('CurrencyIsoCode')
    const many = toRemote(deal, local, { ...ctx, multiCurrency: true }, { creating: true })
    expect(many.perLine['amount']).toEqual({ Amount: 1250.5, CurrencyIsoCode: 'EUR' })
  })
})

describe('reading an opportunity', () => {
  test('gives the canonical value of every line, whichever way it flows', () => {
    expect(toLocal(deal, opportunity, ctx)).toEqual({
      values: { ...local, stage: 'Prospecting' },
      issues: [],
      unread: [],
    })
  })

  test('says nothing about lines that were not read', () => {
    const reading = toLocal(deal, { IsWon: true, IsClosed: true, StageName: 'Closed Won' }, ctx)
    expect(reading.values).toEqual({ outcome: 'won', stage: 'Closed Won' })
    expect(reading.unread).toContain('amount')
    expect(reading.issues).toEqual([])
  })

  test('what is not understood is an issue of its own line', () => {
    const reading = toLocal(deal, { ...opportunity, CloseDate: 'soon', AccountId: '001' }, ctx)
    expect(reading.issues).toMatchObject([
      { field: 'customer', remote: 'AccountId', code: 'not_linked' },
      { field: 'expectedCloseDate', remote: 'CloseDate', code: 'not_a_date' },
    ])
    expect(reading.values).toMatchObject({ amount: local.amount, outcome: 'open' })
  })

  test('reads the key, the flags and the fields that skip a line', () => {
    const fields = remoteFieldsOf(deal, { multiCurrency: false })
    expect(fields[0]).toBe('PRM_Deal_Id__c')
    expect(fields).toEqual(
      expect.arrayContaining(['IsWon', 'IsClosed', 'HasOpportunityLineItem', 'StageName']),
    )
    expect(new Set(fields).size).toBe(fields.length)
  })

  test('a line that only comes in cannot be sent; one that was not read cannot be read', () => {
    expect(localToRemote(deal, 'outcome', 'won', ctx)).toMatchObject({
      ok: false,
      issue: { code: 'one_way' },
    })
    expect(localToRemote(deal, 'outcome', null, ctx)).toMatchObject({ ok: false, issue: { code: 'one_way' } })
    expect(remoteToLocal(deal, 'amount', {}, ctx)).toMatchObject({ ok: false, issue: { code: 'not_read' } })
  })
})

describe('a mapping', () => {
  test('decides creation by its condition on fields and facts', () => {
    expect(isIncluded(deal, { fields: { status: 'approved' }, facts: {} })).toBe(true)
    expect(isIncluded(deal, { fields: { status: 'submitted' }, facts: { status: 'approved' } })).toBe(false)
    expect(isIncluded(defaultOf('partner'), { fields: {}, facts: { status: 'active' } })).toBe(true)
    expect(isIncluded(defaultOf('customer'), { fields: {}, facts: {} })).toBe(true)
  })

  test('names the owner of a line by the phase of the deal', () => {
    const line = deal.byName.get('amount')!.line
    expect(ownerOf(line, 'registered')).toBe('prm')
    expect(ownerOf(line, 'won')).toBe('crm')
    expect(ownerOf({ owner: 'review' }, 'approved')).toBe('review')
  })

  test('keeps the lines of a group together', () => {
    expect(deal.groups.get('stage')?.map(({ name }) => name)).toEqual(['outcome', 'stage'])
  })

  test('sends fixed values with every write, or with the first one', () => {
    const mapping = documentOf([{ local: 'title' }], {
      fixed: { onCreate: { Source: 'Partner' }, always: { Marker: true } },
    })
    expect(toRemote(mapping, { title: 'a' }, ctx, { creating: true }).fields).toEqual({
      Source: 'Partner',
      Marker: true,
      title: 'a',
    })
    expect(toRemote(mapping, { title: 'a' }, ctx, { creating: false }).fields).toEqual({
      Marker: true,
      title: 'a',
    })
  })

  test('refuses the second of two amounts in different currencies that share a currency field', () => {
    const mapping = documentOf([
      { local: 'licences', remote: ['Amount', 'Currency'], via: { kind: 'money' } },
      { local: 'services', remote: ['Services', 'Currency'], via: { kind: 'money' } },
    ])
    const write = (services: string) =>
      toRemote(
        mapping,
        { licences: { amount: '1.00', currency: 'EUR' }, services: { amount: '2.00', currency: services } },
        { ...ctx, multiCurrency: true },
        { creating: true },
      )
    expect(write('EUR').fields).toEqual({ Amount: 1, Services: 2, Currency: 'EUR' })
    expect(write('USD').issues).toMatchObject([{ field: 'services', code: 'conflicting_values' }])
    expect(write('USD').fields).toEqual({ Amount: 1, Currency: 'EUR' })
  })

  test('knows what it will read once its own write has arrived', () => {
    const many = { ...ctx, multiCurrency: true }
    const cleared = toRemote(deal, { ...local, amount: null }, many, { creating: false })
    expect(readBack(deal, 'amount', cleared.perLine['amount']!, many)).toEqual({ ok: true, value: null })
    const written = toRemote(deal, { ...local, title: 'x'.repeat(200) }, many, { creating: false })
    expect(readBack(deal, 'amount', written.perLine['amount']!, many)).toEqual({
      ok: true,
      value: local.amount,
    })
    expect(readBack(deal, 'title', written.perLine['title']!, many)).toEqual({
      ok: true,
      value: `${'x'.repeat(119)}…`,
    })
  })

  test('reads the first of several values of ours that go out as one', () => {
    const table = {
      kind: 'choice',
      table: [
        ['withdrawn', 'Closed'],
        ['cancelled', 'Closed'],
      ],
    } as const
    const mapping = documentOf([
      { local: 'status', via: { ...table, table: table.table.map(([a, b]) => [a, b]) } },
    ])
    const { perLine } = toRemote(mapping, { status: 'cancelled' }, ctx, { creating: false })
    expect(perLine['status']).toEqual({ status: 'Closed' })
    expect(readBack(mapping, 'status', perLine['status']!, ctx)).toEqual({ ok: true, value: 'withdrawn' })
  })

  test('compares a template by the text it makes', () => {
    const mapping = documentOf([
      {
        local: 'name',
        remote: 'Name',
        via: { kind: 'template', text: '{number}: {company}', maxLength: 50 },
      },
    ])
    expect(localValueOf(mapping, 'name', { number: 'D-7', company: 'Acme' })).toBe('D-7: Acme')
    expect(localValueOf(deal, 'status', local)).toBe('approved')
    expect(localValueOf(deal, 'status', {})).toBeUndefined()
  })
})

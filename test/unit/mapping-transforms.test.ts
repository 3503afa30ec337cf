import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RemoteValue } from '#connectors/connector.ts'
import { compileMapping, localToRemote, type Mapping, remoteToLocal, toRemote } from '#mappings/apply.ts'
import { type MappingLine, mappingDocumentSchema } from '#mappings/document.ts'
import type { MappingContext, RemoteFields } from '#mappings/transforms/transform.ts'
import type { Via } from '#mappings/transforms.ts'
import { type FieldValue, fieldValueSchema } from '#src/kernel/field-value.ts'
import { currencyExponent, formatDecimal } from '#src/kernel/money.ts'

const manyCurrencies: MappingContext = {
  multiCurrency: true,
  homeCurrency: 'EUR',
  timeZone: 'America/New_York',
  toRemoteId: (_, id) => (id.startsWith('new') ? null : id.startsWith('no') ? undefined : `r-${id}`),
  toLocalId: (_, id) => (id.startsWith('r-') ? id.slice(2) : undefined),
}
const oneCurrency: MappingContext = { ...manyCurrencies, multiCurrency: false }

const remotesFor = (via: Via): MappingLine['remote'] =>
  via.kind === 'money' ? ['Amount', 'Currency'] : via.kind === 'flags' ? ['IsWon', 'IsClosed'] : 'Field'

/** One line named `value` with this transform. */
const mapLine = (via: Via, rest: Partial<MappingLine> = {}): Mapping =>
  compileMapping(
    mappingDocumentSchema.parse({
      schema: 1,
      entity: 'deal',
      object: 'Opportunity',
      keyField: 'Key',
      include: { all: [] },
      fixed: { onCreate: {}, always: {} },
      fields: [
        {
          local: 'value',
          remote: remotesFor(via),
          flow: 'out',
          owner: 'prm',
          onEmpty: 'clear',
          via,
          ...rest,
        },
      ],
    }),
  )

function send(via: Via, value: FieldValue, ctx = manyCurrencies): RemoteFields {
  const sent = localToRemote(mapLine(via), 'value', value, ctx)
  if (!sent.ok) throw new Error(JSON.stringify(sent))
  return sent.fields
}
function receive(via: Via, remote: RemoteFields, ctx = manyCurrencies): FieldValue {
  const received = remoteToLocal(mapLine(via), 'value', remote, ctx)
  if (!received.ok) throw new Error(JSON.stringify(received))
  return received.value
}
const refusedOut = (via: Via, value: FieldValue, ctx = manyCurrencies) => {
  const sent = localToRemote(mapLine(via), 'value', value, ctx)
  return !sent.ok && 'issue' in sent ? sent.issue : sent
}
const refusedIn = (via: Via, remote: RemoteFields, ctx = manyCurrencies) => {
  const received = remoteToLocal(mapLine(via), 'value', remote, ctx)
  return received.ok ? received : received.issue
}

const day = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2200-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10))
const instant = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2200-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString())
const wholeSeconds = instant.map((text) => text.replace(/\.\d{3}Z$/, '.000Z'))
const tidyText = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\r\n', '\n').trim())
const decimalOf = (scale: number) =>
  fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }).map((units) => {
    const text = formatFixed(units, scale)
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text
  })
function formatFixed(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0')
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`
  return units < 0n ? `-${text}` : text
}
const moneyIn = (...currencies: string[]) =>
  fc
    .tuple(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), fc.constantFrom(...currencies))
    .map(([minor, currency]) => ({ amount: formatDecimal(minor, currency), currency }))

/** Every two-way transform with the canonical values that are valid for it. */
const twoWay: { name: string; via: Via; values: fc.Arbitrary<FieldValue>; ctx?: MappingContext }[] = [
  { name: 'copied text', via: { kind: 'copy' }, values: fc.string({ unit: 'binary', minLength: 1 }) },
  { name: 'a copied check box', via: { kind: 'copy' }, values: fc.boolean() },
  { name: 'text', via: { kind: 'text', maxLength: 1_000, overflow: 'issue' }, values: tidyText },
  { name: 'a whole number', via: { kind: 'number', scale: 0 }, values: decimalOf(0) },
  { name: 'a decimal number', via: { kind: 'number', scale: 4 }, values: decimalOf(4) },
  {
    name: 'a share held as per cent',
    via: { kind: 'number', scale: 4, factor: '100' },
    values: decimalOf(4),
  },
  {
    name: 'a number held in thousands',
    via: { kind: 'number', scale: 2, factor: '0.001' },
    values: decimalOf(2),
  },
  {
    name: 'a number sent as text',
    via: { kind: 'number', scale: 6, factor: '12', as: 'text' },
    values: decimalOf(6),
  },
  { name: 'yes and no', via: { kind: 'boolean' }, values: fc.boolean() },
  {
    name: 'yes and no in words',
    via: { kind: 'boolean', trueValue: 'Yes', falseValue: 'No' },
    values: fc.boolean(),
  },
  {
    name: 'a choice',
    via: {
      kind: 'choice',
      table: [
        ['a', 'A'],
        ['b', 2],
        ['c', false],
        ['d', '2'],
      ],
    },
    values: fc.constantFrom('a', 'b', 'c', 'd'),
  },
  { name: 'money', via: { kind: 'money' }, values: moneyIn('EUR', 'JPY', 'KWD', 'USD', 'CLF') },
  { name: 'money sent as text', via: { kind: 'money', as: 'text' }, values: moneyIn('EUR', 'JPY', 'KWD') },
  { name: 'money in one currency', via: { kind: 'money' }, values: moneyIn('EUR'), ctx: oneCurrency },
  { name: 'a day', via: { kind: 'date' }, values: day },
  { name: 'a day held as an instant', via: { kind: 'date', form: 'iso' }, values: day },
  {
    name: 'a day held as milliseconds',
    via: { kind: 'date', form: 'epoch', timeZone: 'Asia/Kolkata' },
    values: day,
  },
  {
    name: 'a day in a zone whose summer time begins at midnight',
    via: { kind: 'date', form: 'iso', timeZone: 'America/Santiago' },
    values: day,
  },
  { name: 'an instant', via: { kind: 'datetime' }, values: wholeSeconds },
  {
    name: 'an instant with milliseconds',
    via: { kind: 'datetime', precision: 'millisecond' },
    values: instant,
  },
  { name: 'an instant as milliseconds', via: { kind: 'datetime', form: 'epoch' }, values: wholeSeconds },
  { name: 'a link', via: { kind: 'reference', entity: 'customer' }, values: fc.uuid() },
]

/** The transforms that flow one way only; reading what stands over there must work all the same. */
const oneWay: Via[] = [
  { kind: 'text', maxLength: 20, overflow: 'cut' },
  { kind: 'template', text: 'Deal {number}', maxLength: 20 },
  {
    kind: 'flags',
    cases: [
      { remote: 'IsWon', equals: true, value: 'won' },
      { remote: 'IsClosed', equals: true, value: 'lost' },
    ],
    otherwise: 'open',
  },
]

const anyRemote: fc.Arbitrary<RemoteValue> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  day,
  instant,
  fc.constantFrom(
    '',
    ' ',
    '1e5',
    '-0',
    '-0.000',
    '00012.50',
    '1e99',
    '9'.repeat(60),
    '2026-02-30',
    'EUR',
    'eur',
  ),
  fc.constantFrom('2026-11-20T10:00:00.000+0000', '2026-11-20', 1_795_168_800_000, '1795168800000', 1e21, -0),
)
const anyLocal: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  day,
  instant,
  fc.record({ amount: decimalOf(3), currency: fc.constantFrom('EUR', 'JPY', 'XXX', 'eur', '') }),
)

describe('every two-way transform', () => {
  test.each(twoWay)('gives back $name as it was', ({ via, values, ctx }) => {
    fc.assert(
      fc.property(values, (value) => {
        const sent = send(via, value, ctx)
        expect(receive(via, { Amount: null, Currency: null, Field: null, ...sent }, ctx)).toEqual(
          value === '' ? null : value,
        )
      }),
    )
  })

  test.each(twoWay)('writes $name back as the CRM held it, once it is canonical', ({ via, values, ctx }) => {
    fc.assert(
      fc.property(values, (value) => {
        const sent = send(via, value, ctx)
        expect(send(via, receive(via, { Field: null, ...sent }, ctx), ctx)).toEqual(sent)
      }),
    )
  })

  test.each(twoWay)('carries blank both ways for $name', ({ via }) => {
    expect(send(via, null)).toEqual({ [via.kind === 'money' ? 'Amount' : 'Field']: null })
    expect(receive(via, { Field: null, Amount: null, Currency: 'EUR' })).toBeNull()
  })
})

describe('every transform', () => {
  const all = [...twoWay.map(({ via }) => via), ...oneWay].map((via) => ({ name: JSON.stringify(via), via }))

  test.each(all)('reads anything a CRM may hold as a canonical value or an issue: $name', ({ via }) => {
    fc.assert(
      fc.property(anyRemote, anyRemote, fc.boolean(), (first, second, multiCurrency) => {
        const remote = { Field: first, Amount: first, Currency: second, IsWon: first, IsClosed: second }
        const ctx = { ...manyCurrencies, multiCurrency }
        const received = remoteToLocal(mapLine(via), 'value', remote, ctx)
        if (received.ok) {
          expect(fieldValueSchema.safeParse(received.value).success).toBe(true)
          expect(received.value).not.toBe('')
        } else {
          expect(received.issue.field).toBe('value')
          expect(received.issue.message).toMatch(/^value: ./)
        }
      }),
    )
  })

  test.each(twoWay)(
    'reads what it wrote back as the same value, so that both sides fall silent: $name',
    ({ via }) => {
      fc.assert(
        fc.property(anyRemote, anyRemote, (first, second) => {
          const remote = { Field: first, Amount: first, Currency: second }
          const received = remoteToLocal(mapLine(via), 'value', remote, manyCurrencies)
          if (!received.ok) return
          const sent = localToRemote(mapLine(via), 'value', received.value, manyCurrencies)
          if (!sent.ok) return
          const again = remoteToLocal(mapLine(via), 'value', { ...remote, ...sent.fields }, manyCurrencies)
          expect(again).toEqual(received)
        }),
      )
    },
  )

  test.each(all)('sends any value of ours or names the field: $name', ({ via }) => {
    fc.assert(
      fc.property(anyLocal, fc.boolean(), (value, multiCurrency) => {
        const sent = localToRemote(mapLine(via), 'value', value, { ...manyCurrencies, multiCurrency })
        if (sent.ok) {
          for (const remote of Object.values(sent.fields)) expect(Number.isNaN(remote)).toBe(false)
        } else if ('issue' in sent) expect(sent.issue.field).toBe('value')
      }),
    )
  })
})

describe('text', () => {
  test('that is too long is an issue unless it may be cut', () => {
    const via = { kind: 'text', maxLength: 5, overflow: 'issue' } as const
    expect(refusedOut(via, 'abcdef')).toMatchObject({ code: 'too_long', field: 'value', remote: 'Field' })
    expect(send({ ...via, overflow: 'cut' }, 'abcdef')).toEqual({ Field: 'abcd…' })
  })

  test('is cut between characters, never beyond its length, and only once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 10 }), (text, maxLength) => {
        const via = { kind: 'text', maxLength, overflow: 'cut' } as const
        const cut = send(via, text)['Field']
        expect(cut === null || (typeof cut === 'string' && cut.length <= maxLength)).toBe(true)
        if (typeof cut === 'string') {
          expect(cut.isWellFormed()).toBe(true)
          expect(send(via, cut)).toEqual({ Field: cut })
        }
      }),
    )
  })

  test('loses the white space around it and carriage returns, which CRMs add and drop', () => {
    const via = { kind: 'text', maxLength: 50, overflow: 'issue' } as const
    expect(send(via, ' one\r\ntwo ')).toEqual({ Field: 'one\ntwo' })
    expect(receive(via, { Field: 'one\r\ntwo' })).toBe('one\ntwo')
  })
})

describe('numbers', () => {
  test.each([
    ['0.125', 2, undefined, 0.12],
    ['0.135', 2, undefined, 0.14],
    ['-2.5', 0, undefined, -2],
    ['3.5', 0, undefined, 4],
    ['0.1250', 4, '100', 12.5],
    ['1234.5', 1, '0.001', 1.2345],
    ['-0', 0, undefined, 0],
  ])('%s at scale %s and factor %s goes out as %s', (value, scale, factor, remote) => {
    const sent = send({ kind: 'number', scale, ...(factor ? { factor } : {}) }, value)
    expect(sent['Field']).toBe(remote)
  })

  test.each([
    [0.1 + 0.2, 2, '0.3'],
    [0.1 + 0.2, 12, '0.3'],
    [1e21, 0, '1000000000000000000000'],
    [1e-7, 8, '0.0000001'],
    ['1.0E7', 0, '10000000'],
    [-0, 2, '0'],
    ['0012.500', 3, '12.5'],
    [12.345, 2, '12.34'],
  ])('%s read at scale %s is %s', (remote, scale, local) => {
    expect(receive({ kind: 'number', scale }, { Field: remote })).toBe(local)
  })

  test('that no JSON number can carry are an issue, and go as text where the CRM takes text', () => {
    const value = '12345678901234567.89'
    expect(refusedOut({ kind: 'number', scale: 2 }, value)).toMatchObject({ code: 'too_precise' })
    expect(send({ kind: 'number', scale: 2, as: 'text' }, value)).toEqual({ Field: value })
  })
})

describe('money', () => {
  const via = { kind: 'money' } as const

  test('names its currency where the organisation has several', () => {
    expect(send(via, { amount: '1250.50', currency: 'USD' })).toEqual({ Amount: 1250.5, Currency: 'USD' })
    expect(receive(via, { Amount: 1250.5, Currency: 'USD' })).toEqual({ amount: '1250.50', currency: 'USD' })
  })

  test('in another currency than the only one is an issue that names the field', () => {
    expect(send(via, { amount: '10.00', currency: 'EUR' }, oneCurrency)).toEqual({ Amount: 10 })
    expect(receive(via, { Amount: 10 }, oneCurrency)).toEqual({ amount: '10.00', currency: 'EUR' })
    expect(refusedOut(via, { amount: '10.00', currency: 'USD' }, oneCurrency)).toMatchObject({
      code: 'wrong_currency',
      message: 'value: the amount is in USD, Amount in the CRM is in EUR',
    })
  })

  test('waits for a person where the home currency is not known', () => {
    const unknown = { ...oneCurrency, homeCurrency: null }
    expect(refusedOut(via, { amount: '10.00', currency: 'USD' }, unknown)).toMatchObject({
      code: 'no_currency',
    })
    expect(refusedIn(via, { Amount: 10 }, unknown)).toMatchObject({ code: 'no_currency' })
  })

  test.each([
    [{ Amount: 10, Currency: null }, 'no_currency'],
    [{ Amount: 10, Currency: 'euro' }, 'no_currency'],
    [{ Amount: '10 EUR', Currency: 'EUR' }, 'not_a_number'],
    [{ Amount: true, Currency: 'EUR' }, 'not_a_number'],
    [{ Amount: 1e18, Currency: 'EUR' }, 'not_a_number'],
  ])('is an issue when the CRM holds %j', (remote, code) => {
    expect(refusedIn(via, remote)).toMatchObject({ code })
  })

  test('below the minor unit is rounded half to even in the currency of the record', () => {
    expect(receive(via, { Amount: 33.335, Currency: 'EUR' })).toEqual({ amount: '33.34', currency: 'EUR' })
    expect(receive(via, { Amount: 33.345, Currency: 'EUR' })).toEqual({ amount: '33.34', currency: 'EUR' })
    expect(receive(via, { Amount: 1234.5, Currency: 'JPY' })).toEqual({ amount: '1234', currency: 'JPY' })
    expect(receive(via, { Amount: 1.2345, Currency: 'KWD' })).toEqual({ amount: '1.234', currency: 'KWD' })
  })

  test('of ours with more places than its currency is an issue, not a rounded amount', () => {
    expect(currencyExponent('EUR')).toBe(2)
    expect(refusedOut(via, { amount: '1.005', currency: 'EUR' })).toMatchObject({ code: 'too_precise' })
  })
})

describe('choices and flags', () => {
  const table: Via = {
    kind: 'choice',
    table: [
      ['open', 0],
      ['won', 1],
    ],
  }
  const flags = oneWay[2] as Via

  test('a value without a counterpart is an issue that names it', () => {
    expect(refusedOut(table, 'lost')).toMatchObject({ code: 'no_counterpart', field: 'value' })
    expect(refusedIn(table, { Field: 2 })).toMatchObject({ code: 'no_counterpart', remote: 'Field' })
    expect(refusedIn(table, { Field: '1' })).toMatchObject({ code: 'no_counterpart' })
  })

  test.each([
    [{ IsWon: true, IsClosed: true }, 'won'],
    [{ IsWon: false, IsClosed: true }, 'lost'],
    [{ IsWon: false, IsClosed: false }, 'open'],
    [{ IsWon: null, IsClosed: null }, 'open'],
  ])('the first case that holds wins: %j is %s', (remote, outcome) => {
    expect(receive(flags, remote)).toBe(outcome)
  })

  test('a flag of another type is no answer', () => {
    expect(refusedIn(flags, { IsWon: 'maybe', IsClosed: true })).toMatchObject({ code: 'wrong_type' })
    expect(
      refusedIn({ ...flags, otherwise: undefined } as Via, { IsWon: false, IsClosed: false }),
    ).toMatchObject({
      code: 'no_counterpart',
    })
    expect(refusedOut(flags, 'won')).toMatchObject({ code: 'one_way' })
  })
})

describe('days and instants', () => {
  test.each([
    ['2026-11-20T10:00:00.000+0000', '2026-11-20T10:00:00.000Z'],
    ['2026-11-20T10:00:00+05:30', '2026-11-20T04:30:00.000Z'],
    ['2026-11-20T10:00:00.987Z', '2026-11-20T10:00:00.000Z'],
    [1_795_168_800_000, '2026-11-20T10:00:00.000Z'],
    ['1795168800000', '2026-11-20T10:00:00.000Z'],
  ])('%s is the instant %s', (remote, local) => {
    expect(receive({ kind: 'datetime' }, { Field: remote })).toBe(local)
  })

  test.each(['2026-02-30', '20.11.2026', '2026-11-20T10:00:00Z', 20_261_120, true])(
    '%s is no day',
    (remote) => {
      expect(refusedIn({ kind: 'date' }, { Field: remote })).toMatchObject({ code: 'not_a_date' })
    },
  )

  test.each(['2026-02-30T00:00:00Z', '2026-11-20T10:00:00', '2026-11-20', 'soon', 1e300])(
    '%s is no instant',
    (remote) => {
      expect(refusedIn({ kind: 'datetime' }, { Field: remote })).toMatchObject({ code: 'not_a_date' })
    },
  )

  test('an instant falls on the day of the stated zone, else of the connection', () => {
    const remote = { Field: '2026-12-31T02:00:00Z' }
    expect(receive({ kind: 'date', form: 'iso' }, remote)).toBe('2026-12-30')
    expect(receive({ kind: 'date', form: 'iso', timeZone: 'Asia/Tokyo' }, remote)).toBe('2026-12-31')
    expect(send({ kind: 'date', form: 'iso' }, '2026-12-30')).toEqual({ Field: '2026-12-30T05:00:00.000Z' })
  })

  test('a day that a zone left out is an issue', () => {
    const via: Via = { kind: 'date', form: 'iso', timeZone: 'Pacific/Apia' }
    expect(refusedOut(via, '2011-12-30')).toMatchObject({ code: 'not_a_date' })
  })
})

describe('links and templates', () => {
  const link: Via = { kind: 'reference', entity: 'customer' }

  test('an unlinked parent is waited for, an impossible one is an issue', () => {
    expect(localToRemote(mapLine(link), 'value', 'new-1', manyCurrencies)).toEqual({
      ok: false,
      waiting: { field: 'value', entity: 'customer', id: 'new-1' },
    })
    expect(refusedOut(link, 'no-1')).toMatchObject({ code: 'not_linked' })
    expect(refusedIn(link, { Field: '001' })).toMatchObject({ code: 'not_linked' })
  })

  test('a template is made of other fields, without gaps where they are blank', () => {
    const mapping = mapLine({ kind: 'template', text: 'Deal {number}: {company} {amount}', maxLength: 24 })
    const write = (fields: Record<string, FieldValue>) =>
      toRemote(mapping, fields, manyCurrencies, { creating: true }).fields
    expect(write({ number: 'D-7', company: 'Acme' })).toEqual({ Field: 'Deal D-7: Acme' })
    expect(write({ number: 'D-7', company: null, amount: { amount: '5.00', currency: 'EUR' } })).toEqual({
      Field: 'Deal D-7: 5.00 EUR',
    })
    expect(write({ number: 'D-7', company: 'A very long company name' })).toEqual({
      Field: 'Deal D-7: A very long c…',
    })
  })
})

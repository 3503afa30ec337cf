import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RemoteValue } from '#connectors/connector.ts'
import { localToRemote, remoteToLocal } from '#mappings/apply.ts'
import type { MappingContext, RemoteFields } from '#mappings/transforms/transform.ts'
import type { Via } from '#mappings/transforms.ts'
import { type FieldValue, fieldValueSchema } from '#src/kernel/field-value.ts'
import { formatDecimal } from '#src/kernel/money.ts'
import {
  manyCurrencies,
  mapLine,
  oneCurrency,
  outcomeFlags,
  receive,
  send,
} from '#test/support/mapping-line.ts'

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

/** As a CRM that holds every value as text hands back what was sent: HubSpot, for one. */
const asText = (fields: RemoteFields): RemoteFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value === null ? '' : String(value)]),
  )
/** A copy does not know what it copies; a table names its values itself. */
const neverAsText = ['a copied check box', 'a choice']

/** The transforms that flow one way only; reading what stands over there must work all the same. */
const oneWay: Via[] = [
  { kind: 'text', maxLength: 20, overflow: 'cut' },
  { kind: 'template', text: 'Deal {number}', maxLength: 20 },
  outcomeFlags,
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

  test.each(twoWay.filter(({ name }) => !neverAsText.includes(name)))(
    'gives back $name from a CRM that holds every value as text',
    ({ via, values, ctx }) => {
      fc.assert(
        fc.property(values, (value) => {
          const held = { Field: '', Amount: '', Currency: '', ...asText(send(via, value, ctx)) }
          expect(receive(via, held, ctx)).toEqual(value === '' ? null : value)
        }),
      )
    },
  )

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

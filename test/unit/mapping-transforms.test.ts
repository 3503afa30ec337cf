import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { localToRemote, toRemote } from '#mappings/apply.ts'
import type { Via } from '#mappings/transforms.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import { currencyExponent } from '#src/kernel/money.ts'
import {
  manyCurrencies,
  mapLine,
  oneCurrency,
  outcomeFlags,
  receive,
  refusedIn,
  refusedOut,
  send,
} from '#test/support/mapping-line.ts'

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
    const unknown = { ...oneCurrency, outcomeFlags, homeCurrency: null }
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
    expect(receive(outcomeFlags, remote)).toBe(outcome)
  })

  test('a flag of another type is no answer', () => {
    expect(refusedIn(outcomeFlags, { IsWon: 'maybe', IsClosed: true })).toMatchObject({ code: 'wrong_type' })
    expect(
      refusedIn({ ...outcomeFlags, otherwise: undefined } as Via, { IsWon: false, IsClosed: false }),
    ).toMatchObject({
      code: 'no_counterpart',
    })
    expect(refusedOut(outcomeFlags, 'won')).toMatchObject({ code: 'one_way' })
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

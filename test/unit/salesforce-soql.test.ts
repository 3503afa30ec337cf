import { parseQuery } from '@jetstreamapp/soql-parser-js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectorFault } from '#connectors/fault.ts'
import {
  checkName,
  instantLiteral,
  maxAddressBytes,
  queryPath,
  quoteText,
  sliceByValues,
} from '#connectors/salesforce/soql.ts'

const soqlOf = (path: string): string => new URL(path, 'https://x.invalid').searchParams.get('q') ?? ''

/** Reads a quoted literal back by the documented escapes. */
function unquote(literal: string): string {
  const letters: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
  return literal.slice(1, -1).replace(/\\(.)/gs, (_, letter: string) => letters[letter] ?? letter)
}

describe('a text literal', () => {
  it('holds any text, and ends only where it ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const literal = quoteText(text)
        expect(unquote(literal)).toBe(text)
        expect(literal.slice(1, -1)).not.toMatch(/^(?:[^\\]|\\.)*?(?<!\\)'/s)
      }),
    )
  })

  it.each(["O'Brien", "x' OR Id != '", '\\', "\\'", 'a\nb\tc'])('is one value for a parser: %j', (text) => {
    const query = parseQuery(`SELECT Id FROM Account WHERE Name IN (${quoteText(text)})`)
    expect(query.where).toMatchObject({ left: { field: 'Name', operator: 'IN' } })
    expect(query.where && 'operator' in query.where ? query.where.operator : null).toBeNull()
  })
})

describe('a query', () => {
  it('reads as it was meant', () => {
    const path = queryPath({
      object: 'Opportunity',
      fields: ['Id', 'Name'],
      where: 'SystemModstamp >= 2026-11-20T10:00:00Z',
      orderBy: 'SystemModstamp, Id',
      limit: 2000,
      withDeleted: true,
    })
    expect(path).toMatch(/^\/queryAll\?q=/)
    expect(parseQuery(soqlOf(path))).toMatchObject({ sObject: 'Opportunity', limit: 2000 })
  })

  it.each(['Id FROM User--', 'Name, (SELECT Id FROM Contacts)', "x'", '', '1x', 'Account.Name'])(
    'takes no name like %j',
    (name) => {
      expect(() => checkName(name)).toThrow(ConnectorFault)
      expect(() => queryPath({ object: 'Opportunity', fields: [name] })).toThrow(ConnectorFault)
      expect(() => queryPath({ object: name, fields: ['Id'] })).toThrow(ConnectorFault)
    },
  )

  it('refuses to grow beyond what an address may hold', () => {
    const fields = Array.from({ length: 500 }, (_, index) => `A_Rather_Long_Custom_Field_Name_${index}__c`)
    expect(() => queryPath({ object: 'Opportunity', fields })).toThrow(/too many fields/)
  })

  it('writes instants in UTC and whole seconds', () => {
    expect(instantLiteral(new Date('2026-11-20T11:00:00.999+01:00'))).toBe('2026-11-20T10:00:00Z')
  })
})

describe('slices of values', () => {
  it('hold every value once, in addresses within bounds', () => {
    const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 1500 }), (values) => {
        const slices = sliceByValues({ object: 'Opportunity', fields: ['Id'] }, 'Name', values)
        expect(slices.flatMap((slice) => slice.values).toSorted()).toEqual([...new Set(values)].toSorted())
        for (const { path } of slices) expect(path.length).toBeLessThanOrEqual(maxAddressBytes)
      }),
      { numRuns: 30 },
    )
  })

  it('are as few as fit', () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `006000000000${String(index).padStart(3, '0')}AAA`)
    expect(sliceByValues({ object: 'Opportunity', fields: ['Id'] }, 'Id', ids)).toHaveLength(2)
    expect(sliceByValues({ object: 'Opportunity', fields: ['Id'] }, 'Id', [])).toEqual([])
  })

  it('leave out a value that no address can hold', () => {
    const slices = sliceByValues({ object: 'Account', fields: ['Id'] }, 'Name', [
      'a',
      'x'.repeat(20_000),
      'b',
    ])
    expect(slices.map(({ values }) => values)).toEqual([['a', 'b']])
  })
})

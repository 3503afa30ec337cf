import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '#src/kernel/canonical-json.ts'

/** The same value with the keys of its objects in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, reordered(part)]),
  )
}

describe('canonical JSON', () => {
  test('says the same as JSON, and the same for equal values in any order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(reordered(value))).toBe(text)
      }),
    )
  })

  test('sorts keys, writes big integers as text and days as they say, and leaves out what JSON leaves out', () => {
    const value = {
      b: 12n,
      a: [1, undefined, { z: undefined, y: null }],
      at: new Date(0),
      none: undefined,
      'a"b': 'c"d',
    }
    expect(canonicalJson(value)).toBe(
      String.raw`{"a":[1,null,{"y":null}],"a\"b":"c\"d","at":"1970-01-01T00:00:00.000Z","b":"12"}`,
    )
    expect(canonicalJson(undefined)).toBe('null')
    expect(canonicalJson(Number.NaN)).toBe('null')
  })
})

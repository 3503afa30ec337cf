import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '#src/http/paging.ts'
import { InvalidInput } from '#src/kernel/errors.ts'

test('a cursor comes back as what it was made of', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))), (parts) => {
      expect(decodeCursor(encodeCursor(parts), parts.length)).toEqual(parts)
    }),
  )
})

test('a cursor that nobody gave out is refused, whatever it holds', () => {
  const foreign = ['', 'x', 'null', encodeCursor(['a']), encodeCursor(['a', 'b', 'c'])]
  for (const cursor of [...foreign, encodeCursor(['a\0', 'b']), encodeCursor(['\ud800', 'b'])])
    expect(() => decodeCursor(cursor, 2)).toThrow(InvalidInput)
})

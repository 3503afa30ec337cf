import { z } from 'zod'
import { InvalidInput } from '#src/kernel/errors.ts'
import { isStorableText } from '#src/kernel/text.ts'

/** Query parameters of every list. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number({ error: 'a whole number from 1 to 200' }).int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
})

/** Answer of every list; `nextCursor` is null on the last page. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** A cursor is opaque to callers: the sort values of the last row, ending in its id. */
export const encodeCursor = (parts: readonly string[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

/** @throws InvalidInput when it is not a cursor of `count` parts */
export function decodeCursor(cursor: string, count: number): string[] {
  const parsed = z.array(z.string().refine(isStorableText)).length(count).safeParse(parseJson(cursor))
  if (parsed.success) return parsed.data
  throw new InvalidInput('The cursor is not one of ours', [
    {
      path: '/query/cursor',
      code: 'invalid_cursor',
      message: 'Use the nextCursor of the page before, unchanged',
    },
  ])
}

function parseJson(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return null
  }
}

/**
 * Cuts one row too many off a query's result: ask the store for `limit + 1` rows.
 * @param cursorOf the sort values of a row, ending in its id
 */
export function toPage<Item>(
  rows: readonly Item[],
  limit: number,
  cursorOf: (last: Item) => readonly string[],
): Page<Item> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: rows.length > limit && last ? encodeCursor(cursorOf(last)) : null }
}

import { z } from 'zod'
import type { Keyed, Position } from '#src/database/keyset.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { decodeCursor, encodeCursor } from './paging.ts'

interface PageRequest<Sort extends string> {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly sort: Sort
}

/**
 * Where a sorted list goes on. The cursor names its sort, so that it is not taken for one of another order.
 * @throws InvalidInput when the cursor is not one of this list and order
 */
export function positionOf<Sort extends string>(request: PageRequest<Sort>): Position<Sort> {
  const { limit, sort, cursor } = request
  if (cursor === undefined) return { limit, sort, after: null }
  const [order, key = '', id] = decodeCursor(cursor, 3)
  const row = z.uuid().safeParse(id)
  if (order === sort && row.success) return { limit, sort, after: { key, id: row.data } }
  throw new InvalidInput('The cursor belongs to another list or order', [
    {
      path: '/query/cursor',
      code: 'invalid_cursor',
      message: 'Use a cursor with the sort that it came with',
    },
  ])
}

/** The page of the rows (one more than the limit, if there are more) that a store returned for `positionOf(request)`. */
export function sortedPage<Item extends Keyed>(
  rows: readonly Item[],
  request: PageRequest<string>,
): { items: Item[]; nextCursor: string | null } {
  const items = rows.slice(0, request.limit)
  const last = items.at(-1)
  const more = rows.length > request.limit && last
  return { items, nextCursor: more ? encodeCursor([request.sort, last.sortKey, last.id]) : null }
}

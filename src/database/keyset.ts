import { type RawBuilder, sql } from 'kysely'

/**
 * What a list may be ordered by: an expression of type text that is never null, or `creation` (ids rise with time, so
 * the order of ids is the order of creation).
 */
export type SortColumn = RawBuilder<string> | 'creation'

/** Where a page starts and how long it is. `sort` is the name of a column, '-name' for descending. */
export interface Position<Sort extends string = string> {
  readonly limit: number
  readonly sort: Sort
  /** Sort value and id of the last row of the page before. */
  readonly after: { readonly key: string; readonly id: string } | null
}

/** What a listed row carries so that the next page can start behind it. */
export interface Keyed {
  readonly id: string
  readonly sortKey: string
}

/**
 * The parts of a list query that pages by its sort values, so that each page costs the same however deep it lies:
 * `key` (select it as sort_key), `follows` (a condition) and `tail` (order and limit, one row more than the page).
 */
export function keyset<Name extends string>(
  columns: Readonly<Record<Name, SortColumn>>,
  position: Position<Name | `-${Name}`>,
) {
  const descending = position.sort.startsWith('-')
  // The prefix was just cut off, so what is left is a key of `columns`.
  const column: SortColumn = columns[(descending ? position.sort.slice(1) : position.sort) as Name]
  const direction = sql.raw(descending ? 'desc' : 'asc')
  const beyond = sql.raw(descending ? '<' : '>')
  const { after, limit } = position
  if (column === 'creation') {
    return {
      key: sql<string>`''`,
      follows: after ? sql<boolean>`id ${beyond} ${after.id}::uuid` : sql<boolean>`true`,
      tail: sql`order by id ${direction} limit ${limit + 1}`,
    }
  }
  return {
    key: column,
    follows: after
      ? sql<boolean>`(${column}, id) ${beyond} (${after.key}, ${after.id}::uuid)`
      : sql<boolean>`true`,
    tail: sql`order by ${column} ${direction}, id ${direction} limit ${limit + 1}`,
  }
}

/** The conditions that a list was asked for, joined by "and"; those not asked for are null. */
export const allOf = (...conditions: readonly (RawBuilder<unknown> | null)[]): RawBuilder<boolean> =>
  sql<boolean>`${sql.join(
    conditions.filter((condition) => condition !== null),
    sql` and `,
  )}`

/** A condition for a filter that may be absent. */
export const asked = <Value>(
  value: Value | undefined,
  condition: (value: Value) => RawBuilder<unknown>,
): RawBuilder<unknown> | null => (value === undefined ? null : condition(value))

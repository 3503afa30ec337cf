/** Narrows the rows a query has to look at, from the conditions that all must hold, by the indexes there are. */
import type { Organisation } from './organisation.ts'
import { findField, type ObjectSchema, type Row } from './schema.ts'
import type { Comparison, Filter } from './soql-conditions.ts'
import { readLiteral } from './soql-literals.ts'
import type { Table } from './tables.ts'

function listRequired(filter: Filter | null): readonly Comparison[] {
  if (filter === null) return []
  if (filter.kind === 'comparison') return [filter.comparison]
  return filter.kind === 'all' ? filter.parts.flatMap(listRequired) : []
}

/** The earliest SystemModstamp among alternatives too: a keyset cursor reads `(a > x OR (a = x AND Id > y))`. */
function findLowerBound(organisation: Organisation, schema: ObjectSchema, filter: Filter): string | null {
  if (filter.kind === 'not') return null
  if (filter.kind === 'all') {
    const bounds = filter.parts.map((part) => findLowerBound(organisation, schema, part))
    return (
      bounds
        .filter((bound) => bound !== null)
        .sort()
        .at(-1) ?? null
    )
  }
  if (filter.kind !== 'comparison') {
    const bounds = filter.parts.map((part) => findLowerBound(organisation, schema, part))
    return bounds.includes(null) ? null : (bounds.sort()[0] ?? null)
  }
  const { comparison } = filter
  if (!('field' in comparison) || !('value' in comparison) || Array.isArray(comparison.value)) return null
  if (
    comparison.field.toLowerCase() !== 'systemmodstamp' ||
    !['=', '>', '>='].includes(comparison.operator)
  ) {
    return null
  }
  const field = findField(schema, 'SystemModstamp')
  const type = Array.isArray(comparison.literalType) ? comparison.literalType[0] : comparison.literalType
  if (field === undefined || type !== 'DATETIME') return null
  const literal = readLiteral(field, { type, text: comparison.value }, organisation.now())
  return literal.kind === 'value' && typeof literal.value === 'string' ? literal.value : null
}

function firstAtOrAfter(rows: readonly Row[], stamp: string): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (String(rows[middle]?.['SystemModstamp']) < stamp) low = middle + 1
    else high = middle
  }
  return low
}

function findByKeys(
  organisation: Organisation,
  table: Table,
  required: readonly Comparison[],
): readonly Row[] | null {
  for (const comparison of required) {
    if (!('field' in comparison) || !('value' in comparison)) continue
    const field = findField(table.schema, comparison.field)
    if (field?.type !== 'id' || !['=', 'IN'].includes(comparison.operator)) continue
    const texts = Array.isArray(comparison.value) ? comparison.value : [comparison.value]
    const rows = new Set<Row>()
    for (const text of texts) {
      const literal = readLiteral(field, { type: 'STRING', text }, organisation.now())
      const row = literal.kind === 'value' ? table.rows.get(String(literal.value)) : undefined
      if (row !== undefined) rows.add(row)
    }
    return [...rows]
  }
  return null
}

/** Rows that may match, by (SystemModstamp, Id) unless found by id; never leaves out one that does. */
export function findCandidates(
  organisation: Organisation,
  table: Table,
  filter: Filter | null,
): { readonly rows: readonly Row[]; readonly inStampOrder: boolean } {
  const byKeys = findByKeys(organisation, table, listRequired(filter))
  if (byKeys !== null) return { rows: byKeys, inStampOrder: false }
  const sorted = organisation.tables.sortedRows(table)
  const bound = filter === null ? null : findLowerBound(organisation, table.schema, filter)
  return { rows: bound === null ? sorted : sorted.slice(firstAtOrAfter(sorted, bound)), inStampOrder: true }
}

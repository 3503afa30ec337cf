/** Whether a filter holds, told from the values its paths have; nothing here knows where they come from. */
import type { Comparison, Filter, Literal } from './filter-syntax.ts'

/** The value at a path such as `name` or `parentaccountid/name`; throws where there is no such property. */
export type ReadPath = (path: string) => Literal

const plain = (value: Literal) => (typeof value === 'string' ? value.trimEnd().toLowerCase() : value)

function compare(left: Literal, right: Literal): number | null {
  if (left === null || right === null) return null
  const [a, b] = typeof left === typeof right ? [plain(left), plain(right)] : [String(left), String(right)]
  if (a === b) return 0
  return (a ?? '') < (b ?? '') ? -1 : 1
}

function holdsComparison(operator: Comparison, left: Literal, right: Literal): boolean {
  if (right === null) return operator === 'eq' ? left === null : operator === 'ne' && left !== null
  const order = compare(left, right)
  // SQL's null is unequal to everything; Dataverse's `ne` finds it all the same.
  if (order === null) return operator === 'ne'
  switch (operator) {
    case 'eq':
      return order === 0
    case 'ne':
      return order !== 0
    case 'gt':
      return order > 0
    case 'ge':
      return order >= 0
    case 'lt':
      return order < 0
    case 'le':
      return order <= 0
  }
}

export function holds(filter: Filter, read: ReadPath): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => holds(part, read))
    case 'or':
      return filter.parts.some((part) => holds(part, read))
    case 'not':
      return !holds(filter.part, read)
    case 'compare':
      return holdsComparison(filter.operator, read(filter.path), filter.value)
    case 'in': {
      const value = read(filter.path)
      return filter.values.some((each) => holdsComparison('eq', value, each)) !== filter.negated
    }
    case 'text': {
      const value = plain(read(filter.path))
      const part = filter.value.toLowerCase()
      if (typeof value !== 'string') return false
      if (filter.test === 'contains') return value.includes(part)
      return filter.test === 'startswith' ? value.startsWith(part) : value.endsWith(part)
    }
  }
}

/** Every path that a filter names. */
export function listPaths(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.flatMap(listPaths)
    case 'not':
      return listPaths(filter.part)
    case 'compare':
    case 'text':
    case 'in':
      return [filter.path]
  }
}

/** A filter tree into a predicate over rows. Text compares without regard to case, null only ever equals null. */
import { CallError } from './errors.ts'
import type { Organisation } from './organisation.ts'
import type { FieldSchema, ObjectSchema, Row, Scalar } from './schema.ts'
import { type Comparison, type Filter, failQuery } from './soql-conditions.ts'
import { type FieldPath, resolvePath } from './soql-fields.ts'
import { type Literal, type LiteralValue, readLiteral, unquote } from './soql-literals.ts'

export type Predicate = (row: Row) => boolean

export interface FilterScope {
  readonly organisation: Organisation
  readonly schema: ObjectSchema
  readonly alias: string | undefined
  /** Answers the values that a sub-query selects. */
  readonly runSubquery: (comparison: Comparison) => readonly Scalar[]
}

/** The form in which values of the field compare and sort. */
export function foldValue(field: FieldSchema, value: Scalar): Scalar {
  if (typeof value !== 'string' || field.caseSensitive) return value
  return ['string', 'textarea', 'picklist', 'phone', 'url', 'email'].includes(field.type)
    ? value.toLowerCase()
    : value
}

function listLiterals(comparison: Comparison): readonly Literal[] {
  if (!('value' in comparison)) return []
  const texts = Array.isArray(comparison.value) ? comparison.value : [comparison.value]
  const types = comparison.literalType
  return texts.map((text, index) => ({
    text,
    type: (Array.isArray(types) ? types[index] : types) ?? 'STRING',
  }))
}

function compileLike(path: FieldPath, pattern: string): Predicate {
  const isPatternable = ['string', 'textarea', 'picklist', 'phone', 'url', 'email'].includes(path.field.type)
  if (!isPatternable) {
    throw new CallError(
      400,
      'INVALID_QUERY_FILTER_OPERATOR',
      `invalid operator on ${path.field.type} field: ${path.field.name}`,
    )
  }
  const inner = pattern.replace(/^'|'$/g, '')
  let source = ''
  for (let place = 0; place < inner.length; place += 1) {
    const letter = inner.charAt(place)
    if (letter === '%') source += '[\\s\\S]*'
    else if (letter === '_') source += '[\\s\\S]'
    else {
      const literal = letter === '\\' ? unquote(inner.slice(place, place + 2)) : letter
      if (letter === '\\') place += 1
      source += literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    }
  }
  const expression = new RegExp(`^${source}$`, 'iu')
  return (row) => {
    const value = path.read(row)
    return typeof value === 'string' && expression.test(value)
  }
}

function isBefore(left: Scalar, right: Scalar): boolean {
  return left !== null && right !== null && left < right
}

function compileOrder(path: FieldPath, operator: string, literal: LiteralValue): Predicate {
  const { field } = path
  const read = (row: Row) => foldValue(field, path.read(row))
  if (field.type === 'boolean') {
    throw new CallError(
      400,
      'INVALID_QUERY_FILTER_OPERATOR',
      `invalid operator on boolean field: ${field.name}`,
    )
  }
  const lower = literal.kind === 'range' ? literal.from : foldValue(field, literal.value)
  const upper = literal.kind === 'range' ? literal.until : lower
  const isRange = literal.kind === 'range'
  switch (operator) {
    case '<':
      return (row) => isBefore(read(row), lower)
    case '>=':
      return (row) => {
        const value = read(row)
        return value !== null && lower !== null && !isBefore(value, lower)
      }
    case '>':
      return (row) => {
        const value = read(row)
        return (
          value !== null && upper !== null && (isRange ? !isBefore(value, upper) : isBefore(upper, value))
        )
      }
    default:
      return (row) => {
        const value = read(row)
        return (
          value !== null && upper !== null && (isRange ? isBefore(value, upper) : !isBefore(upper, value))
        )
      }
  }
}

function compileEquality(path: FieldPath, literals: readonly LiteralValue[]): Predicate {
  const { field } = path
  const values = new Set<Scalar>()
  const ranges = literals.flatMap((literal) => (literal.kind === 'range' ? [literal] : []))
  for (const literal of literals) if (literal.kind === 'value') values.add(foldValue(field, literal.value))
  return (row) => {
    const value = foldValue(field, path.read(row))
    return (
      values.has(value) ||
      ranges.some((range) => !isBefore(value, range.from) && isBefore(value, range.until))
    )
  }
}

function compileComparison(scope: FilterScope, comparison: Comparison): Predicate {
  if (!('field' in comparison)) throw failQuery('functions in filters are not part of this organisation')
  const path = resolvePath(scope.organisation, scope.schema, comparison.field, scope.alias)
  if (path.field.type === 'textarea' && path.field.length > 255) {
    throw new CallError(
      400,
      'INVALID_FIELD',
      `field '${path.field.name}' can not be filtered in a query call`,
    )
  }
  const { operator } = comparison
  const literals = listLiterals(comparison)
  if (operator === 'LIKE') return compileLike(path, literals[0]?.text ?? '')
  if (operator === 'INCLUDES' || operator === 'EXCLUDES') {
    throw new CallError(
      400,
      'INVALID_QUERY_FILTER_OPERATOR',
      `includes/excludes operator may only be used on multi-select picklists`,
    )
  }
  const now = scope.organisation.now()
  const values: readonly LiteralValue[] =
    'valueQuery' in comparison
      ? scope.runSubquery(comparison).map((value) => ({ kind: 'value', value }))
      : literals.map((literal) => readLiteral(path.field, literal, now))
  if (operator === '=' || operator === 'IN') return compileEquality(path, values)
  if (operator === '!=' || operator === 'NOT IN') {
    const equal = compileEquality(path, values)
    return (row) => !equal(row)
  }
  const [literal] = values
  if (literal === undefined) throw failQuery(`unexpected token: '${operator}'`)
  return compileOrder(path, operator, literal)
}

export function compileFilter(scope: FilterScope, filter: Filter): Predicate {
  if (filter.kind === 'comparison') return compileComparison(scope, filter.comparison)
  if (filter.kind === 'not') {
    const inner = compileFilter(scope, filter.part)
    return (row) => !inner(row)
  }
  const parts = filter.parts.map((part) => compileFilter(scope, part))
  return filter.kind === 'all'
    ? (row) => parts.every((part) => part(row))
    : (row) => parts.some((part) => part(row))
}

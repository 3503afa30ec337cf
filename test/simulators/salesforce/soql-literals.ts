/** Literals of a query into values that compare with stored ones, with Salesforce's complaints about wrong kinds. */
import { formatDatetime, readDate, readDatetime } from './dates.ts'
import { CallError } from './errors.ts'
import { readId } from './ids.ts'
import { type FieldSchema, isNumeric, type Scalar } from './schema.ts'

export interface Literal {
  readonly type: string
  readonly text: string
}

/** A literal is one value, or, for `TODAY` and the like, a stretch of time [from, until). */
export type LiteralValue =
  | { readonly kind: 'value'; readonly value: Scalar }
  | { readonly kind: 'range'; readonly from: string; readonly until: string }

const dayMs = 86_400_000

export function unquote(text: string): string {
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
  return text.replace(/^'|'$/g, '').replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
}

function failKind(field: FieldSchema, kind: string, quoted: boolean): CallError {
  return new CallError(
    400,
    'INVALID_FIELD',
    `value of filter criterion for field '${field.name}' must be of type ${kind} and should ${quoted ? '' : 'not '}be enclosed in quotes`,
  )
}

function startOfMonth(now: Date, months: number): number {
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)
}

/** [start, end) in milliseconds of a relative date; the organisation's time zone is UTC, its week starts on Sunday. */
function readRelative(text: string, now: Date): readonly [number, number] | null {
  const [name = '', count = '0'] = text.toUpperCase().split(':')
  const n = Number(count)
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())
  const week = today - now.getUTCDay() * dayMs
  const quarter = Math.floor(now.getUTCMonth() / 3) * 3 - now.getUTCMonth()
  const year = -now.getUTCMonth()
  const months = (from: number, until: number) => [startOfMonth(now, from), startOfMonth(now, until)] as const
  const ranges: Record<string, () => readonly [number, number]> = {
    TODAY: () => [today, today + dayMs],
    YESTERDAY: () => [today - dayMs, today],
    TOMORROW: () => [today + dayMs, today + 2 * dayMs],
    THIS_WEEK: () => [week, week + 7 * dayMs],
    LAST_WEEK: () => [week - 7 * dayMs, week],
    NEXT_WEEK: () => [week + 7 * dayMs, week + 14 * dayMs],
    LAST_N_DAYS: () => [today - n * dayMs, today + dayMs],
    NEXT_N_DAYS: () => [today + dayMs, today + (n + 1) * dayMs],
    N_DAYS_AGO: () => [today - n * dayMs, today - (n - 1) * dayMs],
    LAST_90_DAYS: () => [today - 90 * dayMs, today + dayMs],
    NEXT_90_DAYS: () => [today + dayMs, today + 91 * dayMs],
    THIS_MONTH: () => months(0, 1),
    LAST_MONTH: () => months(-1, 0),
    NEXT_MONTH: () => months(1, 2),
    LAST_N_MONTHS: () => months(-n, 0),
    NEXT_N_MONTHS: () => months(1, n + 1),
    THIS_QUARTER: () => months(quarter, quarter + 3),
    LAST_QUARTER: () => months(quarter - 3, quarter),
    NEXT_QUARTER: () => months(quarter + 3, quarter + 6),
    THIS_YEAR: () => months(year, year + 12),
    LAST_YEAR: () => months(year - 12, year),
    NEXT_YEAR: () => months(year + 12, year + 24),
  }
  return ranges[name]?.() ?? null
}

function readTime(field: FieldSchema, literal: Literal, now: Date): LiteralValue {
  const isDate = field.type === 'date'
  if (literal.type === 'DATE_LITERAL' || literal.type === 'DATE_N_LITERAL') {
    const range = readRelative(literal.text, now)
    if (range === null) throw new CallError(400, 'MALFORMED_QUERY', `unexpected token: '${literal.text}'`)
    const [from, until] = range.map((instant) => {
      const text = formatDatetime(new Date(instant))
      return isDate ? text.slice(0, 10) : text
    })
    return { kind: 'range', from: from ?? '', until: until ?? '' }
  }
  const wanted = isDate ? 'DATE' : 'DATETIME'
  const value = literal.type !== wanted ? null : isDate ? readDate(literal.text) : readDatetime(literal.text)
  if (value === null) throw failKind(field, isDate ? 'date' : 'dateTime', false)
  return { kind: 'value', value }
}

export function readLiteral(field: FieldSchema, literal: Literal, now: Date): LiteralValue {
  if (literal.type === 'NULL') return { kind: 'value', value: null }
  if (field.type === 'date' || field.type === 'datetime') return readTime(field, literal, now)
  if (field.type === 'boolean') {
    if (literal.type !== 'BOOLEAN') throw failKind(field, 'boolean', false)
    return { kind: 'value', value: literal.text.toUpperCase() === 'TRUE' }
  }
  if (isNumeric(field)) {
    const value = Number(literal.text.replace(/^[A-Za-z]{3}/, ''))
    if (literal.type === 'STRING' || !Number.isFinite(value)) throw failKind(field, field.type, false)
    return { kind: 'value', value }
  }
  if (literal.type !== 'STRING') throw failKind(field, 'string', true)
  const text = unquote(literal.text)
  if (text === '') return { kind: 'value', value: null }
  if (field.type === 'id' || field.type === 'reference') {
    const id = readId(text)
    if (id === null) throw new CallError(400, 'INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${text}`)
    return { kind: 'value', value: id }
  }
  return { kind: 'value', value: text }
}

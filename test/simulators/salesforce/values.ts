/** One value of a request into the form it is stored in, or the error Salesforce answers with. */
import { roundHalfUp } from '../rounding.ts'
import { readDate, readDatetime } from './dates.ts'
import { CallError, type RecordError, recordError } from './errors.ts'
import { readId } from './ids.ts'
import { type FieldSchema, isNumeric, type Scalar } from './schema.ts'

export type ReadValue =
  | { readonly ok: true; readonly value: Scalar }
  | { readonly ok: false; readonly error: RecordError }

const accept = (value: Scalar): ReadValue => ({ ok: true, value })
const reject = (statusCode: string, field: FieldSchema, message: string): ReadValue => ({
  ok: false,
  error: recordError(statusCode, message, [field.name]),
})

function tokenName(raw: unknown): string {
  if (typeof raw === 'string') return 'VALUE_STRING'
  if (typeof raw === 'number') return Number.isInteger(raw) ? 'VALUE_NUMBER_INT' : 'VALUE_NUMBER_FLOAT'
  if (raw === null) return 'VALUE_NULL'
  if (raw === true) return 'VALUE_TRUE'
  if (raw === false) return 'VALUE_FALSE'
  return Array.isArray(raw) ? 'START_ARRAY' : 'START_OBJECT'
}

/** A value of the wrong JSON kind makes the request malformed, not only the record. */
function failToParse(field: FieldSchema, raw: unknown): CallError {
  const type = field.type === 'date' || isNumeric(field) || field.type === 'boolean' ? field.type : 'string'
  const shown = typeof raw === 'object' ? '' : ` value ${String(raw)}`
  return new CallError(
    400,
    'JSON_PARSER_ERROR',
    `Cannot deserialize instance of ${field.type === 'datetime' ? 'datetime' : type} from ${tokenName(raw)}${shown} or request may be missing a required field at [line:1, column:1]`,
  )
}

function readNumber(field: FieldSchema, raw: unknown): ReadValue {
  const isNumberText = typeof raw === 'string' && /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(raw.trim())
  if (typeof raw !== 'number' && !isNumberText) throw failToParse(field, raw)
  const value = roundHalfUp(Number(raw), field.scale)
  const limit = 10 ** ((field.precision || 9) - field.scale)
  if (!Number.isFinite(value) || Math.abs(value) >= limit) {
    return reject(
      'NUMBER_OUTSIDE_VALID_RANGE',
      field,
      `${field.label}: value outside of valid range on numeric field: ${String(raw)}`,
    )
  }
  return accept(value)
}

function readText(field: FieldSchema, raw: unknown): ReadValue {
  if (typeof raw !== 'string') throw failToParse(field, raw)
  const text = raw.trim()
  if (text === '') return accept(null)
  if ([...text].length > field.length) {
    return reject(
      'STRING_TOO_LONG',
      field,
      `${field.label}: data value too large: ${text} (max length=${field.length})`,
    )
  }
  if (field.type === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) {
    return reject('INVALID_EMAIL_ADDRESS', field, `${field.label}: invalid email address: ${text}`)
  }
  if (field.type === 'picklist' && field.restrictedPicklist) {
    const choice = field.picklistValues.find((each) => each.active && each.value === text)
    if (choice === undefined) {
      return reject(
        'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
        field,
        `${field.label}: bad value for restricted picklist field: ${text}`,
      )
    }
  }
  return accept(text)
}

function readReference(field: FieldSchema, raw: unknown): ReadValue {
  if (typeof raw !== 'string') throw failToParse(field, raw)
  if (raw.trim() === '') return accept(null)
  const id = readId(raw.trim())
  return id === null
    ? reject('MALFORMED_ID', field, `${field.label}: id value of incorrect type: ${raw}`)
    : accept(id)
}

/**
 * Throws a CallError (JSON_PARSER_ERROR) where the value is of the wrong JSON kind; answers a record error where it
 * breaks a rule of the field. An empty text is stored as null, text is trimmed, numbers are rounded to the scale.
 */
export function readValue(field: FieldSchema, raw: unknown): ReadValue {
  if (raw === null && field.type !== 'boolean') return accept(null)
  if (isNumeric(field)) return raw === '' ? accept(null) : readNumber(field, raw)
  if (field.type === 'boolean') {
    if (raw === true || raw === 'true') return accept(true)
    if (raw === false || raw === 'false') return accept(false)
    throw failToParse(field, raw)
  }
  if (field.type === 'date' || field.type === 'datetime') {
    if (raw === '') return accept(null)
    const read = field.type === 'date' ? readDate : readDatetime
    const value = typeof raw === 'string' ? read(raw) : null
    if (value === null) throw failToParse(field, raw)
    return accept(value)
  }
  return field.type === 'id' || field.type === 'reference' ? readReference(field, raw) : readText(field, raw)
}

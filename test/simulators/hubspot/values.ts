/** What a property accepts, and how the portal writes it down. Every value comes and goes as text. */
import type { PropertyProblem } from './errors.ts'
import type { Portal } from './portal.ts'
import { formatInstant, type Property } from './schema.ts'

export type ReadValue = { readonly value: string } | { readonly problem: PropertyProblem }

const maxTextLength = 65_536

/** A moment as epoch milliseconds or ISO text; null where it is neither. */
export function readMoment(text: string): number | null {
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at
}

const refuse = (property: Property, error: string, message: string): ReadValue => ({
  problem: { name: property.name, error, message },
})

function readChoice(property: Property, text: string): ReadValue {
  const given = property.fieldType === 'checkbox' ? text.split(';').filter((each) => each !== '') : [text]
  const known = new Set(property.options.map(({ value }) => value))
  const wrong = given.find((each) => !known.has(each))
  if (wrong === undefined) return { value: text }
  const allowed = property.options.map(({ label }) => label).join(', ')
  return refuse(property, 'INVALID_OPTION', `${wrong} was not one of the allowed options: [${allowed}]`)
}

function readByType(portal: Portal, property: Property, text: string): ReadValue {
  switch (property.type) {
    case 'string':
    case 'phone_number':
      if (text.length > maxTextLength)
        return refuse(property, 'PROPERTY_VALUE_TOO_LONG', `value is longer than ${maxTextLength} characters`)
      if (property.name === 'email' && !/^[^\s@]+@[^\s@]+\.[a-z]{2,}$/i.test(text))
        return refuse(property, 'INVALID_EMAIL', `Email address ${text} is invalid`)
      return { value: property.name === 'email' ? text.toLowerCase() : text }
    case 'number':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
        ? { value: text }
        : refuse(property, 'INVALID_INTEGER', `${text} was not a valid number.`)
    case 'date': {
      const at = readMoment(text)
      if (at === null || at % 86_400_000 !== 0)
        return refuse(property, 'INVALID_DATE', `${text} is at a time other than midnight UTC, or no date`)
      return { value: new Date(at).toISOString().slice(0, 10) }
    }
    case 'datetime': {
      const at = readMoment(text)
      return at === null
        ? refuse(property, 'INVALID_LONG', `${text} was not a valid long.`)
        : { value: formatInstant(at) }
    }
    case 'bool':
      return text === 'true' || text === 'false'
        ? { value: text }
        : refuse(property, 'INVALID_OPTION', `${text} was not one of the allowed options: [Yes, No]`)
    case 'enumeration':
      if (property.name === 'hubspot_owner_id') {
        const owner = portal.owners.get(text)
        return owner === undefined || owner.archived
          ? refuse(property, 'INVALID_OWNER_ID', `${text} is not an id of an active owner`)
          : { value: text }
      }
      return property.externalOptions ? { value: text } : readChoice(property, text)
  }
}

/** A value as given over the API; the empty text clears and is always fine. */
export function readValue(portal: Portal, property: Property, given: string): ReadValue {
  if (given === '') return { value: '' }
  const spaced = given.trim() !== given
  const text = property.type === 'string' || property.type === 'phone_number'
  if (spaced && !text)
    return refuse(
      property,
      'LEADING_TRAILING_WHITESPACE',
      `"${given}" includes leading or trailing whitespace.`,
    )
  return readByType(portal, property, given)
}

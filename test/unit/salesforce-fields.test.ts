import { describe, expect, it } from 'vitest'
import { describeReplySchema, toRemoteField } from '#connectors/salesforce/fields.ts'

const read = (part: Record<string, unknown>) =>
  toRemoteField(
    describeReplySchema.parse({ name: 'X', fields: [{ name: 'F', label: 'Field', ...part }] }).fields[0]!,
  )

describe('a described field', () => {
  it.each([
    ['id', 'text'],
    ['string', 'text'],
    ['textarea', 'text'],
    ['email', 'text'],
    ['phone', 'text'],
    ['url', 'text'],
    ['encryptedstring', 'text'],
    ['int', 'number'],
    ['double', 'number'],
    ['percent', 'number'],
    ['currency', 'currency'],
    ['boolean', 'boolean'],
    ['date', 'date'],
    ['datetime', 'datetime'],
    ['picklist', 'choice'],
    ['combobox', 'choice'],
    ['multipicklist', 'multichoice'],
    ['reference', 'reference'],
    ['address', 'other'],
    ['location', 'other'],
    ['time', 'other'],
    ['base64', 'other'],
    ['something new', 'other'],
  ] as const)('of type %s is %s', (type, expected) => {
    expect(read({ type }).type).toBe(expected)
  })

  it('is required when it may be set, must not be empty and has no default', () => {
    const given = { type: 'string', createable: true, nillable: false, defaultedOnCreate: false }
    expect(read(given).required).toBe(true)
    expect(read({ ...given, nillable: true }).required).toBe(false)
    expect(read({ ...given, defaultedOnCreate: true }).required).toBe(false)
    expect(read({ ...given, createable: false }).required).toBe(false)
  })

  it('has a length if it is text and a scale if it is a number', () => {
    expect(read({ type: 'string', length: 80, scale: 0 })).toMatchObject({ maxLength: 80, scale: null })
    expect(read({ type: 'currency', length: 0, scale: 2 })).toMatchObject({ maxLength: null, scale: 2 })
    expect(read({ type: 'int', scale: 0, digits: 8 })).toMatchObject({ scale: 0 })
    expect(read({ type: 'reference', length: 18, referenceTo: ['Account', 'Contact'] })).toMatchObject({
      maxLength: null,
      references: ['Account', 'Contact'],
    })
  })

  it('has choices with the inactive ones marked', () => {
    const picklistValues = [
      { value: 'a', label: 'A', active: true },
      { value: 'b', label: null, active: false },
    ]
    expect(read({ type: 'picklist', restrictedPicklist: true, picklistValues })).toMatchObject({
      restrictedChoices: true,
      choices: [
        { value: 'a', label: 'A', active: true },
        { value: 'b', label: 'b', active: false },
      ],
    })
    expect(read({ type: 'string', picklistValues: [] }).choices).toBeNull()
  })
})

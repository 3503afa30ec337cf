/** What an object and a field are in this organisation; `describe` and every write and query read from here. */

export type Scalar = string | number | boolean | null

/** A stored record. Never changed in place: each change replaces it. Datetimes as `2026-01-31T10:00:00.000+0000`. */
export type Row = Readonly<Record<string, Scalar>>

export type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'picklist'
  | 'phone'
  | 'url'
  | 'email'
  | 'currency'
  | 'percent'
  | 'double'
  | 'int'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'reference'

export interface Choice {
  readonly value: string
  readonly label: string
  readonly active: boolean
  readonly defaultValue: boolean
}

export interface FieldSchema {
  readonly name: string
  readonly label: string
  readonly type: FieldType
  readonly length: number
  readonly precision: number
  readonly scale: number
  readonly nillable: boolean
  readonly createable: boolean
  readonly updateable: boolean
  readonly defaultedOnCreate: boolean
  readonly defaultValue: Scalar
  readonly calculated: boolean
  readonly unique: boolean
  readonly caseSensitive: boolean
  readonly externalId: boolean
  readonly idLookup: boolean
  readonly nameField: boolean
  readonly restrictedPicklist: boolean
  readonly picklistValues: readonly Choice[]
  readonly referenceTo: readonly string[]
  readonly relationshipName: string | null
  /** Deleting the record it points to deletes this one too. */
  readonly cascadeDelete: boolean
}

export interface ObjectSchema {
  readonly name: string
  readonly label: string
  readonly labelPlural: string
  readonly keyPrefix: string
  readonly createable: boolean
  readonly updateable: boolean
  readonly deletable: boolean
  readonly mergeable: boolean
  /** By lower-case name: field names are case-insensitive on the wire. */
  readonly fields: Map<string, FieldSchema>
  /** Shown on the pages, in this order. */
  readonly highlights: readonly string[]
}

export type FieldOptions = Partial<Omit<FieldSchema, 'name' | 'label' | 'type'>>

const textTypes: readonly FieldType[] = ['string', 'textarea', 'picklist', 'phone', 'url', 'email']

export function isText(field: FieldSchema): boolean {
  return textTypes.includes(field.type)
}

export function isNumeric(field: FieldSchema): boolean {
  return ['currency', 'percent', 'double', 'int'].includes(field.type)
}

/** Custom fields end in `__c`. */
export function isCustom(field: FieldSchema): boolean {
  return field.name.endsWith('__c')
}

const lengths: Partial<Record<FieldType, number>> = {
  id: 18,
  reference: 18,
  string: 255,
  picklist: 255,
  phone: 40,
  url: 255,
  email: 80,
  textarea: 255,
}

/** A field with the defaults of its type; nillable, createable and updateable unless told otherwise. */
export function defineField(
  name: string,
  label: string,
  type: FieldType,
  options: FieldOptions = {},
): FieldSchema {
  return {
    name,
    label,
    type,
    length: lengths[type] ?? 0,
    precision: type === 'currency' ? 18 : 0,
    scale: type === 'currency' ? 2 : 0,
    nillable: type !== 'boolean',
    createable: true,
    updateable: true,
    defaultedOnCreate: type === 'boolean',
    defaultValue: type === 'boolean' ? false : null,
    calculated: false,
    unique: false,
    caseSensitive: false,
    externalId: false,
    idLookup: options.externalId === true,
    nameField: false,
    restrictedPicklist: false,
    picklistValues: [],
    referenceTo: [],
    relationshipName: null,
    cascadeDelete: false,
    ...options,
  }
}

/** A field that Salesforce fills by itself. */
export function systemField(
  name: string,
  label: string,
  type: FieldType,
  options: FieldOptions = {},
): FieldSchema {
  return defineField(name, label, type, { createable: false, updateable: false, ...options })
}

export function defineChoices(values: readonly string[]): readonly Choice[] {
  return values.map((value) => ({ value, label: value, active: true, defaultValue: false }))
}

export function findField(schema: ObjectSchema, name: string): FieldSchema | undefined {
  return schema.fields.get(name.toLowerCase())
}

export function findRelationship(schema: ObjectSchema, name: string): FieldSchema | undefined {
  const wanted = name.toLowerCase()
  for (const field of schema.fields.values()) {
    if (field.relationshipName?.toLowerCase() === wanted) return field
  }
  return undefined
}

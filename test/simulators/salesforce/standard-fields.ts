/** The fields that objects have in common, and the shape of an object. */
import {
  defineChoices,
  defineField,
  type FieldOptions,
  type FieldSchema,
  type ObjectSchema,
  systemField,
} from './schema.ts'

export const required = { nillable: false } as const

export const lookup = (
  name: string,
  label: string,
  object: string,
  relationshipName: string,
  options: FieldOptions = {},
): FieldSchema =>
  defineField(name, label, 'reference', { referenceTo: [object], relationshipName, ...options })

export function auditFields(): readonly FieldSchema[] {
  const stamp = { nillable: false, defaultedOnCreate: true } as const
  const user = { ...stamp, createable: false, updateable: false } as const
  return [
    systemField('CreatedDate', 'Created Date', 'datetime', stamp),
    lookup('CreatedById', 'Created By ID', 'User', 'CreatedBy', user),
    systemField('LastModifiedDate', 'Last Modified Date', 'datetime', stamp),
    lookup('LastModifiedById', 'Last Modified By ID', 'User', 'LastModifiedBy', user),
    systemField('SystemModstamp', 'System Modstamp', 'datetime', stamp),
  ]
}

export const idField = (label: string) =>
  systemField('Id', label, 'id', { nillable: false, defaultedOnCreate: true, idLookup: true })
export const deletedField = () => systemField('IsDeleted', 'Deleted', 'boolean', { defaultedOnCreate: true })
export const ownerField = () =>
  lookup('OwnerId', 'Owner ID', 'User', 'Owner', { nillable: false, defaultedOnCreate: true })
export const masterField = (object: string) =>
  lookup('MasterRecordId', 'Master Record ID', object, 'MasterRecord', {
    createable: false,
    updateable: false,
  })
export const uniqueKey = (name: string, label: string) =>
  defineField(name, label, 'string', { length: 64, unique: true, externalId: true })
export const currencyField = () =>
  defineField('CurrencyIsoCode', 'Currency ISO Code', 'picklist', {
    length: 3,
    restrictedPicklist: true,
    defaultedOnCreate: true,
    defaultValue: 'EUR',
    picklistValues: defineChoices(['EUR', 'USD', 'GBP', 'JPY']),
  })

export function defineObject(
  name: string,
  labels: readonly [string, string],
  keyPrefix: string,
  fields: readonly FieldSchema[],
  highlights: readonly string[],
  options: Partial<ObjectSchema> = {},
): ObjectSchema {
  return {
    name,
    label: labels[0],
    labelPlural: labels[1],
    keyPrefix,
    createable: true,
    updateable: true,
    deletable: true,
    mergeable: false,
    fields: new Map(fields.map((field) => [field.name.toLowerCase(), field])),
    highlights,
    ...options,
  }
}

export const address = (kind: 'Billing' | 'Mailing'): readonly FieldSchema[] => [
  defineField(`${kind}Street`, `${kind} Street`, 'textarea'),
  defineField(`${kind}City`, `${kind} City`, 'string', { length: 40 }),
  defineField(`${kind}State`, `${kind} State/Province`, 'string', { length: 80 }),
  defineField(`${kind}PostalCode`, `${kind} Zip/Postal Code`, 'string', { length: 20 }),
  defineField(`${kind}Country`, `${kind} Country`, 'string', { length: 80 }),
]

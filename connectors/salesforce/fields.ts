import { z } from 'zod'
import type { RemoteField, RemoteFieldType } from '../connector.ts'

/** Field types of describe (Object Reference: Field Types). What is not here cannot be mapped to one value. */
const fieldTypes: Readonly<Record<string, RemoteFieldType>> = {
  id: 'text',
  string: 'text',
  textarea: 'text',
  encryptedstring: 'text',
  email: 'text',
  phone: 'text',
  url: 'text',
  int: 'number',
  long: 'number',
  double: 'number',
  percent: 'number',
  currency: 'currency',
  boolean: 'boolean',
  date: 'date',
  datetime: 'datetime',
  picklist: 'choice',
  combobox: 'choice',
  multipicklist: 'multichoice',
  reference: 'reference',
}
const wholeNumbers: ReadonlySet<string> = new Set(['int', 'long'])
const withChoices: ReadonlySet<RemoteFieldType> = new Set(['choice', 'multichoice'])

export const describeReplySchema = z.object({
  name: z.string(),
  createable: z.boolean().default(false),
  updateable: z.boolean().default(false),
  fields: z.array(
    z.object({
      name: z.string(),
      label: z.string().nullish(),
      type: z.string(),
      length: z.number().nullish(),
      scale: z.number().nullish(),
      nillable: z.boolean().default(true),
      defaultedOnCreate: z.boolean().default(false),
      createable: z.boolean().default(false),
      updateable: z.boolean().default(false),
      unique: z.boolean().nullish(),
      externalId: z.boolean().nullish(),
      restrictedPicklist: z.boolean().nullish(),
      referenceTo: z.array(z.string()).nullish(),
      picklistValues: z
        .array(
          z.object({ value: z.string(), label: z.string().nullish(), active: z.boolean().default(true) }),
        )
        .nullish(),
    }),
  ),
})
type DescribedField = z.infer<typeof describeReplySchema>['fields'][number]

export function toRemoteField(field: DescribedField): RemoteField {
  const type = fieldTypes[field.type] ?? 'other'
  const choices = (field.picklistValues ?? []).map(({ value, label, active }) => ({
    value,
    label: label ?? value,
    active,
  }))
  return {
    name: field.name,
    label: field.label ?? field.name,
    type,
    required: field.createable && !field.nillable && !field.defaultedOnCreate,
    creatable: field.createable,
    writable: field.updateable,
    maxLength: type === 'text' && field.length ? field.length : null,
    scale: scaleOf(field, type),
    choices: withChoices.has(type) ? choices : null,
    restrictedChoices: field.restrictedPicklist ?? false,
    references: field.referenceTo ?? [],
    unique: field.unique ?? false,
    externalId: field.externalId ?? false,
  }
}

function scaleOf(field: DescribedField, type: RemoteFieldType): number | null {
  if (type !== 'number' && type !== 'currency') return null
  return wholeNumbers.has(field.type) ? 0 : (field.scale ?? null)
}

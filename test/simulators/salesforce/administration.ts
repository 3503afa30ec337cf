/** What an administrator changes in the set-up: fields, choices, rules. Each change drops what was compiled before. */
import { type Organisation, requireTable } from './organisation.ts'
import {
  type Choice,
  defineField,
  type FieldOptions,
  type FieldType,
  findField,
  type Scalar,
} from './schema.ts'

export interface NewField extends FieldOptions {
  readonly name: string
  readonly label?: string
  readonly type: FieldType
}

export interface NewChoice {
  readonly value: string
  readonly label?: string
  readonly active?: boolean
  readonly defaultValue?: boolean
}

function replaceField(
  organisation: Organisation,
  object: string,
  name: string,
  change: (field: ReturnType<typeof defineField>) => ReturnType<typeof defineField>,
): void {
  const { schema } = requireTable(organisation, object)
  const field = findField(schema, name)
  if (field === undefined) throw new Error(`${object} has no field ${name}`)
  schema.fields.set(name.toLowerCase(), change(field))
  organisation.schemaVersion += 1
}

/** A new field is blank on the records there are; `nillable: false` makes it required from now on. */
export function addField(organisation: Organisation, object: string, field: NewField): void {
  const { schema } = requireTable(organisation, object)
  const { name, label = name.replace(/__c$/, '').replaceAll('_', ' '), type, ...options } = field
  schema.fields.set(name.toLowerCase(), defineField(name, label, type, options))
  organisation.schemaVersion += 1
}

/** Takes a field away, with its values. */
export function removeField(organisation: Organisation, object: string, name: string): void {
  const table = requireTable(organisation, object)
  const field = findField(table.schema, name)
  if (field === undefined) throw new Error(`${object} has no field ${name}`)
  table.schema.fields.delete(name.toLowerCase())
  table.unique.delete(name.toLowerCase())
  for (const [id, row] of table.rows) {
    const rest: Record<string, Scalar> = { ...row }
    delete rest[field.name]
    table.rows.set(id, rest)
  }
  table.sorted = null
  organisation.schemaVersion += 1
}

/** Replaces a picklist's values; records keep the values they have. */
export function setChoices(
  organisation: Organisation,
  object: string,
  name: string,
  choices: readonly (string | NewChoice)[],
  options: { readonly restricted?: boolean } = {},
): void {
  replaceField(organisation, object, name, (field) => ({
    ...field,
    restrictedPicklist: options.restricted ?? field.restrictedPicklist,
    picklistValues: choices.map((choice): Choice => {
      const given: NewChoice = typeof choice === 'string' ? { value: choice } : choice
      return {
        value: given.value,
        label: given.label ?? given.value,
        active: given.active ?? true,
        defaultValue: given.defaultValue ?? false,
      }
    }),
  }))
}

/** Makes a field required, or no longer. */
export function setRequired(
  organisation: Organisation,
  object: string,
  name: string,
  required: boolean,
): void {
  replaceField(organisation, object, name, (field) => ({ ...field, nillable: !required }))
}

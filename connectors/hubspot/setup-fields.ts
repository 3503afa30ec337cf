import {
  type OptionInput,
  type PropertyCreate,
  PropertyCreateFieldTypeEnum,
  PropertyCreateTypeEnum,
} from '@hubspot/api-client/lib/codegen/crm/properties/index.js'
import type { NeededField, SetupStep } from '../setup.ts'
import type { CrmObject } from './api-paths.ts'
import type { PropertyDefinition } from './fields.ts'

/** The group of our own properties. */
export const group = { name: 'counterpart', label: 'Counterpart PRM' } as const

/** How each kind of field is kept. A reference without an association is the other record's id, as text. */
const kinds = {
  text: [PropertyCreateTypeEnum.String, PropertyCreateFieldTypeEnum.Text],
  reference: [PropertyCreateTypeEnum.String, PropertyCreateFieldTypeEnum.Text],
  number: [PropertyCreateTypeEnum.Number, PropertyCreateFieldTypeEnum.Number],
  currency: [PropertyCreateTypeEnum.Number, PropertyCreateFieldTypeEnum.Number],
  boolean: [PropertyCreateTypeEnum.Bool, PropertyCreateFieldTypeEnum.Booleancheckbox],
  date: [PropertyCreateTypeEnum.Date, PropertyCreateFieldTypeEnum.Date],
  datetime: [PropertyCreateTypeEnum.Datetime, PropertyCreateFieldTypeEnum.Date],
  choice: [PropertyCreateTypeEnum.Enumeration, PropertyCreateFieldTypeEnum.Select],
} as const satisfies Record<
  NeededField['type'],
  readonly [PropertyCreateTypeEnum, PropertyCreateFieldTypeEnum]
>

export const stepIdOf = (object: CrmObject, { name }: NeededField): string => `property:${object}:${name}`

/** How a needed property stands. */
export function judgeProperty(
  object: CrmObject,
  field: NeededField,
  property: PropertyDefinition | undefined,
): SetupStep {
  const step = { id: stepIdOf(object, field), title: `Property ${field.label} (${field.name}) of ${object}` }
  const [type] = kinds[field.type]
  if (!property) {
    return {
      ...step,
      state: 'missing',
      detail: `Will be created as ${type}${field.isKey ? ', with unique values' : ''}.`,
    }
  }
  if (property.type !== type && !(field.type === 'text' && property.type === 'enumeration')) {
    return {
      ...step,
      state: 'wrong',
      detail: `It is of type ${property.type}, the mapping needs ${type}. Rename or delete it in HubSpot, then create it here.`,
    }
  }
  if (field.isKey && property.hasUniqueValue !== true) {
    return {
      ...step,
      state: 'wrong',
      detail:
        'It does not demand unique values, so one record might become two. HubSpot sets this only when a property is made: delete it there, then create it here.',
    }
  }
  const lacking = lackingOptions(field, property)
  if (lacking.length > 0) {
    return {
      ...step,
      state: 'missing',
      detail: `Lacks the options ${lacking.join(', ')}; they will be added.`,
    }
  }
  return { ...step, state: 'done', detail: 'Is there.' }
}

export const lackingOptions = (field: NeededField, property: PropertyDefinition): readonly string[] =>
  field.type === 'choice' && property.type === 'enumeration'
    ? (field.choices ?? []).filter((choice) => !property.options?.some(({ value }) => value === choice))
    : []

/** Longer texts get a box of several lines. */
const oneLineLength = 255

export function propertyToCreate(field: NeededField): PropertyCreate {
  const [type, usualForm] = kinds[field.type]
  const isLong = field.type === 'text' && (field.maxLength ?? 0) > oneLineLength
  const fieldType = isLong ? PropertyCreateFieldTypeEnum.Textarea : usualForm
  return {
    name: field.name,
    label: field.label,
    groupName: group.name,
    type,
    fieldType,
    description: 'Kept by Counterpart',
    hasUniqueValue: field.isKey,
    options: optionsOf(field),
  }
}

function optionsOf(field: NeededField): OptionInput[] {
  if (field.type === 'boolean') return [optionOf('true', 'Yes', 0), optionOf('false', 'No', 1)]
  return (field.choices ?? []).map((choice, place) => optionOf(choice, labelOf(field, choice), place))
}

export const labelOf = ({ choices, choiceLabels }: NeededField, choice: string): string =>
  choiceLabels?.[choices?.indexOf(choice) ?? -1] ?? choice

export const optionOf = (value: string, label: string, displayOrder: number): OptionInput => ({
  value,
  label,
  displayOrder,
  hidden: false,
})

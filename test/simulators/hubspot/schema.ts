/** Objects and properties as a portal defines them. Values are strings everywhere; a blank property is absent. */

export type PropertyType = 'string' | 'number' | 'date' | 'datetime' | 'enumeration' | 'bool' | 'phone_number'

export interface Choice {
  readonly value: string
  readonly label: string
  readonly description: string
  readonly displayOrder: number
  readonly hidden: boolean
}

export interface Property {
  readonly name: string
  readonly label: string
  readonly description: string
  readonly type: PropertyType
  readonly fieldType: string
  readonly groupName: string
  readonly options: readonly Choice[]
  /** The choices live elsewhere (owners, pipelines), so a value is checked against that place. */
  readonly externalOptions: boolean
  readonly referencedObjectType: string | null
  readonly hasUniqueValue: boolean
  readonly calculated: boolean
  readonly readOnlyValue: boolean
  readonly hubspotDefined: boolean
  readonly hidden: boolean
  readonly formField: boolean
  readonly showCurrencySymbol: boolean
  readonly displayOrder: number
  readonly createdAt: string
  readonly updatedAt: string
  /** An administrator's rule, which the API enforces from version 2026-09 on. */
  readonly required: boolean
}

export interface PropertyGroup {
  readonly name: string
  readonly label: string
  readonly displayOrder: number
}

export interface ObjectSchema {
  /** As in paths: `deals`. */
  readonly name: string
  readonly singular: string
  readonly typeId: string
  readonly properties: Map<string, Property>
  readonly groups: Map<string, PropertyGroup>
  /** What a read answers unless it asks for properties by name. */
  readonly defaultProperties: readonly string[]
  readonly modifiedProperty: string
  readonly displayProperty: string
  /** Text search looks into these. */
  readonly searched: readonly string[]
  readonly hasPipelines: boolean
  /** At least one of these is needed to create a record. */
  readonly identifying: readonly string[]
}

export interface Row {
  readonly id: string
  readonly properties: Readonly<Record<string, string>>
  readonly createdAt: string
  readonly updatedAt: string
  readonly archived: boolean
  readonly archivedAt: string | null
  /** The record that now answers for this one. */
  readonly mergedInto: string | null
}

export type PropertyOptions = Partial<Omit<Property, 'name' | 'label' | 'type' | 'options'>> & {
  readonly options?: readonly (string | (Partial<Choice> & Pick<Choice, 'value'>))[]
}

const fieldTypes: Readonly<Record<PropertyType, string>> = {
  string: 'text',
  number: 'number',
  date: 'date',
  datetime: 'date',
  enumeration: 'select',
  bool: 'booleancheckbox',
  phone_number: 'phonenumber',
}

export function defineChoices(options: NonNullable<PropertyOptions['options']>): readonly Choice[] {
  return options.map((option, index) => {
    const given = typeof option === 'string' ? { value: option } : option
    return { label: given.value, description: '', displayOrder: index, hidden: false, ...given }
  })
}

export function defineProperty(
  name: string,
  label: string,
  type: PropertyType,
  options: PropertyOptions = {},
): Property {
  const { options: choices, ...rest } = options
  const yesNo = [
    { value: 'true', label: 'Yes' },
    { value: 'false', label: 'No' },
  ]
  return {
    name,
    label,
    description: '',
    type,
    fieldType: fieldTypes[type],
    groupName: 'custom',
    options: defineChoices(choices ?? (type === 'bool' ? yesNo : [])),
    externalOptions: false,
    referencedObjectType: null,
    hasUniqueValue: false,
    calculated: false,
    readOnlyValue: rest.calculated ?? false,
    hubspotDefined: false,
    hidden: false,
    formField: false,
    showCurrencySymbol: false,
    displayOrder: -1,
    createdAt: '2020-01-06T09:00:00.000Z',
    updatedAt: '2020-01-06T09:00:00.000Z',
    required: false,
    ...rest,
  }
}

/** Java's way with instants, which the API shows: no fraction where it is zero. */
export function formatInstant(at: Date | number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}

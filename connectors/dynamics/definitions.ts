/** What is sent to create columns, lookups and keys ("Create and update table definitions using the Web API"). */
import type { NeededField } from '../setup.ts'

type Definition = Readonly<Record<string, unknown>>

const english = 1033
const metadata = (name: string) => ({ '@odata.type': `Microsoft.Dynamics.CRM.${name}` })

const label = (text: string): Definition => ({
  ...metadata('Label'),
  LocalizedLabels: [{ ...metadata('LocalizedLabel'), Label: text, LanguageCode: english }],
})

const kind = (type: string): Definition => ({
  ...metadata(`${type}AttributeMetadata`),
  AttributeType: type,
  AttributeTypeName: { Value: `${type}Type` },
})

const head = ({ name, label: text }: Pick<NeededField, 'name' | 'label'>): Definition => ({
  SchemaName: name,
  DisplayName: label(text),
  Description: label('Kept in step by Counterpart'),
  RequiredLevel: {
    Value: 'None',
    CanBeChanged: true,
    ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
  },
})

const maxText = 4000

/** The definition of a column; a reference is made by its relationship instead. */
export function columnDefinition(field: NeededField): Definition {
  const { maxLength = 255 } = field
  switch (field.type) {
    case 'text':
      return maxLength > maxText
        ? { ...kind('Memo'), ...head(field), Format: 'TextArea', MaxLength: maxLength }
        : { ...kind('String'), ...head(field), MaxLength: maxLength, FormatName: { Value: 'Text' } }
    case 'number':
      return {
        ...kind('Decimal'),
        ...head(field),
        Precision: 4,
        MinValue: -100_000_000_000,
        MaxValue: 100_000_000_000,
      }
    case 'currency':
      return { ...kind('Money'), ...head(field), PrecisionSource: 2, MinValue: -1e12, MaxValue: 1e12 }
    case 'boolean':
      return { ...kind('Boolean'), ...head(field), DefaultValue: false, OptionSet: yesAndNo }
    case 'date':
      return {
        ...kind('DateTime'),
        ...head(field),
        Format: 'DateOnly',
        DateTimeBehavior: { Value: 'DateOnly' },
      }
    case 'datetime':
      return {
        ...kind('DateTime'),
        ...head(field),
        Format: 'DateAndTime',
        DateTimeBehavior: { Value: 'UserLocal' },
      }
    case 'choice':
      return { ...kind('Picklist'), ...head(field), OptionSet: optionSet(field) }
    case 'reference':
      throw new Error('A reference is created with its relationship')
    default:
      return field.type satisfies never
  }
}

const yesAndNo: Definition = {
  ...metadata('BooleanOptionSetMetadata'),
  IsGlobal: false,
  OptionSetType: 'Boolean',
  TrueOption: { Value: 1, Label: label('Yes') },
  FalseOption: { Value: 0, Label: label('No') },
}

const optionSet = ({ choices = [], choiceLabels = choices }: NeededField): Definition => ({
  ...metadata('OptionSetMetadata'),
  IsGlobal: false,
  OptionSetType: 'Picklist',
  Options: choices.map((choice, at) => ({ Value: Number(choice), Label: label(choiceLabels[at] ?? choice) })),
})

/** A lookup and the relationship behind it. Nothing cascades: our lookups never delete or hand over anybody's record. */
export function lookupDefinition(object: string, field: NeededField, target: string): Definition {
  const prefix = field.name.split('_', 1)[0] ?? ''
  return {
    ...metadata('OneToManyRelationshipMetadata'),
    SchemaName: `${prefix}_${target}_${object}_${field.name}`,
    ReferencedEntity: target,
    ReferencedAttribute: `${target}id`,
    ReferencingEntity: object,
    CascadeConfiguration: {
      Assign: 'NoCascade',
      Delete: 'RemoveLink',
      Merge: 'NoCascade',
      Reparent: 'NoCascade',
      Share: 'NoCascade',
      Unshare: 'NoCascade',
    },
    Lookup: { ...kind('Lookup'), ...head(field) },
  }
}

export const keyDefinition = ({ name, label: text }: NeededField): Definition => ({
  SchemaName: `${name}_key`,
  DisplayName: label(text),
  KeyAttributes: [name],
})

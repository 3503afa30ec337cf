/** Tables, attributes, keys and relationships as the metadata API writes them. */
import { fixedGuid } from './guids.ts'
import type { Organisation } from './organisation.ts'
import { type AlternateKey, type Attribute, isLookup, isOption, type TableSchema } from './schema.ts'

export type Definition = Readonly<Record<string, unknown>>

const language = 1033

export function label(value: string): Definition {
  const one = { Label: value, LanguageCode: language, IsManaged: false, MetadataId: null, HasChanged: null }
  return { LocalizedLabels: [one], UserLocalizedLabel: one }
}

/** The text of a label that someone sent; null where it has none. */
export function readLabel(value: unknown): string | null {
  const { UserLocalizedLabel: user, LocalizedLabels: all } = (value ?? {}) as {
    UserLocalizedLabel?: { Label?: unknown } | null
    LocalizedLabels?: readonly { Label?: unknown }[]
  }
  const text = user?.Label ?? all?.[0]?.Label
  return typeof text === 'string' ? text : null
}

const managed = (value: boolean, name: string) => ({
  Value: value,
  CanBeChanged: true,
  ManagedPropertyLogicalName: name,
})

export function describeOption(attribute: Attribute): readonly Definition[] {
  return attribute.options.map(({ value, label: text, state }) => ({
    Value: value,
    Label: label(text),
    Description: { LocalizedLabels: [], UserLocalizedLabel: null },
    Color: null,
    IsManaged: !attribute.custom,
    ExternalValue: '',
    ...(attribute.type === 'Status' ? { State: state ?? 0 } : {}),
  }))
}

export function describeOptionSet(attribute: Attribute, schema: TableSchema): Definition {
  const head = {
    Name: `${schema.logicalName}_${attribute.logicalName}`,
    IsGlobal: false,
    IsCustomOptionSet: attribute.custom,
    MetadataId: attribute.metadataId,
    DisplayName: label(attribute.label),
  }
  if (attribute.type === 'Boolean') {
    return {
      ...head,
      OptionSetType: 'Boolean',
      TrueOption: { Value: 1, Label: label('Yes') },
      FalseOption: { Value: 0, Label: label('No') },
    }
  }
  return { ...head, OptionSetType: attribute.type, Options: describeOption(attribute) }
}

const typeNames: Partial<Record<Attribute['type'], string>> = { Uniqueidentifier: 'UniqueIdentifier' }

export const metadataType = (attribute: Attribute) =>
  `Microsoft.Dynamics.CRM.${typeNames[attribute.type] ?? (attribute.type === 'Customer' || attribute.type === 'Owner' ? 'Lookup' : attribute.type)}AttributeMetadata`

/** What every attribute has, and what its type adds. */
export function describeAttribute(attribute: Attribute, schema: TableSchema): Definition {
  const { logicalName, type } = attribute
  const base = {
    '@odata.type': `#${metadataType(attribute)}`,
    MetadataId: attribute.metadataId,
    LogicalName: logicalName,
    SchemaName: attribute.schemaName,
    EntityLogicalName: schema.logicalName,
    AttributeType: type,
    AttributeTypeName: { Value: `${type}Type` },
    AttributeOf: null,
    DisplayName: label(attribute.label),
    Description: label(''),
    IsCustomAttribute: attribute.custom,
    IsPrimaryId: logicalName === schema.primaryId,
    IsPrimaryName: logicalName === schema.primaryName,
    IsValidForCreate: attribute.creatable,
    IsValidForUpdate: attribute.updatable,
    IsValidForRead: true,
    IsLogical: false,
    IsManaged: !attribute.custom,
    RequiredLevel: {
      Value: attribute.required,
      CanBeChanged: attribute.required !== 'SystemRequired',
      ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
    },
  }
  if (type === 'String') {
    return { ...base, MaxLength: attribute.maxLength, FormatName: { Value: 'Text' } }
  }
  if (type === 'Memo') return { ...base, MaxLength: attribute.maxLength, Format: 'TextArea' }
  if (isOption(attribute)) {
    return {
      ...base,
      DefaultFormValue: attribute.defaultValue ?? -1,
      OptionSet: describeOptionSet(attribute, schema),
    }
  }
  if (type === 'Boolean') {
    return { ...base, DefaultValue: attribute.defaultValue, OptionSet: describeOptionSet(attribute, schema) }
  }
  if (type === 'DateTime') {
    return {
      ...base,
      Format: attribute.dateOnly ? 'DateOnly' : 'DateAndTime',
      DateTimeBehavior: { Value: attribute.dateOnly ? 'DateOnly' : 'UserLocal' },
    }
  }
  if (isLookup(attribute)) return { ...base, Targets: attribute.targets.map(({ object }) => object) }
  const range = { MinValue: attribute.minValue, MaxValue: attribute.maxValue }
  if (type === 'Money') {
    const isBase = logicalName.endsWith('_base')
    return {
      ...base,
      ...range,
      Precision: attribute.precision,
      PrecisionSource: isBase ? 1 : 2,
      IsBaseCurrency: isBase,
    }
  }
  if (type === 'Decimal' || type === 'Double') return { ...base, ...range, Precision: attribute.precision }
  return type === 'Integer' || type === 'BigInt' ? { ...base, ...range } : base
}

export function describeKey(key: AlternateKey, schema: TableSchema): Definition {
  return {
    MetadataId: key.metadataId,
    LogicalName: key.logicalName,
    SchemaName: key.schemaName,
    EntityLogicalName: schema.logicalName,
    DisplayName: label(key.label),
    KeyAttributes: key.attributes,
    EntityKeyIndexStatus: key.status,
    IsManaged: false,
    AsyncJob: null,
  }
}

/** Every lookup is a relationship for each table it may point to. */
export function describeRelationships(schema: TableSchema): readonly Definition[] {
  return [...schema.attributes.values()].flatMap((attribute) =>
    attribute.targets.map(({ object, navigation }) => ({
      '@odata.type': '#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
      MetadataId: fixedGuid(0x12_00_00_00, schema.typeCode * 1000 + attribute.logicalName.length),
      SchemaName: `${schema.logicalName}_${attribute.logicalName}_${object}`,
      RelationshipType: 'OneToManyRelationship',
      ReferencingEntity: schema.logicalName,
      ReferencingAttribute: attribute.logicalName,
      ReferencingEntityNavigationPropertyName: navigation,
      ReferencedEntity: object,
      ReferencedAttribute: `${object}id`,
      IsCustomRelationship: attribute.custom,
    })),
  )
}

export function describeTable(schema: TableSchema, organisation: Organisation): Definition {
  return {
    MetadataId: schema.metadataId,
    LogicalName: schema.logicalName,
    SchemaName: schema.schemaName,
    EntitySetName: schema.entitySet,
    LogicalCollectionName: schema.entitySet,
    ObjectTypeCode: schema.typeCode,
    PrimaryIdAttribute: schema.primaryId,
    PrimaryNameAttribute: schema.primaryName,
    DisplayName: label(schema.label),
    DisplayCollectionName: label(schema.pluralLabel),
    IsCustomEntity: false,
    IsOptimisticConcurrencyEnabled: schema.optimisticConcurrency,
    ChangeTrackingEnabled: schema.changeTracking,
    CanChangeTrackingBeEnabled: managed(true, 'canchangetrackingbeenabled'),
    CanCreateAttributes: managed(true, 'cancreateattributes'),
    IsCustomizable: managed(true, 'iscustomizable'),
    HasChanged: null,
    IntroducedVersion: '5.0.0.0',
    OwnershipType: schema.attributes.has('ownerid') ? 'UserOwned' : 'OrganizationOwned',
    Privileges: ['Create', 'Read', 'Write', 'Delete', 'Append', 'AppendTo'].map((name, index) => ({
      Name: `prv${name}${schema.schemaName}`,
      PrivilegeId: fixedGuid(0x9e_00_00_00, schema.typeCode * 10 + index),
      PrivilegeType: name,
    })),
    ...(organisation.tables.find(schema.logicalName) === undefined ? { IsIntersect: true } : {}),
  }
}

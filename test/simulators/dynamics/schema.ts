/** What a table and an attribute are in this organisation; metadata, writes and queries all read from here. */

export type Scalar = string | number | boolean | null
/** By logical name. A lookup holds the id of its target; `{name}type` beside it names the target's table. */
export type Row = Readonly<Record<string, Scalar>>

export type AttributeType =
  | 'Uniqueidentifier'
  | 'String'
  | 'Memo'
  | 'Integer'
  | 'BigInt'
  | 'Decimal'
  | 'Double'
  | 'Money'
  | 'Boolean'
  | 'DateTime'
  | 'Picklist'
  | 'State'
  | 'Status'
  | 'Lookup'
  | 'Customer'
  | 'Owner'
  | 'EntityName'

export type RequiredLevel = 'None' | 'Recommended' | 'ApplicationRequired' | 'SystemRequired'

export interface Option {
  readonly value: number
  readonly label: string
  /** Of a status: the state it belongs to. */
  readonly state?: number
}

/** Where a lookup may point, and the name of the navigation property that binds it: case-sensitive. */
export interface Target {
  readonly object: string
  readonly navigation: string
}

export interface Attribute {
  readonly logicalName: string
  readonly schemaName: string
  readonly label: string
  readonly type: AttributeType
  readonly required: RequiredLevel
  readonly maxLength: number
  readonly precision: number
  readonly minValue: number
  readonly maxValue: number
  readonly options: readonly Option[]
  readonly targets: readonly Target[]
  /** A DateTime without a time of day. */
  readonly dateOnly: boolean
  readonly creatable: boolean
  readonly updatable: boolean
  readonly defaultValue: Scalar
  readonly custom: boolean
  readonly metadataId: string
  /** Of a lookup: deleting its target deletes this record too. */
  readonly cascadeDelete: boolean
  /** Not readable: written, and never shown again. */
  readonly secret: boolean
  /** Kept for the platform's own use; no property on the wire. */
  readonly hidden: boolean
}

export interface AlternateKey {
  readonly logicalName: string
  readonly schemaName: string
  readonly label: string
  readonly attributes: readonly string[]
  /** Only an active key addresses records. */
  status: 'Pending' | 'Active' | 'Failed'
  /** When a pending key becomes active, in ms since the epoch. */
  readonly activeAt: number
  readonly metadataId: string
}

export interface TableSchema {
  readonly logicalName: string
  readonly schemaName: string
  readonly entitySet: string
  readonly label: string
  readonly pluralLabel: string
  readonly primaryId: string
  readonly primaryName: string
  readonly typeCode: number
  readonly metadataId: string
  readonly attributes: Map<string, Attribute>
  readonly keys: Map<string, AlternateKey>
  /** Shown on the pages, in this order. */
  readonly highlights: readonly string[]
  readonly mergeable: boolean
  changeTracking: boolean
  optimisticConcurrency: boolean
}

export const isLookup = (attribute: Attribute) =>
  attribute.type === 'Lookup' || attribute.type === 'Customer' || attribute.type === 'Owner'

export const isOption = (attribute: Attribute) =>
  attribute.type === 'Picklist' || attribute.type === 'State' || attribute.type === 'Status'

export const isNumeric = (attribute: Attribute) =>
  ['Integer', 'BigInt', 'Decimal', 'Double', 'Money'].includes(attribute.type)

/** The name of the property that reads an attribute: `_parentaccountid_value` for a lookup. */
export const propertyOf = (attribute: Attribute) =>
  isLookup(attribute) ? `_${attribute.logicalName}_value` : attribute.logicalName

/** The attribute behind a property of an answer, a `$select` or a `$filter`. */
export function findByProperty(schema: TableSchema, property: string): Attribute | undefined {
  const [, lookup] = /^_(.+)_value$/.exec(property) ?? []
  const attribute = schema.attributes.get(lookup ?? property)
  if (attribute === undefined || attribute.hidden) return undefined
  return propertyOf(attribute) === property ? attribute : undefined
}

/** The lookup that a navigation property binds, and the table it then points to. */
export function findByNavigation(
  schema: TableSchema,
  navigation: string,
): { readonly attribute: Attribute; readonly object: string } | undefined {
  for (const attribute of schema.attributes.values()) {
    const target = attribute.targets.find((each) => each.navigation === navigation)
    if (target !== undefined) return { attribute, object: target.object }
  }
  return undefined
}

/** Attributes with the defaults of their types, as table definitions and administrators write them down. */
import { fixedGuid } from './guids.ts'
import type { Attribute, AttributeType, Option, Target } from './schema.ts'

export type AttributeOptions = Partial<Omit<Attribute, 'logicalName' | 'label' | 'type'>>

const limits: Partial<Record<AttributeType, readonly [number, number]>> = {
  Integer: [-2_147_483_648, 2_147_483_647],
  BigInt: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  Decimal: [-100_000_000_000, 100_000_000_000],
  Double: [-100_000_000_000, 100_000_000_000],
  Money: [-922_337_203_685_477, 922_337_203_685_477],
}

let made = 0
function nextMetadataId(): string {
  made += 1
  return fixedGuid(0xa7_70_00_00, made)
}

/** Creatable, updatable and optional unless told otherwise. */
export function defineAttribute(
  logicalName: string,
  label: string,
  type: AttributeType,
  options: AttributeOptions = {},
): Attribute {
  const [minValue, maxValue] = limits[type] ?? [0, 0]
  return {
    logicalName,
    schemaName: logicalName,
    label,
    type,
    required: 'None',
    maxLength: type === 'Memo' ? 2000 : type === 'String' ? 100 : 0,
    precision: type === 'Money' || type === 'Decimal' || type === 'Double' ? 2 : 0,
    minValue,
    maxValue,
    options: [],
    targets: [],
    dateOnly: false,
    creatable: true,
    updatable: true,
    defaultValue: type === 'Boolean' ? false : null,
    custom: logicalName.includes('_'),
    metadataId: nextMetadataId(),
    cascadeDelete: false,
    secret: false,
    hidden: false,
    ...options,
  }
}

export const text = (name: string, label: string, maxLength = 100, options: AttributeOptions = {}) =>
  defineAttribute(name, label, 'String', { maxLength, ...options })

export const day = (name: string, label: string, options: AttributeOptions = {}) =>
  defineAttribute(name, label, 'DateTime', { dateOnly: true, ...options })

export const money = (name: string, label: string, options: AttributeOptions = {}) =>
  defineAttribute(name, label, 'Money', options)

export const choice = (
  name: string,
  label: string,
  choices: readonly Option[],
  options: AttributeOptions = {},
) => defineAttribute(name, label, 'Picklist', { options: choices, ...options })

/** A lookup to one table; the platform's own are bound by the logical name. */
export const lookup = (name: string, label: string, object: string, options: AttributeOptions = {}) =>
  defineAttribute(name, label, 'Lookup', {
    targets: [{ object, navigation: options.schemaName ?? name }],
    ...options,
  })

/** A lookup to several tables, bound by one navigation property for each, with the hidden name of the table. */
export const manyLookup = (
  type: 'Lookup' | 'Customer' | 'Owner',
  name: string,
  label: string,
  targets: readonly Target[],
  options: AttributeOptions = {},
): readonly Attribute[] => [
  defineAttribute(name, label, type, { targets, ...options }),
  defineAttribute(`${name}type`, `${label} Type`, 'EntityName', { hidden: true }),
]

const readOnly = { creatable: false, updatable: false } as const

export const systemAttribute = (
  name: string,
  label: string,
  type: AttributeType,
  options: AttributeOptions = {},
) => defineAttribute(name, label, type, { ...readOnly, ...options })

/** Who and when, the owner and the version. */
export const auditAttributes = (): readonly Attribute[] => [
  systemAttribute('createdon', 'Created On', 'DateTime'),
  lookup('createdby', 'Created By', 'systemuser', readOnly),
  systemAttribute('modifiedon', 'Modified On', 'DateTime'),
  lookup('modifiedby', 'Modified By', 'systemuser', readOnly),
  systemAttribute('versionnumber', 'Version Number', 'BigInt'),
]

export const ownerAttribute = (): readonly Attribute[] => [
  ...manyLookup('Owner', 'ownerid', 'Owner', [{ object: 'systemuser', navigation: 'ownerid' }], {
    required: 'SystemRequired',
  }),
]

export const currencyAttributes = (): readonly Attribute[] => [
  lookup('transactioncurrencyid', 'Currency', 'transactioncurrency'),
  systemAttribute('exchangerate', 'Exchange Rate', 'Decimal', { precision: 12 }),
]

/** A money column with its value in the organisation's base currency. */
export const moneyPair = (
  name: string,
  label: string,
  options: AttributeOptions = {},
): readonly Attribute[] => [
  money(name, label, options),
  systemAttribute(`${name}_base`, `${label} (Base)`, 'Money', { precision: 4, custom: false }),
]

export const stateAttributes = (
  states: readonly Option[],
  statuses: readonly Option[],
): readonly Attribute[] => [
  defineAttribute('statecode', 'Status', 'State', {
    options: states,
    required: 'SystemRequired',
    creatable: false,
    defaultValue: 0,
  }),
  defineAttribute('statuscode', 'Status Reason', 'Status', {
    options: statuses,
    defaultValue: statuses[0]?.value ?? 1,
  }),
]

export const activeStates = (): readonly Attribute[] =>
  stateAttributes(
    [
      { value: 0, label: 'Active' },
      { value: 1, label: 'Inactive' },
    ],
    [
      { value: 1, label: 'Active', state: 0 },
      { value: 2, label: 'Inactive', state: 1 },
    ],
  )

export const mergeAttributes = (object: string): readonly Attribute[] => [
  systemAttribute('merged', 'Merged', 'Boolean'),
  lookup('masterid', 'Master ID', object, { creatable: false, updatable: false }),
]

export const customerTargets = (name: string): readonly Target[] => [
  { object: 'account', navigation: `${name}_account` },
  { object: 'contact', navigation: `${name}_contact` },
]

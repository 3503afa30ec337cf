import { z } from 'zod'
import type { RemoteField, RemoteFieldType } from '../connector.ts'
import type { Currency } from './currencies.ts'
import { type Column, isCurrencyLookup, isManyTables, type Table, typeOf } from './table.ts'

/** Column types (Attribute metadata reference). What is not here cannot be mapped to one value. */
const fieldTypes: Readonly<Record<string, RemoteFieldType>> = {
  Uniqueidentifier: 'text',
  String: 'text',
  Memo: 'text',
  EntityName: 'text',
  Integer: 'number',
  BigInt: 'number',
  Decimal: 'number',
  Double: 'number',
  Money: 'currency',
  Boolean: 'boolean',
  DateTime: 'datetime',
  Picklist: 'choice',
  State: 'choice',
  Status: 'choice',
  MultiSelectPicklist: 'multichoice',
  Lookup: 'reference',
  Customer: 'reference',
  Owner: 'reference',
}
const wholeNumbers: ReadonlySet<string> = new Set(['Integer', 'BigInt'])
/** The types whose choices are asked for; each needs a call of its own. */
export const choiceTypes = ['Picklist', 'State', 'Status', 'MultiSelectPicklist'] as const

const labelSchema = z
  .object({ UserLocalizedLabel: z.object({ Label: z.string().nullish() }).nullish() })
  .nullish()
  .transform((label) => label?.UserLocalizedLabel?.Label ?? null)

export const attributesReplySchema = z.object({
  value: z.array(
    z.object({
      LogicalName: z.string(),
      AttributeType: z.string().nullish(),
      AttributeTypeName: z.object({ Value: z.string() }).nullish(),
      DisplayName: labelSchema,
      RequiredLevel: z.object({ Value: z.string() }).nullish(),
      IsValidForCreate: z.boolean().nullish(),
      IsValidForUpdate: z.boolean().nullish(),
      MaxLength: z.number().nullish(),
      Precision: z.number().nullish(),
      DateTimeBehavior: z.object({ Value: z.string() }).nullish(),
    }),
  ),
})
type Attribute = z.infer<typeof attributesReplySchema>['value'][number]

const optionSetSchema = z
  .object({ Options: z.array(z.object({ Value: z.number(), Label: labelSchema })) })
  .nullish()

export const choicesReplySchema = z
  .object({
    value: z.array(
      z.object({ LogicalName: z.string(), OptionSet: optionSetSchema, GlobalOptionSet: optionSetSchema }),
    ),
  })
  .transform(({ value }) => {
    const optionsOf = (each: (typeof value)[number]) =>
      (each.OptionSet ?? each.GlobalOptionSet)?.Options.map(({ Value, Label }) => ({
        value: String(Value),
        label: Label ?? String(Value),
        active: true,
      })) ?? []
    return new Map(value.map((each) => [each.LogicalName, optionsOf(each)]))
  })
export type Choices = z.output<typeof choicesReplySchema>

export const attributesPath = (table: string): string =>
  `EntityDefinitions(LogicalName='${table}')/Attributes`

export const choicesPath = (table: string, type: (typeof choiceTypes)[number]): string =>
  `${attributesPath(table)}/Microsoft.Dynamics.CRM.${type}AttributeMetadata` +
  '?$select=LogicalName&$expand=OptionSet,GlobalOptionSet'

/** The columns of a table as fields, those left out that belong to another one or cannot be read. */
export function toRemoteFields(
  table: Table,
  attributes: readonly Attribute[],
  choices: Choices,
  currencies: readonly Currency[],
): readonly RemoteField[] {
  const columns = Map.groupBy(table.columns.values(), (column) => column.attribute)
  return attributes.flatMap((attribute) =>
    (columns.get(attribute.LogicalName) ?? []).map((column): RemoteField => {
      const type = typeOf(attribute)
      const isCurrency = isCurrencyLookup(column)
      const remoteType = isCurrency ? 'choice' : remoteTypeOf(type, attribute)
      const isKey = table.keys.some(({ columns }) => columns.length === 1 && columns[0] === column.name)
      const isReadOnly = isManyTables(column)
      const label = attribute.DisplayName ?? column.attribute
      return {
        name: column.name,
        label: column.name === column.attribute ? label : `${label} (${column.targets[0]?.table})`,
        type: remoteType,
        required: column.name === column.attribute && isRequired(table, attribute, type),
        creatable: (attribute.IsValidForCreate ?? false) && !isReadOnly,
        writable: (attribute.IsValidForUpdate ?? false) && !isReadOnly,
        maxLength: remoteType === 'text' && attribute.MaxLength ? attribute.MaxLength : null,
        scale: scaleOf(type, remoteType, attribute),
        choices: isCurrency
          ? currencies.map(({ code, active }) => ({ value: code, label: code, active }))
          : remoteType === 'choice' || remoteType === 'multichoice'
            ? (choices.get(column.name) ?? [])
            : null,
        restrictedChoices: remoteType === 'choice' || remoteType === 'multichoice',
        references: remoteType === 'reference' ? targetsOf(column) : [],
        unique: isKey || column.name === table.idColumn,
        externalId: isKey,
      }
    }),
  )
}

/** Users and teams own records; Dataverse names the table of both, which nobody can read. */
const targetsOf = ({ type, targets }: Column): readonly string[] =>
  type === 'Owner' ? ['systemuser', 'team'] : targets.map((to) => to.table)

/** An instant unless the column keeps days; "User local" columns keep instants even where people see a day. */
function remoteTypeOf(type: string, { DateTimeBehavior: behaviour }: Attribute): RemoteFieldType {
  if (type === 'DateTime' && behaviour?.Value === 'DateOnly') return 'date'
  return fieldTypes[type] ?? 'other'
}

/** Filled by the platform where we leave it blank. */
const selfFilling: ReadonlySet<string> = new Set([
  'Owner',
  'State',
  'Status',
  'Boolean',
  'Uniqueidentifier',
  'EntityName',
])

/** Only "system required" is enforced on the API; "business required" is enforced on forms. */
const isRequired = (table: Table, attribute: Attribute, type: string): boolean =>
  attribute.RequiredLevel?.Value === 'SystemRequired' &&
  attribute.IsValidForCreate === true &&
  attribute.LogicalName !== table.idColumn &&
  !selfFilling.has(type)

function scaleOf(
  type: string,
  remoteType: RemoteFieldType,
  { Precision: precision }: Attribute,
): number | null {
  if (remoteType !== 'number' && remoteType !== 'currency') return null
  return wholeNumbers.has(type) ? 0 : (precision ?? null)
}

import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'

/** What reading and writing needs to know of a table: how it is addressed, its columns, its keys. */
export interface Table {
  readonly name: string
  readonly entitySet: string
  readonly idColumn: string
  readonly changeTracking: boolean
  readonly columns: ReadonlyMap<string, Column>
  readonly keys: readonly AlternateKey[]
}

export interface AlternateKey {
  readonly name: string
  readonly columns: readonly string[]
  /** Null where Dataverse does not say. */
  readonly indexStatus: string | null
}

/**
 * One column, or one of several views of a lookup that may point to several tables: beside `parentcustomerid`, which is
 * read only, there is `parentcustomerid.account`, which is written as an account. Read, each shows the id that is there.
 */
export interface Column {
  readonly name: string
  /** Its logical name: the name without the table that follows it. */
  readonly attribute: string
  /** AttributeTypeName without its ending, for example `String`, `Lookup`, `MultiSelectPicklist`. */
  readonly type: string
  /** Of a lookup: the tables that it may point to, and the property by which each is written. */
  readonly targets: readonly { readonly table: string; readonly property: string }[]
}

const lookupTypes: ReadonlySet<string> = new Set(['Lookup', 'Customer', 'Owner'])
export const isLookup = ({ type }: Column): boolean => lookupTypes.has(type)
/** A lookup whose records are known by their ISO code here, as amounts are. */
export const isCurrencyLookup = (column: Column): boolean =>
  column.type === 'Lookup' &&
  column.targets.every(({ table }) => table === 'transactioncurrency') &&
  column.targets.length > 0

export const isManyTables = (column: Column): boolean =>
  isLookup(column) && column.type !== 'Owner' && column.targets.length > 1

const attributeTypeSchema = {
  AttributeType: z.string().nullish(),
  AttributeTypeName: z.object({ Value: z.string() }).nullish(),
}

export const tableReplySchema = z.object({
  LogicalName: z.string(),
  EntitySetName: z.string().nullish(),
  PrimaryIdAttribute: z.string(),
  ChangeTrackingEnabled: z.boolean().nullish(),
  Attributes: z.array(
    z.object({
      LogicalName: z.string(),
      ...attributeTypeSchema,
      AttributeOf: z.string().nullish(),
      IsValidForRead: z.boolean().nullish(),
    }),
  ),
  Keys: z
    .array(
      z.object({
        LogicalName: z.string().nullish(),
        SchemaName: z.string().nullish(),
        KeyAttributes: z.array(z.string()),
        EntityKeyIndexStatus: z.string().nullish(),
      }),
    )
    .nullish(),
  ManyToOneRelationships: z
    .array(
      z.object({
        ReferencingAttribute: z.string(),
        ReferencedEntity: z.string(),
        ReferencingEntityNavigationPropertyName: z.string().nullish(),
      }),
    )
    .nullish(),
})
export type TableReply = z.infer<typeof tableReplySchema>

/** The one call that tells all of it. */
export const tablePath = (name: string): string =>
  `EntityDefinitions(LogicalName='${name}')` +
  '?$select=LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled' +
  '&$expand=Attributes($select=LogicalName,AttributeType,AttributeTypeName,AttributeOf,IsValidForRead),' +
  'Keys($select=LogicalName,SchemaName,KeyAttributes,EntityKeyIndexStatus),' +
  'ManyToOneRelationships($select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName)'

/** `MultiSelectPicklistType` says more than `Virtual`; the older form is there everywhere. */
export function typeOf(attribute: {
  readonly AttributeType?: string | null | undefined
  readonly AttributeTypeName?: { readonly Value: string } | null | undefined
}): string {
  return attribute.AttributeTypeName?.Value.replace(/Type$/, '') ?? attribute.AttributeType ?? 'Virtual'
}

/** Columns that belong to another one, such as the name beside a lookup, are no columns of their own. */
export function toTable(reply: TableReply): Table {
  const relationships = reply.ManyToOneRelationships ?? []
  const columns = reply.Attributes.filter((a) => !a.AttributeOf && a.IsValidForRead !== false).flatMap(
    (attribute) =>
      viewsOf({
        name: attribute.LogicalName,
        attribute: attribute.LogicalName,
        type: typeOf(attribute),
        targets: relationships
          .filter(({ ReferencingAttribute }) => ReferencingAttribute === attribute.LogicalName)
          .map((to) => ({
            table: to.ReferencedEntity,
            property: to.ReferencingEntityNavigationPropertyName ?? attribute.LogicalName,
          })),
      }),
  )
  return {
    name: reply.LogicalName,
    entitySet: reply.EntitySetName ?? reply.LogicalName,
    idColumn: reply.PrimaryIdAttribute,
    changeTracking: reply.ChangeTrackingEnabled ?? false,
    columns: new Map(columns.map((column) => [column.name, column])),
    keys: (reply.Keys ?? []).map((key) => ({
      name: key.SchemaName ?? key.LogicalName ?? key.KeyAttributes.join(','),
      columns: key.KeyAttributes,
      indexStatus: key.EntityKeyIndexStatus ?? null,
    })),
  }
}

/** The column itself and, where it may point to several tables, one for each of them. An owner is a user here. */
const viewsOf = (column: Column): readonly Column[] => [
  column,
  ...(isManyTables(column)
    ? column.targets.map((target) => ({
        ...column,
        name: `${column.name}.${target.table}`,
        targets: [target],
      }))
    : []),
]

/** The column of a table; throws `configuration` naming it where there is none. */
export function columnOf(table: Table, name: string): Column {
  const column = table.columns.get(name)
  if (column) return column
  throw new ConnectorFault('configuration', `${table.name} has no column ${name}`, {
    code: 'NO_SUCH_COLUMN',
    fields: [name],
  })
}

/** The property under which a column's value is read and filtered by: a lookup shows its id only. */
export const readProperty = (column: Column): string =>
  isLookup(column) ? `_${column.attribute}_value` : column.attribute

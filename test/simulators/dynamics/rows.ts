/** Rows as records of an answer: the properties asked for, with the annotations asked for. */
import { errors } from './errors.ts'
import type { Organisation } from './organisation.ts'
import {
  type Attribute,
  findByProperty,
  isLookup,
  isOption,
  propertyOf,
  type Row,
  type Scalar,
  type TableSchema,
} from './schema.ts'
import type { Table } from './tables.ts'

export const etagOf = (row: Row) => `W/"${String(row['versionnumber'])}"`

/** Tells of an annotation whether `Prefer: odata.include-annotations="…"` asks for it. */
export type Annotations = (name: string) => boolean

export function readAnnotations(prefer: ReadonlyMap<string, string>): Annotations {
  const wanted = (prefer.get('odata.include-annotations') ?? '').split(',').map((each) => each.trim())
  return (name) =>
    wanted.some((each) => each === name || (each.endsWith('*') && name.startsWith(each.slice(0, -1))))
}

/** `$select`: the attributes, or null for all of them. */
export function readSelect(schema: TableSchema, select: string | undefined): readonly Attribute[] | null {
  if (select === undefined) return null
  return select
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => {
      const attribute = findByProperty(schema, name)
      if (attribute === undefined) throw errors.noProperty(name, schema.logicalName)
      return attribute
    })
}

function targetOf(organisation: Organisation, table: Table, attribute: Attribute, row: Row) {
  const typed = row[`${attribute.logicalName}type`]
  const target =
    attribute.targets.find(({ object }) => object === typed) ??
    (typed === undefined ? attribute.targets[0] : undefined)
  const found = target === undefined ? undefined : organisation.tables.find(target.object)
  return { target, table: found, own: table }
}

/** What a person reads on the form: labels, names of linked records, amounts with separators. */
export function formatValue(
  organisation: Organisation,
  table: Table,
  attribute: Attribute,
  row: Row,
): string | null {
  const value: Scalar = row[attribute.logicalName] ?? null
  if (value === null) return null
  if (isOption(attribute)) {
    return attribute.options.find((option) => option.value === value)?.label ?? String(value)
  }
  if (attribute.type === 'Boolean') return value === true ? 'Yes' : 'No'
  if (isLookup(attribute)) {
    const { table: target } = targetOf(organisation, table, attribute, row)
    const linked = target?.rows.get(String(value))
    return linked === undefined ? null : String(linked[target?.schema.primaryName ?? ''] ?? '')
  }
  if (attribute.type === 'Money' && typeof value === 'number') {
    return value.toLocaleString('en', { minimumFractionDigits: attribute.precision })
  }
  return null
}

function annotate(
  organisation: Organisation,
  table: Table,
  attribute: Attribute,
  row: Row,
  wants: Annotations,
  record: Record<string, unknown>,
): void {
  const property = propertyOf(attribute)
  const add = (name: string, read: () => string | null | undefined) => {
    const value = wants(name) ? read() : null
    if (value !== null && value !== undefined) record[`${property}@${name}`] = value
  }
  add('OData.Community.Display.V1.FormattedValue', () => formatValue(organisation, table, attribute, row))
  if (!isLookup(attribute) || (row[attribute.logicalName] ?? null) === null) return
  const target = () => targetOf(organisation, table, attribute, row).target
  add('Microsoft.Dynamics.CRM.associatednavigationproperty', () => target()?.navigation)
  add('Microsoft.Dynamics.CRM.lookuplogicalname', () => target()?.object)
}

/** All attributes, or those selected; the ETag and the id always. */
export function renderRow(
  organisation: Organisation,
  table: Table,
  row: Row,
  select: readonly Attribute[] | null,
  wants: Annotations = () => false,
): Record<string, unknown> {
  const { schema } = table
  const record: Record<string, unknown> = { '@odata.etag': etagOf(row) }
  for (const attribute of select ?? schema.attributes.values()) {
    if (attribute.hidden) continue
    record[propertyOf(attribute)] = attribute.secret ? null : (row[attribute.logicalName] ?? null)
    annotate(organisation, table, attribute, row, wants, record)
  }
  record[schema.primaryId] = row[schema.primaryId]
  return record
}

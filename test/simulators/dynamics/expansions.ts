/** `$expand` of single-valued navigation properties, one level deep: `parentaccountid($select=name)`. */
import { errors } from './errors.ts'
import { splitOutside } from './odata-path.ts'
import type { Organisation } from './organisation.ts'
import { type Annotations, readSelect, renderRow } from './rows.ts'
import { type Attribute, findByNavigation, type Row, type TableSchema } from './schema.ts'
import type { Table } from './tables.ts'

export interface Expansion {
  readonly navigation: string
  readonly attribute: Attribute
  readonly target: Table
  readonly select: readonly Attribute[] | null
}

export function readExpand(
  organisation: Organisation,
  schema: TableSchema,
  text: string | undefined,
): readonly Expansion[] {
  if (text === undefined || text.trim() === '') return []
  return splitOutside(text, ',').map((part) => {
    const [, name = '', options] = /^\s*([\w]+)\s*(?:\((.*)\))?\s*$/s.exec(part) ?? []
    const found = findByNavigation(schema, name)
    const target = found === undefined ? undefined : organisation.tables.find(found.object)
    if (found === undefined || target === undefined) throw errors.noProperty(name, schema.logicalName)
    const [, select] = /^\s*\$select=([^;]*)$/.exec(options ?? '') ?? []
    if (options !== undefined && select === undefined) {
      throw errors.notImplemented(`Any option but $select within $expand`)
    }
    const { attribute } = found
    return { navigation: name, attribute, target, select: readSelect(target.schema, select) }
  })
}

export function renderExpanded(
  organisation: Organisation,
  table: Table,
  row: Row,
  expansions: readonly Expansion[],
  wants: Annotations,
): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const { navigation, attribute, target, select } of expansions) {
    const typed = row[`${attribute.logicalName}type`]
    const fits =
      !table.schema.attributes.has(`${attribute.logicalName}type`) || typed === target.schema.logicalName
    const linked = fits ? target.rows.get(String(row[attribute.logicalName] ?? '')) : undefined
    record[navigation] = linked === undefined ? null : renderRow(organisation, target, linked, select, wants)
  }
  return record
}

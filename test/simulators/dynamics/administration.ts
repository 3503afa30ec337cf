/** What an administrator changes in the set-up: attributes, options, keys, change tracking. */
import { type AttributeOptions, defineAttribute } from './attributes.ts'
import { fixedGuid } from './guids.ts'
import { type Organisation, requireTable } from './organisation.ts'
import type { Attribute, AttributeType, Option } from './schema.ts'

export interface NewAttribute extends AttributeOptions {
  /** Lower case. */
  readonly logicalName: string
  readonly label?: string
  readonly type: AttributeType
}

function requireAttribute(organisation: Organisation, object: string, name: string): Attribute {
  const attribute = requireTable(organisation, object).schema.attributes.get(name)
  if (attribute === undefined) throw new Error(`${object} has no attribute ${name}`)
  return attribute
}

/** A new attribute is empty on the records there are. */
export function addAttribute(organisation: Organisation, object: string, field: NewAttribute): Attribute {
  const { schema } = requireTable(organisation, object)
  const { logicalName, label = logicalName, type, ...options } = field
  const attribute = defineAttribute(logicalName, label, type, options)
  schema.attributes.set(logicalName, attribute)
  if (type === 'Money' && !logicalName.endsWith('_base')) {
    const base = { creatable: false, updatable: false, precision: 4 }
    const name = `${logicalName}_base`
    schema.attributes.set(name, defineAttribute(name, `${label} (Base)`, 'Money', base))
  }
  return attribute
}

/** Takes an attribute away, with its values and with the keys it was part of. */
export function removeField(organisation: Organisation, object: string, name: string): void {
  requireAttribute(organisation, object, name)
  const table = requireTable(organisation, object)
  table.schema.attributes.delete(name)
  organisation.tables.forget(table, name)
  for (const [keyName, key] of table.schema.keys) {
    if (key.attributes.includes(name)) table.schema.keys.delete(keyName)
  }
  for (const [id, row] of table.rows) {
    const { [name]: _gone, ...rest } = row
    table.rows.set(id, rest)
  }
}

/**
 * Dataverse itself lets calls leave out what a form requires. What holds for calls too is a business rule of the table's
 * scope: so a required attribute here is one that the form marks, with such a rule behind it.
 */
export function setRequired(
  organisation: Organisation,
  object: string,
  name: string,
  required: boolean,
): void {
  const attribute = requireAttribute(organisation, object, name)
  const { schema } = requireTable(organisation, object)
  schema.attributes.set(name, { ...attribute, required: required ? 'ApplicationRequired' : 'None' })
  const rules = organisation.validationRules
  const place = rules.findIndex((rule) => rule.requires === `${object}.${name}`)
  if (place >= 0) rules.splice(place, 1)
  if (!required) return
  rules.push({
    object,
    requires: `${object}.${name}`,
    check: (record) => ((record[name] ?? null) === null ? `${attribute.label} is required.` : null),
  })
}

/** Replaces the options of a choice; records keep the values they have. */
export function setOptions(
  organisation: Organisation,
  object: string,
  name: string,
  options: readonly Option[],
): void {
  const attribute = requireAttribute(organisation, object, name)
  requireTable(organisation, object).schema.attributes.set(name, { ...attribute, options })
}

let keys = 100

export interface NewKey {
  readonly schemaName?: string
  readonly label?: string
  /** Whose index is still being built until this time. */
  readonly activeAt?: number
}

/** Active at once unless told otherwise; failed where records stand against it. */
export function addKey(
  organisation: Organisation,
  object: string,
  attributes: readonly string[],
  { schemaName = `${attributes.join('_')}_Key`, label = schemaName, activeAt }: NewKey = {},
): string {
  const table = requireTable(organisation, object)
  for (const name of attributes) requireAttribute(organisation, object, name)
  const sorted = [...attributes].sort()
  const doubled = [...table.rows.values()].some((row) => {
    const values = sorted.map((name) => row[name] ?? null)
    return !values.includes(null) && organisation.tables.findBy(table, sorted, values).size > 1
  })
  keys += 1
  const logicalName = schemaName.toLowerCase()
  table.schema.keys.set(logicalName, {
    logicalName,
    schemaName,
    label,
    attributes,
    status: doubled ? 'Failed' : activeAt === undefined ? 'Active' : 'Pending',
    activeAt: activeAt ?? 0,
    metadataId: fixedGuid(0x6b_00_00_00, keys),
  })
  return fixedGuid(0x6b_00_00_00, keys)
}

/** Keys whose index is built by now become active. */
export function settleKeys(organisation: Organisation): void {
  const now = organisation.now().getTime()
  for (const { schema } of organisation.tables.all.values()) {
    for (const key of schema.keys.values()) {
      if (key.status === 'Pending' && key.activeAt <= now) key.status = 'Active'
    }
  }
}

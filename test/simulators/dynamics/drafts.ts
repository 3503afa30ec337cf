/** The body of a write, read against the table: which attributes get which values. */
import { isJsonObject, type JsonObject } from '../json.ts'
import { findEntitySet, resolveReference } from './bindings.ts'
import { errors } from './errors.ts'
import type { Organisation } from './organisation.ts'
import { requireRight } from './rights.ts'
import { type Attribute, findByNavigation, findByProperty, isLookup, type Scalar } from './schema.ts'
import type { Table } from './tables.ts'
import { readValue } from './values.ts'

export type Draft = ReadonlyMap<string, Scalar>

function bind(
  organisation: Organisation,
  table: Table,
  navigation: string,
  reference: unknown,
  userId: string,
): readonly [string, Scalar][] {
  const { schema } = table
  const found = findByNavigation(schema, navigation)
  if (found === undefined) {
    throw errors.payload(
      schema.entitySet,
      `An undeclared property '${navigation}' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.`,
    )
  }
  const { attribute, object } = found
  const name = attribute.logicalName
  const typed = schema.attributes.has(`${name}type`)
  if (reference === null)
    return typed
      ? [
          [name, null],
          [`${name}type`, null],
        ]
      : [[name, null]]
  const target = resolveReference(organisation, reference)
  const targetName = target.table.schema.logicalName
  if (targetName !== object) {
    throw errors.payload(
      schema.entitySet,
      `A '${targetName}' cannot be bound to the navigation property '${navigation}'.`,
    )
  }
  requireRight(organisation, userId, 'append', schema.logicalName)
  requireRight(organisation, userId, 'appendto', targetName)
  return typed
    ? [
        [name, target.id],
        [`${name}type`, targetName],
      ]
    : [[name, target.id]]
}

const writable = (attribute: Attribute, mode: 'create' | 'update') =>
  mode === 'create' ? attribute.creatable : attribute.updatable

/** Throws a DataverseError; values of read-only attributes are taken no notice of, as the platform does. */
export function readDraft(
  organisation: Organisation,
  table: Table,
  body: JsonObject,
  mode: 'create' | 'update',
  userId: string,
): Draft {
  const { schema } = table
  const draft = new Map<string, Scalar>()
  for (const [name, raw] of Object.entries(body)) {
    if (name.startsWith('@odata.')) continue
    const [property = '', annotation] = name.split('@', 2)
    if (annotation === 'odata.bind') {
      for (const [attribute, value] of bind(organisation, table, property, raw, userId)) {
        draft.set(attribute, value)
      }
      continue
    }
    if (annotation !== undefined) continue
    const attribute = findByProperty(schema, property)
    if (attribute === undefined) {
      if (raw === null && findByNavigation(schema, property) !== undefined) {
        for (const [each, value] of bind(organisation, table, property, null, userId)) draft.set(each, value)
        continue
      }
      throw errors.payload(
        schema.entitySet,
        `Invalid property '${property}' was found in entity 'Microsoft.Dynamics.CRM.${schema.logicalName}'.`,
      )
    }
    if (isLookup(attribute)) {
      throw errors.payload(
        schema.entitySet,
        'CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.',
      )
    }
    if (!writable(attribute, mode)) continue
    const value = readValue(schema, attribute, raw)
    if (value === null && attribute.required === 'SystemRequired') {
      throw errors.cannotBeNull(attribute.logicalName, schema.logicalName)
    }
    draft.set(attribute.logicalName, value)
  }
  return draft
}

/** Attributes by logical name, lookups as `{logicalName, id}` or an id: how people of the simulator write. */
export function readFields(
  organisation: Organisation,
  table: Table,
  fields: Readonly<Record<string, unknown>>,
): Draft {
  const { schema } = table
  const draft = new Map<string, Scalar>()
  for (const [name, raw] of Object.entries(fields)) {
    const attribute = schema.attributes.get(name)
    if (attribute === undefined || attribute.hidden) {
      throw new Error(`${schema.logicalName} has no attribute ${name}`)
    }
    if (!isLookup(attribute) || raw === null) {
      draft.set(name, isLookup(attribute) ? null : readValue(schema, attribute, raw))
      continue
    }
    const id = isJsonObject(raw) ? String(raw['id']) : String(raw)
    const wanted = isJsonObject(raw) ? String(raw['logicalName']) : null
    const target = attribute.targets.find(
      ({ object }) =>
        (wanted === null || wanted === object) && organisation.tables.find(object)?.rows.has(id) === true,
    )
    if (target === undefined) throw new Error(`${name} points to no record: ${id}`)
    draft.set(name, id)
    if (schema.attributes.has(`${name}type`)) draft.set(`${name}type`, target.object)
  }
  return draft
}

/** The table of an `@odata.type` such as `Microsoft.Dynamics.CRM.account`. */
export function tableOfType(organisation: Organisation, body: JsonObject): Table {
  const type = String(body['@odata.type'] ?? '').replace(/^#?Microsoft\.Dynamics\.CRM\./, '')
  const table = organisation.tables.find(type) ?? findEntitySet(organisation, type)
  if (table === undefined) {
    throw errors.badRequest(`The '@odata.type' annotation '${type}' does not name a table.`)
  }
  return table
}

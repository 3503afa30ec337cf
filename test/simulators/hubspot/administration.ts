/** What an administrator changes in the settings: properties, their choices, what is required, pipelines, owners. */
import { type Owner, type Pipeline, type Portal, requireTable } from './portal.ts'
import {
  defineChoices,
  defineProperty,
  formatInstant,
  type Property,
  type PropertyOptions,
  type PropertyType,
} from './schema.ts'

export type NewProperty = PropertyOptions & {
  readonly name: string
  readonly label?: string
  readonly type: PropertyType
}

/** A new property is blank on the records there are. */
export function addProperty(portal: Portal, object: string, property: NewProperty): Property {
  const { schema } = requireTable(portal, object)
  const { name, label = name.replaceAll('_', ' '), type, ...options } = property
  const at = formatInstant(portal.now())
  const groupName = [...schema.groups.keys()][0] ?? ''
  const defined = defineProperty(name, label, type, { groupName, createdAt: at, updatedAt: at, ...options })
  schema.properties.set(name, defined)
  return defined
}

export function changeProperty(
  portal: Portal,
  object: string,
  name: string,
  change: Partial<Omit<Property, 'name'>>,
): Property {
  const { schema } = requireTable(portal, object)
  const property = schema.properties.get(name)
  if (property === undefined) throw new Error(`${object} has no property ${name}`)
  const changed = { ...property, ...change, updatedAt: formatInstant(portal.now()) }
  schema.properties.set(name, changed)
  return changed
}

/** Archives a property: it is out of reach at once, and with it the values that records had. */
export function removeProperty(portal: Portal, object: string, name: string): void {
  const table = requireTable(portal, object)
  if (!table.schema.properties.delete(name)) throw new Error(`${object} has no property ${name}`)
  table.dropUniqueIndex(name)
  for (const [id, row] of table.rows) {
    if (row.properties[name] === undefined) continue
    const { [name]: _, ...properties } = row.properties
    table.replaceQuietly(id, { ...row, properties })
  }
}

/** Replaces the choices; records keep the values they have. */
export function setOptions(
  portal: Portal,
  object: string,
  name: string,
  options: NonNullable<PropertyOptions['options']>,
): void {
  changeProperty(portal, object, name, { options: defineChoices(options) })
}

export function setPipelines(portal: Portal, object: string, pipelines: readonly Pipeline[]): void {
  const stages = pipelines.flatMap((pipeline) => pipeline.stages.map(({ id }) => id))
  if (new Set(stages).size !== stages.length) throw new Error('a stage id is there only once in a portal')
  portal.pipelines.set(requireTable(portal, object).schema.name, pipelines)
}

/** A label of the portal's own between two objects, seen from both ends; answers the type id from the first. */
export function addAssociationLabel(
  portal: Portal,
  fromObject: string,
  toObject: string,
  given: { readonly label: string; readonly name?: string; readonly inverseLabel?: string },
): number {
  const from = requireTable(portal, fromObject).schema.name
  const to = requireTable(portal, toObject).schema.name
  const { label, inverseLabel = label, name = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_') } = given
  const { types } = portal.associations
  const id = Math.max(...types.keys(), 1_000) + 1
  const inverse = id + 1
  const shared = { category: 'USER_DEFINED', primary: false, name } as const
  types.set(id, { ...shared, id, inverse, from, to, label })
  types.set(inverse, { ...shared, id: inverse, inverse: id, from: to, to: from, label: inverseLabel })
  return id
}

/** Answers the owner's id. */
export function addOwner(portal: Portal, owner: Partial<Owner> & Pick<Owner, 'email'>): string {
  const id = owner.id ?? portal.nextId()
  const [first = '', last = ''] = (owner.email.split('@')[0] ?? '').split('.')
  portal.owners.set(id, {
    userId: 9_100_000 + portal.owners.size,
    firstName: first,
    lastName: last,
    archived: false,
    createdAt: formatInstant(portal.now()),
    ...owner,
    id,
  })
  return id
}

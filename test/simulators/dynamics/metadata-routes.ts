/** Reading definitions: `EntityDefinitions`, their attributes, options, keys and relationships. */
import type { ApiAnswer, ApiCall, Plan } from './api-call.ts'
import {
  type Definition,
  describeAttribute,
  describeKey,
  describeOptionSet,
  describeRelationships,
  describeTable,
  metadataType,
} from './definitions.ts'
import { errors } from './errors.ts'
import { findByKey, requireTableOfKey } from './metadata-keys.ts'
import { answerDefinition, answerDefinitions, type Children } from './metadata-queries.ts'
import { planMetadataWrite } from './metadata-writes.ts'
import type { Segment } from './odata-path.ts'
import type { Organisation } from './organisation.ts'
import type { Addresses } from './record-routes.ts'
import type { Attribute, TableSchema } from './schema.ts'

const visible = (schema: TableSchema) => [...schema.attributes.values()].filter((each) => !each.hidden)

const attributeChildren = (attribute: Attribute, schema: TableSchema): Children =>
  attribute.options.length > 0 || attribute.type === 'Boolean'
    ? { OptionSet: () => describeOptionSet(attribute, schema), GlobalOptionSet: () => null }
    : {}

const tableChildren = (schema: TableSchema): Children => ({
  Attributes: () => visible(schema).map((attribute) => describeAttribute(attribute, schema)),
  Keys: () => [...schema.keys.values()].map((key) => describeKey(key, schema)),
  ManyToOneRelationships: () => describeRelationships(schema),
})

function castOf(segment: Segment | undefined): string | null {
  return segment !== undefined && /^Microsoft\.Dynamics\.CRM\.\w+AttributeMetadata$/.test(segment.name)
    ? segment.name
    : null
}

function answerAttributes(schema: TableSchema, rest: readonly Segment[], call: ApiCall): Definition {
  const cast = castOf(rest[0])
  if (rest.length > (cast === null ? 0 : 1)) throw errors.noResource(rest.at(-1)?.name ?? '')
  const attributes = visible(schema).filter((each) => cast === null || metadataType(each) === cast)
  const type = cast?.replace('Microsoft.Dynamics.CRM.', '') ?? 'AttributeMetadata'
  // Options come with an `$expand` of the attributes that have them, which only a cast can name.
  const listed = attributes.map((attribute) => ({
    definition: describeAttribute(attribute, schema),
    children: attributeChildren(attribute, schema),
  }))
  return { value: answerDefinitions(listed, call, type) }
}

function answerAttribute(
  schema: TableSchema,
  segment: Segment,
  rest: readonly Segment[],
  call: ApiCall,
): Definition {
  const attribute = findByKey(visible(schema), segment.key)
  if (attribute === undefined) {
    const name = segment.key?.kind === 'named' ? String(segment.key.values.get('LogicalName')) : 'unknown'
    throw errors.noRecord('AttributeMetadata', name)
  }
  const cast = castOf(rest[0])
  if (cast !== null && metadataType(attribute) !== cast) throw errors.noResource(cast)
  const after = cast === null ? rest : rest.slice(1)
  const children = attributeChildren(attribute, schema)
  const [next] = after
  if (next === undefined) {
    return answerDefinition(describeAttribute(attribute, schema), children, call, 'AttributeMetadata')
  }
  const child = children[next.name]?.()
  if (child === undefined || Array.isArray(child) || after.length > 1) throw errors.noResource(next.name)
  return answerDefinition(child as Definition, {}, call, 'OptionSetMetadata')
}

function answerTable(
  organisation: Organisation,
  schema: TableSchema,
  rest: readonly Segment[],
  call: ApiCall,
): Definition {
  const [next, ...after] = rest
  if (next === undefined) {
    return answerDefinition(
      describeTable(schema, organisation),
      tableChildren(schema),
      call,
      'EntityMetadata',
    )
  }
  if (next.name === 'Attributes') {
    return next.key === null
      ? answerAttributes(schema, after, call)
      : answerAttribute(schema, next, after, call)
  }
  if (next.name === 'Keys' && next.key !== null) {
    const key = findByKey(schema.keys.values(), next.key)
    if (key === undefined) throw errors.noRecord('EntityKeyMetadata', 'key')
    return answerDefinition(describeKey(key, schema), {}, call, 'EntityKeyMetadata')
  }
  const child = tableChildren(schema)[next.name]?.()
  if (child === undefined || !Array.isArray(child) || after.length > 0) throw errors.noResource(next.name)
  const listed = child.map((definition: Definition) => ({ definition, children: {} }))
  return { value: answerDefinitions(listed, call, next.name) }
}

function answerRead(organisation: Organisation, addresses: Addresses, call: ApiCall): ApiAnswer {
  const [root, ...rest] = call.segments
  if (root === undefined) throw errors.noResource('')
  const context = {
    '@odata.context': `${addresses.api()}/$metadata#${call.segments.map(({ name }) => name).join('/')}`,
  }
  if (root.key !== null) {
    const schema = requireTableOfKey(organisation, root.key)
    return { status: 200, body: { ...context, ...answerTable(organisation, schema, rest, call) } }
  }
  if (rest.length > 0) throw errors.noResource(rest[0]?.name ?? '')
  const listed = [...organisation.tables.all.values()].map(({ schema }) => ({
    definition: describeTable(schema, organisation),
    children: tableChildren(schema),
  }))
  return { status: 200, body: { ...context, value: answerDefinitions(listed, call, 'EntityMetadata') } }
}

const objectOf = (call: ApiCall) => {
  const key = call.segments[0]?.key
  return key?.kind === 'named' ? String(key.values.get('LogicalName') ?? '') : null
}

export function planMetadata(organisation: Organisation, addresses: Addresses, call: ApiCall): Plan {
  if (call.method !== 'GET') return planMetadataWrite(organisation, addresses, call)
  if (call.segments[0]?.name !== 'EntityDefinitions')
    throw errors.notImplemented(call.segments[0]?.name ?? '')
  return {
    operation: 'metadata',
    object: objectOf(call),
    handle: (current) => answerRead(organisation, addresses, current),
  }
}

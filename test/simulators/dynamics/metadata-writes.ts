/** Changing definitions over the API: new attributes, lookups and keys, and change tracking. */
import { isJsonObject } from '../json.ts'
import { addAttribute, addKey, type NewAttribute, removeField } from './administration.ts'
import type { ApiAnswer, ApiCall, Plan } from './api-call.ts'
import { customerTargets } from './attributes.ts'
import { readLabel } from './definitions.ts'

import { DataverseError, errors } from './errors.ts'
import { findByKey, requireTableOfKey } from './metadata-keys.ts'
import type { Organisation } from './organisation.ts'
import { requireTable } from './organisation.ts'
import { type Addresses, readBody } from './record-routes.ts'
import { requireRight } from './rights.ts'
import type { AttributeType, Option, RequiredLevel } from './schema.ts'

type Body = Readonly<Record<string, unknown>>

const creatable: Readonly<Record<string, AttributeType>> = {
  StringAttributeMetadata: 'String',
  MemoAttributeMetadata: 'Memo',
  IntegerAttributeMetadata: 'Integer',
  BigIntAttributeMetadata: 'BigInt',
  DecimalAttributeMetadata: 'Decimal',
  DoubleAttributeMetadata: 'Double',
  MoneyAttributeMetadata: 'Money',
  BooleanAttributeMetadata: 'Boolean',
  DateTimeAttributeMetadata: 'DateTime',
  PicklistAttributeMetadata: 'Picklist',
}

const invalid = (message: string) => new DataverseError(400, '0x80040203', message)
const exists = (what: string) =>
  new DataverseError(400, '0x80047013', `An attribute with the specified name ${what} already exists`)

/** A schema name carries the prefix of its publisher; the logical name is the same in lower case. */
function readSchemaName(body: Body): string {
  const name = body['SchemaName']
  if (typeof name !== 'string' || !/^[a-z][a-z0-9]{1,7}_[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw invalid(`The SchemaName '${String(name)}' must begin with the prefix of a publisher.`)
  }
  return name
}

function readRequired(body: Body): RequiredLevel {
  const level = isJsonObject(body['RequiredLevel']) ? body['RequiredLevel']['Value'] : 'None'
  if (level === 'None' || level === 'Recommended' || level === 'ApplicationRequired') return level
  throw invalid(`The RequiredLevel '${String(level)}' cannot be set.`)
}

function readOptions(body: Body): readonly Option[] {
  const set = body['OptionSet']
  const options = isJsonObject(set) ? set['Options'] : undefined
  if (!Array.isArray(options)) throw invalid('A choice needs an OptionSet with Options.')
  return options.map((option: unknown, index) => {
    const given: Body = isJsonObject(option) ? option : {}
    const text = readLabel(given['Label'])
    if (text === null) throw invalid('Each option needs a label.')
    return { value: Number(given['Value'] ?? 100_000_000 + index), label: text }
  })
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

function readNewAttribute(body: Body): NewAttribute {
  const kind = String(body['@odata.type'] ?? '').replace(/^#?Microsoft\.Dynamics\.CRM\./, '')
  const type = creatable[kind]
  if (type === undefined) throw invalid(`Attributes of the type '${kind}' cannot be created here.`)
  const schemaName = readSchemaName(body)
  const label = readLabel(body['DisplayName'])
  if (label === null) throw invalid('The DisplayName is required.')
  const maxLength = numberOf(body['MaxLength'])
  if (type === 'String' && (maxLength === undefined || maxLength < 1 || maxLength > 4000)) {
    throw invalid('The MaxLength of a text must be from 1 to 4000.')
  }
  const [minValue, maxValue, precision] = [body['MinValue'], body['MaxValue'], body['Precision']].map(
    numberOf,
  )
  return {
    logicalName: schemaName.toLowerCase(),
    schemaName,
    label,
    type,
    required: readRequired(body),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(minValue === undefined ? {} : { minValue }),
    ...(maxValue === undefined ? {} : { maxValue }),
    ...(precision === undefined ? {} : { precision }),
    ...(type === 'DateTime' ? { dateOnly: body['Format'] === 'DateOnly' } : {}),
    ...(type === 'Picklist' ? { options: readOptions(body) } : {}),
  }
}

const answerCreated = (address: string): ApiAnswer => ({
  status: 204,
  headers: { 'odata-entityid': address },
})

/** A lookup is created with its relationship: `POST RelationshipDefinitions`. */
function createLookup(organisation: Organisation, addresses: Addresses, body: Body): ApiAnswer {
  const lookup = body['Lookup']
  const [referenced, referencing] = [body['ReferencedEntity'], body['ReferencingEntity']].map(String)
  if (
    body['@odata.type'] !== 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata' ||
    !isJsonObject(lookup)
  ) {
    throw invalid('A OneToManyRelationshipMetadata with its Lookup is needed.')
  }
  readSchemaName(body)
  for (const name of [referenced, referencing]) {
    if (organisation.tables.find(name ?? '') === undefined)
      throw errors.noRecord('EntityMetadata', name ?? '')
  }
  const schemaName = readSchemaName(lookup)
  const logicalName = schemaName.toLowerCase()
  const { schema } = requireTable(organisation, referencing ?? '')
  if (schema.attributes.has(logicalName)) throw exists(schemaName)
  const navigation = String(body['ReferencingEntityNavigationPropertyName'] ?? schemaName)
  const attribute = addAttribute(organisation, schema.logicalName, {
    logicalName,
    schemaName,
    label: readLabel(lookup['DisplayName']) ?? schemaName,
    type: 'Lookup',
    required: readRequired(lookup),
    targets: [{ object: referenced ?? '', navigation }],
  })
  return answerCreated(`${addresses.api()}/RelationshipDefinitions(${attribute.metadataId})`)
}

function createCustomer(organisation: Organisation, addresses: Addresses, body: Body): ApiAnswer {
  const lookup = body['Lookup']
  const relationships = body['OneToManyRelationships']
  if (!isJsonObject(lookup) || !Array.isArray(relationships))
    throw invalid('Lookup and relationships are needed.')
  const [first] = relationships as readonly Body[]
  const schemaName = readSchemaName(lookup)
  const logicalName = schemaName.toLowerCase()
  const object = String(first?.['ReferencingEntity'])
  addAttribute(organisation, object, { logicalName: `${logicalName}type`, type: 'EntityName', hidden: true })
  const attribute = addAttribute(organisation, object, {
    logicalName,
    schemaName,
    label: readLabel(lookup['DisplayName']) ?? schemaName,
    type: 'Customer',
    targets: customerTargets(schemaName),
  })
  const context = `${addresses.api()}/$metadata#Microsoft.Dynamics.CRM.CreateCustomerRelationshipsResponse`
  return { status: 200, body: { '@odata.context': context, AttributeId: attribute.metadataId } }
}

function createKey(organisation: Organisation, addresses: Addresses, object: string, body: Body): ApiAnswer {
  const { schema } = requireTable(organisation, object)
  const attributes = body['KeyAttributes']
  if (!Array.isArray(attributes) || attributes.length === 0) throw invalid('The KeyAttributes are required.')
  for (const name of attributes) {
    if (!schema.attributes.has(String(name))) throw errors.noAttribute(object, String(name))
  }
  const schemaName = readSchemaName(body)
  if (schema.keys.has(schemaName.toLowerCase())) throw exists(schemaName)
  const id = addKey(organisation, object, attributes.map(String), {
    schemaName,
    label: readLabel(body['DisplayName']) ?? schemaName,
    activeAt: organisation.now().getTime() + organisation.keyBuildMs,
  })
  return answerCreated(`${addresses.api()}/EntityDefinitions(${schema.metadataId})/Keys(${id})`)
}

/** PUT replaces the definition; what is left out keeps its value, so only what may be changed is read. */
function putTable(organisation: Organisation, call: ApiCall): ApiAnswer {
  const schema = requireTableOfKey(organisation, call.segments[0]?.key ?? null)
  const body = readBody(call.body, 'EntityDefinitions')
  const tracking = body['ChangeTrackingEnabled']
  if (tracking === false && schema.changeTracking) {
    throw invalid('Change tracking, once enabled, cannot be disabled.')
  }
  if (tracking === true) schema.changeTracking = true
  return { status: 204 }
}

function write(organisation: Organisation, addresses: Addresses, call: ApiCall): ApiAnswer {
  requireRight(organisation, call.save.by, 'customize', 'prvWriteEntity')
  const [root, child, ...rest] = call.segments
  if (root === undefined || rest.length > 0) throw errors.noResource(rest[0]?.name ?? '')
  const posted = () => readBody(call.body, root.name)
  if (root.name === 'RelationshipDefinitions' && call.method === 'POST') {
    return createLookup(organisation, addresses, posted())
  }
  if (root.name === 'CreateCustomerRelationships') return createCustomer(organisation, addresses, posted())
  if (root.name === 'PublishXml' || root.name === 'PublishAllXml') return { status: 204 }
  if (root.name !== 'EntityDefinitions' || root.key === null) throw errors.methodNotAllowed(call.method)
  if (child === undefined && call.method === 'PUT') return putTable(organisation, call)
  const schema = requireTableOfKey(organisation, root.key)
  if (child?.name === 'Attributes' && call.method === 'POST') {
    const field = readNewAttribute(posted())
    if (schema.attributes.has(field.logicalName)) throw exists(field.logicalName)
    const { metadataId } = addAttribute(organisation, schema.logicalName, field)
    return answerCreated(
      `${addresses.api()}/EntityDefinitions(${schema.metadataId})/Attributes(${metadataId})`,
    )
  }
  if (child?.name === 'Attributes' && call.method === 'DELETE') {
    const attribute = findByKey(schema.attributes.values(), child.key)
    if (attribute === undefined || !attribute.custom) throw invalid('The attribute cannot be deleted.')
    removeField(organisation, schema.logicalName, attribute.logicalName)
    return { status: 204 }
  }
  if (child?.name === 'Keys' && call.method === 'POST') {
    return createKey(organisation, addresses, schema.logicalName, posted())
  }
  if (child?.name === 'Keys' && call.method === 'DELETE') {
    const key = findByKey(schema.keys.values(), child.key)
    if (key === undefined) throw errors.noRecord('EntityKeyMetadata', 'key')
    schema.keys.delete(key.logicalName)
    return { status: 204 }
  }
  throw errors.methodNotAllowed(call.method)
}

export function planMetadataWrite(organisation: Organisation, addresses: Addresses, call: ApiCall): Plan {
  const key = call.segments[0]?.key
  return {
    operation: 'metadata-write',
    object: key?.kind === 'named' ? String(key.values.get('LogicalName') ?? '') : null,
    handle: (current) => write(organisation, addresses, current),
  }
}

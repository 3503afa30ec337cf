/** Properties and their groups: what an integration reads before it maps, and creates while it is set up. */
import { addProperty, changeProperty, removeProperty } from './administration.ts'
import { type ApiAnswer, type ApiCall, type ApiRoute, crmPaths } from './api-server.ts'
import { settleEach } from './batch-answers.ts'
import {
  isJsonObject,
  type JsonObject,
  readBody,
  readInputs,
  readTable,
  readText,
  requireText,
} from './bodies.ts'
import { invalidInput, notFound, refuseCall } from './errors.ts'
import type { Portal } from './portal.ts'
import type { Choice, ObjectSchema, Property, PropertyGroup, PropertyType } from './schema.ts'

const maxUnique = 10
const types: readonly PropertyType[] = [
  'string',
  'number',
  'date',
  'datetime',
  'enumeration',
  'bool',
  'phone_number',
]
const fieldTypes: Readonly<Record<PropertyType, readonly string[]>> = {
  string: ['text', 'textarea', 'html', 'file', 'calculation_equation'],
  phone_number: ['phonenumber', 'text'],
  number: ['number', 'calculation_equation'],
  date: ['date'],
  datetime: ['date'],
  enumeration: ['select', 'radio', 'checkbox', 'booleancheckbox', 'calculation_equation'],
  bool: ['booleancheckbox', 'calculation_equation'],
}

/** Choices of owners and pipelines live with owners and pipelines. */
export function showProperty(portal: Portal, schema: ObjectSchema, property: Property): JsonObject {
  const { referencedObjectType, readOnlyValue, hubspotDefined, required: _, options, ...rest } = property
  const pipelines = portal.pipelines.get(schema.name) ?? []
  const external: Readonly<Record<string, readonly { readonly id: string; readonly label: string }[]>> = {
    pipeline: pipelines,
    dealstage: pipelines.flatMap(({ stages }) => stages),
  }
  const listed = external[property.name]?.map(
    ({ id, label }, displayOrder): Choice => ({
      value: id,
      label,
      displayOrder,
      description: '',
      hidden: false,
    }),
  )
  return {
    ...rest,
    options: listed ?? options,
    ...(referencedObjectType === null ? {} : { referencedObjectType }),
    hubspotDefined,
    archived: false,
    modificationMetadata: {
      archivable: !hubspotDefined,
      readOnlyDefinition: hubspotDefined,
      readOnlyOptions: hubspotDefined && property.type === 'enumeration',
      readOnlyValue,
    },
  }
}

const showGroup = (group: PropertyGroup): JsonObject => ({ ...group, archived: false })

function readOptions(given: unknown): readonly Choice[] {
  if (!Array.isArray(given)) return []
  return given.filter(isJsonObject).map((option, index) => ({
    value: readText(option['value']) ?? '',
    label: readText(option['label']) ?? '',
    description: readText(option['description']) ?? '',
    displayOrder: Number(option['displayOrder'] ?? index),
    hidden: option['hidden'] === true,
  }))
}

function createProperty(portal: Portal, schema: ObjectSchema, input: JsonObject): Property {
  const name = requireText(input, 'name')
  const label = requireText(input, 'label')
  const groupName = requireText(input, 'groupName')
  const fieldType = requireText(input, 'fieldType')
  const type = types.find((each) => each === requireText(input, 'type'))
  if (type === undefined) throw invalidInput(`${String(input['type'])} is no type of a property`)
  if (!fieldTypes[type].includes(fieldType))
    throw invalidInput(`field type ${fieldType} does not fit type ${type}`)
  if (!/^[a-z][a-z0-9_]{0,99}$/.test(name))
    throw invalidInput(
      `Property name ${name} must be lower case, start with a letter and have only letters, digits and underscores`,
    )
  if (!schema.groups.has(groupName)) throw invalidInput(`The property group ${groupName} does not exist`)
  if (schema.properties.has(name))
    throw refuseCall(409, 'OBJECT_ALREADY_EXISTS', `A property named '${name}' already exists.`)
  const hasUniqueValue = input['hasUniqueValue'] === true
  const unique = [...schema.properties.values()].filter((each) => each.hasUniqueValue && !each.hubspotDefined)
  if (hasUniqueValue && unique.length >= maxUnique)
    throw invalidInput(`An object has at most ${maxUnique} properties with unique values`)
  if (hasUniqueValue && type !== 'string' && type !== 'number')
    throw invalidInput(`A property of type ${type} cannot have unique values`)
  const options = readOptions(input['options'])
  if (type === 'enumeration' && options.length === 0) throw invalidInput(`Property ${name} needs options`)
  return addProperty(portal, schema.name, {
    name,
    label,
    type,
    fieldType,
    groupName,
    hasUniqueValue,
    description: readText(input['description']) ?? '',
    hidden: input['hidden'] === true,
    formField: input['formField'] === true,
    ...(options.length === 0 ? {} : { options }),
  })
}

function requireProperty(schema: ObjectSchema, name: string | undefined): Property {
  const property = schema.properties.get(name ?? '')
  if (property === undefined) throw notFound(`Property "${name}" does not exist`)
  return property
}

function updateProperty(portal: Portal, schema: ObjectSchema, call: ApiCall): ApiAnswer {
  const property = requireProperty(schema, call.params['propertyName'])
  if (property.hubspotDefined)
    throw refuseCall(403, 'FORBIDDEN', `Property ${property.name} cannot be changed`)
  const body = readBody(call.body)
  const label = readText(body['label'])
  const description = readText(body['description'])
  const changed = changeProperty(portal, schema.name, property.name, {
    ...(label === null ? {} : { label }),
    ...(description === null ? {} : { description }),
    ...(body['options'] === undefined ? {} : { options: readOptions(body['options']) }),
    ...(body['hidden'] === undefined ? {} : { hidden: body['hidden'] === true }),
  })
  return { status: 200, body: showProperty(portal, schema, changed) }
}

function archiveProperty(portal: Portal, schema: ObjectSchema, name: string): void {
  const property = schema.properties.get(name)
  if (property === undefined) return
  if (property.hubspotDefined) throw refuseCall(403, 'FORBIDDEN', `Property ${name} cannot be archived`)
  removeProperty(portal, schema.name, name)
}

const nameInput = (input: JsonObject) => ({ name: [readText(input['name']) ?? ''] })

function createGroup(schema: ObjectSchema, call: ApiCall): ApiAnswer {
  const body = readBody(call.body)
  const name = requireText(body, 'name')
  if (schema.groups.has(name))
    throw refuseCall(409, 'OBJECT_ALREADY_EXISTS', `A property group named '${name}' already exists.`)
  const group = { name, label: requireText(body, 'label'), displayOrder: Number(body['displayOrder'] ?? -1) }
  schema.groups.set(name, group)
  return { status: 201, body: showGroup(group) }
}

export function listPropertyRoutes(portal: Portal): readonly ApiRoute[] {
  const route = (
    method: ApiRoute['method'],
    rest: string,
    operation: ApiRoute['operation'],
    handle: (schema: ObjectSchema, call: ApiCall) => ApiAnswer,
  ): ApiRoute => ({
    method,
    paths: crmPaths('properties', `/:objectType${rest}`),
    operation,
    handle: (call) => handle(readTable(portal, call.params['objectType']).schema, call),
  })
  return [
    route('GET', '', 'properties', (schema, call) => {
      const all = call.query['archived'] === 'true' ? [] : [...schema.properties.values()]
      return { status: 200, body: { results: all.map((each) => showProperty(portal, schema, each)) } }
    }),
    route('POST', '', 'property-create', (schema, call) => {
      const property = createProperty(portal, schema, readBody(call.body))
      return { status: 201, body: showProperty(portal, schema, property) }
    }),
    route('POST', '/batch/read', 'properties', (schema, call) =>
      settleEach(portal, call, 200, nameInput, (input) => [
        showProperty(portal, schema, requireProperty(schema, requireText(input, 'name'))),
      ]),
    ),
    route('POST', '/batch/create', 'property-create', (schema, call) =>
      settleEach(portal, call, 201, nameInput, (input) => [
        showProperty(portal, schema, createProperty(portal, schema, input)),
      ]),
    ),
    route('POST', '/batch/archive', 'property-change', (schema, call) => {
      for (const input of readInputs(call.body)) archiveProperty(portal, schema, requireText(input, 'name'))
      return { status: 204 }
    }),
    route('GET', '/groups', 'properties', (schema) => ({
      status: 200,
      body: { results: [...schema.groups.values()].map(showGroup) },
    })),
    route('POST', '/groups', 'property-create', createGroup),
    route('GET', '/groups/:groupName', 'properties', (schema, call) => {
      const group = schema.groups.get(call.params['groupName'] ?? '')
      if (group === undefined) throw notFound('property group not found')
      return { status: 200, body: showGroup(group) }
    }),
    route('GET', '/:propertyName', 'properties', (schema, call) => ({
      status: 200,
      body: showProperty(portal, schema, requireProperty(schema, call.params['propertyName'])),
    })),
    route('PATCH', '/:propertyName', 'property-change', (schema, call) =>
      updateProperty(portal, schema, call),
    ),
    route('DELETE', '/:propertyName', 'property-change', (schema, call) => {
      archiveProperty(portal, schema, call.params['propertyName'] ?? '')
      return { status: 204 }
    }),
  ]
}

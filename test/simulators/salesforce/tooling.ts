/**
 * The part of the Tooling API that set-up by API needs: custom fields and the selection for Change Data Capture (Tooling
 * API Reference: CustomField, PlatformEventChannelMember; Metadata API: CustomField).
 */
import { hasUserPermission, hideField } from './access.ts'
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { isJsonObject, type JsonObject, readBody } from './bodies.ts'
import { CallError } from './errors.ts'
import { createIdSequence } from './ids.ts'
import type { Organisation } from './organisation.ts'
import {
  defineField,
  type FieldOptions,
  type FieldSchema,
  type FieldType,
  isCustom,
  type ObjectSchema,
  type Row,
} from './schema.ts'
import { createQueryEngine } from './soql.ts'
import { defineObject, idField, lookup } from './standard-fields.ts'
import { createTables, type Table } from './tables.ts'

const types: Readonly<Record<string, FieldType>> = {
  Text: 'string',
  LongTextArea: 'textarea',
  Number: 'double',
  Currency: 'currency',
  Checkbox: 'boolean',
  Date: 'date',
  DateTime: 'datetime',
  Picklist: 'picklist',
  Lookup: 'reference',
}

const refuse = (message: string, code = 'FIELD_INTEGRITY_EXCEPTION') => new CallError(400, code, message, [])
const text = (value: unknown) => (typeof value === 'string' ? value : '')
const amount = (value: unknown) => (typeof value === 'number' ? value : 0)

/** The object and the field that a name such as `Opportunity.PRM_Deal_Id__c` speaks of. */
function readFullName(organisation: Organisation, fullName: string): { table: Table; name: string } {
  const [, object = '', name = ''] = /^(\w+)\.([A-Za-z]\w*__c)$/.exec(fullName) ?? []
  const table = organisation.tables.find(object)
  if (table === undefined || name.slice(0, -3).includes('__')) {
    throw refuse(`Invalid fullName, must end in a custom suffix (e.g. __c): ${fullName}`, 'INVALID_FIELD')
  }
  return { table, name }
}

function readChoices(metadata: JsonObject): FieldOptions {
  const set = isJsonObject(metadata['valueSet']) ? metadata['valueSet'] : {}
  const definition = isJsonObject(set['valueSetDefinition']) ? set['valueSetDefinition'] : {}
  const values = Array.isArray(definition['value']) ? definition['value'].filter(isJsonObject) : []
  if (values.length === 0) throw refuse('You must specify either a valueSetName or a valueSetDefinition')
  return {
    restrictedPicklist: set['restricted'] === true,
    picklistValues: values.map((each) => ({
      value: text(each['fullName']),
      label: text(each['label']) || text(each['fullName']),
      active: true,
      defaultValue: each['default'] === true,
    })),
  }
}

function readOptions(
  organisation: Organisation,
  type: string,
  metadata: JsonObject,
  name: string,
): FieldOptions {
  switch (type) {
    case 'Text': {
      const length = amount(metadata['length'])
      if (length < 1 || length > 255)
        throw refuse('Must specify a length between 1 and 255 for a CustomField of type Text')
      const unique = metadata['unique'] === true
      return {
        length,
        unique,
        caseSensitive: unique && metadata['caseSensitive'] === true,
        externalId: metadata['externalId'] === true,
      }
    }
    case 'LongTextArea':
      if (amount(metadata['visibleLines']) < 2)
        throw refuse("Must specify 'visibleLines' for a CustomField of type LongTextArea")
      return { length: amount(metadata['length']) }
    case 'Number':
    case 'Currency':
      if (metadata['precision'] === undefined || metadata['scale'] === undefined) {
        throw refuse(`Must specify 'precision' and 'scale' for a CustomField of type ${type}`)
      }
      return { precision: amount(metadata['precision']), scale: amount(metadata['scale']) }
    case 'Checkbox':
      if (metadata['defaultValue'] === undefined)
        throw refuse("Must specify 'defaultValue' for a CustomField of type Checkbox")
      return {}
    case 'Picklist':
      return readChoices(metadata)
    case 'Lookup': {
      const target = organisation.tables.find(text(metadata['referenceTo']))
      if (target === undefined)
        throw refuse("referenceTo value of '' does not resolve to a valid sObject type")
      if (!/^[A-Za-z]\w*$/.test(text(metadata['relationshipName']))) {
        throw refuse("Must specify 'relationshipName' for a CustomField of type Lookup")
      }
      return { referenceTo: [target.schema.name], relationshipName: name.replace(/__c$/, '__r') }
    }
    default:
      return {}
  }
}

function readField(organisation: Organisation, body: JsonObject): { table: Table; field: FieldSchema } {
  const { table, name } = readFullName(organisation, text(body['FullName']))
  const metadata = isJsonObject(body['Metadata']) ? body['Metadata'] : {}
  const type = types[text(metadata['type'])]
  const label = text(metadata['label'])
  if (type === undefined)
    throw refuse(
      `'${text(metadata['type'])}' is not a valid value for the enum 'FieldType'`,
      'INVALID_TYPE_ON_FIELD_IN_RECORD',
    )
  if (label === '' || label.length > 40)
    throw refuse('Field Label: a value of at most 40 characters is required')
  if (
    table.schema.fields.has(name.toLowerCase()) ||
    organisation.hiddenFields.has(`${table.schema.name}.${name}`)
  ) {
    throw refuse(
      `There is already a field named ${name.slice(0, -3)} on ${table.schema.label}.`,
      'DUPLICATE_DEVELOPER_NAME',
    )
  }
  const options = readOptions(organisation, text(metadata['type']), metadata, name)
  return { table, field: defineField(name, label, type, options) }
}

/** What queries of the Tooling API see, made anew for each: it follows from the organisation. */
function toolingTables(organisation: Organisation) {
  const plain = (names: readonly string[]) => names.map((name) => defineField(name, name, 'string'))
  const object = (name: string, prefix: string, fields: readonly FieldSchema[]): ObjectSchema =>
    defineObject(name, [name, name], prefix, [idField('Id'), ...fields], [])
  const tables = createTables([
    object('EntityDefinition', '4ie', plain(['QualifiedApiName'])),
    object('CustomField', '00N', [
      ...plain(['DeveloperName', 'TableEnumOrId']),
      lookup('EntityDefinitionId', 'Entity', 'EntityDefinition', 'EntityDefinition'),
    ]),
    object('PlatformEventChannelMember', '0v8', plain(['DeveloperName', 'EventChannel', 'SelectedEntity'])),
  ])
  const put = (name: string, row: Row): string => {
    const table = tables.find(name)
    if (table === undefined) throw new Error(`no tooling object ${name}`)
    const id = tables.nextId(table)
    tables.put(table, id, { Id: id, ...row }, null)
    return id
  }
  for (const { schema } of organisation.tables.all.values()) {
    const EntityDefinitionId = put('EntityDefinition', { QualifiedApiName: schema.name })
    const hidden = [...organisation.hiddenFields].flatMap(([name, field]) =>
      name.startsWith(`${schema.name}.`) ? [field] : [],
    )
    for (const { name } of [...schema.fields.values(), ...hidden].filter(isCustom)) {
      put('CustomField', {
        DeveloperName: name.replace(/__c$/, ''),
        TableEnumOrId: schema.name,
        EntityDefinitionId,
      })
    }
  }
  for (const selected of organisation.changeEvents.selected) {
    const SelectedEntity = `${selected.replace(/__c$/, '__')}ChangeEvent`
    put('PlatformEventChannelMember', {
      DeveloperName: `ChangeEvents_${SelectedEntity}`,
      EventChannel: 'ChangeEvents',
      SelectedEntity,
    })
  }
  return tables
}

export function listToolingRoutes(organisation: Organisation): readonly ApiRoute[] {
  const nextId = createIdSequence()
  const created = (prefix: string): ApiAnswer => ({
    status: 201,
    body: { id: nextId(prefix), success: true, errors: [], warnings: [], infos: [] },
    records: 1,
  })

  function checkPermission(name: 'PermissionsViewSetup' | 'PermissionsCustomizeApplication'): void {
    if (hasUserPermission(organisation, name)) return
    const message = 'You do not have the level of access necessary to perform the operation you requested.'
    throw new CallError(403, 'INSUFFICIENT_ACCESS', message)
  }

  function createField(call: ApiCall): ApiAnswer {
    checkPermission('PermissionsCustomizeApplication')
    const { table, field } = readField(organisation, readBody(call.body))
    hideField(organisation, table.schema.name, field)
    return created('00N')
  }

  function createMember(call: ApiCall): ApiAnswer {
    checkPermission('PermissionsCustomizeApplication')
    const { Metadata: metadata } = readBody(call.body)
    const { eventChannel, selectedEntity } = isJsonObject(metadata) ? metadata : {}
    const name = /^(\w+?)ChangeEvent$/.exec(text(selectedEntity))?.[1] ?? ''
    const table = organisation.tables.find(name.endsWith('__') ? `${name}c` : name)
    if (eventChannel !== 'ChangeEvents') throw refuse(`The channel ${text(eventChannel)} doesn't exist`)
    if (table === undefined) throw refuse(`The selected entity, ${text(selectedEntity)}, isn't valid.`)
    if (organisation.changeEvents.selected.has(table.schema.name)) {
      throw refuse(`The entity ${text(selectedEntity)} is already selected.`, 'DUPLICATE_VALUE')
    }
    organisation.changeEvents.selected.add(table.schema.name)
    return created('0v8')
  }

  function query(call: ApiCall): ApiAnswer {
    checkPermission('PermissionsViewSetup')
    const soql = call.query['q']
    if (!soql) throw new CallError(400, 'MALFORMED_QUERY', 'SOQL statements cannot be empty or null')
    const tables = toolingTables(organisation)
    const { rows, render } = createQueryEngine({ ...organisation, tables }).run(soql, false)
    const body = { size: rows.length, totalSize: rows.length, done: true, records: rows.map(render) }
    return { status: 200, body, records: rows.length }
  }

  const base = '/tooling/sobjects'
  return [
    { method: 'GET', path: '/tooling/query', operation: 'tooling-query', handle: query },
    { method: 'POST', path: `${base}/CustomField`, operation: 'tooling-create', handle: createField },
    {
      method: 'POST',
      path: `${base}/PlatformEventChannelMember`,
      operation: 'tooling-create',
      handle: createMember,
    },
  ]
}

/** Metadata as the describe calls give it. */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { apiBase } from './api-server.ts'
import { readTable } from './bodies.ts'
import type { Organisation } from './organisation.ts'
import { type FieldSchema, isCustom, isNumeric, type ObjectSchema } from './schema.ts'

const soapTypes: Partial<Record<FieldSchema['type'], string>> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  boolean: 'xsd:boolean',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
  int: 'xsd:int',
  currency: 'xsd:double',
  percent: 'xsd:double',
  double: 'xsd:double',
}

function describeField(field: FieldSchema): unknown {
  const isLongText = field.type === 'textarea' && field.length > 255
  return {
    aggregatable: !isLongText && field.type !== 'boolean',
    autoNumber: false,
    byteLength: isNumeric(field) || field.type === 'boolean' ? 0 : field.length * 3,
    calculated: field.calculated,
    calculatedFormula: null,
    cascadeDelete: field.cascadeDelete,
    caseSensitive: field.caseSensitive,
    compoundFieldName: null,
    controllerName: null,
    createable: field.createable,
    custom: isCustom(field),
    defaultValue: field.type === 'boolean' ? field.defaultValue : null,
    defaultValueFormula: null,
    defaultedOnCreate: field.defaultedOnCreate,
    dependentPicklist: false,
    deprecatedAndHidden: false,
    digits: field.type === 'int' ? field.precision : 0,
    externalId: field.externalId,
    filterable: !isLongText,
    groupable: !isLongText && !isNumeric(field) && field.type !== 'datetime',
    htmlFormatted: false,
    idLookup: field.idLookup,
    inlineHelpText: null,
    label: field.label,
    length: isNumeric(field) ? 0 : field.length,
    name: field.name,
    nameField: field.nameField,
    namePointing: false,
    nillable: field.nillable,
    permissionable: isCustom(field) && field.nillable,
    picklistValues: field.picklistValues.map((choice) => ({ ...choice, validFor: null })),
    polymorphicForeignKey: false,
    precision: field.type === 'int' ? 0 : field.precision,
    referenceTo: field.referenceTo,
    relationshipName: field.relationshipName,
    relationshipOrder: null,
    restrictedPicklist: field.restrictedPicklist,
    scale: field.scale,
    soapType: soapTypes[field.type] ?? 'xsd:string',
    sortable: !isLongText,
    type: field.type,
    unique: field.unique,
    updateable: field.updateable,
    writeRequiresMasterRead: false,
  }
}

function summarise(schema: ObjectSchema): Record<string, unknown> {
  const path = `${apiBase}/sobjects/${schema.name}`
  return {
    activateable: false,
    createable: schema.createable,
    custom: schema.name.endsWith('__c'),
    customSetting: false,
    deletable: schema.deletable,
    deprecatedAndHidden: false,
    feedEnabled: false,
    keyPrefix: schema.keyPrefix,
    label: schema.label,
    labelPlural: schema.labelPlural,
    layoutable: true,
    mergeable: schema.mergeable,
    mruEnabled: true,
    name: schema.name,
    queryable: true,
    replicateable: true,
    retrieveable: true,
    searchable: schema.createable,
    triggerable: schema.createable,
    undeletable: schema.deletable,
    updateable: schema.updateable,
    urls: {
      sobject: path,
      describe: `${path}/describe`,
      rowTemplate: `${path}/{ID}`,
    },
  }
}

export function listDescribeRoutes(organisation: Organisation): readonly ApiRoute[] {
  const object = ({ params }: Pick<ApiCall, 'params'>) => params['object'] ?? null

  function describeObject(call: ApiCall): ApiAnswer {
    const { schema } = readTable(organisation, call.params['object'])
    const fields = [...schema.fields.values()].map(describeField)
    return {
      status: 200,
      body: { ...summarise(schema), childRelationships: [], recordTypeInfos: [], fields },
      records: fields.length,
    }
  }

  function describeGlobal(): ApiAnswer {
    const sobjects = [...organisation.tables.all.values()].map((table) => summarise(table.schema))
    return { status: 200, body: { encoding: 'UTF-8', maxBatchSize: 200, sobjects } }
  }

  function describeBasic(call: ApiCall): ApiAnswer {
    const { schema } = readTable(organisation, call.params['object'])
    return { status: 200, body: { objectDescribe: summarise(schema), recentItems: [] } }
  }

  return [
    { method: 'GET', path: '/sobjects', operation: 'describe-global', handle: describeGlobal },
    { method: 'GET', path: '/sobjects/:object', operation: 'describe', object, handle: describeBasic },
    {
      method: 'GET',
      path: '/sobjects/:object/describe',
      operation: 'describe',
      object,
      handle: describeObject,
    },
  ]
}

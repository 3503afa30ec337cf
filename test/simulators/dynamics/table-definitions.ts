/** How a table is defined, and the tables that every organisation has for its people, money and set-up. */
import {
  activeStates,
  auditAttributes,
  choice,
  currencyAttributes,
  defineAttribute,
  lookup,
  manyLookup,
  money,
  stateAttributes,
  text,
} from './attributes.ts'
import { fixedGuid } from './guids.ts'
import type { Attribute, TableSchema } from './schema.ts'

export interface TableDefinition extends Partial<TableSchema> {
  readonly logicalName: string
  readonly schemaName: string
  readonly entitySet: string
  readonly label: string
  readonly typeCode: number
  readonly columns: readonly Attribute[]
}

export function defineTable(definition: TableDefinition): TableSchema {
  const { columns, ...schema } = definition
  const primaryId = definition.primaryId ?? `${definition.logicalName}id`
  const id = defineAttribute(primaryId, definition.label, 'Uniqueidentifier', {
    required: 'SystemRequired',
    updatable: false,
  })
  return {
    pluralLabel: `${definition.label}s`,
    primaryId,
    primaryName: 'name',
    metadataId: fixedGuid(0x70_00_00_00, definition.typeCode),
    keys: new Map(),
    highlights: ['name'],
    mergeable: false,
    changeTracking: false,
    optimisticConcurrency: true,
    ...schema,
    attributes: new Map(
      [id, ...columns, ...auditAttributes()].map((attribute) => [attribute.logicalName, attribute]),
    ),
  }
}

export const systemuser = () =>
  defineTable({
    logicalName: 'systemuser',
    schemaName: 'SystemUser',
    entitySet: 'systemusers',
    label: 'User',
    typeCode: 8,
    primaryName: 'fullname',
    highlights: ['fullname', 'internalemailaddress', 'isdisabled'],
    columns: [
      text('fullname', 'Full Name', 200),
      text('firstname', 'First Name', 64),
      text('lastname', 'Last Name', 64),
      text('domainname', 'User Name', 1024),
      text('internalemailaddress', 'Primary Email'),
      text('azureactivedirectoryobjectid', 'Microsoft Entra ID Object ID'),
      defineAttribute('applicationid', 'Application ID', 'Uniqueidentifier'),
      defineAttribute('isdisabled', 'Disabled', 'Boolean'),
      lookup('businessunitid', 'Business Unit', 'businessunit'),
    ],
  })

export const businessunit = () =>
  defineTable({
    logicalName: 'businessunit',
    schemaName: 'BusinessUnit',
    entitySet: 'businessunits',
    label: 'Business Unit',
    typeCode: 10,
    columns: [text('name', 'Name', 160)],
  })

export const organization = () =>
  defineTable({
    logicalName: 'organization',
    schemaName: 'Organization',
    entitySet: 'organizations',
    label: 'Organization',
    typeCode: 1019,
    columns: [
      text('name', 'Organization Name', 160),
      lookup('basecurrencyid', 'Currency', 'transactioncurrency'),
      defineAttribute('expirechangetrackingindays', 'Days to Expire Change Tracking Deltas', 'Integer'),
      defineAttribute('languagecode', 'Language', 'Integer'),
      text('schemanameprefix', 'Customization Name Prefix', 8),
    ],
  })

export const transactioncurrency = () =>
  defineTable({
    logicalName: 'transactioncurrency',
    schemaName: 'TransactionCurrency',
    entitySet: 'transactioncurrencies',
    label: 'Currency',
    pluralLabel: 'Currencies',
    typeCode: 9105,
    primaryName: 'currencyname',
    changeTracking: true,
    highlights: ['isocurrencycode', 'currencyname', 'exchangerate', 'currencyprecision'],
    columns: [
      text('currencyname', 'Currency Name'),
      text('isocurrencycode', 'Currency Code', 5),
      text('currencysymbol', 'Currency Symbol', 13),
      defineAttribute('currencyprecision', 'Currency Precision', 'Integer'),
      defineAttribute('exchangerate', 'Exchange Rate', 'Decimal', { precision: 12 }),
      ...activeStates(),
    ],
  })

const asynchronous = [
  { value: 0, label: 'Synchronous' },
  { value: 1, label: 'Asynchronous' },
]
const pipeline = [
  { value: 10, label: 'Pre-validation' },
  { value: 20, label: 'Pre-operation' },
  { value: 40, label: 'Post-operation' },
]
const enabledStates = stateAttributes(
  [
    { value: 0, label: 'Enabled' },
    { value: 1, label: 'Disabled' },
  ],
  [
    { value: 1, label: 'Enabled', state: 0 },
    { value: 2, label: 'Disabled', state: 1 },
  ],
)

export const serviceendpoint = () =>
  defineTable({
    logicalName: 'serviceendpoint',
    schemaName: 'ServiceEndpoint',
    entitySet: 'serviceendpoints',
    label: 'Service Endpoint',
    typeCode: 4618,
    columns: [
      text('name', 'Name', 100, { required: 'SystemRequired' }),
      text('url', 'Public URL', 2000),
      defineAttribute('description', 'Description', 'Memo'),
      choice(
        'contract',
        'Contract',
        ['OneWay', 'Queue', 'Rest', 'TwoWay', 'Topic', 'Queue (Persistent)', 'Event Hub', 'Webhook'].map(
          (label, index) => ({ value: index + 1, label }),
        ),
        { required: 'SystemRequired' },
      ),
      choice(
        'authtype',
        'Authentication Type',
        [
          [0, 'Not Specified'],
          [1, 'ACS'],
          [2, 'SASKey'],
          [3, 'SASToken'],
          [4, 'WebhookKey'],
          [5, 'HttpHeader'],
          [6, 'HttpQueryString'],
        ].map(([value, label]) => ({ value: Number(value), label: String(label) })),
      ),
      defineAttribute('authvalue', 'Auth Value', 'Memo', { secret: true }),
      choice('messageformat', 'Message Format', [
        { value: 1, label: 'Binary XML' },
        { value: 2, label: 'Json' },
        { value: 3, label: 'Text XML' },
      ]),
      choice('connectionmode', 'Connection Mode', [
        { value: 1, label: 'Normal' },
        { value: 2, label: 'Federated' },
      ]),
    ],
  })

export const sdkmessage = () =>
  defineTable({
    logicalName: 'sdkmessage',
    schemaName: 'SdkMessage',
    entitySet: 'sdkmessages',
    label: 'Sdk Message',
    typeCode: 4606,
    columns: [text('name', 'Name', 256), text('categoryname', 'Category Name', 25)],
  })

export const sdkmessagefilter = () =>
  defineTable({
    logicalName: 'sdkmessagefilter',
    schemaName: 'SdkMessageFilter',
    entitySet: 'sdkmessagefilters',
    label: 'Sdk Message Filter',
    typeCode: 4607,
    columns: [
      text('primaryobjecttypecode', 'Primary Object Type Code', 64),
      lookup('sdkmessageid', 'SDK Message', 'sdkmessage'),
    ],
  })

export const sdkmessageprocessingstep = () =>
  defineTable({
    logicalName: 'sdkmessageprocessingstep',
    schemaName: 'SdkMessageProcessingStep',
    entitySet: 'sdkmessageprocessingsteps',
    label: 'Sdk Message Processing Step',
    typeCode: 4608,
    columns: [
      text('name', 'Name', 256),
      defineAttribute('description', 'Description', 'Memo'),
      text('filteringattributes', 'Filtering Attributes', 100_000),
      text('configuration', 'Configuration', 100_000),
      choice('mode', 'Execution Mode', asynchronous, { required: 'SystemRequired' }),
      choice('stage', 'Execution Stage', pipeline, { required: 'SystemRequired' }),
      defineAttribute('rank', 'Execution Order', 'Integer', { required: 'SystemRequired' }),
      choice('supporteddeployment', 'Deployment', [
        { value: 0, label: 'Server Only' },
        { value: 1, label: 'Microsoft Dynamics 365 Client for Outlook Only' },
        { value: 2, label: 'Both' },
      ]),
      choice('invocationsource', 'Invocation Source', [
        { value: -1, label: 'Internal' },
        { value: 0, label: 'Parent' },
        { value: 1, label: 'Child' },
      ]),
      defineAttribute('asyncautodelete', 'Asynchronous Automatic Delete', 'Boolean'),
      lookup('sdkmessageid', 'SDK Message', 'sdkmessage'),
      lookup('sdkmessagefilterid', 'SdkMessage Filter', 'sdkmessagefilter'),
      lookup('impersonatinguserid', 'Impersonating User', 'systemuser'),
      ...manyLookup('Lookup', 'eventhandler', 'Event Handler', [
        { object: 'serviceendpoint', navigation: 'eventhandler_serviceendpoint' },
      ]),
      ...enabledStates,
    ],
  })

export const opportunityclose = () =>
  defineTable({
    logicalName: 'opportunityclose',
    schemaName: 'OpportunityClose',
    entitySet: 'opportunitycloses',
    label: 'Opportunity Close',
    typeCode: 4208,
    primaryId: 'activityid',
    primaryName: 'subject',
    highlights: ['subject', 'opportunityid', 'actualrevenue', 'actualend'],
    columns: [
      text('subject', 'Subject', 200),
      defineAttribute('description', 'Description', 'Memo'),
      money('actualrevenue', 'Actual Revenue'),
      defineAttribute('actualend', 'Actual End', 'DateTime'),
      lookup('opportunityid', 'Opportunity', 'opportunity', { cascadeDelete: true }),
      ...currencyAttributes(),
    ],
  })

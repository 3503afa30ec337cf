/** The body of a webhook: an event as `RemoteExecutionContext` in the JSON of its serializer. */
import { randomUUID } from 'node:crypto'
import type { Organisation, RecordEvent } from './organisation.ts'
import { type Attribute, isLookup, isOption, type Row, type Scalar, type TableSchema } from './schema.ts'

const contracts = 'http://schemas.microsoft.com/xrm/2011/Contracts'
const dateOf = (date: Date) => `/Date(${date.getTime()})/`

const referenceTo = (logicalName: string, id: string) => ({
  __type: `EntityReference:${contracts}`,
  Id: id,
  KeyAttributes: [],
  LogicalName: logicalName,
  Name: null,
  RowVersion: null,
})

function writeValue(attribute: Attribute, value: Scalar, fields: Row): unknown {
  if (value === null) return null
  if (isLookup(attribute)) {
    const typed = fields[`${attribute.logicalName}type`]
    return referenceTo(String(typed ?? attribute.targets[0]?.object ?? ''), String(value))
  }
  if (isOption(attribute)) return { __type: `OptionSetValue:${contracts}`, Value: value }
  if (attribute.type === 'Money') return { __type: `Money:${contracts}`, Value: value }
  return attribute.type === 'DateTime' ? dateOf(new Date(String(value))) : value
}

function writeEntity(schema: TableSchema, id: string, fields: Row): unknown {
  const attributes = Object.entries({ ...fields, [schema.primaryId]: id }).flatMap(([name, value]) => {
    const attribute = schema.attributes.get(name)
    return attribute === undefined || attribute.hidden
      ? []
      : [{ key: name, value: writeValue(attribute, value, fields) }]
  })
  return {
    __type: `Entity:${contracts}`,
    Attributes: attributes,
    EntityState: null,
    FormattedValues: [],
    Id: id,
    KeyAttributes: [],
    LogicalName: schema.logicalName,
    RelatedEntities: [],
    RowVersion: null,
  }
}

/** What the message was called with. */
function writeInput(event: RecordEvent, schema: TableSchema): readonly unknown[] {
  const reference = { key: 'Target', value: referenceTo(event.object, event.id) }
  if (event.message === 'Delete' || event.message === 'Merge') return [reference]
  if (event.message === 'Win' || event.message === 'Lose') {
    const close = {
      __type: `Entity:${contracts}`,
      LogicalName: 'opportunityclose',
      Id: '00000000-0000-0000-0000-000000000000',
      Attributes: [{ key: 'opportunityid', value: referenceTo('opportunity', event.id) }],
    }
    return [
      { key: 'OpportunityClose', value: close },
      { key: 'Status', value: { __type: `OptionSetValue:${contracts}`, Value: event.fields['statuscode'] } },
    ]
  }
  return [{ key: 'Target', value: writeEntity(schema, event.id, event.fields) }]
}

/** Of an asynchronous step after the operation. */
export function writeExecutionContext(
  organisation: Organisation,
  event: RecordEvent,
  schema: TableSchema,
  stepId: string,
): { readonly correlationId: string; readonly body: Readonly<Record<string, unknown>> } {
  const correlationId = randomUUID()
  const body = {
    BusinessUnitId: organisation.businessUnitId,
    CorrelationId: correlationId,
    Depth: 1,
    InitiatingUserId: event.userId,
    InputParameters: writeInput(event, schema),
    IsExecutingOffline: false,
    IsInTransaction: false,
    IsOfflinePlayback: false,
    IsolationMode: 1,
    MessageName: event.message,
    Mode: 1,
    OperationCreatedOn: dateOf(event.at),
    OperationId: randomUUID(),
    OrganizationId: organisation.id,
    OrganizationName: 'unqvendor',
    OutputParameters: event.message === 'Create' ? [{ key: 'id', value: event.id }] : [],
    OwningExtension: { ...referenceTo('sdkmessageprocessingstep', stepId), __type: undefined },
    ParentContext: null,
    PostEntityImages: [],
    PreEntityImages: [],
    PrimaryEntityId: event.id,
    PrimaryEntityName: event.object,
    RequestId: null,
    SecondaryEntityName: 'none',
    SharedVariables: event.tag === null ? [] : [{ key: 'tag', value: event.tag }],
    Stage: 40,
    UserId: event.userId,
  }
  return { correlationId, body }
}

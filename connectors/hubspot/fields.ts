import type { RemoteField, RemoteFieldType } from '../connector.ts'
import type { CallLabel } from '../wire/exchange.ts'
import { type CrmObject, crmObject, ownersObject } from './api-paths.ts'
import { listed } from './apis.ts'
import { associatedObjects, readLabels, slugOf, toAssociationField } from './associations.ts'
import { ownerFields } from './owners.ts'
import type { Session } from './session.ts'

type Operation = CallLabel['operation']

/** What HubSpot lets a text property hold (Properties API). */
const textLength = 65_536

/** Property types (CRM API: Properties). What is not here cannot be mapped to one value. */
const fieldTypes: Readonly<Record<string, RemoteFieldType>> = {
  string: 'text',
  phone_number: 'text',
  number: 'number',
  bool: 'boolean',
  date: 'date',
  datetime: 'datetime',
  enumeration: 'choice',
}
const multiple: ReadonlySet<string> = new Set(['checkbox'])
/** Addresses of one record by a property that HubSpot treats as unique without saying so. */
const knownUnique: ReadonlySet<string> = new Set(['contacts.email'])

export interface PropertyDefinition {
  readonly name: string
  readonly label: string
  readonly type: string
  readonly fieldType: string
  readonly options?: readonly {
    readonly value: string
    readonly label: string
    readonly hidden?: boolean
  }[]
  readonly hasUniqueValue?: boolean
  readonly calculated?: boolean
  readonly externalOptions?: boolean
  readonly showCurrencySymbol?: boolean
  readonly referencedObjectType?: string
  readonly modificationMetadata?: { readonly readOnlyValue: boolean }
}

export interface Pipeline {
  readonly id: string
  readonly label: string
  readonly archived?: boolean
  readonly stages: readonly { readonly id: string; readonly label: string; readonly archived?: boolean }[]
}

export async function readProperties(
  session: Session,
  operation: Operation,
  object: CrmObject,
  signal: AbortSignal,
): Promise<readonly PropertyDefinition[]> {
  const { value } = await session.send(
    { operation, object, records: 0, ask: async (apis) => listed(await apis.properties().getAll(object)) },
    signal,
  )
  return value.results
}

export const isUnique = (object: CrmObject, { name, hasUniqueValue }: PropertyDefinition): boolean =>
  hasUniqueValue === true || knownUnique.has(`${object}.${name}`)

/** Everything that a mapping may name: properties, the stages of pipelines as choices, associations as references. */
export async function describeObject(
  session: Session,
  name: string,
  signal: AbortSignal,
): Promise<readonly RemoteField[]> {
  if (name === ownersObject) return ownerFields
  const object = crmObject(name)
  const definitions = await readProperties(session, 'describe', object, signal)
  const pipelines = object === 'deals' ? await readPipelines(session, signal) : []
  const fields = definitions.map((property) => toRemoteField(object, property, pipelines))
  const associations: RemoteField[] = []
  for (const to of associatedObjects(object)) {
    const labels = await readLabels(session, 'describe', object, to, signal)
    const made = labels.filter(({ category, label }) => category !== 'HUBSPOT_DEFINED' && slugOf(label ?? ''))
    associations.push(
      toAssociationField(object, to, null),
      ...made.map(({ label }) => toAssociationField(object, to, label)),
    )
  }
  return [...fields, ...associations]
}

async function readPipelines(session: Session, signal: AbortSignal): Promise<readonly Pipeline[]> {
  const { value } = await session.send(
    {
      operation: 'describe',
      object: 'deals',
      records: 0,
      ask: async (apis) => listed(await apis.pipelines().getAll('deals')),
    },
    signal,
  )
  return value.results
}

export function toRemoteField(
  object: CrmObject,
  property: PropertyDefinition,
  pipelines: readonly Pipeline[],
): RemoteField {
  const type = typeOf(property)
  const isReadOnly = property.calculated === true || property.modificationMetadata?.readOnlyValue === true
  return {
    name: property.name,
    label: property.label || property.name,
    type,
    // No property says so: what a portal demands stands in its validation rules, which only a refusal tells.
    required: false,
    creatable: !isReadOnly,
    writable: !isReadOnly,
    maxLength: type === 'text' ? textLength : null,
    scale: null,
    choices: type === 'choice' || type === 'multichoice' ? choicesOf(object, property, pipelines) : null,
    restrictedChoices: type === 'choice' || type === 'multichoice',
    references: type === 'reference' ? [ownersObject] : [],
    unique: isUnique(object, property),
    externalId: isUnique(object, property),
  }
}

function typeOf({
  name,
  type,
  fieldType,
  showCurrencySymbol,
  referencedObjectType,
}: PropertyDefinition): RemoteFieldType {
  if (referencedObjectType === 'OWNER' || name === 'hubspot_owner_id') return 'reference'
  if (type === 'enumeration' && multiple.has(fieldType)) return 'multichoice'
  if (type === 'number' && showCurrencySymbol) return 'currency'
  return fieldTypes[type] ?? 'other'
}

/** Stages go by id, which no other pipeline of the portal has; a stage is told together with its pipeline. */
function choicesOf(object: CrmObject, property: PropertyDefinition, pipelines: readonly Pipeline[]) {
  if (object === 'deals' && property.name === 'pipeline' && pipelines.length > 0) {
    return pipelines.map(({ id, label, archived }) => ({ value: id, label, active: !archived }))
  }
  if (object === 'deals' && property.name === 'dealstage' && pipelines.length > 0) {
    return pipelines.flatMap((pipeline) =>
      pipeline.stages.map((stage) => ({
        value: stage.id,
        label: pipelines.length > 1 ? `${pipeline.label}: ${stage.label}` : stage.label,
        active: !pipeline.archived && !stage.archived,
      })),
    )
  }
  return (property.options ?? []).map(({ value, label, hidden }) => ({ value, label, active: !hidden }))
}

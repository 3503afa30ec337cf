import type { RemoteField, RemoteValue } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { CrmObject } from './api-paths.ts'
import { listed } from './apis.ts'
import { readError } from './faults.ts'
import type { Session } from './session.ts'

/**
 * An association looks like a field that holds the other record's id. `association.companies` is the primary company,
 * `association.contacts` the plain contact; `association.companies.prm_partner` is the company with the label whose text
 * is "PRM Partner" in lower case with underscores. Associating is no change of the record: polls do not see it by itself.
 */
export interface AssociationField {
  readonly name: string
  readonly to: CrmObject
  /** Null for the association that every portal has. */
  readonly label: string | null
}

export interface AssociationType {
  readonly category: 'HUBSPOT_DEFINED' | 'USER_DEFINED' | 'INTEGRATOR_DEFINED'
  readonly typeId: number
}

/** What HubSpot defines itself (Associations v4: association type id values). */
const ownTypes: Readonly<Partial<Record<CrmObject, Readonly<Partial<Record<CrmObject, AssociationType>>>>>> =
  {
    deals: {
      companies: { category: 'HUBSPOT_DEFINED', typeId: 5 },
      contacts: { category: 'HUBSPOT_DEFINED', typeId: 3 },
    },
    contacts: { companies: { category: 'HUBSPOT_DEFINED', typeId: 1 } },
  }

/** The objects that records of this one may point to. */
export const associatedObjects = (from: CrmObject): readonly CrmObject[] =>
  Object.keys(ownTypes[from] ?? {}) as CrmObject[]

const prefix = 'association.'
export const isAssociation = (field: string): boolean => field.startsWith(prefix)
export const associationName = (to: CrmObject, label: string | null): string =>
  `${prefix}${to}${label === null ? '' : `.${slugOf(label)}`}`

/** Null for a plain property; throws `configuration` for an association that this object cannot have. */
export function associationField(from: CrmObject, name: string): AssociationField | null {
  if (!isAssociation(name)) return null
  const [, object = '', label = null] = name.split('.')
  const to = associatedObjects(from).find((candidate) => candidate === object)
  if (to === undefined) throw unknownAssociation(from, name)
  return { name, to, label }
}

export const slugOf = (label: string): string =>
  label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')

const unknownAssociation = (from: CrmObject, name: string): ConnectorFault =>
  new ConnectorFault('configuration', `HubSpot's ${from} have no ${name}`, {
    code: 'UNKNOWN_ASSOCIATION',
    fields: [name],
  })

export interface AssociationLabel extends AssociationType {
  readonly label: string | null
}

/** All labels between two objects, those that people made included. */
export async function readLabels(
  session: Session,
  operation: 'describe' | 'write' | 'setup',
  from: CrmObject,
  to: CrmObject,
  signal: AbortSignal,
): Promise<readonly AssociationLabel[]> {
  const { value } = await session.send(
    {
      // Nothing is changed by it, even where it prepares a write.
      operation: operation === 'write' ? 'describe' : operation,
      object: from,
      records: 0,
      ask: async (apis) => listed(await apis.associationLabels().getAll(from, to)),
    },
    signal,
  )
  return value.results.map(({ category, typeId, label }) => ({
    category,
    typeId,
    label: label ?? null,
  }))
}

/** Made by people or apps, not by HubSpot. */
const made = ({ category }: AssociationType): boolean => category !== 'HUBSPOT_DEFINED'

/** The type of an association; a label that the portal does not have is `configuration`. */
export type TypeFinder = (
  from: CrmObject,
  field: AssociationField,
  signal: AbortSignal,
) => Promise<AssociationType>

/** Ids of labels never change, so one that was found is remembered. */
export function createTypeFinder(session: Session): TypeFinder {
  const known = new Map<string, AssociationType>()
  return async (from, field, signal) => {
    const { name, to, label } = field
    if (label === null) {
      const own = ownTypes[from]?.[to]
      if (own) return own
      throw unknownAssociation(from, name)
    }
    const key = `${from}.${name}`
    if (!known.has(key)) {
      for (const found of await readLabels(session, 'write', from, to, signal)) {
        if (made(found)) known.set(`${from}.${associationName(to, found.label ?? '')}`, found)
      }
    }
    const type = known.get(key)
    if (type) return type
    throw unknownAssociation(from, name)
  }
}

/** One association as HubSpot lists it. */
export interface Associated {
  readonly id: string
  readonly types: readonly AssociationLabel[]
}

/**
 * Associations per call: two of each record of a full batch, its company and its partner. HubSpot takes 2,000 new ones
 * and reads those of 1,000 records at once.
 */
export const associationBatch = 200

/** Who is associated with each record, by record id; a record that has none is not in the map. */
export async function readAssociations(
  session: Session,
  call: {
    readonly operation: 'read' | 'changes' | 'write'
    readonly from: CrmObject
    readonly to: CrmObject
  },
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Associated[]>> {
  const { operation, from, to } = call
  const found = new Map<string, Associated[]>()
  let wanted: { readonly id: string; readonly after?: string }[] = [...new Set(ids)].map((id) => ({ id }))
  while (wanted.length > 0) {
    const inputs = wanted.slice(0, associationBatch)
    wanted = wanted.slice(associationBatch)
    const { value } = await session.send(
      {
        // Nothing is changed by it, even where it prepares a write.
        operation: operation === 'write' ? 'read' : operation,
        object: from,
        records: inputs.length,
        ask: async (apis) => listedLinks(await apis.associations().getPage(from, to, { inputs })),
      },
      signal,
    )
    for (const { _from, to: others, paging } of value.results) {
      const list = found.get(_from.id) ?? []
      found.set(_from.id, list)
      list.push(
        ...others.map(({ toObjectId, associationTypes }) => ({
          id: String(toObjectId),
          types: associationTypes.map(({ category, typeId, label }) => ({
            category,
            typeId,
            label: label ?? null,
          })),
        })),
      )
      const after = paging?.next?.after
      if (after !== undefined) wanted.push({ id: _from.id, after })
    }
    if ('errors' in value) refuseErrors(value.errors ?? [], from, to)
  }
  return found
}

function listedLinks<T extends { readonly results: readonly { _from?: unknown; to?: unknown }[] }>(
  answer: T,
): T {
  if (listed(answer).results.every(({ _from, to }) => _from && Array.isArray(to))) return answer
  throw new Error('The answer holds something else than associations')
}

/** A record without associations is reported as an error of its own; anything else is one. */
function refuseErrors(errors: readonly unknown[], from: CrmObject, to: CrmObject): void {
  for (const stated of errors) {
    const error = readError(stated)
    const isNone =
      error?.category === 'OBJECT_NOT_FOUND' || /no (\w+ )?(is )?associat/i.test(error?.message ?? '')
    if (!isNone) {
      throw new ConnectorFault('unavailable', `Associations of ${from} and ${to}: ${error?.message ?? ''}`, {
        code: error?.category || 'ASSOCIATIONS_UNREAD',
      })
    }
  }
}

/** The values of one record's association fields. Of several with one label the one with the lowest id stands. */
export function valuesOf(
  from: CrmObject,
  fields: readonly AssociationField[],
  associated: (to: CrmObject) => readonly Associated[],
): Readonly<Record<string, RemoteValue>> {
  return Object.fromEntries(
    fields.map((field) => [field.name, holdersOf(from, field, associated(field.to))[0] ?? null]),
  )
}

/** Ids of the records that hold this association, lowest first. */
export function holdersOf(
  from: CrmObject,
  { to, label }: AssociationField,
  associated: readonly Associated[],
): readonly string[] {
  const own = ownTypes[from]?.[to]
  const fits = (type: AssociationLabel) =>
    label === null
      ? own !== undefined && type.category === own.category && type.typeId === own.typeId
      : made(type) && slugOf(type.label ?? '') === label
  return associated
    .filter(({ types }) => types.some(fits))
    .map(({ id }) => id)
    .toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
}

/** The association as describe shows it. */
export function toAssociationField(from: CrmObject, to: CrmObject, label: string | null): RemoteField {
  const plain =
    from === 'deals' && to === 'contacts' ? 'Contact' : `Primary ${to === 'companies' ? 'company' : to}`
  return {
    name: associationName(to, label),
    label: label ?? plain,
    type: 'reference',
    required: false,
    creatable: true,
    writable: true,
    maxLength: null,
    scale: null,
    choices: null,
    restrictedChoices: false,
    references: [to],
    unique: false,
    externalId: false,
  }
}

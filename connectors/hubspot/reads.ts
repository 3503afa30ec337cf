import type { Missing, RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { CallLabel } from '../wire/exchange.ts'
import { type CrmObject, crmObject, ownersObject } from './api-paths.ts'
import { listedRecords } from './apis.ts'
import {
  type Associated,
  type AssociationField,
  associationField,
  readAssociations,
  valuesOf,
} from './associations.ts'
import { readError } from './faults.ts'
import { readOwners } from './owners.ts'
import { isRecordId, mergedInto, missing, type Row, readProperties, toRecord } from './records.ts'
import { searchPage } from './search.ts'
import type { Session } from './session.ts'

export const readBatch = 100

/** The plain properties and the associations among the fields asked for. */
export interface Selection {
  readonly object: CrmObject
  readonly fields: readonly string[]
  readonly properties: readonly string[]
  readonly associations: readonly AssociationField[]
}

export function selectFields(object: CrmObject, fields: readonly string[]): Selection {
  const associations = fields.flatMap((name) => associationField(object, name) ?? [])
  const named = new Set(associations.map(({ name }) => name))
  return { object, fields, properties: fields.filter((name) => !named.has(name)), associations }
}

/** Reads by id, 100 a call, in the order of `ids`. A record that was merged away is told with the one that took it. */
export async function readRecords(
  session: Session,
  name: string,
  ids: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly (RemoteRecord | Missing)[]> {
  if (name === ownersObject) return readOwners(session, ids, fields, signal)
  return readSelected(session, 'read', selectFields(crmObject(name), fields), ids, signal)
}

export async function readSelected(
  session: Session,
  operation: 'read' | 'changes',
  selection: Selection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly (RemoteRecord | Missing)[]> {
  const { object, properties } = selection
  const readable = [...new Set(ids)].filter(isRecordId)
  const found: Row[] = []
  for (let at = 0; at < readable.length; at += readBatch) {
    const slice = readable.slice(at, at + readBatch)
    found.push(...(await readBy(session, { operation, object, properties }, null, slice, signal)))
  }
  const rows = new Map(found.map((row) => [row.id, row]))
  const survivors = new Map(found.flatMap((row) => mergedInto(row).map((id) => [id, row.id])))
  const unknown = readable.filter((id) => !rows.has(id) && !survivors.has(id))
  for (const [id, into] of await findSurvivors(session, operation, object, unknown, signal))
    survivors.set(id, into)
  const records = await completeRows(session, operation, selection, found, signal)
  return ids.map((id) => records.get(id) ?? missing(object, id, survivors.get(id)))
}

/** Rows with their associations, by id. */
export async function completeRows(
  session: Session,
  operation: 'read' | 'changes',
  { object, fields, associations }: Selection,
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RemoteRecord>> {
  const associated = new Map<CrmObject, ReadonlyMap<string, readonly Associated[]>>()
  if (rows.length > 0) {
    const ids = rows.map(({ id }) => id)
    for (const to of new Set(associations.map((field) => field.to))) {
      associated.set(to, await readAssociations(session, { operation, from: object, to }, ids, signal))
    }
  }
  return new Map(
    rows.map((row) => {
      const values = valuesOf(object, associations, (to) => associated.get(to)?.get(row.id) ?? [])
      return [row.id, toRecord(object, row, fields, values)]
    }),
  )
}

/** One batch by id, or by a unique property. What is not there is left out. */
export async function readBy(
  session: Session,
  call: {
    readonly operation: CallLabel['operation']
    readonly object: CrmObject
    readonly properties: readonly string[]
  },
  idProperty: string | null,
  values: readonly string[],
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const { operation, object, properties } = call
  try {
    const { value } = await session.send(
      {
        operation,
        object,
        records: values.length,
        ask: async (apis) =>
          listedRecords(
            await apis.batches().read(
              object,
              {
                inputs: values.map((id) => ({ id })),
                properties: readProperties(object, properties),
                propertiesWithHistory: [],
                ...(idProperty === null ? {} : { idProperty }),
              },
              false,
            ),
          ),
      },
      signal,
    )
    if ('errors' in value) refuseErrors(object, value.errors ?? [])
    return value.results
  } catch (error) {
    // Nothing of the batch is there.
    if (error instanceof ConnectorFault && error.details.code === 'OBJECT_NOT_FOUND') return []
    throw error
  }
}

/** Missing records are no trouble; any other error leaves it open whether a record is there. */
function refuseErrors(object: CrmObject, errors: readonly unknown[]): void {
  for (const stated of errors) {
    const error = readError(stated)
    if (error?.category === 'OBJECT_NOT_FOUND') continue
    throw new ConnectorFault('unavailable', `Some of ${object} were not read: ${error?.message ?? ''}`, {
      code: error?.category || 'PARTLY_READ',
    })
  }
}

/** Maps ids of records that were merged away to the records that took them, as far as the search index knows. */
async function findSurvivors(
  session: Session,
  operation: 'read' | 'changes',
  object: CrmObject,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const survivors = new Map<string, string>()
  for (let at = 0; at < ids.length; at += readBatch) {
    const slice = ids.slice(at, at + readBatch)
    const filters = [{ propertyName: 'hs_merged_object_ids', operator: 'IN', values: slice } as const]
    const { rows } = await searchPage(session, { operation, object, properties: [], filters }, signal)
    for (const row of rows) {
      for (const id of mergedInto(row)) if (slice.includes(id)) survivors.set(id, row.id)
    }
  }
  return survivors
}

import type { RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { createPlaces, followPages } from '../wire/found-rows.ts'
import { type CrmObject, crmObject, ownersObject } from './api-paths.ts'
import { isUnique, type PropertyDefinition } from './fields.ts'
import { findOwners } from './owners.ts'
import { completeRows, readBatch, readBy, type Selection, selectFields } from './reads.ts'
import type { Row } from './records.ts'
import { type SearchCall, searchPage } from './search.ts'
import type { Session } from './session.ts'

/** Of the values in one search; its body may have 3,000 characters in all. */
const maxValuesLength = 2000

/**
 * Finds by the value of one property, ignoring case as HubSpot does; at most two records per value. A unique property is
 * read in batches, at once and exactly; any other one is searched for, and so seen some seconds late.
 */
export async function findRecords(
  session: Session,
  name: string,
  field: string,
  values: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly RemoteRecord[]> {
  if (values.length === 0) return []
  if (name === ownersObject) return findOwners(session, field, values, fields, signal)
  const object = crmObject(name)
  const selection = selectFields(object, fields)
  const property = await readProperty(session, object, field, signal)
  const wanted = uniqueTexts(values)
  const rows = isUnique(object, property)
    ? await readByKey(session, selection, field, wanted, signal)
    : await searchFor(session, selection, property, wanted, signal)
  const records = await completeRows(session, 'read', selection, rows, signal)
  return rows.flatMap(({ id }) => records.get(id) ?? [])
}

async function readProperty(
  session: Session,
  object: CrmObject,
  name: string,
  signal: AbortSignal,
): Promise<PropertyDefinition> {
  try {
    const { value } = await session.send(
      {
        operation: 'describe',
        object,
        records: 0,
        ask: (apis) => apis.properties().getByName(object, name, false),
      },
      signal,
    )
    return value
  } catch (error) {
    if (!(error instanceof ConnectorFault) || error.details.httpStatus !== 404) throw error
    throw new ConnectorFault('configuration', `HubSpot's ${object} have no property ${name}`, {
      code: 'PROPERTY_DOESNT_EXIST',
      fields: [name],
    })
  }
}

async function readByKey(
  session: Session,
  { object, properties }: Selection,
  field: string,
  values: readonly string[],
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (let at = 0; at < values.length; at += readBatch) {
    const slice = values.slice(at, at + readBatch)
    const call = { operation: 'read', object, properties: [...properties, field] } as const
    rows.push(...(await readBy(session, call, field, slice, signal)))
  }
  const places = createPlaces(values)
  return rows.filter(({ properties: held }) => places.take(held[field] ?? ''))
}

async function searchFor(
  session: Session,
  { object, properties }: Selection,
  { name: field, type }: PropertyDefinition,
  values: readonly string[],
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const found: Row[] = []
  for (const slice of slices(values)) {
    // Texts are compared in lower case, and only found in lower case; choices as they stand.
    const asked = type === 'enumeration' ? slice : uniqueTexts(slice.map((value) => value.toLowerCase()))
    const call = {
      operation: 'read',
      object,
      properties: [...properties, field],
      filters: [{ propertyName: field, operator: 'IN', values: asked }],
    } as const
    const places = createPlaces(slice)
    await followPages<SearchCall>(object, call, async (page) => {
      const { rows, after } = await searchPage(session, page, signal)
      found.push(...rows.filter(({ properties: held }) => places.take(held[field] ?? '')))
      return after !== null && places.isOpen() ? { ...call, after } : null
    })
  }
  return found
}

/** Slices that fit into one search. */
export function slices(values: readonly string[]): readonly (readonly string[])[] {
  const made: string[][] = []
  let length = 0
  for (const value of values) {
    const size = JSON.stringify(value).length + 1
    const last = made.at(-1)
    if (!last || last.length === readBatch || length + size > maxValuesLength) {
      made.push([value])
      length = size
    } else {
      last.push(value)
      length += size
    }
  }
  return made
}

const uniqueTexts = (values: readonly string[]): readonly string[] => [...new Set(values)]

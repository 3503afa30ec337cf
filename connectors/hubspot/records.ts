import type { Missing, RemoteRecord, RemoteValue } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { CrmObject } from './api-paths.ts'

/** A record as the client hands it over. Every value is text, or null where there is none. */
export interface Row {
  readonly id: string
  readonly properties: Readonly<Record<string, string | null>>
  readonly updatedAt: Date
}

/** Moves with every change of a property, by people and by HubSpot itself. Contacts kept the name they always had. */
export const clockOf = (object: CrmObject): string =>
  object === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate'
const userProperty = 'hs_updated_by_user_id'
const mergedProperty = 'hs_merged_object_ids'

/** The properties to ask for: what the caller wants and what every record carries, each once. */
export const readProperties = (object: CrmObject, fields: readonly string[]): string[] => [
  ...new Set([...fields, clockOf(object), userProperty, mergedProperty]),
]

/** HubSpot's ids are numbers; anything else names no record. */
export const isRecordId = (id: string): boolean => /^[1-9]\d{0,19}$/.test(id)

/** Ids of the records that were merged into this one. */
export const mergedInto = ({ properties }: Row): readonly string[] =>
  (properties[mergedProperty] ?? '').split(';').filter(isRecordId)

export function toRecord(
  object: CrmObject,
  row: Row,
  fields: readonly string[],
  associations: Readonly<Record<string, RemoteValue>>,
): RemoteRecord {
  const modifiedAt = instantOf(row.properties[clockOf(object)]) ?? row.updatedAt
  return {
    object,
    id: row.id,
    fields: Object.fromEntries(
      fields.map((name) => [
        name,
        Object.hasOwn(associations, name) ? (associations[name] ?? null) : propertyOf(object, row, name),
      ]),
    ),
    modifiedAt: Number.isNaN(modifiedAt.getTime()) ? null : modifiedAt.toISOString(),
    modifiedBy: row.properties[userProperty] || null,
  }
}

/** A property that HubSpot left out is one that it does not have: taking that for empty would wipe our side. */
function propertyOf(object: CrmObject, row: Row, name: string): string | null {
  const value = row.properties[name]
  if (value !== undefined) return value
  throw new ConnectorFault('configuration', `HubSpot's ${object} have no property ${name}`, {
    code: 'PROPERTY_DOESNT_EXIST',
    fields: [name],
  })
}

/** ISO text, or milliseconds as digits in older answers. */
export function instantOf(text: string | null | undefined): Date | null {
  if (!text) return null
  const instant = new Date(/^\d+$/.test(text) ? Number(text) : text)
  return Number.isNaN(instant.getTime()) ? null : instant
}

export const missing = (object: string, id: string, into?: string): Missing => ({
  object,
  id,
  missing: true,
  ...(into === undefined ? {} : { mergedInto: into }),
})

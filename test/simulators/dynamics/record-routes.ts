/** One record: create, read, update or upsert, delete; and its single properties. */
import { isJsonObject } from '../json.ts'
import { type ApiAnswer, type ApiCall, type Plan, refuseUnknownOptions } from './api-call.ts'
import { findRecord, type RecordKey, readRecordKey, requireRecord } from './bindings.ts'
import { type Draft, readDraft } from './drafts.ts'
import { errors } from './errors.ts'
import { type Expansion, readExpand, renderExpanded } from './expansions.ts'
import type { Operation } from './faults.ts'
import { deleteRecord } from './lifecycle.ts'
import type { Segment } from './odata-path.ts'
import type { Organisation } from './organisation.ts'
import { requireRight } from './rights.ts'
import { etagOf, readAnnotations, readSelect, renderRow } from './rows.ts'
import { createRecord, updateRecord } from './saves.ts'
import type { Row } from './schema.ts'
import type { Table } from './tables.ts'

export interface Addresses {
  /** `https://…/api/data/v9.2`, without a slash at the end. */
  readonly api: () => string
}

const plan = (operation: Operation, table: Table, handle: Plan['handle']): Plan => ({
  operation,
  object: table.schema.logicalName,
  handle,
})

export const readBody = (body: unknown, entitySet: string) => {
  if (isJsonObject(body)) return body
  throw errors.payload(entitySet, 'A JSON object was expected as the body of the request.')
}

/** `If-Match` with an ETag or `*`; null where there is none. */
const matchOf = (call: ApiCall) => call.headers['if-match']?.trim() ?? null

const noneMatchOf = (call: ApiCall) => {
  const value = call.headers['if-none-match']?.trim()
  return value === undefined || value === 'null' || value === '' ? null : value
}

function checkVersion(table: Table, row: Row, match: string | null): void {
  if (match === null || match === '*') return
  if (!table.schema.optimisticConcurrency) throw errors.noOptimisticConcurrency(table.schema.logicalName)
  if (match !== etagOf(row)) throw errors.versionMismatch()
}

/** The answer to a write: 204 with the address, or the record where `Prefer: return=representation`. */
function answerWrite(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  id: string,
  created: boolean,
  call: ApiCall,
): ApiAnswer {
  const { entitySet } = table.schema
  const address = `${addresses.api()}/${entitySet}(${id})`
  const row = table.rows.get(id)
  if (call.prefer.get('return') === 'representation' && row !== undefined) {
    const select = readSelect(table.schema, call.query.get('$select'))
    return {
      status: created ? 201 : 200,
      headers: {
        'preference-applied': 'return=representation',
        'odata-entityid': address,
        etag: etagOf(row),
      },
      body: {
        '@odata.context': `${addresses.api()}/$metadata#${entitySet}/$entity`,
        ...renderRow(organisation, table, row, select, readAnnotations(call.prefer)),
      },
      records: 1,
    }
  }
  const headers: Record<string, string> = { 'odata-entityid': address }
  if (created) headers['location'] = address
  return { status: 204, headers, records: 1 }
}

export function planCreate(organisation: Organisation, addresses: Addresses, table: Table): Plan {
  return plan('create', table, (call) => {
    const { logicalName, entitySet } = table.schema
    requireRight(organisation, call.save.by, 'create', logicalName)
    call.strikeRecord('create', logicalName)
    const draft = readDraft(organisation, table, readBody(call.body, entitySet), 'create', call.save.by)
    const id = createRecord(organisation, table, draft, call.save)
    return answerWrite(organisation, addresses, table, id, true, call)
  })
}

/** The key's own values win; a body that repeats them with others contradicts itself. */
function withKey(table: Table, draft: Draft, key: RecordKey): Draft {
  if (key.kind === 'id') return draft
  const whole = new Map(draft)
  for (const [attribute, value] of key.values) {
    if (draft.has(attribute) && draft.get(attribute) !== value) {
      throw errors.payload(table.schema.entitySet, `The value of '${attribute}' differs from the key.`)
    }
    whole.set(attribute, value)
  }
  return whole
}

/** PATCH: an update where the record exists, a creation where it does not; the headers may forbid either. */
export function upsertRecord(
  organisation: Organisation,
  table: Table,
  key: RecordKey,
  body: Readonly<Record<string, unknown>>,
  call: Pick<ApiCall, 'save'>,
  limits: { readonly match: string | null; readonly createOnly: boolean },
): { readonly id: string; readonly created: boolean } {
  const { logicalName, primaryId } = table.schema
  const previous = findRecord(organisation, table, key)
  if (previous !== undefined) {
    requireRight(organisation, call.save.by, 'write', logicalName)
    if (limits.createOnly) throw errors.recordExists()
    checkVersion(table, previous, limits.match)
    const draft = readDraft(organisation, table, body, 'update', call.save.by)
    updateRecord(organisation, table, previous, draft, call.save)
    return { id: String(previous[primaryId]), created: false }
  }
  if (limits.match !== null) requireRecord(organisation, table, key)
  requireRight(organisation, call.save.by, 'create', logicalName)
  const draft = withKey(table, readDraft(organisation, table, body, 'create', call.save.by), key)
  const id = key.kind === 'id' ? key.id : undefined
  return { id: createRecord(organisation, table, draft, call.save, id), created: true }
}

function planPatch(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  segment: Segment,
  call: ApiCall,
): Plan {
  const operation = matchOf(call) === null ? 'upsert' : 'update'
  return plan(operation, table, (current) => {
    const key = readRecordKey(table, segment.key)
    current.strikeRecord(operation, table.schema.logicalName)
    const body = readBody(current.body, table.schema.entitySet)
    const limits = { match: matchOf(current), createOnly: noneMatchOf(current) === '*' }
    const { id, created } = upsertRecord(organisation, table, key, body, current, limits)
    return answerWrite(organisation, addresses, table, id, created, current)
  })
}

function planRead(organisation: Organisation, addresses: Addresses, table: Table, segment: Segment): Plan {
  return plan('read', table, (call) => {
    refuseUnknownOptions(call.query, ['$select', '$expand'])
    const { schema } = table
    requireRight(organisation, call.save.by, 'read', schema.logicalName)
    const select = readSelect(schema, call.query.get('$select'))
    const expansions: readonly Expansion[] = readExpand(organisation, schema, call.query.get('$expand'))
    const wants = readAnnotations(call.prefer)
    const row = requireRecord(organisation, table, readRecordKey(table, segment.key))
    const unchanged = noneMatchOf(call) === etagOf(row) && expansions.length === 0
    if (unchanged && schema.optimisticConcurrency) return { status: 304 }
    return {
      status: 200,
      headers: { etag: etagOf(row) },
      body: {
        '@odata.context': `${addresses.api()}/$metadata#${schema.entitySet}/$entity`,
        ...renderRow(organisation, table, row, select, wants),
        ...renderExpanded(organisation, table, row, expansions, wants),
      },
      records: 1,
    }
  })
}

function planDelete(organisation: Organisation, table: Table, segment: Segment): Plan {
  return plan('delete', table, (call) => {
    const { logicalName, primaryId } = table.schema
    requireRight(organisation, call.save.by, 'delete', logicalName)
    call.strikeRecord('delete', logicalName)
    const row = requireRecord(organisation, table, readRecordKey(table, segment.key))
    checkVersion(table, row, matchOf(call))
    deleteRecord(organisation, table, String(row[primaryId]), call.save)
    return { status: 204, records: 1 }
  })
}

/** `accounts(guid)/name`: GET answers the value, PUT sets it, DELETE empties it; `/$ref` unbinds a lookup. */
function planProperty(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  segment: Segment,
  property: string,
  method: string,
): Plan {
  const { schema } = table
  if (method === 'GET') {
    return plan('read', table, (call) => {
      requireRight(organisation, call.save.by, 'read', schema.logicalName)
      const [attribute] = readSelect(schema, property) ?? []
      const row = requireRecord(organisation, table, readRecordKey(table, segment.key))
      const value = row[attribute?.logicalName ?? ''] ?? null
      if (value === null) return { status: 204 }
      const context = `${addresses.api()}/$metadata#${schema.entitySet}(${String(row[schema.primaryId])})/${property}`
      return { status: 200, body: { '@odata.context': context, value }, records: 1 }
    })
  }
  if (method !== 'PUT' && method !== 'DELETE') throw errors.methodNotAllowed(method)
  return plan('update', table, (call) => {
    requireRight(organisation, call.save.by, 'write', schema.logicalName)
    call.strikeRecord('update', schema.logicalName)
    const row = requireRecord(organisation, table, readRecordKey(table, segment.key))
    const value = method === 'PUT' ? readBody(call.body, schema.entitySet)['value'] : null
    const draft = readDraft(organisation, table, { [property]: value ?? null }, 'update', call.save.by)
    updateRecord(organisation, table, row, draft, call.save)
    return { status: 204, records: 1 }
  })
}

export function planRecord(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  call: ApiCall,
): Plan {
  const [segment, property, ...rest] = call.segments
  if (segment === undefined || rest.length > 0) throw errors.noResource(rest[0]?.name ?? '')
  if (property !== undefined) {
    return planProperty(organisation, addresses, table, segment, property.name, call.method)
  }
  switch (call.method) {
    case 'GET':
      return planRead(organisation, addresses, table, segment)
    case 'PATCH':
      return planPatch(organisation, addresses, table, segment, call)
    case 'DELETE':
      return planDelete(organisation, table, segment)
    default:
      throw errors.methodNotAllowed(call.method)
  }
}

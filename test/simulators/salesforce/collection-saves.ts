/** One record of a collection at a time: what to save, and what is wrong with it alone. */
import type { ApiCall } from './api-server.ts'
import { type JsonObject, pick } from './bodies.ts'
import { CallError, type RecordError, recordError, refuse, type SaveOutcome } from './errors.ts'
import { readId } from './ids.ts'
import { deleteRecord } from './lifecycle.ts'
import type { Organisation } from './organisation.ts'
import { findByExternalId } from './rows.ts'
import { createRecord, type Draft, readDraft, type SaveContext, updateRecord } from './saves.ts'
import type { FieldSchema } from './schema.ts'
import { foldKey, type Table } from './tables.ts'

/** A record of the request with the object it belongs to. */
export interface Item {
  readonly table: Table
  readonly record: JsonObject
}

const maxRepeats = 12
const idInBody = 'The Id field should not be specified in the sobject data.'

/**
 * Inside a collection an unknown field or a value of the wrong JSON kind fails its own record. Results carry SOAP
 * status codes, which have no JSON_PARSER_ERROR: both come as INVALID_FIELD that names no field.
 */
function readItem(organisation: Organisation, item: Item, mode: 'create' | 'update'): Draft {
  try {
    return readDraft(organisation, item.table.schema, item.record, mode)
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    return { values: new Map(), errors: [recordError('INVALID_FIELD', error.message)] }
  }
}

function strike(call: ApiCall, table: Table, save: () => SaveOutcome): SaveOutcome {
  const error = call.strikeRecord(table.schema.name)
  return error === null ? save() : refuse(error)
}

export function createItem(organisation: Organisation, call: ApiCall, item: Item): SaveOutcome {
  if (pick(item.record, 'Id') !== undefined) {
    return refuse(
      recordError('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id']),
    )
  }
  const draft = readItem(organisation, item, 'create')
  return strike(call, item.table, () => createRecord(organisation, item.table, draft, call.save))
}

function readRecordId(table: Table, raw: unknown): { readonly id: string } | RecordError {
  if (raw === undefined || raw === null || raw === '') {
    return recordError('MISSING_ARGUMENT', 'Id not specified in an update call')
  }
  const id = readId(String(raw))
  if (id === null || !id.startsWith(table.schema.keyPrefix)) {
    const message = `${table.schema.label} ID: id value of incorrect type: ${String(raw)}`
    return recordError('MALFORMED_ID', message, ['Id'])
  }
  return { id }
}

/** `repeats` counts how often the call has named each id: a call may update a record only so many times. */
export function updateItem(
  organisation: Organisation,
  call: ApiCall,
  item: Item,
  repeats: Map<string, number>,
): SaveOutcome {
  const { table, record } = item
  const target = readRecordId(table, pick(record, 'Id'))
  if ('statusCode' in target) return refuse(target)
  const times = (repeats.get(target.id) ?? 0) + 1
  repeats.set(target.id, times)
  if (times > maxRepeats) {
    const message = `Maximum number of duplicate updates in one batch (${maxRepeats} allowed). Attempt to update Id more than once in this Api call: ${target.id}`
    return { ok: false, errors: [recordError('DUPLICATE_VALUE', message)], id: target.id }
  }
  const draft = readItem(organisation, item, 'update')
  const outcome = strike(call, table, () => updateRecord(organisation, table, target.id, draft, call.save))
  return outcome.ok ? outcome : { ...outcome, id: target.id }
}

/** Folded values of the external id that more than one record of the call names: none of those is saved. */
export function findRepeats(items: readonly Item[], field: FieldSchema): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const item of items) {
    const key = foldKey(field, String(pick(item.record, field.name) ?? ''))
    if (seen.has(key)) repeated.add(key)
    seen.add(key)
  }
  return repeated
}

export function upsertItem(
  organisation: Organisation,
  call: ApiCall,
  item: Item,
  field: FieldSchema,
  repeated: ReadonlySet<string>,
): SaveOutcome {
  const { table, record } = item
  const value = pick(record, field.name)
  if (value === undefined || value === null || value === '') {
    return refuse(recordError('MISSING_ARGUMENT', `${field.name} not specified`, [field.name]))
  }
  if (pick(record, 'Id') !== undefined) return refuse(recordError('INVALID_FIELD', idInBody, ['Id']))
  if (repeated.has(foldKey(field, String(value)))) {
    const message = `Duplicate external id specified: ${String(value)}`
    return refuse(recordError('DUPLICATE_VALUE', message, [field.name]))
  }
  const [row, second] = findByExternalId(organisation, table, field, String(value))
  if (second !== undefined) {
    const message = `${field.name}: more than one record found for external id field: [${row?.['Id']}, ${second['Id']}]`
    return refuse(recordError('DUPLICATE_EXTERNAL_ID', message, [field.name]))
  }
  return strike(call, table, () => saveByKey(organisation, item, field, row?.['Id'], call.save))
}

function saveByKey(
  organisation: Organisation,
  item: Item,
  field: FieldSchema,
  id: unknown,
  context: SaveContext,
): SaveOutcome {
  if (typeof id !== 'string') {
    return createRecord(organisation, item.table, readItem(organisation, item, 'create'), context)
  }
  const draft = readItem(organisation, item, 'update')
  // The key found the record; a difference in case alone does not rewrite it.
  const values = new Map([...draft.values].filter(([each]) => each.name !== field.name))
  return updateRecord(organisation, item.table, id, { ...draft, values }, context)
}

export function deleteItem(organisation: Organisation, call: ApiCall, raw: string): SaveOutcome {
  const id = readId(raw)
  const table = [...organisation.tables.all.values()].find((each) => id?.startsWith(each.schema.keyPrefix))
  if (id === null || table === undefined) {
    return refuse(recordError('MALFORMED_ID', `malformed id ${raw}`))
  }
  const error = call.strikeRecord(table.schema.name) ?? deleteRecord(organisation, table, id, call.save.by)
  return error === null ? { ok: true, id, created: false } : { ok: false, errors: [error], id }
}

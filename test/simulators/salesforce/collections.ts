/** Collections: up to 200 records a write and 2,000 a read; each record settled on its own inside one HTTP 200. */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { isJsonObject, type JsonObject, readBody, readFieldList, readTable, typeOf } from './bodies.ts'
import { createItem, deleteItem, findRepeats, type Item, updateItem, upsertItem } from './collection-saves.ts'
import { CallError, recordError, type SaveOutcome } from './errors.ts'
import { readId } from './ids.ts'
import type { Organisation } from './organisation.ts'
import { renderRow } from './rows.ts'
import { findField } from './schema.ts'

const maxWrites = 200
const maxReads = 2000
const maxChunks = 10

function failLimit(limit: number): CallError {
  const message = `record limit reached. cannot submit more than ${limit} records into this call`
  return new CallError(400, 'EXCEEDED_ID_LIMIT', message)
}

function readItems(organisation: Organisation, body: JsonObject): readonly Item[] {
  const { records } = body
  if (!Array.isArray(records) || records.length === 0) {
    throw new CallError(400, 'REQUIRED_FIELD_MISSING', 'At least 1 record is required')
  }
  if (records.length > maxWrites) throw failLimit(maxWrites)
  const items = records.map((record: unknown) => {
    const type = typeOf(record)
    const table = organisation.tables.find(type ?? '')
    if (isJsonObject(record) && table !== undefined) return { table, record }
    const message =
      type === null
        ? 'Each record must hold an attributes map with a value for type'
        : `sObject type '${type}' is not supported.`
    throw new CallError(400, 'INVALID_TYPE', message)
  })
  const chunks = items.filter((item, index) => item.table !== items[index - 1]?.table).length
  if (chunks > maxChunks) {
    throw new CallError(400, 'LIMIT_EXCEEDED', `cannot process more than ${maxChunks} chunks of object types`)
  }
  return items
}

const rolledBack = recordError(
  'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  'Record rolled back because not all records were valid and the request was using AllOrNone header',
)

/** Runs one save per record; with `allOrNone`, one failure undoes them all. */
function settle<T>(
  organisation: Organisation,
  parts: readonly T[],
  allOrNone: boolean,
  save: (part: T) => SaveOutcome,
): readonly SaveOutcome[] {
  let outcomes: readonly SaveOutcome[] = []
  const kept = organisation.tables.attempt(() => {
    outcomes = parts.map(save)
    return !allOrNone || outcomes.every((outcome) => outcome.ok)
  })
  if (kept) return outcomes
  return outcomes.map((outcome) => (outcome.ok ? { ok: false, errors: [rolledBack] } : outcome))
}

function answerOutcomes(outcomes: readonly SaveOutcome[], withCreated = false): ApiAnswer {
  const body = outcomes.map((outcome) => {
    if (!outcome.ok) {
      const id = outcome.id === undefined ? {} : { id: outcome.id }
      return { ...id, success: false, errors: outcome.errors }
    }
    const created = withCreated ? { created: outcome.created } : {}
    return { id: outcome.id, success: true, errors: [], ...created }
  })
  return { status: 200, body, records: outcomes.length }
}

export function listCollectionRoutes(organisation: Organisation): readonly ApiRoute[] {
  function create(call: ApiCall): ApiAnswer {
    const body = readBody(call.body)
    const items = readItems(organisation, body)
    const allOrNone = body['allOrNone'] === true
    return answerOutcomes(
      settle(organisation, items, allOrNone, (item) => createItem(organisation, call, item)),
    )
  }

  function update(call: ApiCall): ApiAnswer {
    const body = readBody(call.body)
    const items = readItems(organisation, body)
    const allOrNone = body['allOrNone'] === true
    const repeats = new Map<string, number>()
    return answerOutcomes(
      settle(organisation, items, allOrNone, (item) => updateItem(organisation, call, item, repeats)),
    )
  }

  function upsert(call: ApiCall): ApiAnswer {
    const table = readTable(organisation, call.params['object'])
    const { schema } = table
    const field = findField(schema, call.params['field'] ?? '')
    if (field === undefined || !(field.externalId || field.idLookup) || field.type === 'id') {
      const message = `Field name provided, ${call.params['field']} is not an External ID or indexed field for ${schema.name}`
      throw new CallError(400, 'INVALID_FIELD', message)
    }
    const body = readBody(call.body)
    const items = readItems(organisation, body)
    if (items.some((item) => item.table !== table)) {
      throw new CallError(400, 'INVALID_TYPE', `Only records of type ${schema.name} may be given here`)
    }
    const allOrNone = body['allOrNone'] === true
    const repeated = findRepeats(items, field)
    const outcomes = settle(organisation, items, allOrNone, (item) =>
      upsertItem(organisation, call, item, field, repeated),
    )
    return answerOutcomes(outcomes, true)
  }

  function remove(call: ApiCall): ApiAnswer {
    const ids = readFieldList(call.query['ids']) ?? []
    if (ids.length === 0) throw new CallError(400, 'REQUIRED_FIELD_MISSING', 'At least 1 record is required')
    if (ids.length > maxWrites) throw failLimit(maxWrites)
    const allOrNone = call.query['allOrNone'] === 'true'
    return answerOutcomes(settle(organisation, ids, allOrNone, (id) => deleteItem(organisation, call, id)))
  }

  /** Answers null for every id that is malformed, of another object, missing or deleted. */
  function read(call: ApiCall): ApiAnswer {
    const table = readTable(organisation, call.params['object'])
    const source = call.body === undefined || call.body === null ? call.query : readBody(call.body)
    const ids = readFieldList(source['ids']) ?? []
    const fields = readFieldList(source['fields'])
    if (fields === null || ids.length === 0) {
      throw new CallError(400, 'REQUIRED_FIELD_MISSING', 'Both ids and fields are required')
    }
    if (ids.length > maxReads) throw failLimit(maxReads)
    for (const name of fields) {
      if (findField(table.schema, name) !== undefined) continue
      const message = `No such column '${name}' on sobject of type ${table.schema.name}`
      throw new CallError(400, 'INVALID_FIELD', message)
    }
    const shown = [...new Set(['Id', ...fields])]
    const body = ids.map((raw) => {
      const row = table.rows.get(readId(raw) ?? '')
      return row === undefined || row['IsDeleted'] === true ? null : renderRow(table, row, shown)
    })
    return { status: 200, body, records: ids.length }
  }

  const firstType = ({ body }: Pick<ApiCall, 'body'>) =>
    isJsonObject(body) && Array.isArray(body['records']) ? typeOf(body['records'][0]) : null
  const inPath = ({ params }: Pick<ApiCall, 'params'>) => params['object'] ?? null
  const all = '/composite/sobjects'
  const ofObject = `${all}/:object`
  const byKey = `${ofObject}/:field`
  return [
    { method: 'POST', path: all, operation: 'collections-create', object: firstType, handle: create },
    { method: 'PATCH', path: all, operation: 'collections-update', object: firstType, handle: update },
    { method: 'DELETE', path: all, operation: 'collections-delete', handle: remove },
    { method: 'PATCH', path: byKey, operation: 'collections-upsert', object: inPath, handle: upsert },
    { method: 'POST', path: ofObject, operation: 'collections-read', object: inPath, handle: read },
    { method: 'GET', path: ofObject, operation: 'collections-read', object: inPath, handle: read },
  ]
}

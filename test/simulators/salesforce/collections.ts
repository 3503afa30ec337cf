/** Collections: up to 200 records a write and 2,000 a read; each record settled on its own inside one HTTP 200. */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { isJsonObject, type JsonObject, pick, readBody, readFieldList, readTable, typeOf } from './bodies.ts'
import { CallError, type RecordError, recordError, refuse, type SaveOutcome } from './errors.ts'
import { readId } from './ids.ts'
import { deleteRecord } from './lifecycle.ts'
import type { Organisation } from './organisation.ts'
import { findByExternalId, renderRow } from './rest-routes.ts'
import { createRecord, type Draft, readDraft, updateRecord } from './saves.ts'
import { type FieldSchema, findField } from './schema.ts'
import { foldKey, type Table } from './tables.ts'

const maxWrites = 200
const maxReads = 2000
const maxRepeats = 12
const maxChunks = 10

interface Item {
  readonly table: Table
  readonly record: JsonObject
}

function readRecords(organisation: Organisation, body: JsonObject): readonly Item[] {
  const { records } = body
  if (!Array.isArray(records) || records.length === 0) {
    throw new CallError(400, 'REQUIRED_FIELD_MISSING', 'The request must hold a list of records')
  }
  if (records.length > maxWrites) {
    throw new CallError(
      400,
      'EXCEEDED_ID_LIMIT',
      `record limit reached. cannot submit more than ${maxWrites} records in this call`,
    )
  }
  const items = records.map((record: unknown) => {
    const type = typeOf(record)
    if (!isJsonObject(record) || type === null) {
      throw new CallError(
        400,
        'INVALID_TYPE',
        'Each record must hold an attributes map with a value for type',
      )
    }
    const table = organisation.tables.find(type)
    if (table === undefined) {
      throw new CallError(400, 'INVALID_TYPE', `sObject type '${type}' is not supported.`)
    }
    return { table, record }
  })
  const chunks = items.filter((item, index) => item.table !== items[index - 1]?.table).length
  if (chunks > maxChunks) {
    throw new CallError(400, 'LIMIT_EXCEEDED', `cannot process more than ${maxChunks} chunks of object types`)
  }
  return items
}

function renderOutcome(outcome: SaveOutcome, withCreated: boolean): unknown {
  if (!outcome.ok) {
    const id = outcome.id === undefined ? {} : { id: outcome.id }
    return { ...id, success: false, errors: outcome.errors }
  }
  const created = withCreated ? { created: outcome.created } : {}
  return { id: outcome.id, success: true, errors: [], ...created }
}

const rolledBack = recordError(
  'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  'Record rolled back because not all records were valid and the request was using AllOrNone header',
)

/** Runs one save per item; with `allOrNone`, one failure undoes them all. */
function settle(
  organisation: Organisation,
  saves: readonly (() => SaveOutcome)[],
  allOrNone: boolean,
): readonly SaveOutcome[] {
  let outcomes: readonly SaveOutcome[] = []
  const kept = organisation.tables.attempt(() => {
    outcomes = saves.map((save) => save())
    return !allOrNone || outcomes.every((outcome) => outcome.ok)
  })
  return kept ? outcomes : outcomes.map((outcome) => (outcome.ok ? refuse(rolledBack) : outcome))
}

function readRecordId(table: Table, raw: unknown): { readonly id: string } | RecordError {
  if (raw === undefined || raw === null || raw === '') {
    return recordError('MISSING_ARGUMENT', 'Id not specified in an update call')
  }
  const id = readId(String(raw))
  if (id === null || !id.startsWith(table.schema.keyPrefix)) {
    return recordError(
      'MALFORMED_ID',
      `${table.schema.label} ID: id value of incorrect type: ${String(raw)}`,
      ['Id'],
    )
  }
  return { id }
}

/** Values of the external id that more than one record of the call names. */
function findRepeats(items: readonly Item[], field: FieldSchema): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const item of items) {
    const key = foldKey(field, String(pick(item.record, field.name) ?? ''))
    if (seen.has(key)) repeated.add(key)
    seen.add(key)
  }
  return repeated
}

export function listCollectionRoutes(organisation: Organisation): readonly ApiRoute[] {
  const firstType = ({ body }: Pick<ApiCall, 'body'>) =>
    isJsonObject(body) && Array.isArray(body['records']) ? typeOf(body['records'][0]) : null
  const inPath = ({ params }: Pick<ApiCall, 'params'>) => params['object'] ?? null

  function strike(call: ApiCall, table: Table, save: () => SaveOutcome): SaveOutcome {
    const error = call.strikeRecord(table.schema.name)
    return error === null ? save() : refuse(error)
  }

  function create(call: ApiCall): ApiAnswer {
    const body = readBody(call.body)
    const items = readRecords(organisation, body)
    const saves = items.map(({ table, record }) => {
      const draft = readDraft(organisation, table.schema, record, 'create')
      const hasId = pick(record, 'Id') !== undefined
      return () =>
        hasId
          ? refuse(
              recordError('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id']),
            )
          : strike(call, table, () => createRecord(organisation, table, draft, call.save))
    })
    const outcomes = settle(organisation, saves, body['allOrNone'] === true)
    return {
      status: 200,
      body: outcomes.map((outcome) => renderOutcome(outcome, false)),
      records: items.length,
    }
  }

  function update(call: ApiCall): ApiAnswer {
    const body = readBody(call.body)
    const items = readRecords(organisation, body)
    const repeats = new Map<string, number>()
    const saves = items.map(({ table, record }) => {
      const draft = readDraft(organisation, table.schema, record, 'update')
      return () => updateOne(call, table, record, draft, repeats)
    })
    const outcomes = settle(organisation, saves, body['allOrNone'] === true)
    const rendered = outcomes.map((outcome, index) => {
      const id = pick(items[index]?.record ?? {}, 'Id')
      const known = typeof id === 'string' ? readId(id) : null
      return renderOutcome(outcome.ok || known === null ? outcome : { ...outcome, id: known }, false)
    })
    return { status: 200, body: rendered, records: items.length }
  }

  function updateOne(
    call: ApiCall,
    table: Table,
    record: JsonObject,
    draft: Draft,
    repeats: Map<string, number>,
  ): SaveOutcome {
    const target = readRecordId(table, pick(record, 'Id'))
    if ('statusCode' in target) return refuse(target)
    const times = (repeats.get(target.id) ?? 0) + 1
    repeats.set(target.id, times)
    if (times > maxRepeats) {
      return refuse(
        recordError(
          'DUPLICATE_VALUE',
          `Maximum number of duplicate updates in one batch (${maxRepeats} allowed). Attempt to update Id more than once in this Api call: ${target.id}`,
        ),
      )
    }
    return strike(call, table, () => updateRecord(organisation, table, target.id, draft, call.save))
  }

  function upsert(call: ApiCall): ApiAnswer {
    const table = readTable(organisation, call.params['object'])
    const field = findField(table.schema, call.params['field'] ?? '')
    if (field === undefined || !(field.externalId || field.idLookup) || field.type === 'id') {
      throw new CallError(
        400,
        'INVALID_FIELD',
        `Field name provided, ${call.params['field']} is not an External ID or indexed field for ${table.schema.name}`,
      )
    }
    const body = readBody(call.body)
    const items = readRecords(organisation, body)
    const stranger = items.find((item) => item.table !== table)
    if (stranger !== undefined) {
      throw new CallError(400, 'INVALID_TYPE', `Records of type ${table.schema.name} only may be given here`)
    }
    const repeated = findRepeats(items, field)
    const saves = items.map(
      ({ record }) =>
        () =>
          upsertOne(call, table, field, record, repeated),
    )
    // An unknown field or a value of the wrong JSON kind makes the whole request malformed, before anything is saved.
    for (const { record } of items) {
      const keyless = Object.entries(record).filter(
        ([name]) => name.toLowerCase() !== field.name.toLowerCase(),
      )
      readDraft(organisation, table.schema, Object.fromEntries(keyless), 'update')
    }
    const outcomes = settle(organisation, saves, body['allOrNone'] === true)
    return {
      status: 200,
      body: outcomes.map((outcome) => renderOutcome(outcome, true)),
      records: items.length,
    }
  }

  function upsertOne(
    call: ApiCall,
    table: Table,
    field: FieldSchema,
    record: JsonObject,
    repeated: ReadonlySet<string>,
  ): SaveOutcome {
    const value = pick(record, field.name)
    if (value === undefined || value === null || value === '') {
      return refuse(recordError('MISSING_ARGUMENT', `${field.name} not specified`, [field.name]))
    }
    if (pick(record, 'Id') !== undefined) {
      return refuse(
        recordError('INVALID_FIELD', 'The Id field should not be specified in the sobject data.', ['Id']),
      )
    }
    if (repeated.has(foldKey(field, String(value)))) {
      return refuse(
        recordError('DUPLICATE_VALUE', `Duplicate external id specified: ${String(value)}`, [field.name]),
      )
    }
    const rows = findByExternalId(organisation, table, field, String(value))
    if (rows.length > 1) {
      return refuse(
        recordError(
          'DUPLICATE_EXTERNAL_ID',
          `${field.name}: more than one record found for external id field: [${rows.map((row) => row['Id']).join(', ')}]`,
          [field.name],
        ),
      )
    }
    const [row] = rows
    return strike(call, table, () => {
      if (row === undefined) {
        return createRecord(
          organisation,
          table,
          readDraft(organisation, table.schema, record, 'create'),
          call.save,
        )
      }
      const draft = readDraft(organisation, table.schema, record, 'update')
      // The key found the record; a difference in case alone does not rewrite it.
      const values = new Map([...draft.values].filter(([each]) => each.name !== field.name))
      return updateRecord(organisation, table, String(row['Id']), { ...draft, values }, call.save)
    })
  }

  function remove(call: ApiCall): ApiAnswer {
    const ids = readFieldList(call.query['ids']) ?? []
    if (ids.length === 0 || ids.length > maxWrites) {
      throw new CallError(
        400,
        'EXCEEDED_ID_LIMIT',
        `record limit reached. cannot submit more than ${maxWrites} records in this call`,
      )
    }
    const saves = ids.map((raw) => (): SaveOutcome => {
      const id = readId(raw)
      const table = [...organisation.tables.all.values()].find((each) =>
        id?.startsWith(each.schema.keyPrefix),
      )
      if (id === null || table === undefined)
        return refuse(recordError('MALFORMED_ID', `malformed id ${raw}`))
      const error =
        call.strikeRecord(table.schema.name) ?? deleteRecord(organisation, table, id, call.save.by)
      return error === null ? { ok: true, id, created: false } : { ok: false, errors: [error], id }
    })
    const outcomes = settle(organisation, saves, call.query['allOrNone'] === 'true')
    return {
      status: 200,
      body: outcomes.map((outcome) => renderOutcome(outcome, false)),
      records: ids.length,
    }
  }

  function read(call: ApiCall): ApiAnswer {
    const table = readTable(organisation, call.params['object'])
    const source = call.body === undefined || call.body === null ? call.query : readBody(call.body)
    const ids = readFieldList(source['ids']) ?? []
    const fields = readFieldList(source['fields'])
    if (fields === null || ids.length === 0) {
      throw new CallError(400, 'REQUIRED_FIELD_MISSING', 'Both ids and fields are required')
    }
    if (ids.length > maxReads) {
      throw new CallError(
        400,
        'EXCEEDED_ID_LIMIT',
        `record limit reached. cannot submit more than ${maxReads} records in this call`,
      )
    }
    for (const name of fields) {
      if (findField(table.schema, name) === undefined) {
        throw new CallError(
          400,
          'INVALID_FIELD',
          `No such column '${name}' on sobject of type ${table.schema.name}`,
        )
      }
    }
    const body = ids.map((raw) => {
      const id = readId(raw)
      if (id === null) throw new CallError(400, 'MALFORMED_ID', `malformed id ${raw}`)
      const row = table.rows.get(id)
      if (row === undefined || row['IsDeleted'] === true) return null
      return renderRow(table, row, [...new Set(['Id', ...fields])])
    })
    return { status: 200, body, records: ids.length }
  }

  const all = '/composite/sobjects'
  const ofObject = `${all}/:object`
  return [
    { method: 'POST', path: all, operation: 'collections-create', object: firstType, handle: create },
    { method: 'PATCH', path: all, operation: 'collections-update', object: firstType, handle: update },
    { method: 'DELETE', path: all, operation: 'collections-delete', handle: remove },
    {
      method: 'PATCH',
      path: `${ofObject}/:field`,
      operation: 'collections-upsert',
      object: inPath,
      handle: upsert,
    },
    { method: 'POST', path: ofObject, operation: 'collections-read', object: inPath, handle: read },
    { method: 'GET', path: ofObject, operation: 'collections-read', object: inPath, handle: read },
  ]
}

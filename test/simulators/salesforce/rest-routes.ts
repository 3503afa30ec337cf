/** Single records: create, read, update, delete, and the same by external id. */
import { type ApiAnswer, type ApiCall, type ApiRoute, apiBase } from './api-server.ts'
import { type JsonObject, pick, readBody, readFieldList, readTable } from './bodies.ts'
import { toMillis } from './dates.ts'
import { CallError, type RecordError, type SaveOutcome } from './errors.ts'
import { readId } from './ids.ts'
import { deleteRecord } from './lifecycle.ts'
import type { Organisation } from './organisation.ts'
import { findByExternalId, renderRow } from './rows.ts'
import { createRecord, readDraft, updateRecord } from './saves.ts'
import { type FieldSchema, findField, type Row } from './schema.ts'
import type { Table } from './tables.ts'

const notFound = () => new CallError(404, 'NOT_FOUND', 'The requested resource does not exist')

/** Errors of a single record are the body of the whole call, with `errorCode` in place of `statusCode`. */
function answerErrors(errors: readonly RecordError[]): ApiAnswer {
  const status = errors.some((error) => error.statusCode === 'ENTITY_IS_DELETED') ? 404 : 400
  const body = errors.map(({ statusCode, ...rest }) => ({ ...rest, errorCode: statusCode }))
  return { status, body, records: 1 }
}

function findRow(table: Table, id: string | undefined): Row {
  const long = readId(id ?? '')
  if (long === null) {
    throw new CallError(
      404,
      'NOT_FOUND',
      `Provided external ID field does not exist or is not accessible: ${id}`,
    )
  }
  const row = table.rows.get(long)
  if (row === undefined) throw notFound()
  if (row['IsDeleted'] === true) throw new CallError(404, 'ENTITY_IS_DELETED', 'entity is deleted', [])
  return row
}

function checkUnmodified(call: ApiCall, row: Row): void {
  const header = call.headers['if-unmodified-since']
  if (typeof header !== 'string') return
  if (toMillis(String(row['LastModifiedDate'])) > Date.parse(header)) {
    throw new CallError(
      412,
      'PRECONDITION_FAILED',
      'Record was modified after the time given in If-Unmodified-Since',
    )
  }
}

function readExternalField(table: Table, name: string | undefined): FieldSchema {
  const field = findField(table.schema, name ?? '')
  if (field === undefined || !(field.externalId || field.idLookup)) {
    throw new CallError(
      404,
      'NOT_FOUND',
      `Provided external ID field does not exist or is not accessible: ${name}`,
    )
  }
  return field
}

function answerSave(outcome: SaveOutcome, render: (id: string, created: boolean) => ApiAnswer): ApiAnswer {
  return outcome.ok ? render(outcome.id, outcome.created) : answerErrors(outcome.errors)
}

function refuseKeysInBody(body: JsonObject, field: FieldSchema): void {
  for (const name of ['Id', field.name]) {
    if (pick(body, name) !== undefined) {
      throw new CallError(
        400,
        'INVALID_FIELD',
        `The ${name} field should not be specified in the sobject data.`,
      )
    }
  }
}

export function listRecordRoutes(organisation: Organisation): readonly ApiRoute[] {
  const object = ({ params }: Pick<ApiCall, 'params'>) => params['object'] ?? null
  const tableOf = (call: ApiCall) => readTable(organisation, call.params['object'])

  function struck(call: ApiCall, table: Table): ApiAnswer | null {
    const error = call.strikeRecord(table.schema.name)
    return error === null ? null : answerErrors([error])
  }

  function create(call: ApiCall): ApiAnswer {
    const table = tableOf(call)
    const body = readBody(call.body)
    if (pick(body, 'Id') !== undefined) {
      throw new CallError(400, 'INVALID_FIELD', 'The Id field should not be specified in the sobject data.')
    }
    const draft = readDraft(organisation, table.schema, body, 'create')
    return (
      struck(call, table) ??
      answerSave(createRecord(organisation, table, draft, call.save), (id) => ({
        status: 201,
        headers: { location: `${apiBase}/sobjects/${table.schema.name}/${id}` },
        body: { id, success: true, errors: [] },
        records: 1,
      }))
    )
  }

  function read(call: ApiCall): ApiAnswer {
    const table = tableOf(call)
    const row = findRow(table, call.params['id'])
    checkUnmodified(call, row)
    return { status: 200, body: renderRow(table, row, readFieldList(call.query['fields'])), records: 1 }
  }

  function update(call: ApiCall): ApiAnswer {
    const table = tableOf(call)
    const body = readBody(call.body)
    if (pick(body, 'Id') !== undefined) {
      throw new CallError(400, 'INVALID_FIELD', 'The Id field should not be specified in the sobject data.')
    }
    const row = findRow(table, call.params['id'])
    checkUnmodified(call, row)
    const draft = readDraft(organisation, table.schema, body, 'update')
    return (
      struck(call, table) ??
      answerSave(updateRecord(organisation, table, String(row['Id']), draft, call.save), () => ({
        status: 204,
        records: 1,
      }))
    )
  }

  function remove(call: ApiCall): ApiAnswer {
    const table = tableOf(call)
    const row = findRow(table, call.params['id'])
    const error =
      call.strikeRecord(table.schema.name) ??
      deleteRecord(organisation, table, String(row['Id']), call.save.by)
    return error === null ? { status: 204, records: 1 } : answerErrors([error])
  }

  function upsert(call: ApiCall): ApiAnswer {
    const table = tableOf(call)
    const field = readExternalField(table, call.params['field'])
    const value = call.params['value'] ?? ''
    const body = readBody(call.body)
    refuseKeysInBody(body, field)
    const rows = findByExternalId(organisation, table, field, value)
    if (rows.length > 1) {
      const urls = rows.map((row) => `${apiBase}/sobjects/${table.schema.name}/${row['Id']}`)
      return { status: 300, body: urls, records: rows.length }
    }
    const [row] = rows
    if (row === undefined && call.query['updateOnly'] === 'true') throw notFound()
    const created = row === undefined
    const fields = created ? { ...body, [field.name]: value } : body
    const draft = readDraft(organisation, table.schema, fields, created ? 'create' : 'update')
    const failed = struck(call, table)
    if (failed !== null) return failed
    const outcome =
      row === undefined
        ? createRecord(organisation, table, draft, call.save)
        : updateRecord(organisation, table, String(row['Id']), draft, call.save)
    return answerSave(outcome, (id) => ({
      status: created ? 201 : 200,
      body: { id, success: true, errors: [], created },
      records: 1,
    }))
  }

  function readByExternalId(call: ApiCall): ApiAnswer {
    const table = tableOf(call)
    const field = readExternalField(table, call.params['field'])
    const rows = findByExternalId(organisation, table, field, call.params['value'] ?? '')
    if (rows.length > 1) {
      const urls = rows.map((row) => `${apiBase}/sobjects/${table.schema.name}/${row['Id']}`)
      return { status: 300, body: urls, records: rows.length }
    }
    const [row] = rows
    if (row === undefined) throw notFound()
    return { status: 200, body: renderRow(table, row, readFieldList(call.query['fields'])), records: 1 }
  }

  return [
    { method: 'POST', path: '/sobjects/:object', operation: 'create', object, handle: create },
    { method: 'GET', path: '/sobjects/:object/:id', operation: 'read', object, handle: read },
    { method: 'PATCH', path: '/sobjects/:object/:id', operation: 'update', object, handle: update },
    { method: 'DELETE', path: '/sobjects/:object/:id', operation: 'delete', object, handle: remove },
    { method: 'PATCH', path: '/sobjects/:object/:field/:value', operation: 'upsert', object, handle: upsert },
    {
      method: 'GET',
      path: '/sobjects/:object/:field/:value',
      operation: 'read',
      object,
      handle: readByExternalId,
    },
  ]
}

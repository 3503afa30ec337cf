/** Batches: read, create, update, upsert, archive. Results come in no particular order. */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { type Link, prepareAssociations } from './association-inputs.ts'
import { answerBatch, type BatchError, describeError } from './batch-answers.ts'
import {
  type JsonObject,
  obeysRequired,
  objectPaths,
  readBody,
  readInputs,
  readList,
  readTable,
  readText,
  readTexts,
  requireText,
  showRow,
} from './bodies.ts'
import { CallError, invalidInput, refuseCall } from './errors.ts'
import { archiveRow, associate } from './lifecycle.ts'
import { askedOfWrite, findRow } from './object-routes.ts'
import type { Portal } from './portal.ts'
import { type Prepared, prepareSave, readProperties } from './saves.ts'
import type { Row } from './schema.ts'
import type { Table } from './tables.ts'

const describeMissing = (
  table: Table,
  ids: readonly string[],
  traces: readonly string[] = [],
): BatchError => ({
  category: 'OBJECT_NOT_FOUND',
  message: `Could not get some ${table.schema.singular.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`,
  context: { ids, ...(traces.length === 0 ? {} : { objectWriteTraceId: traces }) },
})

const readTrace = (input: JsonObject) => readText(input['objectWriteTraceId'])

/** Two inputs that lead to one record make the whole batch refused, before anything is written. */
function refuseDuplicates(keys: readonly (readonly [key: string, id: string])[]): void {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const [key, id] of keys) {
    if (seen.has(key)) twice.add(id)
    seen.add(key)
  }
  if (twice.size === 0) return
  const ids = [...twice]
  throw refuseCall(
    400,
    'VALIDATION_ERROR',
    `Duplicate IDs found in batch input: [${ids.join(', ')}]. IDs must be unique`,
    { context: { ids } },
  )
}

interface Write {
  readonly input: JsonObject
  readonly row: Row | null
  readonly given: Readonly<Record<string, string>>
  readonly links: readonly Link[]
}

/**
 * Checks every write first. What is wrong with an input that carries a trace id becomes an error of a 207; without one
 * it refuses the whole batch, and nothing is written.
 */
function carryOut(
  portal: Portal,
  call: ApiCall,
  table: Table,
  writes: readonly Write[],
  show: (row: Row, write: Write) => JsonObject,
): { readonly results: readonly JsonObject[]; readonly errors: readonly BatchError[] } {
  const claims = new Map<string, string>()
  const context = { actor: call.actor, obeysRequired: obeysRequired(call.version), claims }
  const errors: BatchError[] = []
  const accepted: { readonly write: Write; readonly apply: () => Row }[] = []
  for (const write of writes) {
    const struck = call.strikeRecord(table.schema.name)
    const prepared: Prepared =
      struck === null
        ? prepareSave(portal, table, write.row, write.given, context)
        : { ok: false, problem: struck }
    if (prepared.ok) {
      accepted.push({ write, apply: prepared.apply })
      continue
    }
    const trace = readTrace(write.input)
    if (trace === null) throw new CallError(prepared.problem)
    errors.push(describeError(prepared.problem, { objectWriteTraceId: [trace] }))
  }
  const results = accepted.map(({ write, apply }) => {
    const { id } = apply()
    for (const { types, toId } of write.links) associate(portal, types, id, toId, call.actor)
    const row = table.rows.get(id)
    if (row === undefined) throw new Error(`record ${id} vanished while it was written`)
    return show(row, write)
  })
  return { results, errors }
}

function createMany(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const writes: Write[] = []
  const early: BatchError[] = []
  for (const input of readInputs(call.body)) {
    const links = prepareAssociations(portal, table, input['associations'])
    const trace = readTrace(input)
    if (links.ok) {
      writes.push({ input, row: null, given: readProperties(input['properties'] ?? {}), links: links.links })
    } else {
      if (trace === null) throw new CallError(links.problem)
      early.push(describeError(links.problem, { objectWriteTraceId: [trace] }))
    }
  }
  const { results, errors } = carryOut(portal, call, table, writes, (row, { input, given }) => ({
    ...showRow(portal, table, row, askedOfWrite(table, Object.keys(given))),
    ...(readTrace(input) === null ? {} : { objectWriteTraceId: readTrace(input) }),
  }))
  return answerBatch(portal, call, results, [...early, ...errors], 201)
}

function updateMany(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const found = readInputs(call.body).map((input) => {
    const id = requireText(input, 'id')
    return { input, id, row: findRow(portal, table, id, readText(input['idProperty'])) }
  })
  refuseDuplicates(found.map(({ id, row }) => [row?.id ?? `unknown ${id}`, id]))
  const missing = found.filter(({ row }) => row === undefined)
  const writes = found.flatMap(({ input, row }): Write[] =>
    row === undefined ? [] : [{ input, row, given: readProperties(input['properties']), links: [] }],
  )
  const { results, errors } = carryOut(portal, call, table, writes, (row, { given }) =>
    showRow(portal, table, row, askedOfWrite(table, Object.keys(given))),
  )
  const gone = describeMissing(
    table,
    missing.map(({ id }) => id),
    missing.flatMap(({ input }) => readTrace(input) ?? []),
  )
  return answerBatch(portal, call, results, [...(missing.length === 0 ? [] : [gone]), ...errors], 200)
}

function upsertMany(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const found = readInputs(call.body).map((input) => {
    const id = requireText(input, 'id')
    const idProperty = readText(input['idProperty'])
    if (idProperty === null)
      throw invalidInput('idProperty is needed to create or update by a unique property')
    return { input, id, idProperty, row: findRow(portal, table, id, idProperty) ?? null }
  })
  refuseDuplicates(found.map(({ id, idProperty, row }) => [row?.id ?? `new ${idProperty}=${id}`, id]))
  const writes = found.map(({ input, id, idProperty, row }): Write => {
    const given = readProperties(input['properties'] ?? {})
    return { input, row, given: row === null ? { [idProperty]: id, ...given } : given, links: [] }
  })
  const { results, errors } = carryOut(
    portal,
    call,
    table,
    writes,
    (row, { input, given, row: previous }) => {
      const written = [...Object.keys(given), readText(input['idProperty']) ?? '']
      return { ...showRow(portal, table, row, askedOfWrite(table, written)), new: previous === null }
    },
  )
  return answerBatch(portal, call, results, errors, 200)
}

function readMany(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const body = readBody(call.body)
  const history = readTexts(body['propertiesWithHistory'])
  const inputs = readInputs(body)
  if (history.length > 0 && inputs.length > 50)
    throw invalidInput('At most 50 records can be read at once with the history of properties')
  const idProperty = readText(body['idProperty'])
  const isArchived = readList(call.query['archived'])[0] === 'true'
  const rows = new Map<string, Row>()
  const missing: string[] = []
  for (const id of inputs.map((input) => requireText(input, 'id'))) {
    const archived = table.archived.has(id) ? table.rows.get(id) : undefined
    const row = isArchived ? archived : findRow(portal, table, id, idProperty)
    if (row === undefined) missing.push(id)
    else rows.set(row.id, row)
  }
  const properties = readTexts(body['properties'])
  const asked = { properties: properties.length === 0 ? null : properties, history, associations: [] }
  const results = [...rows.values()].map((row) => showRow(portal, table, row, asked))
  return answerBatch(
    portal,
    call,
    results,
    missing.length === 0 ? [] : [describeMissing(table, missing)],
    200,
  )
}

function archiveMany(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const rows = readInputs(call.body).flatMap((input) => table.resolve(requireText(input, 'id')) ?? [])
  for (const row of new Set(rows)) archiveRow(portal, table, row, call.actor)
  return { status: 204, records: rows.length }
}

export function listBatchRoutes(portal: Portal): readonly ApiRoute[] {
  const route = (
    name: string,
    operation: ApiRoute['operation'],
    handle: (portal: Portal, call: ApiCall) => ApiAnswer,
  ): ApiRoute => ({
    method: 'POST',
    paths: objectPaths(`/:objectType/batch/${name}`),
    operation,
    handle: (call) => handle(portal, call),
  })
  return [
    route('read', 'batch-read', readMany),
    route('create', 'batch-create', createMany),
    route('update', 'batch-update', updateMany),
    route('upsert', 'batch-upsert', upsertMany),
    route('archive', 'batch-archive', archiveMany),
  ]
}

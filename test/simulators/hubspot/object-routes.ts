/** Single records: list, read, create, update, archive, merge. */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { prepareAssociations } from './association-inputs.ts'
import {
  obeysRequired,
  objectPaths,
  readAsked,
  readBody,
  readLimit,
  readList,
  readTable,
  readText,
  showRow,
} from './bodies.ts'
import { CallError, invalidInput, notFound } from './errors.ts'
import { archiveRow, associate, mergeRows } from './lifecycle.ts'
import type { Portal } from './portal.ts'
import { prepareSave, readProperties } from './saves.ts'
import type { Row } from './schema.ts'
import type { Table } from './tables.ts'

/** The live row behind an id, or behind the value of a unique property. */
export function findRow(
  portal: Portal,
  table: Table,
  id: string,
  idProperty: string | null,
): Row | undefined {
  if (idProperty === null) return table.resolve(id)
  const property = table.schema.properties.get(idProperty)
  if (property?.hasUniqueValue !== true)
    throw invalidInput(
      `Unable to perform update/upsert by non-unique ${table.schema.typeId} property ${idProperty} in portal ID ${portal.id}`,
    )
  return table.findUnique(property, id)
}

function listRows(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const asked = readAsked(call)
  const limit = readLimit(call, 10, asked.history.length > 0 ? 50 : 100)
  const after = readList(call.query['after'])[0] ?? null
  if (after !== null && !/^\d+$/.test(after)) throw invalidInput(`after is no cursor of this list: ${after}`)
  const source = readList(call.query['archived'])[0] === 'true' ? table.archived : table.live
  const ids = source.page(after, limit + 1)
  const shown = ids.slice(0, limit)
  const results = shown.flatMap((id) => {
    const row = table.rows.get(id)
    return row === undefined ? [] : [showRow(portal, table, row, asked)]
  })
  const last = shown.at(-1)
  const next =
    ids.length > limit && last !== undefined ? { after: last, link: `${call.url}?after=${last}` } : null
  return {
    status: 200,
    body: { results, ...(next === null ? {} : { paging: { next } }) },
    records: results.length,
  }
}

function readOne(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const id = call.params['objectId'] ?? ''
  const isArchived = readList(call.query['archived'])[0] === 'true'
  const idProperty = readList(call.query['idProperty'])[0] ?? null
  const archived = isArchived && table.archived.has(id) ? table.rows.get(id) : undefined
  const row = isArchived ? archived : findRow(portal, table, id, idProperty)
  if (row === undefined) throw notFound()
  return { status: 200, body: showRow(portal, table, row, readAsked(call)), records: 1 }
}

/** What a write answers: the default properties and the written ones. */
export const askedOfWrite = (table: Table, written: readonly string[]) => ({
  properties: [...table.schema.defaultProperties, ...written],
  history: [],
  associations: [],
})

function createOne(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const body = readBody(call.body)
  const given = readProperties(body['properties'] ?? {})
  const struck = call.strikeRecord(table.schema.name)
  if (struck !== null) throw new CallError(struck)
  const links = prepareAssociations(portal, table, body['associations'])
  if (!links.ok) throw new CallError(links.problem)
  const context = { actor: call.actor, obeysRequired: obeysRequired(call.version) }
  const prepared = prepareSave(portal, table, null, given, context)
  if (!prepared.ok) throw new CallError(prepared.problem)
  const { id } = prepared.apply()
  for (const { types, toId } of links.links) associate(portal, types, id, toId, call.actor)
  const row = table.rows.get(id)
  if (row === undefined) throw notFound()
  return {
    status: 201,
    body: showRow(portal, table, row, askedOfWrite(table, Object.keys(given))),
    headers: { location: `${call.url}/${id}` },
    records: 1,
  }
}

function updateOne(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const given = readProperties(readBody(call.body)['properties'])
  const idProperty = readList(call.query['idProperty'])[0] ?? null
  const row = findRow(portal, table, call.params['objectId'] ?? '', idProperty)
  if (row === undefined) throw notFound()
  const struck = call.strikeRecord(table.schema.name)
  if (struck !== null) throw new CallError(struck)
  const context = { actor: call.actor, obeysRequired: obeysRequired(call.version) }
  const prepared = prepareSave(portal, table, row, given, context)
  if (!prepared.ok) throw new CallError(prepared.problem)
  const written = prepared.apply()
  const asked = askedOfWrite(table, Object.keys(given))
  return { status: 200, body: showRow(portal, table, written, asked), records: 1 }
}

function archiveOne(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const row = table.resolve(call.params['objectId'] ?? '')
  if (row !== undefined) archiveRow(portal, table, row, call.actor)
  return { status: 204, records: row === undefined ? 0 : 1 }
}

function mergeTwo(portal: Portal, call: ApiCall): ApiAnswer {
  const table = readTable(portal, call.params['objectType'])
  const body = readBody(call.body)
  const primary = table.resolve(readText(body['primaryObjectId']) ?? '')
  const other = table.resolve(readText(body['objectIdToMerge']) ?? '')
  if (primary === undefined || other === undefined) throw notFound()
  if (primary.id === other.id) throw invalidInput('A record cannot be merged with itself')
  const row = mergeRows(portal, table, primary, other, call.actor)
  return { status: 200, body: showRow(portal, table, row, askedOfWrite(table, [])), records: 2 }
}

export function listObjectRoutes(portal: Portal): readonly ApiRoute[] {
  const many = objectPaths('/:objectType')
  const one = objectPaths('/:objectType/:objectId')
  return [
    { method: 'GET', paths: many, operation: 'list', handle: (call) => listRows(portal, call) },
    { method: 'POST', paths: many, operation: 'create', handle: (call) => createOne(portal, call) },
    { method: 'GET', paths: one, operation: 'read', handle: (call) => readOne(portal, call) },
    { method: 'PATCH', paths: one, operation: 'update', handle: (call) => updateOne(portal, call) },
    { method: 'DELETE', paths: one, operation: 'archive', handle: (call) => archiveOne(portal, call) },
    {
      method: 'POST',
      paths: objectPaths('/:objectType/merge'),
      operation: 'merge',
      handle: (call) => mergeTwo(portal, call),
    },
  ]
}

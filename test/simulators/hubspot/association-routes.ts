/** Associations, version 4 and dated: of one record, and in batches. */
import { type ApiAnswer, type ApiCall, type ApiRoute, crmPaths } from './api-server.ts'
import { readTypes } from './association-inputs.ts'
import type { AssociationType } from './association-types.ts'
import { answerBatch, settleEach } from './batch-answers.ts'
import {
  isJsonObject,
  type JsonObject,
  readInputs,
  readLimit,
  readList,
  readTable,
  readText,
} from './bodies.ts'
import { CallError, invalidInput, notFound } from './errors.ts'
import { associate, dissociate } from './lifecycle.ts'
import type { Portal } from './portal.ts'
import type { Row } from './schema.ts'
import type { Table } from './tables.ts'

/** Inputs of one call, more than of records (Associations API v4, batch create; changelog of 10 February 2025). */
const maxCreated = 2_000
const maxRead = 1_000

const spec = ({ id, category }: AssociationType) => ({ associationCategory: category, associationTypeId: id })

function showLinks(portal: Portal, from: Table, fromId: string, to: Table): readonly JsonObject[] {
  return [...portal.associations.read(from.schema.name, fromId, to.schema.name)]
    .sort(([left], [right]) => Number(left) - Number(right))
    .map(([toObjectId, labels]) => ({
      toObjectId,
      associationTypes: [...labels].flatMap((typeId) => {
        const type = portal.associations.types.get(typeId)
        return type === undefined ? [] : [{ category: type.category, typeId, label: type.label }]
      }),
    }))
}

function pageOf(links: readonly JsonObject[], limit: number, after: string | null) {
  const rest = links.filter(({ toObjectId }) => after === null || Number(toObjectId) > Number(after))
  const shown = rest.slice(0, limit)
  const last = String(shown.at(-1)?.['toObjectId'])
  return { shown, paging: rest.length > limit ? { paging: { next: { after: last, link: '' } } } : {} }
}

function endsOf(portal: Portal, call: ApiCall) {
  return {
    from: readTable(portal, call.params['objectType']),
    to: readTable(portal, call.params['toObjectType']),
  }
}

function requireRow(table: Table, id: unknown): Row {
  const row = table.resolve(readText(id) ?? '')
  if (row === undefined) throw notFound(`No ${table.schema.singular} with ID ${readText(id)} exists`)
  return row
}

function readOne(portal: Portal, call: ApiCall): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  const row = requireRow(from, call.params['objectId'])
  const limit = readLimit(call, 500, 500)
  const links = showLinks(portal, from, row.id, to)
  const { shown, paging } = pageOf(links, limit, readList(call.query['after'])[0] ?? null)
  return { status: 200, body: { results: shown, ...paging }, records: shown.length }
}

/** What a call that writes associations is answered, besides its effect. */
const describePair = (
  from: Table,
  fromRow: Row,
  to: Table,
  toRow: Row,
  types: readonly AssociationType[],
) => ({
  fromObjectTypeId: from.schema.typeId,
  fromObjectId: fromRow.id,
  toObjectTypeId: to.schema.typeId,
  toObjectId: toRow.id,
  labels: types.flatMap(({ label }) => label ?? []),
})

function writeOne(portal: Portal, call: ApiCall): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  const types = readTypes(portal, call.body, from, to)
  const fromRow = requireRow(from, call.params['objectId'])
  const toRow = requireRow(to, call.params['toObjectId'])
  associate(portal, types, fromRow.id, toRow.id, call.actor)
  return { status: 201, body: describePair(from, fromRow, to, toRow, types), records: 1 }
}

function findDefaultType(portal: Portal, from: Table, to: Table): AssociationType {
  const type = portal.associations.findDefault(from.schema.name, to.schema.name)
  if (type === undefined) throw invalidInput(`${from.schema.name} and ${to.schema.name} cannot be associated`)
  return type
}

function writeDefault(portal: Portal, call: ApiCall): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  const type = findDefaultType(portal, from, to)
  const fromRow = requireRow(from, call.params['objectId'])
  const toRow = requireRow(to, call.params['toObjectId'])
  associate(portal, [type], fromRow.id, toRow.id, call.actor)
  const pair = (a: string, b: string, each: AssociationType) => ({
    from: { id: a },
    to: { id: b },
    associationSpec: spec(each),
  })
  const inverse = findDefaultType(portal, to, from)
  const results = [pair(fromRow.id, toRow.id, type), pair(toRow.id, fromRow.id, inverse)]
  return answerBatch(portal, call, results, [], 200)
}

function removeOne(portal: Portal, call: ApiCall): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  const fromRow = from.resolve(call.params['objectId'] ?? '')
  const toRow = to.resolve(call.params['toObjectId'] ?? '')
  if (fromRow !== undefined && toRow !== undefined)
    dissociate(portal, { from, fromId: fromRow.id, to, toId: toRow.id }, null, call.actor)
  return { status: 204, records: 1 }
}

const idOf = (end: unknown) => (isJsonObject(end) ? readText(end['id']) : null)

function nameEnds(input: JsonObject): Readonly<Record<string, readonly string[]>> {
  const from = idOf(input['from']) ?? readText(input['id'])
  const to = idOf(input['to'])
  return {
    ...(from === null ? {} : { fromObjectId: [from] }),
    ...(to === null ? {} : { toObjectId: [to] }),
  }
}

function readMany(portal: Portal, call: ApiCall): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  return settleEach(
    portal,
    call,
    200,
    nameEnds,
    (input) => {
      const id = readText(input['id'])
      const row = requireRow(from, id)
      const links = showLinks(portal, from, row.id, to)
      if (links.length === 0)
        throw new CallError({
          status: 404,
          category: 'OBJECT_NOT_FOUND',
          message: `No ${to.schema.singular} is associated with ${from.schema.singular} ${id}.`,
        })
      const { shown, paging } = pageOf(links, 500, readText(input['after']))
      return [{ from: { id }, to: shown, ...paging }]
    },
    maxRead,
  )
}

function writeMany(portal: Portal, call: ApiCall): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  return settleEach(
    portal,
    call,
    201,
    nameEnds,
    (input) => {
      const types = readTypes(portal, input['types'], from, to)
      const fromRow = requireRow(from, idOf(input['from']))
      const toRow = requireRow(to, idOf(input['to']))
      associate(portal, types, fromRow.id, toRow.id, call.actor)
      return [describePair(from, fromRow, to, toRow, types)]
    },
    maxCreated,
  )
}

function writeManyDefault(portal: Portal, call: ApiCall): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  const type = findDefaultType(portal, from, to)
  return settleEach(
    portal,
    call,
    200,
    nameEnds,
    (input) => {
      const fromRow = requireRow(from, idOf(input['from']))
      const toRow = requireRow(to, idOf(input['to']))
      associate(portal, [type], fromRow.id, toRow.id, call.actor)
      return [{ from: { id: fromRow.id }, to: { id: toRow.id }, associationSpec: spec(type) }]
    },
    maxCreated,
  )
}

/** `to` is a list where whole associations go, one record where single labels go. */
function removeMany(portal: Portal, call: ApiCall, labelsOnly: boolean): ApiAnswer {
  const { from, to } = endsOf(portal, call)
  const inputs = readInputs(call.body)
  for (const input of inputs) {
    const fromRow = from.resolve(idOf(input['from']) ?? '')
    const types = labelsOnly ? readTypes(portal, input['types'], from, to) : null
    for (const end of [input['to']].flat()) {
      const toRow = to.resolve(idOf(end) ?? '')
      if (fromRow === undefined || toRow === undefined) continue
      dissociate(portal, { from, fromId: fromRow.id, to, toId: toRow.id }, types, call.actor)
    }
  }
  return { status: 204, records: inputs.length }
}

export function listAssociationRoutes(portal: Portal): readonly ApiRoute[] {
  const ofRecord = (rest: string) => crmPaths('objects', `/:objectType/:objectId/associations${rest}`, 'v4')
  const ofPair = (rest: string) => crmPaths('associations', `/:objectType/:toObjectType${rest}`, 'v4')
  const handled = (handle: (portal: Portal, call: ApiCall) => ApiAnswer) => (call: ApiCall) =>
    handle(portal, call)
  const one = ofRecord('/:toObjectType/:toObjectId')
  return [
    { method: 'GET', paths: ofRecord('/:toObjectType'), operation: 'associations', handle: handled(readOne) },
    { method: 'PUT', paths: one, operation: 'associate', handle: handled(writeOne) },
    { method: 'DELETE', paths: one, operation: 'associate', handle: handled(removeOne) },
    {
      method: 'PUT',
      paths: ofRecord('/default/:toObjectType/:toObjectId'),
      operation: 'associate',
      handle: handled(writeDefault),
    },
    { method: 'POST', paths: ofPair('/batch/read'), operation: 'associations', handle: handled(readMany) },
    { method: 'POST', paths: ofPair('/batch/create'), operation: 'associate', handle: handled(writeMany) },
    {
      method: 'POST',
      paths: ofPair('/batch/associate/default'),
      operation: 'associate',
      handle: handled(writeManyDefault),
    },
    {
      method: 'POST',
      paths: ofPair('/batch/archive'),
      operation: 'associate',
      handle: (call) => removeMany(portal, call, false),
    },
    {
      method: 'POST',
      paths: ofPair('/batch/labels/archive'),
      operation: 'associate',
      handle: (call) => removeMany(portal, call, true),
    },
  ]
}

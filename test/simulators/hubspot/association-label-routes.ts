/** Labels of associations: which there are between two objects, and making one's own. */
import { addAssociationLabel } from './administration.ts'
import { type ApiAnswer, type ApiCall, type ApiRoute, crmPaths } from './api-server.ts'
import type { AssociationType } from './association-types.ts'
import { readBody, readTable, readText, requireText } from './bodies.ts'
import { invalidInput, notFound, refuseCall } from './errors.ts'
import type { Portal } from './portal.ts'

const show = ({ id, category, label }: AssociationType) => ({ category, typeId: id, label })

function typesBetween(portal: Portal, call: ApiCall): readonly AssociationType[] {
  const from = readTable(portal, call.params['objectType']).schema.name
  const to = readTable(portal, call.params['toObjectType']).schema.name
  return [...portal.associations.types.values()].filter((type) => type.from === from && type.to === to)
}

/** A label made here; the vendor's own cannot be changed. */
function requireOwn(portal: Portal, call: ApiCall, typeId: number): AssociationType {
  const type = typesBetween(portal, call).find(({ id }) => id === typeId)
  if (type === undefined) throw notFound(`No association type ${typeId}`)
  if (type.category !== 'USER_DEFINED')
    throw refuseCall(403, 'FORBIDDEN', `Association type ${typeId} is not yours`)
  return type
}

function createLabel(portal: Portal, call: ApiCall): ApiAnswer {
  const body = readBody(call.body)
  const label = requireText(body, 'label')
  const name = requireText(body, 'name')
  if (!/^[a-z][a-z0-9_]*$/i.test(name)) throw invalidInput(`${name} is no name for a label`)
  const known = typesBetween(portal, call)
  if (known.some((type) => type.name === name || type.label === label))
    throw refuseCall(409, 'OBJECT_ALREADY_EXISTS', `There is an association label ${label} already`)
  const { objectType = '', toObjectType = '' } = call.params
  const typeId = addAssociationLabel(portal, objectType, toObjectType, {
    label,
    name,
    inverseLabel: readText(body['inverseLabel']) ?? label,
  })
  const made = portal.associations.types.get(typeId)
  const inverse = made === undefined ? undefined : portal.associations.types.get(made.inverse)
  return {
    status: 200,
    body: { results: [made, inverse].flatMap((type) => (type === undefined ? [] : [show(type)])) },
  }
}

function renameLabel(portal: Portal, call: ApiCall): ApiAnswer {
  const body = readBody(call.body)
  const label = requireText(body, 'label')
  const type = requireOwn(portal, call, Number(body['associationTypeId']))
  portal.associations.types.set(type.id, { ...type, label })
  return { status: 204 }
}

function removeLabel(portal: Portal, call: ApiCall): ApiAnswer {
  const type = requireOwn(portal, call, Number(call.params['associationTypeId']))
  portal.associations.types.delete(type.id)
  portal.associations.types.delete(type.inverse)
  return { status: 204 }
}

export function listAssociationLabelRoutes(portal: Portal): readonly ApiRoute[] {
  const paths = crmPaths('associations', '/:objectType/:toObjectType/labels', 'v4')
  const ofOne = crmPaths('associations', '/:objectType/:toObjectType/labels/:associationTypeId', 'v4')
  return [
    {
      method: 'GET',
      paths,
      operation: 'associations',
      handle: (call) => ({ status: 200, body: { results: typesBetween(portal, call).map(show) } }),
    },
    { method: 'POST', paths, operation: 'label-change', handle: (call) => createLabel(portal, call) },
    { method: 'PUT', paths, operation: 'label-change', handle: (call) => renameLabel(portal, call) },
    {
      method: 'DELETE',
      paths: ofOne,
      operation: 'label-change',
      handle: (call) => removeLabel(portal, call),
    },
  ]
}

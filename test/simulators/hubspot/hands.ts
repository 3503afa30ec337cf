/** What a person, an administrator or the platform does inside the CRM. Throws what the CRM would tell the person. */
import {
  addAssociationLabel,
  addOwner,
  addProperty,
  changeProperty,
  removeProperty,
  setOptions,
  setPipelines,
} from './administration.ts'
import type { AssociationType } from './association-types.ts'
import type { RecordProblem } from './errors.ts'
import { archiveRow, associate, dissociate, mergeRows, restoreRow, touchRow } from './lifecycle.ts'
import { type Portal, readActor, requireTable } from './portal.ts'
import { type Prepared, prepareSave } from './saves.ts'
import type { Row } from './schema.ts'
import type { HubspotSimulator } from './simulator-interface.ts'
import type { Table } from './tables.ts'

const tell = ({ category, message }: RecordProblem) => new Error(`${category}: ${message}`)

function carryOut(prepared: Prepared): string {
  if (!prepared.ok) throw tell(prepared.problem)
  return prepared.apply().id
}

function requireRow(table: Table, id: string): Row {
  const row = table.resolve(id)
  if (row === undefined) throw new Error(`OBJECT_NOT_FOUND: no live ${table.schema.singular} ${id}`)
  return row
}

/** A person leaves a field blank; the API says so with the empty text. */
const writeDown = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value === null ? '' : String(value)]),
  )

function show(table: Table, row: Row): Record<string, unknown> {
  const { id, properties, archived, archivedAt, mergedInto, createdAt, updatedAt } = row
  const blanks = Object.fromEntries([...table.schema.properties.keys()].map((name) => [name, null]))
  return { ...blanks, ...properties, id, archived, archivedAt, mergedInto, createdAt, updatedAt }
}

export type Hands = Omit<
  HubspotSimulator,
  | 'url'
  | 'organisationId'
  | 'credentials'
  | 'accessToken'
  | 'expireSessions'
  | 'revokeAccess'
  | 'setOrganisationId'
  | 'faults'
  | 'calls'
  | 'webhooks'
  | 'close'
>

export function createHands(portal: Portal): Hands {
  const { personId } = portal
  const context = (by: string) => ({ actor: readActor(by), obeysRequired: true })
  const insert: Hands['insert'] = (object, fields, by = personId) =>
    carryOut(prepareSave(portal, requireTable(portal, object), null, writeDown(fields), context(by)))

  function ends(type: AssociationType, fromId: string, toId: string) {
    const from = requireTable(portal, type.from)
    const to = requireTable(portal, type.to)
    return { from, fromId: requireRow(from, fromId).id, to, toId: requireRow(to, toId).id }
  }

  function requireType(typeId: number): AssociationType {
    const type = portal.associations.types.get(typeId)
    if (type === undefined) throw new Error(`no association type ${typeId}`)
    return type
  }

  return {
    integrationUserId: portal.integrationUserId,
    personId,
    insert,
    insertMany: (object, rows, by) => rows.map((row) => insert(object, row, by)),
    update(object, id, fields, by = personId) {
      const table = requireTable(portal, object)
      const row = requireRow(table, id)
      carryOut(prepareSave(portal, table, row, writeDown(fields), context(by)))
    },
    touch(object, ids, at = portal.now()) {
      const table = requireTable(portal, object)
      for (const id of ids) touchRow(table, requireRow(table, id), at)
    },
    remove(object, id, by = personId) {
      const table = requireTable(portal, object)
      archiveRow(portal, table, requireRow(table, id), readActor(by))
    },
    undelete(object, id) {
      const table = requireTable(portal, object)
      const row = table.archived.has(id) ? table.rows.get(id) : undefined
      if (row === undefined) throw new Error(`OBJECT_NOT_FOUND: no archived ${table.schema.singular} ${id}`)
      restoreRow(portal, table, row, readActor(personId))
    },
    merge(object, masterId, loserIds, by = personId) {
      const table = requireTable(portal, object)
      return loserIds.reduce((primary, loser) => {
        const [left, right] = [requireRow(table, primary), requireRow(table, loser)]
        return mergeRows(portal, table, left, right, readActor(by)).id
      }, masterId)
    },
    get(object, id) {
      const table = requireTable(portal, object)
      const row = table.rows.get(id)
      return row === undefined ? undefined : show(table, row)
    },
    list(object) {
      const table = requireTable(portal, object)
      return [...table.rows.values()].filter((row) => !row.archived).map((row) => show(table, row))
    },
    history: (object, id) => requireTable(portal, object).history.get(id) ?? [],
    addProperty: (object, property) => {
      addProperty(portal, object, property)
    },
    removeField: (object, name) => removeProperty(portal, object, name),
    setRequired: (object, name, required) => {
      changeProperty(portal, object, name, { required })
    },
    setOptions: (object, name, options) => setOptions(portal, object, name, options),
    setPipelines: (object, pipelines) => setPipelines(portal, object, pipelines),
    addOwner: (owner) => addOwner(portal, owner),
    addAssociationLabel: (from, to, label) => addAssociationLabel(portal, from, to, label),
    addValidationRule(rule) {
      const { schema } = requireTable(portal, rule.object)
      const known = { ...rule, object: schema.name }
      portal.validationRules.push(known)
      return () => {
        const place = portal.validationRules.indexOf(known)
        if (place >= 0) portal.validationRules.splice(place, 1)
      }
    },
    associate(fromId, toId, typeId, by = personId) {
      const type = requireType(typeId)
      const pair = ends(type, fromId, toId)
      associate(portal, [type], pair.fromId, pair.toId, readActor(by))
    },
    dissociate(fromId, toId, typeId, by = personId) {
      const type = requireType(typeId)
      dissociate(portal, ends(type, fromId, toId), [type], readActor(by))
    },
    associated(fromId, typeId) {
      const type = requireType(typeId)
      const row = requireRow(requireTable(portal, type.from), fromId)
      return [...portal.associations.read(type.from, row.id, type.to)].flatMap(([id, labels]) =>
        labels.has(typeId) ? [id] : [],
      )
    },
    associationType: (from, to, label) =>
      [...portal.associations.types.values()].find(
        (type) => type.from === from && type.to === to && type.label === label,
      )?.id,
  }
}

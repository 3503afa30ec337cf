/** What happens to whole records: archived, restored, merged; and what associations do to both ends. */
import type { AssociationType } from './association-types.ts'
import { deriveFromAssociations } from './derivations.ts'
import { emit, type Portal, requireTable } from './portal.ts'
import { platform, writeRow } from './saves.ts'
import { formatInstant, type Row } from './schema.ts'
import type { Actor, Table } from './tables.ts'

export function archiveRow(portal: Portal, table: Table, row: Row, actor: Actor): void {
  const at = portal.now()
  const stamp = formatInstant(at)
  table.put(
    { ...row, archived: true, archivedAt: stamp, updatedAt: stamp },
    { at: stamp, ...actor, fields: {} },
  )
  emit(portal, { kind: 'deletion', table, id: row.id }, actor, at)
}

export function restoreRow(portal: Portal, table: Table, row: Row, actor: Actor): void {
  const at = portal.now()
  const stamp = formatInstant(at)
  const properties = { ...row.properties, [table.schema.modifiedProperty]: stamp }
  table.put(
    { ...row, properties, archived: false, archivedAt: null, updatedAt: stamp },
    { at: stamp, ...actor, fields: {} },
  )
  emit(portal, { kind: 'restore', table, id: row.id }, actor, at)
}

/** The stamp that polls go by moves, nothing else does. */
export function touchRow(table: Table, row: Row, at: Date): void {
  const stamp = formatInstant(at)
  const properties = { ...row.properties, [table.schema.modifiedProperty]: stamp }
  table.put({ ...row, properties, updatedAt: stamp }, null)
}

function refreshEnds(portal: Portal, ends: readonly (readonly [Table, string])[]): void {
  for (const [table, id] of ends) {
    const row = table.rows.get(id)
    if (row === undefined || row.archived) continue
    writeRow(portal, table, row, deriveFromAssociations(portal, table, id), platform)
  }
}

function tellChange(
  portal: Portal,
  type: AssociationType,
  fromId: string,
  toId: string,
  removed: boolean,
  actor: Actor,
): void {
  const from = requireTable(portal, type.from)
  const to = requireTable(portal, type.to)
  const { category, primary } = type
  const shared = { kind: 'associationChange', removed, primary, category } as const
  const at = portal.now()
  emit(portal, { ...shared, table: from, id: fromId, to, toId, typeId: type.id }, actor, at)
  emit(portal, { ...shared, table: to, id: toId, to: from, toId: fromId, typeId: type.inverse }, actor, at)
}

/** Adds labels between two records; a primary one leaves the record that had it, and implies the unlabelled one. */
export function associate(
  portal: Portal,
  types: readonly AssociationType[],
  fromId: string,
  toId: string,
  actor: Actor,
): void {
  const { associations } = portal
  const touched = new Map<string, readonly [Table, string]>()
  const note = (object: string, id: string) =>
    touched.set(`${object}:${id}`, [requireTable(portal, object), id])
  const set = (type: AssociationType, from: string, to: string, on: boolean) => {
    if (!associations.set(type, from, to, on)) return
    note(type.from, from)
    note(type.to, to)
    tellChange(portal, type, from, to, !on, actor)
  }
  for (const type of types) {
    if (type.primary) {
      const forward = type.to === 'companies' ? type : associations.types.get(type.inverse)
      const [owner, company] = type.to === 'companies' ? [fromId, toId] : [toId, fromId]
      if (forward !== undefined) {
        for (const [other, labels] of [...associations.read(forward.from, owner, forward.to)]) {
          if (other !== company && labels.has(forward.id)) set(forward, owner, other, false)
        }
      }
    }
    set(type, fromId, toId, true)
    const unlabelled = associations.findDefault(type.from, type.to)
    if (unlabelled !== undefined) set(unlabelled, fromId, toId, true)
  }
  refreshEnds(portal, [...touched.values()])
}

/** Takes the given labels away, or all of them. */
export function dissociate(
  portal: Portal,
  ends: { readonly from: Table; readonly fromId: string; readonly to: Table; readonly toId: string },
  types: readonly AssociationType[] | null,
  actor: Actor,
): void {
  const { from, fromId, to, toId } = ends
  const { associations } = portal
  const gone =
    types ??
    [...(associations.read(from.schema.name, fromId, to.schema.name).get(toId) ?? [])].flatMap(
      (id) => associations.types.get(id) ?? [],
    )
  for (const type of gone) {
    if (associations.set(type, fromId, toId, false)) tellChange(portal, type, fromId, toId, true, actor)
  }
  refreshEnds(portal, [
    [from, fromId],
    [to, toId],
  ])
}

/** What was associated with the old records is associated with the new one; answers the other ends. */
function moveAssociations(
  portal: Portal,
  table: Table,
  gone: readonly Row[],
  into: string,
): readonly (readonly [Table, string])[] {
  const { associations } = portal
  const others: (readonly [Table, string])[] = []
  let hasPrimary = false
  for (const { id } of gone) {
    for (const [to, other] of portal.tables) {
      for (const [toId, labels] of [...associations.read(table.schema.name, id, to)]) {
        const ids = [...labels]
        others.push([other, toId])
        associations.clear(table.schema.name, id, to, toId)
        for (const typeId of ids) {
          const type = associations.types.get(typeId)
          if (type === undefined) continue
          const ownPrimary = type.primary && type.to === 'companies'
          if (ownPrimary && hasPrimary) continue
          hasPrimary ||= ownPrimary
          associations.set(type, into, toId, true)
        }
      }
    }
  }
  return others
}

/**
 * Merges into a new record with an id of its own; both old ids lead to it from now on. What the primary says wins, the
 * other fills its blanks. Answers the new record.
 */
export function mergeRows(portal: Portal, table: Table, primary: Row, other: Row, actor: Actor): Row {
  const at = portal.now()
  const stamp = formatInstant(at)
  const id = portal.nextId()
  const merged = [primary, other].flatMap((row) => [
    ...(row.properties['hs_merged_object_ids']?.split(';') ?? []),
    row.id,
  ])
  const properties: Record<string, string> = {
    ...other.properties,
    ...primary.properties,
    hs_object_id: id,
    hs_merged_object_ids: merged.join(';'),
    [table.schema.modifiedProperty]: stamp,
  }
  for (const row of [primary, other]) {
    table.put(
      { ...row, archived: true, archivedAt: stamp, mergedInto: id, updatedAt: stamp },
      { at: stamp, ...actor, fields: {} },
    )
  }
  const createdAt = primary.createdAt < other.createdAt ? primary.createdAt : other.createdAt
  const row: Row = {
    id,
    properties,
    createdAt,
    updatedAt: stamp,
    archived: false,
    archivedAt: null,
    mergedInto: null,
  }
  const by: Actor = { ...actor, source: 'MERGE_OBJECTS' }
  table.put(row, { at: stamp, ...by, fields: properties })
  const others = moveAssociations(portal, table, [primary, other], id)
  const mergedIds = [other.id]
  const moved = Object.keys(other.properties).length
  emit(portal, { kind: 'merge', table, id, primaryId: primary.id, mergedIds, moved }, actor, at)
  refreshEnds(portal, [[table, id], ...others])
  return table.rows.get(id) ?? row
}

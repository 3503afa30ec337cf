/** Deleting, undeleting and merging records, and what that does to the records that point to them. */
import { formatStamp } from './dates.ts'
import { type RecordError, recordError } from './errors.ts'
import type { Organisation } from './organisation.ts'
import { checkUnique } from './saves.ts'
import type { FieldSchema, Row, Scalar } from './schema.ts'
import type { Table } from './tables.ts'

interface Child {
  readonly table: Table
  readonly field: FieldSchema
  readonly row: Row
}

/** Live records that point to `id` through a field of their own (never through an audit field). */
function findChildren(organisation: Organisation, id: string): readonly Child[] {
  const children: Child[] = []
  for (const table of organisation.tables.all.values()) {
    const fields = [...table.schema.fields.values()].filter(
      (field) => field.type === 'reference' && field.updateable && field.name !== 'OwnerId',
    )
    if (fields.length === 0) continue
    for (const row of table.rows.values()) {
      if (row['IsDeleted'] === true) continue
      for (const field of fields) if (row[field.name] === id) children.push({ table, field, row })
    }
  }
  return children
}

/** A change by the platform itself: SystemModstamp moves, LastModifiedDate and LastModifiedById stay. */
export function changeBySystem(
  organisation: Organisation,
  table: Table,
  id: string,
  fields: Readonly<Record<string, Scalar>>,
  at: Date = organisation.now(),
): void {
  const row = table.rows.get(id)
  if (row === undefined) throw new Error(`${table.schema.name} ${id} does not exist`)
  const stamp = formatStamp(at)
  organisation.tables.put(
    table,
    id,
    { ...row, ...fields, SystemModstamp: stamp },
    { at: stamp, by: 'system', fields },
  )
}

function changeBy(
  organisation: Organisation,
  table: Table,
  row: Row,
  fields: Readonly<Record<string, Scalar>>,
  by: string,
): void {
  const at = formatStamp(organisation.now())
  const stamps = { LastModifiedDate: at, LastModifiedById: by, SystemModstamp: at }
  organisation.tables.put(table, String(row['Id']), { ...row, ...fields, ...stamps }, { at, by, fields })
}

function findBlocker(table: Table, row: Row, children: readonly Child[]): RecordError | null {
  const won = children.some((child) => child.field.cascadeDelete && child.row['IsWon'] === true)
  if (table.schema.name !== 'Account' || !won) return null
  const name = String(row['Name'])
  return recordError(
    'DELETE_FAILED',
    `Your attempt to delete ${name} could not be completed because some opportunities in ${name} were closed won. The closed won opportunities are shown below.`,
  )
}

/**
 * Moves a record to the recycle bin. An account takes its contacts and opportunities along, and cannot go while one of
 * them is won; any other lookup to it is cleared by the platform.
 */
export function deleteRecord(
  organisation: Organisation,
  table: Table,
  id: string,
  by: string,
): RecordError | null {
  const row = table.rows.get(id)
  if (row === undefined || !table.schema.fields.has('isdeleted')) {
    return recordError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')
  }
  if (row['IsDeleted'] === true) return recordError('ENTITY_IS_DELETED', 'entity is deleted')
  const children = findChildren(organisation, id)
  const blocker = findBlocker(table, row, children)
  if (blocker !== null) return blocker
  for (const child of children) {
    const current = child.table.rows.get(String(child.row['Id']))
    if (current === undefined || current['IsDeleted'] === true) continue
    if (child.field.cascadeDelete) changeBy(organisation, child.table, current, { IsDeleted: true }, by)
    else changeBySystem(organisation, child.table, String(current['Id']), { [child.field.name]: null })
  }
  changeBy(organisation, table, row, { IsDeleted: true }, by)
  return null
}

/** Takes a record back out of the recycle bin, with the contacts and opportunities that went along with it. */
export function undeleteRecord(
  organisation: Organisation,
  table: Table,
  id: string,
  by: string,
): RecordError | null {
  const row = table.rows.get(id)
  if (row === undefined) return recordError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')
  if (row['IsDeleted'] !== true || (row['MasterRecordId'] ?? null) !== null) {
    return recordError('UNDELETE_FAILED', 'Entity is not in the recycle bin')
  }
  const taken = checkUnique(organisation, table, row)
  if (taken !== null) return taken
  const deletedAt = row['SystemModstamp']
  changeBy(organisation, table, row, { IsDeleted: false }, by)
  for (const childTable of organisation.tables.all.values()) {
    const parent = [...childTable.schema.fields.values()].find(
      (field) => field.cascadeDelete && field.referenceTo.includes(table.schema.name),
    )
    if (parent === undefined) continue
    for (const child of [...childTable.rows.values()]) {
      const wentAlong = child['IsDeleted'] === true && child['SystemModstamp'] === deletedAt
      if (wentAlong && child[parent.name] === id) {
        changeBy(organisation, childTable, child, { IsDeleted: false }, by)
      }
    }
  }
  return null
}

/**
 * The losers become deleted rows that name the master; the master counts as modified by whoever merged. Records that
 * pointed to a loser point to the master: that is the platform's own change, so only their SystemModstamp moves (the
 * documentation promises no trigger and no save of theirs, yet a poll by SystemModstamp has to see the new parent).
 */
export function mergeRecords(
  organisation: Organisation,
  table: Table,
  masterId: string,
  loserIds: readonly string[],
  by: string,
): void {
  if (!table.schema.mergeable) throw new Error(`Salesforce cannot merge records of ${table.schema.name}`)
  const master = table.rows.get(masterId)
  if (master === undefined || master['IsDeleted'] === true) throw new Error(`no live master ${masterId}`)
  for (const loserId of loserIds) {
    const loser = table.rows.get(loserId)
    if (loser === undefined || loser['IsDeleted'] === true || loserId === masterId) {
      throw new Error(`no live record ${loserId} to merge`)
    }
    for (const child of findChildren(organisation, loserId)) {
      const childId = String(child.row['Id'])
      const parent = childId === masterId ? null : masterId
      changeBySystem(organisation, child.table, childId, { [child.field.name]: parent })
    }
    changeBy(
      organisation,
      table,
      table.rows.get(loserId) ?? loser,
      { IsDeleted: true, MasterRecordId: masterId },
      by,
    )
  }
  changeBy(organisation, table, table.rows.get(masterId) ?? master, {}, by)
}

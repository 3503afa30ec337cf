/** Deleting, restoring, merging and closing records, and what that does to the records that point to them. */
import { formatInstant } from './dates.ts'
import { errors } from './errors.ts'
import { type Organisation, requireTable } from './organisation.ts'
import { checkKeys, createRecord, type SaveContext } from './saves.ts'
import { type Attribute, isLookup, type Row, type Scalar } from './schema.ts'
import { statusOf } from './states.ts'
import type { Table } from './tables.ts'

interface Child {
  readonly table: Table
  readonly attribute: Attribute
  readonly row: Row
}

const auditLookups: readonly string[] = ['createdby', 'modifiedby', 'ownerid', 'masterid']

/** Records that point to this one through a lookup of their own. */
function findChildren(organisation: Organisation, object: string, id: string): readonly Child[] {
  const children: Child[] = []
  for (const table of organisation.tables.all.values()) {
    for (const attribute of table.schema.attributes.values()) {
      if (!isLookup(attribute) || auditLookups.includes(attribute.logicalName)) continue
      if (!attribute.targets.some((target) => target.object === object)) continue
      for (const child of organisation.tables.findBy(table, [attribute.logicalName], [id])) {
        const row = table.rows.get(child)
        if (row !== undefined) children.push({ table, attribute, row })
      }
    }
  }
  return children
}

const idOf = (table: Table, row: Row) => String(row[table.schema.primaryId])

/** A change past the rules of saving; `by` null is the platform, which moves the version alone. */
export function changeRow(
  organisation: Organisation,
  table: Table,
  id: string,
  fields: Readonly<Record<string, Scalar>>,
  by: string | null,
): void {
  const row = table.rows.get(id)
  if (row === undefined) throw errors.noRecord(table.schema.logicalName, id)
  const at = formatInstant(organisation.now())
  const stamps = by === null ? {} : { modifiedon: at, modifiedby: by }
  organisation.tables.put(table, { ...row, ...fields, ...stamps }, { at, by: by ?? 'system', fields })
}

/** The record is gone at once, with the records it owns; any other lookup to it is emptied. */
export function deleteRecord(
  organisation: Organisation,
  table: Table,
  id: string,
  context: Pick<SaveContext, 'by' | 'tag'>,
): void {
  const { logicalName } = table.schema
  if (!table.rows.has(id)) throw errors.noRecord(logicalName, id)
  for (const child of findChildren(organisation, logicalName, id)) {
    const childId = idOf(child.table, child.row)
    if (!child.table.rows.has(childId)) continue
    if (child.attribute.cascadeDelete) deleteRecord(organisation, child.table, childId, context)
    else changeRow(organisation, child.table, childId, { [child.attribute.logicalName]: null }, null)
  }
  const now = organisation.now()
  const at = formatInstant(now)
  organisation.tables.remove(table, id, at, { at, by: context.by, fields: { deleted: true } })
  const event = { object: logicalName, id, userId: context.by, at: now, fields: {}, tag: context.tag }
  organisation.notify({ message: 'Delete', ...event })
}

/** Brings a deleted record back under its id, as restoring from the recycle bin does. */
export function restoreRecord(organisation: Organisation, table: Table, id: string, by: string): void {
  const { logicalName } = table.schema
  const deletion = table.deletions.findLast((each) => each.id === id)
  if (deletion === undefined || table.rows.has(id)) throw errors.noRecord(logicalName, id)
  checkKeys(organisation, table, deletion.row)
  const now = organisation.now()
  const at = formatInstant(now)
  organisation.tables.put(table, deletion.row, { at, by, fields: { deleted: false } })
  const event = { object: logicalName, id, userId: by, at: now, fields: deletion.row, tag: null }
  organisation.notify({ message: 'Create', ...event })
}

/** The loser stays, inactive, and names its master; what pointed to it points to the master. */
export function mergeRecords(
  organisation: Organisation,
  table: Table,
  masterId: string,
  loserId: string,
  content: Readonly<Record<string, Scalar>>,
  context: Pick<SaveContext, 'by' | 'tag'>,
): void {
  const { logicalName, mergeable } = table.schema
  if (!mergeable) throw errors.badRequest(`Merge is not supported for entity ${logicalName}.`)
  for (const id of [masterId, loserId]) {
    const row = table.rows.get(id)
    if (row === undefined) throw errors.noRecord(logicalName, id)
    if (row['statecode'] !== 0) throw errors.badRequest('Merge could create cyclical parenting.')
  }
  if (masterId === loserId)
    throw errors.badRequest('Merge warning: sub-entity should not be the same as the target.')
  for (const child of findChildren(organisation, logicalName, loserId)) {
    const childId = idOf(child.table, child.row)
    const parent = childId === masterId ? null : masterId
    changeRow(organisation, child.table, childId, { [child.attribute.logicalName]: parent }, null)
  }
  const lost = { statecode: 1, statuscode: 2, merged: true, masterid: masterId }
  changeRow(organisation, table, loserId, lost, context.by)
  changeRow(organisation, table, masterId, content, context.by)
  const event = { object: logicalName, userId: context.by, at: organisation.now(), tag: context.tag }
  organisation.notify({ ...event, message: 'Merge', id: masterId, fields: content })
  organisation.notify({ ...event, message: 'Update', id: loserId, fields: lost })
}

export interface Closing {
  readonly status?: number | undefined
  readonly subject?: Scalar | undefined
  readonly description?: Scalar | undefined
  readonly actualrevenue?: number | undefined
  readonly actualend?: string | undefined
}

/** WinOpportunity and LoseOpportunity: the closing is a record of its own. */
export function closeOpportunity(
  organisation: Organisation,
  id: string,
  how: 'won' | 'lost',
  closing: Closing,
  context: SaveContext,
): void {
  const table = requireTable(organisation, 'opportunity')
  const row = table.rows.get(id)
  if (row === undefined) throw errors.noRecord('opportunity', id)
  if (row['statecode'] !== 0) throw errors.alreadyClosed()
  const state = how === 'won' ? 1 : 2
  const statuscode = statusOf(table.schema, state, closing.status === -1 ? undefined : closing.status)
  const now = organisation.now()
  const revenue = closing.actualrevenue ?? (how === 'won' ? Number(row['estimatedvalue'] ?? 0) : 0)
  const rate = Number(row['exchangerate'] ?? 1)
  const end = closing.actualend ?? formatInstant(now)
  const draft = new Map<string, Scalar>([
    ['subject', closing.subject ?? null],
    ['description', closing.description ?? null],
    ['actualrevenue', revenue],
    ['actualend', end],
    ['opportunityid', id],
    ['transactioncurrencyid', row['transactioncurrencyid'] ?? null],
  ])
  createRecord(organisation, requireTable(organisation, 'opportunityclose'), draft, {
    ...context,
    detectDuplicates: false,
  })
  const fields = {
    statecode: state,
    statuscode,
    actualvalue: revenue,
    actualvalue_base: revenue / rate,
    actualclosedate: end.slice(0, 10),
  }
  changeRow(organisation, table, id, fields, context.by)
  const event = { object: 'opportunity', id, userId: context.by, at: now, fields, tag: context.tag }
  organisation.notify({ ...event, message: how === 'won' ? 'Win' : 'Lose' })
  organisation.notify({ ...event, message: 'Update' })
}

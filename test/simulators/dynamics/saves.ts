/** Creating and updating one record: applies the rules in order and stores the row. Throws a DataverseError. */
import { formatInstant } from './dates.ts'
import { derive } from './derivations.ts'
import type { Draft } from './drafts.ts'
import { errors } from './errors.ts'
import type { Organisation, RecordEvent } from './organisation.ts'
import type { Row, Scalar } from './schema.ts'
import { checkOpportunityState, settleState } from './states.ts'
import type { Table } from './tables.ts'

export interface SaveContext {
  readonly by: string
  readonly tag: string | null
  /** `MSCRM.SuppressDuplicateDetection: false`. */
  readonly detectDuplicates: boolean
}

function checkRequired(table: Table, row: Row): void {
  const { schema } = table
  for (const attribute of schema.attributes.values()) {
    if (attribute.required !== 'SystemRequired' || !attribute.creatable) continue
    if ((row[attribute.logicalName] ?? null) === null) {
      throw errors.cannotBeNull(attribute.logicalName, schema.logicalName)
    }
  }
}

export function checkKeys(organisation: Organisation, table: Table, row: Row): void {
  const id = row[table.schema.primaryId]
  for (const key of table.schema.keys.values()) {
    if (key.status !== 'Active') continue
    const attributes = [...key.attributes].sort()
    const values = attributes.map((attribute) => row[attribute] ?? null)
    // A key with an empty part is no key: several records may have it.
    if (values.includes(null)) continue
    for (const holder of organisation.tables.findBy(table, attributes, values)) {
      if (holder !== id) throw errors.keyViolated(key.label, key.attributes)
    }
  }
}

function checkRules(organisation: Organisation, table: Table, row: Row, previous: Row | null): void {
  for (const rule of organisation.validationRules) {
    const message = rule.object === table.schema.logicalName ? rule.check(row, previous) : null
    if (message !== null) throw errors.refusedByRule(message)
  }
}

function checkDuplicates(organisation: Organisation, table: Table, row: Row): void {
  const { logicalName, primaryId } = table.schema
  for (const rule of organisation.duplicateRules) {
    if (rule.object !== logicalName) continue
    for (const other of table.rows.values()) {
      if (other[primaryId] !== row[primaryId] && rule.matches(row, other)) throw errors.duplicateRule()
    }
  }
}

function store(
  organisation: Organisation,
  table: Table,
  row: Record<string, Scalar>,
  previous: Row | null,
  draft: Draft,
  context: SaveContext,
): string {
  const { schema } = table
  const now = organisation.now()
  const at = formatInstant(now)
  settleState(schema, row, draft)
  derive(organisation, table, row, previous, draft)
  if (previous === null) Object.assign(row, { createdon: at, createdby: context.by })
  Object.assign(row, { modifiedon: at, modifiedby: context.by })
  checkRequired(table, row)
  checkRules(organisation, table, row, previous)
  if (context.detectDuplicates) checkDuplicates(organisation, table, row)
  checkKeys(organisation, table, row)
  const fields = Object.fromEntries(draft)
  organisation.tables.put(table, row, { at, by: context.by, fields })
  const id = String(row[schema.primaryId])
  const message: RecordEvent['message'] = previous === null ? 'Create' : 'Update'
  const event = {
    message,
    object: schema.logicalName,
    id,
    userId: context.by,
    at: now,
    fields,
    tag: context.tag,
  }
  organisation.notify(event)
  return id
}

/** Answers the new id; `id` is given where an upsert names a record that does not exist. */
export function createRecord(
  organisation: Organisation,
  table: Table,
  draft: Draft,
  context: SaveContext,
  id?: string,
): string {
  const { schema } = table
  const row: Record<string, Scalar> = {}
  for (const attribute of schema.attributes.values()) row[attribute.logicalName] = attribute.defaultValue
  if (schema.attributes.has('ownerid')) Object.assign(row, { ownerid: context.by, owneridtype: 'systemuser' })
  Object.assign(row, Object.fromEntries(draft))
  row[schema.primaryId] = id ?? draft.get(schema.primaryId) ?? organisation.nextId()
  if (table.rows.has(String(row[schema.primaryId]))) throw errors.recordExists()
  return store(organisation, table, row, null, draft, context)
}

export function updateRecord(
  organisation: Organisation,
  table: Table,
  previous: Row,
  draft: Draft,
  context: SaveContext,
): void {
  if (table.schema.logicalName === 'opportunity') {
    checkOpportunityState(draft, previous, organisation.closedReadOnly)
  }
  const row: Record<string, Scalar> = { ...previous, ...Object.fromEntries(draft) }
  if (draft.get('statecode') === 0 && previous['statecode'] !== 0) {
    for (const name of ['actualvalue', 'actualvalue_base', 'actualclosedate']) {
      if (table.schema.attributes.has(name)) row[name] = null
    }
  }
  store(organisation, table, row, previous, draft, context)
}

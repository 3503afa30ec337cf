/** Creating and updating one record: reads the input, applies the rules in Salesforce's order, stores the row. */
import { checkGrant } from './access.ts'
import { formatStamp } from './dates.ts'
import { deriveFields } from './derivations.ts'
import { findDuplicates } from './duplicates.ts'
import { CallError, type RecordError, recordError, refuse, type SaveOutcome } from './errors.ts'
import type { Organisation } from './organisation.ts'
import {
  type FieldSchema,
  findField,
  findRelationship,
  type ObjectSchema,
  type Row,
  type Scalar,
} from './schema.ts'
import type { Table } from './tables.ts'
import { readValue } from './values.ts'

export interface SaveContext {
  readonly by: string
  /** `Sforce-Duplicate-Rule-Header: allowSave=true`. */
  readonly allowDuplicates: boolean
}

/** A record of a request, read against the schema: values to write and what is wrong with the rest. */
export interface Draft {
  readonly values: ReadonlyMap<FieldSchema, Scalar>
  readonly errors: readonly RecordError[]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `"Account": {"PRM_Customer_Id__c": "c-1"}` names the parent by an external id. */
function readParent(
  organisation: Organisation,
  field: FieldSchema,
  value: Record<string, unknown>,
): { readonly id: Scalar } | RecordError {
  const parent = organisation.tables.find(field.referenceTo[0] ?? '')
  const [name, key] = Object.entries(value).find(([each]) => each !== 'attributes') ?? []
  const keyField = parent === undefined || name === undefined ? undefined : findField(parent.schema, name)
  if (parent === undefined || keyField === undefined || !(keyField.externalId || keyField.idLookup)) {
    throw new CallError(
      400,
      'INVALID_FIELD',
      `Field name provided, ${name} is not an External ID or indexed field for ${field.referenceTo[0]}`,
    )
  }
  const id = typeof key === 'string' ? organisation.tables.findUnique(parent, keyField, key) : undefined
  return id === undefined
    ? recordError(
        'INVALID_FIELD',
        `Foreign key external ID: ${String(key)} not found for field ${keyField.name} in entity ${parent.schema.name}`,
      )
    : { id }
}

/**
 * Throws a CallError for what makes the request malformed (unknown field, wrong JSON kind); collects what is wrong with
 * this record alone. `attributes` and the id are the caller's business.
 */
export function readDraft(
  organisation: Organisation,
  schema: ObjectSchema,
  input: Readonly<Record<string, unknown>>,
  mode: 'create' | 'update',
): Draft {
  const values = new Map<FieldSchema, Scalar>()
  const errors: RecordError[] = []
  const locked: string[] = []
  for (const [name, raw] of Object.entries(input)) {
    if (name === 'attributes' || name.toLowerCase() === 'id') continue
    const relationship = isObject(raw) ? findRelationship(schema, name) : undefined
    if (relationship !== undefined && isObject(raw)) {
      const parent = readParent(organisation, relationship, raw)
      if ('statusCode' in parent) errors.push(parent)
      else values.set(relationship, parent.id)
      continue
    }
    const field = findField(schema, name)
    if (field === undefined) {
      throw new CallError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${schema.name}`)
    }
    if (mode === 'create' ? !field.createable : !field.updateable) {
      locked.push(field.name)
      continue
    }
    const read = readValue(field, raw)
    if (read.ok) values.set(field, read.value)
    else errors.push(read.error)
  }
  if (locked.length > 0) {
    errors.unshift(
      recordError(
        'INVALID_FIELD_FOR_INSERT_UPDATE',
        `Unable to create/update fields: ${locked.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
        locked,
      ),
    )
  }
  return { values, errors }
}

function checkReferences(organisation: Organisation, draft: Draft, previous: Row | null): RecordError | null {
  for (const [field, value] of draft.values) {
    if (field.type !== 'reference' || typeof value !== 'string' || previous?.[field.name] === value) continue
    const targets = field.referenceTo.map((object) => organisation.tables.find(object))
    const target = targets.find((table) => table?.schema.keyPrefix === value.slice(0, 3))
    if (target === undefined) {
      return recordError('MALFORMED_ID', `${field.label}: id value of incorrect type: ${value}`, [field.name])
    }
    const row = target.rows.get(value)
    if (row === undefined) {
      return recordError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [])
    }
    if (row['IsDeleted'] === true) {
      return recordError('ENTITY_IS_DELETED', 'entity is deleted', [field.name])
    }
    if (field.name === 'OwnerId' && row['IsActive'] === false) {
      return recordError(
        'INACTIVE_OWNER_OR_USER',
        `operation performed with inactive user [${value.slice(0, 15)}] as owner`,
        ['OwnerId'],
      )
    }
  }
  return null
}

function checkRequired(schema: ObjectSchema, row: Row): RecordError | null {
  const missing: string[] = []
  for (const field of schema.fields.values()) {
    if (field.nillable || field.type === 'boolean' || (row[field.name] ?? null) !== null) continue
    if (field.createable || field.updateable) missing.push(field.name)
  }
  return missing.length === 0
    ? null
    : recordError('REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing.join(', ')}]`, missing)
}

export function checkUnique(organisation: Organisation, table: Table, row: Row): RecordError | null {
  for (const field of table.schema.fields.values()) {
    const value = row[field.name] ?? null
    if (!field.unique || value === null) continue
    const holder = organisation.tables.findUnique(table, field, value)
    if (holder !== undefined && holder !== row['Id']) {
      return recordError(
        'DUPLICATE_VALUE',
        `duplicate value found: ${field.name} duplicates value on record with id: ${holder.slice(0, 15)}`,
        [],
      )
    }
  }
  return null
}

function checkRules(
  organisation: Organisation,
  object: string,
  row: Row,
  previous: Row | null,
): readonly RecordError[] {
  return organisation.validationRules.flatMap((rule) => {
    const message = rule.object === object ? rule.check(row, previous) : null
    if (message === null) return []
    return [recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', message, rule.field ? [rule.field] : [])]
  })
}

function save(
  organisation: Organisation,
  table: Table,
  draft: Draft,
  previous: Row | null,
  context: SaveContext,
): SaveOutcome {
  const { schema } = table
  if (draft.errors.length > 0) return { ok: false, errors: draft.errors }
  const id = previous === null ? organisation.tables.nextId(table) : String(previous['Id'])
  const at = formatStamp(organisation.now())
  const row: Record<string, Scalar> = previous === null ? {} : { ...previous }
  if (previous === null) {
    for (const field of schema.fields.values()) row[field.name] = field.defaultValue
    if (schema.fields.has('ownerid')) row['OwnerId'] = context.by
    Object.assign(row, { Id: id, CreatedDate: at, CreatedById: context.by })
  }
  const given = new Set<string>()
  const changes: Record<string, Scalar> = {}
  for (const [field, value] of draft.values) {
    // Salesforce takes no notice, and says nothing, when line items decide the amount.
    if (field.name === 'Amount' && previous?.['HasOpportunityLineItem'] === true) continue
    const kept = value === null && field.defaultedOnCreate && previous === null ? row[field.name] : value
    given.add(field.name)
    row[field.name] = kept ?? null
    changes[field.name] = kept ?? null
  }
  const broken =
    checkReferences(organisation, draft, previous) ??
    checkRequired(schema, row) ??
    checkGrant(organisation, schema.name, row)
  if (broken !== null) return refuse(broken)
  deriveFields(organisation, schema.name, row, previous, given)
  Object.assign(row, { LastModifiedDate: at, LastModifiedById: context.by, SystemModstamp: at })
  const refusals = checkRules(organisation, schema.name, row, previous)
  if (refusals.length > 0) return { ok: false, errors: refusals }
  const duplicates = findDuplicates(organisation, table, row, context.allowDuplicates)
  if (duplicates !== null) return refuse(duplicates)
  const taken = checkUnique(organisation, table, row)
  if (taken !== null) return refuse(taken)
  organisation.tables.put(table, id, row, { at, by: context.by, fields: changes })
  return { ok: true, id, created: previous === null }
}

export function createRecord(
  organisation: Organisation,
  table: Table,
  draft: Draft,
  context: SaveContext,
): SaveOutcome {
  if (!table.schema.createable) {
    return refuse(
      recordError(
        'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
        `entity type ${table.schema.name} cannot be inserted`,
      ),
    )
  }
  return save(organisation, table, draft, null, context)
}

/** `id` in its 18-character form. */
export function updateRecord(
  organisation: Organisation,
  table: Table,
  id: string,
  draft: Draft,
  context: SaveContext,
): SaveOutcome {
  const previous = table.rows.get(id)
  if (previous === undefined) {
    return refuse(recordError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', []))
  }
  if (previous['IsDeleted'] === true) {
    return refuse(recordError('ENTITY_IS_DELETED', 'entity is deleted', []))
  }
  return save(organisation, table, draft, previous, context)
}

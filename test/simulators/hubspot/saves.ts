/** Creating and changing records: what is checked, in which order, and what the portal adds by itself. */
import { derive, findStage } from './derivations.ts'
import { describePropertyProblems, type PropertyProblem, type RecordProblem, refuseCall } from './errors.ts'
import { emit, type Portal } from './portal.ts'
import { formatInstant, type Property, type Row } from './schema.ts'
import type { Actor, Change, Table } from './tables.ts'
import { readValue } from './values.ts'

type Properties = Readonly<Record<string, string>>

export interface SaveContext {
  readonly actor: Actor
  /** Rules about required properties bind the API from version 2026-09 on. */
  readonly obeysRequired: boolean
  /** Unique values that other records of the same call are about to take, by property and value. */
  readonly claims?: Map<string, string>
}

/** A write that was found in order; `apply` carries it out. */
export type Prepared =
  | { readonly ok: true; readonly apply: () => Row }
  | { readonly ok: false; readonly problem: RecordProblem }

/** Numbers and booleans are taken as their text; anything else is no property value. */
export function readProperties(given: unknown): Properties {
  const malformed = () =>
    refuseCall(400, 'VALIDATION_ERROR', 'Invalid input JSON on line 1, column 1: properties')
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw malformed()
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (typeof value === 'string') return [name, value]
      if (typeof value === 'number' || typeof value === 'boolean') return [name, String(value)]
      throw malformed()
    }),
  )
}

function checkEach(portal: Portal, table: Table, given: Properties) {
  const values: Record<string, string> = {}
  const problems: PropertyProblem[] = []
  for (const [name, text] of Object.entries(given)) {
    const property = table.schema.properties.get(name)
    if (property === undefined) {
      const message = `Property "${name}" does not exist`
      problems.push({ name, error: 'PROPERTY_DOESNT_EXIST', message })
      continue
    }
    if (property.readOnlyValue) {
      const message = `"${name}" is a read only property; its value cannot be set.`
      problems.push({ name, error: 'READ_ONLY_VALUE', message })
      continue
    }
    const read = readValue(portal, property, text)
    if ('problem' in read) problems.push(read.problem)
    else values[name] = read.value
  }
  return { values, problems }
}

/** A stage belongs to one pipeline, and both must say the same. */
function checkStage(portal: Portal, table: Table, next: Properties): readonly PropertyProblem[] {
  if (!table.schema.hasPipelines) return []
  const pipelines = portal.pipelines.get(table.schema.name) ?? []
  const pipeline = pipelines.find(({ id }) => id === next['pipeline'])
  if (next['pipeline'] !== undefined && pipeline === undefined) {
    const allowed = pipelines.map(({ id }) => id).join(', ')
    const message = `${next['pipeline']} was not one of the allowed options: [${allowed}]`
    return [{ name: 'pipeline', error: 'INVALID_OPTION', message }]
  }
  const stageId = next['dealstage']
  if (stageId === undefined) return []
  if (findStage(portal, table.schema.name, stageId)?.pipeline.id === next['pipeline']) return []
  const valid = pipelines
    .filter(({ id }) => pipeline === undefined || id === pipeline.id)
    .map(({ id, stages }) => `pipelineId=${id} : [${stages.map((stage) => stage.id).join(', ')}]`)
  const message = `${stageId} is not a valid pipeline stage ID. Valid options are: ${valid.join('; ')}`
  return [{ name: 'dealstage', error: 'INVALID_OPTION', message }]
}

function checkRequired(table: Table, next: Properties, previous: Row | null): readonly PropertyProblem[] {
  return [...table.schema.properties.values()]
    .filter(
      ({ name, required }) =>
        required &&
        next[name] === undefined &&
        (previous === null || previous.properties[name] !== undefined),
    )
    .map(({ name, label }) => ({
      name,
      error: 'MISSING_REQUIRED_PROPERTY',
      message: `${label} is required`,
    }))
}

function checkRules(
  portal: Portal,
  table: Table,
  next: Properties,
  previous: Row | null,
  obeysRequired: boolean,
): readonly PropertyProblem[] {
  return portal.validationRules.flatMap(({ object, property, check, binds, code = 'INVALID_VALUE' }) => {
    if (object !== table.schema.name || (binds === 'from-2026-09' && !obeysRequired)) return []
    const message = check(next, previous?.properties ?? null)
    return message === null ? [] : [{ name: property, error: code, message }]
  })
}

function describeConflict(
  portal: Portal,
  table: Table,
  property: Property,
  value: string,
  holder: string,
  id: string | null,
): RecordProblem {
  if (table.schema.name === 'contacts' && property.name === 'email') {
    const message = `Contact already exists. Existing ID: ${holder}`
    return { status: 409, category: 'CONFLICT', message }
  }
  const coordinates = `PropertyValueCoordinates{portalId=${portal.id}, objectTypeId=${table.schema.typeId}, propertyName=${property.name}, value=${value}}`
  const message = `Cannot set ${coordinates}${id === null ? '' : ` on ${id}`}. ${holder} already has that value.`
  const context = { propertyName: [property.name], existingObjectId: [holder] }
  return {
    status: 400,
    category: 'VALIDATION_ERROR',
    message,
    errors: [{ message, code: 'CONFLICTING_UNIQUE_VALUE', context }],
  }
}

function checkUnique(
  portal: Portal,
  table: Table,
  values: Properties,
  row: Row | null,
  context: SaveContext,
): RecordProblem | null {
  for (const [name, value] of Object.entries(values)) {
    const property = table.schema.properties.get(name)
    if (property?.hasUniqueValue !== true || value === '') continue
    const claim = `${name}=${value}`
    const holder = table.findUnique(property, value)?.id ?? context.claims?.get(claim)
    if (holder !== undefined && holder !== row?.id)
      return describeConflict(portal, table, property, value, holder, row?.id ?? null)
    context.claims?.set(claim, row?.id ?? 'another record of this batch')
  }
  return null
}

function merge(previous: Properties, values: Properties): Properties {
  const next: Record<string, string> = { ...previous }
  for (const [name, value] of Object.entries(values)) {
    if (value === '') delete next[name]
    else next[name] = value
  }
  return next
}

/** What the portal adds to a change is its own doing. */
export const platform: Actor = { by: 'system', source: 'CALCULATED', sourceId: null }

/** Writes accepted properties and what follows from them; nothing moves where nothing differs. */
export function writeRow(
  portal: Portal,
  table: Table,
  previous: Row,
  values: Properties,
  actor: Actor,
  at = portal.now(),
): Row {
  const isNew = !table.rows.has(previous.id)
  const draft = merge(previous.properties, values)
  const derived = derive(portal, table, draft, isNew ? null : previous, values)
  const wanted = merge(draft, derived)
  const changed = [...new Set([...Object.keys(values), ...Object.keys(derived)])].filter(
    (name) => wanted[name] !== previous.properties[name],
  )
  if (changed.length === 0 && !isNew) return previous
  const stamp = formatInstant(at)
  const user = actor.source === 'INTEGRATION' ? portal.integrationUserId : actor.by
  const properties = {
    ...wanted,
    [table.schema.modifiedProperty]: stamp,
    ...(user === 'system' ? {} : { hs_updated_by_user_id: user }),
  }
  const next: Row = { ...previous, properties, updatedAt: stamp }
  const fields = Object.fromEntries(changed.map((name) => [name, wanted[name] ?? '']))
  const change: Change = { at: stamp, ...actor, fields }
  table.put(next, change)
  if (isNew) emit(portal, { kind: 'creation', table, id: next.id }, actor, at)
  for (const property of changed) {
    const value = wanted[property] ?? ''
    const calculated = table.schema.properties.get(property)?.calculated === true
    const unasked = !isNew && values[property] === undefined
    emit(
      portal,
      { kind: 'propertyChange', table, id: next.id, property, value },
      calculated || unasked ? platform : actor,
      at,
    )
  }
  return next
}

function draftRow(portal: Portal, table: Table, actor: Actor): Row {
  const id = portal.nextId()
  const stamp = formatInstant(portal.now())
  const user = actor.source === 'INTEGRATION' ? portal.integrationUserId : actor.by
  return {
    id,
    properties: {
      hs_object_id: id,
      createdate: stamp,
      hs_createdate: stamp,
      [table.schema.modifiedProperty]: stamp,
      hs_created_by_user_id: user,
    },
    createdAt: stamp,
    updatedAt: stamp,
    archived: false,
    archivedAt: null,
    mergedInto: null,
  }
}

/** Checks a write of `given` to a record, or to a new one where `row` is null. */
export function prepareSave(
  portal: Portal,
  table: Table,
  row: Row | null,
  given: Properties,
  context: SaveContext,
): Prepared {
  const { values, problems } = checkEach(portal, table, given)
  if (problems.length > 0) return { ok: false, problem: describePropertyProblems(problems) }
  if (row === null && table.schema.hasPipelines)
    values['pipeline'] ||= portal.pipelines.get(table.schema.name)?.[0]?.id ?? ''
  const next = merge(row?.properties ?? {}, values)
  const { identifying } = table.schema
  if (row === null && identifying.length > 0 && identifying.every((name) => next[name] === undefined)) {
    const message = `Required properties: at least one of ${identifying.join(', ')} is needed to create a ${table.schema.singular}`
    return { ok: false, problem: { status: 400, category: 'VALIDATION_ERROR', message } }
  }
  const found = [
    ...checkStage(portal, table, next),
    ...(context.obeysRequired ? checkRequired(table, next, row) : []),
    ...checkRules(portal, table, next, row, context.obeysRequired),
  ]
  if (found.length > 0) return { ok: false, problem: describePropertyProblems(found) }
  const conflict = checkUnique(portal, table, values, row, context)
  if (conflict !== null) return { ok: false, problem: conflict }
  return {
    ok: true,
    apply: () =>
      writeRow(portal, table, row ?? draftRow(portal, table, context.actor), values, context.actor),
  }
}

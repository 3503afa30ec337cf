import type { RemoteField } from '../connector.ts'
import type { NeededField } from '../setup.ts'
import { columnDefinition, keyDefinition, lookupDefinition } from './definitions.ts'
import type { Finding } from './finding.ts'
import { checkName } from './odata.ts'
import type { Organisation } from './organisation.ts'
import type { Table } from './table.ts'

/** A column and, for one that holds our key, the alternate key on it. */
export function findColumn(
  organisation: Organisation,
  table: Table,
  field: NeededField,
  existing: RemoteField | undefined,
): readonly Finding[] {
  const column = judgeColumn(organisation, table, field, existing)
  return field.isKey ? [column, judgeKey(organisation, table, field)] : [column]
}

function judgeColumn(
  organisation: Organisation,
  table: Table,
  field: NeededField,
  existing: RemoteField | undefined,
): Finding {
  const step = {
    id: `column:${table.name}.${field.name}`,
    title: `Column ${field.name} of ${table.name} (${field.label})`,
  }
  if (existing) {
    const problem = problemOf(field, existing)
    return problem === null
      ? { ...step, state: 'done', detail: 'It is there.' }
      : {
          ...step,
          state: 'by_hand',
          detail: `${problem} Change the column in Power Apps, or map another one.`,
        }
  }
  if (!/^[a-z][a-z0-9]{1,7}_[a-z0-9_]+$/i.test(field.name)) {
    const detail = `${field.name} is no custom column; it belongs to an app that is not installed. Map another column.`
    return { ...step, state: 'by_hand', detail }
  }
  if (field.type === 'reference' && field.references === undefined) {
    return { ...step, state: 'by_hand', detail: 'The mapping does not say which table the lookup points to.' }
  }
  return {
    ...step,
    state: 'missing',
    detail: 'It is not there yet and can be created.',
    create: (signal) => createColumn(organisation, table, field, signal),
  }
}

/** What keeps an existing column from holding what we send; null where nothing does. */
function problemOf(field: NeededField, existing: RemoteField): string | null {
  if (existing.type !== field.type) return `It is of the type ${existing.type}, and ${field.type} is needed.`
  if (field.type === 'text' && (existing.maxLength ?? Number.POSITIVE_INFINITY) < (field.maxLength ?? 0)) {
    // A shorter text is a matter of the mapping, except for our key: cut, it would name another record.
    if (field.isKey) return `It holds ${existing.maxLength} characters, and our key needs ${field.maxLength}.`
  }
  if (field.type === 'reference' && field.references && !existing.references.includes(field.references)) {
    return `It points to ${existing.references.join(', ')}, and ${field.references} is needed.`
  }
  const values = existing.choices?.map(({ value }) => value) ?? []
  const lacking = (field.choices ?? []).filter((choice) => !values.includes(choice))
  return field.type === 'choice' && lacking.length > 0 ? `It lacks the choices ${lacking.join(', ')}.` : null
}

async function createColumn(
  { session, catalogue }: Organisation,
  table: Table,
  field: NeededField,
  signal: AbortSignal,
): Promise<void> {
  const call = {
    operation: 'setup',
    object: table.name,
    records: 1,
    method: 'POST',
    read: () => undefined,
  } as const
  const body =
    field.type === 'reference'
      ? lookupDefinition(table.name, field, checkName(field.references ?? ''))
      : columnDefinition(field)
  const path =
    field.type === 'reference'
      ? 'RelationshipDefinitions'
      : `EntityDefinitions(LogicalName='${checkName(table.name)}')/Attributes`
  await session.send({ ...call, path, body }, signal)
  catalogue.forget(table.name)
}

function judgeKey(organisation: Organisation, table: Table, field: NeededField): Finding {
  const step = {
    id: `key:${table.name}.${field.name}`,
    title: `Alternate key on ${table.name}.${field.name}`,
  }
  const key = table.keys.find(({ columns }) => columns.length === 1 && columns[0] === field.name)
  if (!key) {
    return {
      ...step,
      state: 'missing',
      detail: 'Without it, records cannot be created just once. It can be created; its index takes a while.',
      create: (signal) => createKey(organisation, table, field, signal),
    }
  }
  if (key.indexStatus === 'Active')
    return { ...step, state: 'done', detail: 'It is there and its index is active.' }
  if (key.indexStatus === 'Failed') {
    const detail =
      'Its index could not be built, mostly because two records hold the same value. Remove the double and reactivate the key in Power Apps.'
    return { ...step, state: 'by_hand', detail }
  }
  const detail = 'Its index is still being built. Look again in a few minutes; nothing else has to be done.'
  return { ...step, state: 'wrong', detail }
}

async function createKey(
  { session, catalogue }: Organisation,
  table: Table,
  field: NeededField,
  signal: AbortSignal,
): Promise<void> {
  const path = `EntityDefinitions(LogicalName='${checkName(table.name)}')/Keys`
  const call = { operation: 'setup', object: table.name, records: 1, method: 'POST', path } as const
  await session.send({ ...call, body: keyDefinition(field), read: () => undefined }, signal)
  catalogue.forget(table.name)
}

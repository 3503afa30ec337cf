import type { RemoteField } from '../connector.ts'
import {
  attributesPath,
  attributesReplySchema,
  type Choices,
  choicesPath,
  choicesReplySchema,
  choiceTypes,
  toRemoteFields,
} from './fields.ts'
import type { Organisation } from './organisation.ts'
import { readJson } from './session.ts'
import type { Table } from './table.ts'

/** A table and its columns as they are at this moment: a handful of calls. */
export async function describeTable(
  { session, catalogue, currencies }: Organisation,
  object: string,
  signal: AbortSignal,
): Promise<{ readonly table: Table; readonly fields: readonly RemoteField[] }> {
  const table = await catalogue.look(object, signal)
  const call = { operation: 'describe', object, records: 0, method: 'GET' } as const
  const attributes = await session.send(
    { ...call, path: attributesPath(object), read: readJson(attributesReplySchema) },
    signal,
  )
  const choices: Choices[] = []
  for (const type of choiceTypes) {
    const path = choicesPath(object, type)
    choices.push(await session.send({ ...call, path, read: readJson(choicesReplySchema) }, signal))
  }
  const all = await currencies.list(signal)
  return {
    table,
    fields: toRemoteFields(table, attributes.value, new Map(choices.flatMap((each) => [...each])), all),
  }
}

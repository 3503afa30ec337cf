import { z } from 'zod'
import type { Finding } from './finding.ts'
import { checkName } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { readJson } from './session.ts'
import type { Table } from './table.ts'

/** Change tracking: what was changed and deleted is told only where it is on. */
export function findTracking(organisation: Organisation, table: Table): Finding {
  const step = { id: `tracking:${table.name}`, title: `Change tracking of ${table.name}` }
  return table.changeTracking
    ? { ...step, state: 'done', detail: 'It is on.' }
    : {
        ...step,
        state: 'missing',
        detail:
          'Without it, changes and deletions over there are not told. It can be switched on; it stays on.',
        create: (signal) => switchOn(organisation, table, signal),
      }
}

const definitionSchema = z.looseObject({ MetadataId: z.string() })

/** Definitions are replaced, not patched: what is there is read whole and goes back with the one change. */
async function switchOn(
  { session, catalogue }: Organisation,
  table: Table,
  signal: AbortSignal,
): Promise<void> {
  const path = `EntityDefinitions(LogicalName='${checkName(table.name)}')`
  const call = { object: table.name, records: 1, path } as const
  const definition = await session.send(
    { ...call, operation: 'describe', method: 'GET', read: readJson(definitionSchema) },
    signal,
  )
  await session.send(
    {
      ...call,
      operation: 'setup',
      method: 'PUT',
      body: { ...definition, ChangeTrackingEnabled: true },
      // Labels in other languages stay.
      headers: { 'MSCRM.MergeLabels': 'true' },
      read: () => undefined,
    },
    signal,
  )
  catalogue.forget(table.name)
}

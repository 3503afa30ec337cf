import { ConnectorFault } from '../fault.ts'
import { checkName } from './odata.ts'
import { readJson, type Session } from './session.ts'
import { type Table, tablePath, tableReplySchema, toTable } from './table.ts'

/** After this time a table is looked at anew: administrators add columns while we run. */
const freshMs = 10 * 60_000
/** What a table is missing may have been added a moment ago, but it is not asked for in every call. */
const lookAgainMs = 30_000

/** The tables of one organisation, looked at when they are first needed. */
export interface Catalogue {
  /** Throws `configuration` where there is no such table. `names` are columns that it is expected to have. */
  table(name: string, signal: AbortSignal, names?: readonly string[]): Promise<Table>
  /** A fresh look, whatever is known. */
  look(name: string, signal: AbortSignal): Promise<Table>
  /** What was learned of a table turned out to be wrong. */
  forget(name: string): void
}

export function createCatalogue(session: Session, now: () => Date): Catalogue {
  const known = new Map<string, { readonly table: Table; readonly at: number }>()

  async function look(name: string, signal: AbortSignal): Promise<Table> {
    const table = await session.send(
      {
        operation: 'describe',
        object: name,
        records: 0,
        method: 'GET',
        path: tablePath(checkName(name)),
        read: readJson(tableReplySchema.transform(toTable)),
      },
      signal,
    )
    known.set(name, { table, at: now().getTime() })
    return table
  }

  return {
    look: (name, signal) => namingTable(name, look(name, signal)),
    async table(name, signal, names = []) {
      const entry = known.get(name)
      const age = entry ? now().getTime() - entry.at : Number.POSITIVE_INFINITY
      const lacks = names.some((column) => !entry?.table.columns.has(column))
      if (entry && age < freshMs && !(lacks && age >= lookAgainMs)) return entry.table
      return namingTable(name, look(name, signal))
    },
    forget(name) {
      known.delete(name)
    },
  }
}

/** "Does not exist" of a definition means that the organisation lacks the table. */
async function namingTable(name: string, work: Promise<Table>): Promise<Table> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof ConnectorFault) || error.details.httpStatus !== 404) throw error
    throw new ConnectorFault('configuration', `The organisation has no table ${name}`, {
      ...error.details,
      code: 'NO_SUCH_TABLE',
    })
  }
}

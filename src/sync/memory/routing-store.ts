import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { noRouting, type Routing, type RoutingInput } from './routing.ts'

const columns = sql`rules, default_connection_id, revision`

/** The connection that was set for deals that no rule names, as an expression; null while none was. */
export const defaultConnection = sql<ConnectionId | null>`(select default_connection_id from deal_routing)`

export async function readRouting(tx: Tx): Promise<Routing> {
  const { rows } = await sql<Routing>`select ${columns} from deal_routing`.execute(tx)
  return rows[0] ?? noRouting
}

/** @returns null when the stored one is of another revision by now */
export async function writeRouting(
  tx: Tx,
  { rules, defaultConnectionId }: RoutingInput,
  by: string,
  expectedRevision: number,
): Promise<Routing | null> {
  const { rows } = await sql<Routing>`
    insert into deal_routing as known (rules, default_connection_id, revision, updated_by)
    values (${JSON.stringify(rules)}::jsonb, ${defaultConnectionId}, 1, ${by})
    on conflict (only_row) do update
      set rules = excluded.rules, default_connection_id = excluded.default_connection_id,
          revision = known.revision + 1, updated_by = excluded.updated_by, updated_at = clock_timestamp()
      where known.revision = ${expectedRevision}
    returning ${columns}`.execute(tx)
  return rows[0] ?? null
}

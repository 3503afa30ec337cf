import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export interface Destination {
  readonly entity: string
  readonly id: string
  readonly connectionId: ConnectionId
  /** It is linked there; otherwise others wait there for it. */
  readonly linked: boolean
}

/** Where changes of these records go: to where each is linked; of those without a link to where others wait for them. */
export async function findDestinations(
  tx: Tx,
  records: readonly { readonly entity: string; readonly id: string }[],
): Promise<readonly Destination[]> {
  const { rows } = await sql<Destination>`
    with changed as (
      select * from unnest(${records.map(({ entity }) => entity)}::text[], ${records.map(({ id }) => id)}::uuid[])
        as changed (entity, record_id)
    ), linked as (
      select entity, record_id, link.connection_id
      from changed join link using (entity, record_id) where link.state not in ('moving', 'retired')
    )
    select entity, record_id as id, connection_id, true as linked from linked
    union all
    select distinct changed.entity, changed.record_id as id, waiting.connection_id, false
    from changed join dirty_mark as waiting on waiting.waiting_for = changed.entity || ':' || changed.record_id
    where not exists (
      select from linked where linked.entity = changed.entity and linked.record_id = changed.record_id)`.execute(
    tx,
  )
  return rows
}

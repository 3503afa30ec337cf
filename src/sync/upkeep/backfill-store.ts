import { sql } from 'kysely'
import type { RemoteValue } from '#connectors/connector.ts'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** Does the mirror hold all of these fields of every record of the object? A mapping may have grown since it was read. */
export async function mirrorHolds(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  fields: readonly string[],
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from mirror_record
    where connection_id = ${connectionId} and object = ${object} and deleted_at is null
      and not content ?& ${[...fields]}::text[] limit 1`.execute(tx)
  return rows.length === 0
}

/** Records over there that carry the keys of these records of ours. */
export async function keyCarriers(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  keyField: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ key: string; remoteIds: string[] }>`
    select content ->> ${keyField}::text as key, array_agg(remote_id order by remote_id) as remote_ids from mirror_record
    where connection_id = ${connectionId} and object = ${object} and deleted_at is null
      and content ->> ${keyField}::text = any(${[...recordIds]}::text[])
    group by 1`.execute(tx)
  return new Map(rows.map(({ key, remoteIds }) => [key, remoteIds]))
}

export interface OpportunityRow {
  readonly recordId: string
  readonly remoteId: string
  readonly content: Readonly<Record<string, RemoteValue>>
  readonly samePartner: boolean
}

const mostRows = 5_000

/** Opportunities of the same customer that no registration is linked to and whose partner is the same, or none. */
export async function similarOpportunities(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  fields: { readonly key: string; readonly customer: string; readonly partner: string },
  deals: readonly { readonly recordId: string; readonly customer: string; readonly partner: string }[],
): Promise<readonly OpportunityRow[]> {
  if (deals.length === 0) return []
  const { rows } = await sql<OpportunityRow>`
    with asked as (
      select * from jsonb_to_recordset(${JSON.stringify(deals)}::jsonb) as d ("recordId" uuid, customer text, partner text)
    )
    select asked."recordId" as record_id, mirror.remote_id, mirror.content,
           coalesce(mirror.content ->> ${fields.partner}::text, '') <> '' as same_partner
    from asked join mirror_record mirror on mirror.content ->> ${fields.customer}::text = asked.customer
    where mirror.connection_id = ${connectionId} and mirror.object = ${object} and mirror.deleted_at is null
      and coalesce(mirror.content ->> ${fields.partner}::text, '') in ('', asked.partner)
      and coalesce(mirror.content ->> ${fields.key}::text, '') = ''
      and not exists (
        select from link where link.connection_id = ${connectionId} and link.remote_id = mirror.remote_id
          and link.entity = 'deal' and link.state in ('active', 'proposed'))
    order by mirror.remote_id limit ${mostRows}`.execute(tx)
  return rows
}

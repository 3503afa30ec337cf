import { sql } from 'kysely'
import type { RemoteValue } from '#connectors/connector.ts'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export interface OpportunitySource {
  readonly connectionId: ConnectionId
  /** The object of opportunities, and that of the accounts that they name. */
  readonly object: string
  readonly accountObject: string
  /** Fields of the opportunity that name customer and partner. */
  readonly customerField: string
  readonly partnerField: string
}

export interface SeenOpportunity {
  readonly remoteId: string
  readonly content: Readonly<Record<string, RemoteValue>>
  readonly company: string | null
}

/** Opportunities without a registration that name a customer or partner of ours, in the order of their ids. */
export async function unregisteredOpportunities(
  tx: Tx,
  source: OpportunitySource,
  after: string | null,
  limit: number,
): Promise<readonly SeenOpportunity[]> {
  const { connectionId, object, accountObject, customerField, partnerField } = source
  const { rows } = await sql<SeenOpportunity>`
    select mirror.remote_id, mirror.content, account.company_name as company
    from mirror_record mirror
    left join mirror_record account
      on account.connection_id = ${connectionId} and account.object = ${accountObject}
      and account.remote_id = mirror.content ->> ${customerField}::text
    where mirror.connection_id = ${connectionId} and mirror.object = ${object} and mirror.deleted_at is null
      and (${after}::text is null or mirror.remote_id > ${after}::text)
      and not exists (
        select from link where link.connection_id = ${connectionId} and link.remote_id = mirror.remote_id
          and link.entity = 'deal' and link.state in ('active', 'proposed'))
      and exists (
        select from link where link.connection_id = ${connectionId} and link.state = 'active'
          and (link.entity = 'partner' and link.remote_id = mirror.content ->> ${partnerField}::text
            or link.entity = 'customer' and link.remote_id = mirror.content ->> ${customerField}::text))
    order by mirror.remote_id limit ${limit}`.execute(tx)
  return rows
}

export interface ChangedOpportunity extends SeenOpportunity {
  readonly recordId: string
  /** The partner that both sides agreed on last. */
  readonly agreed: string | null
}

/** Linked opportunities that do not name the partner agreed on last, in the order of their ids. */
export async function changedOpportunities(
  tx: Tx,
  source: OpportunitySource,
  partnerLine: string,
  after: string | null,
  limit: number,
): Promise<readonly ChangedOpportunity[]> {
  const { connectionId, object, accountObject, customerField, partnerField } = source
  const { rows } = await sql<ChangedOpportunity>`
    select mirror.remote_id, mirror.content, account.company_name as company, link.record_id,
           link.fields -> ${partnerLine}::text -> 'agreed' ->> 'ours' as agreed
    from link
    join mirror_record mirror
      on mirror.connection_id = ${connectionId} and mirror.object = ${object} and mirror.remote_id = link.remote_id
    left join mirror_record account
      on account.connection_id = ${connectionId} and account.object = ${accountObject}
      and account.remote_id = mirror.content ->> ${customerField}::text
    where link.connection_id = ${connectionId} and link.entity = 'deal' and link.state = 'active'
      and mirror.deleted_at is null and (${after}::text is null or mirror.remote_id > ${after}::text)
      and mirror.content ? ${partnerField}::text
      and not exists (
        select from link partner where partner.connection_id = ${connectionId} and partner.entity = 'partner'
          and partner.state = 'active' and partner.remote_id = mirror.content ->> ${partnerField}::text
          and partner.record_id::text = link.fields -> ${partnerLine}::text -> 'agreed' ->> 'ours')
    order by mirror.remote_id limit ${limit}`.execute(tx)
  return rows
}

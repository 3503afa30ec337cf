/** The mirror: records of CRMs that we do not own, as claims, and how far each mirrored object can be trusted. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import type { ClaimId, MirrorRow } from './claim.ts'
import { fileKeys } from './claim-store.ts'
import { filingKeys, keysVersion } from './search-keys.ts'
import type { MirrorState } from './verdict.ts'

const remoteKey = (row: { connectionId: string; source: string; remoteId: string }): string =>
  `${row.connectionId} ${row.source} ${row.remoteId}`

/**
 * States mirrored records. What did not change keeps its row and number; the rest is numbered anew.
 * @returns the rows that are new or changed, with their claim
 */
export async function fileMirrorRows(
  tx: Tx,
  rows: readonly MirrorRow[],
): Promise<readonly { readonly claimId: ClaimId; readonly row: MirrorRow }[]> {
  const given = rows.map(({ company, amountMinor, ...row }) => ({
    ...row,
    ...company,
    id: newId<'claim'>(),
    amountMinor: amountMinor?.toString() ?? null,
  }))
  const changed = await sql<{ claimId: ClaimId; connectionId: string; source: string; remoteId: string }>`
    insert into claim as filed (id, claim_seq, source, connection_id, remote_id, deal_id, partner_id, customer_id,
      canonical_id, name, name_key, domain, country, city, postal_code, phone, address, identifiers, keys_version,
      range, standing, amount_minor, currency, stage, opened_on)
    select (row->>'id')::uuid, nextval('claim_seq'), row->>'source', (row->>'connectionId')::uuid, row->>'remoteId',
      (row->>'dealId')::uuid, (row->>'partnerId')::uuid, (row->>'customerId')::uuid,
      coalesce(alias.canonical_id, (row->>'customerId')::uuid),
      row->>'name', row->>'nameKey', row->>'domain', row->>'country', row->>'city',
      row->>'postalCode', row->>'phone', row->>'address',
      array(select jsonb_array_elements_text(row->'identifiers')), ${keysVersion}::int,
      daterange(null, null), case when (row->>'open')::boolean then 'held' else 'closed' end,
      (row->>'amountMinor')::bigint, row->>'currency', row->>'stage', (row->>'openedOn')::date
    from jsonb_array_elements(${JSON.stringify(given)}::jsonb) as given (row)
    left join claim_customer_alias as alias on alias.customer_id = (row->>'customerId')::uuid
    on conflict (connection_id, source, remote_id) where source <> 'registration' do update set
      claim_seq = excluded.claim_seq, deal_id = excluded.deal_id, partner_id = excluded.partner_id,
      customer_id = excluded.customer_id, canonical_id = excluded.canonical_id, name = excluded.name,
      name_key = excluded.name_key, domain = excluded.domain, country = excluded.country, city = excluded.city,
      postal_code = excluded.postal_code, phone = excluded.phone, address = excluded.address,
      identifiers = excluded.identifiers, keys_version = excluded.keys_version, standing = excluded.standing, amount_minor = excluded.amount_minor, currency = excluded.currency,
      stage = excluded.stage, opened_on = excluded.opened_on
    where (filed.deal_id, filed.partner_id, filed.customer_id, filed.name, filed.name_key, filed.domain,
        filed.country, filed.city, filed.postal_code, filed.phone, filed.address, filed.identifiers,
        filed.keys_version, filed.standing, filed.amount_minor, filed.currency, filed.stage, filed.opened_on)
      is distinct from (excluded.deal_id, excluded.partner_id, excluded.customer_id, excluded.name,
        excluded.name_key, excluded.domain, excluded.country, excluded.city, excluded.postal_code,
        excluded.phone, excluded.address, excluded.identifiers, excluded.keys_version, excluded.standing,
        excluded.amount_minor, excluded.currency, excluded.stage, excluded.opened_on)
    returning id as claim_id, connection_id, source, remote_id`.execute(tx)
  const byRemote = new Map(rows.map((row) => [remoteKey(row), row]))
  const filed = changed.rows.flatMap(({ claimId, ...key }) => {
    const row = byRemote.get(remoteKey(key))
    return row ? [{ claimId, row }] : []
  })
  await fileKeys(
    tx,
    filed.map(({ claimId, row }) => ({ claimId, keys: row.open ? filingKeys(row.company) : [] })),
  )
  return filed
}

/** Forgets records that are gone over there; all of an object when `remoteIds` is null. @returns their claims */
export async function forgetMirrorRows(
  tx: Tx,
  connectionId: ConnectionId,
  source: MirrorRow['source'],
  remoteIds: readonly string[] | null,
): Promise<readonly ClaimId[]> {
  const { rows } = await sql<{ claimId: ClaimId }>`
    with gone as (
      delete from claim
      where connection_id = ${connectionId} and source = ${source}
        and (${remoteIds}::text[] is null or remote_id = any(${remoteIds}::text[]))
      returning id
    ), unfiled as (
      delete from claim_key using gone where claim_key.claim_id = gone.id
    )
    select id as claim_id from gone`.execute(tx)
  return rows.map(({ claimId }) => claimId)
}

/** What is known of one mirrored object of a connection; what is left out stays as it is. */
export interface MirrorSourceChange {
  /** Must this object be mirrored before a verdict may be clear? */
  readonly required?: boolean
  /** Was everything read at least once? */
  readonly complete?: boolean
  /** When the mirror last equalled the CRM. */
  readonly refreshedAt?: Date
  /** Older than this it is stale. */
  readonly maxAgeS?: number
}

const defaultMaxAgeS = 3_600

export async function setMirrorSource(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  change: MirrorSourceChange,
): Promise<void> {
  const { required = null, complete = null, refreshedAt = null, maxAgeS = null } = change
  await sql`
    insert into mirror_source as known (connection_id, object, required, complete, refreshed_at, max_age_s)
    values (${connectionId}, ${object}, coalesce(${required}::boolean, true), coalesce(${complete}::boolean, false),
      ${refreshedAt}::timestamptz, coalesce(${maxAgeS}::integer, ${defaultMaxAgeS}::integer))
    on conflict (connection_id, object) do update set
      required = coalesce(${required}::boolean, known.required),
      complete = coalesce(${complete}::boolean, known.complete),
      refreshed_at = coalesce(${refreshedAt}::timestamptz, known.refreshed_at),
      max_age_s = coalesce(${maxAgeS}::integer, known.max_age_s)`.execute(tx)
}

/** Stops expecting anything of this connection. */
export async function dropMirrorSources(tx: Tx, connectionId: ConnectionId): Promise<void> {
  await sql`delete from mirror_source where connection_id = ${connectionId}`.execute(tx)
}

/** `none`: nothing must be mirrored; `stale`: something that must be is unfinished or too old. A scalar subquery. */
export const mirrorStateAt = (now: Date) => sql<MirrorState>`(
  select case
    when count(*) = 0 then 'none'
    when bool_and(complete and refreshed_at is not null
      and refreshed_at >= ${now}::timestamptz - make_interval(secs => max_age_s)) then 'fresh'
    else 'stale' end
  from mirror_source where required)`

export async function readMirrorState(tx: Tx, now: Date): Promise<MirrorState> {
  const { rows } = await sql<{ state: MirrorState }>`select ${mirrorStateAt(now)} as state`.execute(tx)
  const [row] = rows
  if (!row) throw new Error('The state of the mirror could not be read')
  return row.state
}

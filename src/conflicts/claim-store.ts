/** Claims and the keys under which they are found. Adding or widening a claim happens under the claims lock. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { CustomerId, DealId } from '#src/kernel/ids.ts'
import { type CheckRecord, checkRows, insertChecks } from './check-store.ts'
import type { ClaimId, ClaimSubject, DayRange } from './claim.ts'
import { filingKeys, keysVersion } from './search-keys.ts'

const lockKey = 4_210_001

/**
 * The one short global lock: held until the transaction ends, so that numbers are handed out in the order of commits
 * and whoever checks last sees everybody before. Take it late, and after any lock on a deal.
 */
export async function lockClaims(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${lockKey})`.execute(tx)
}

export interface FiledClaim {
  readonly claimId: ClaimId
  readonly dealId: DealId
  /** The canonical customer, as known under the lock. */
  readonly canonicalId: CustomerId
}

/** A registration that was compared with every other claim, and the check that says so. */
export interface CheckedClaim {
  /** Of a new claim; one that stands already keeps its own. */
  readonly claimId: ClaimId
  readonly claim: ClaimSubject
  /** What it keeps from others once it is held; none means all products. */
  readonly scopeIds: readonly string[]
  readonly check: Omit<CheckRecord, 'horizon' | 'claimSeq'>
}

/**
 * Files registrations as pending, with their keys and their checks; one that stands already keeps its row (and its hold)
 * with the new facts and a new number. Result in the order of `checked`.
 */
export async function fileRegistrations(
  tx: Tx,
  checked: readonly CheckedClaim[],
): Promise<readonly FiledClaim[]> {
  const given = checked.map(({ claimId, scopeIds, claim: { sourceId, source: _, ...subject } }) => ({
    ...subject,
    scopeIds,
    id: claimId,
    dealId: sourceId,
    keys: filingKeys(subject.company),
  }))
  const { rows } = await sql<FiledClaim>`
    with given as (
      select row, position, (row->>'dealId')::uuid as deal_id, (row->>'customerId')::uuid as customer_id,
        row->'company' as company
      from jsonb_array_elements(${JSON.stringify(given)}::jsonb) with ordinality as given (row, position)
    ), filed as (
      insert into claim (id, claim_seq, source, deal_id, partner_id, customer_id, canonical_id,
        name, name_key, domain, country, city, postal_code, phone, address, identifiers, keys_version,
        family_ids, range, standing, product_ids, registration_type, registered_at, scope_ids)
      select (row->>'id')::uuid, nextval('claim_seq'), 'registration', deal_id, (row->>'partnerId')::uuid,
        customer_id, coalesce(alias.canonical_id, customer_id), company->>'name', company->>'nameKey',
        company->>'domain', company->>'country', company->>'city',
        company->>'postalCode', company->>'phone', company->>'address',
        array(select jsonb_array_elements_text(company->'identifiers')), ${keysVersion}::int,
        array(select jsonb_array_elements_text(row->'familyIds')::uuid),
        daterange((row->>'from')::date, (row->>'to')::date, '[]'), 'pending',
        array(select jsonb_array_elements_text(coalesce(row->'productIds', '[]'))::uuid), row->>'registrationType',
        coalesce((row->>'registeredAt')::timestamptz, clock_timestamp()),
        array(select jsonb_array_elements_text(row->'scopeIds')::uuid)
      from given left join claim_customer_alias as alias using (customer_id)
      order by position
      on conflict (deal_id) where source = 'registration' do update set
        claim_seq = excluded.claim_seq, partner_id = excluded.partner_id, customer_id = excluded.customer_id,
        canonical_id = excluded.canonical_id, name = excluded.name, name_key = excluded.name_key,
        domain = excluded.domain, country = excluded.country, city = excluded.city,
        postal_code = excluded.postal_code, phone = excluded.phone, address = excluded.address,
        identifiers = excluded.identifiers, keys_version = excluded.keys_version,
        family_ids = excluded.family_ids, range = excluded.range, product_ids = excluded.product_ids,
        registration_type = excluded.registration_type, scope_ids = excluded.scope_ids,
        standing = case when claim.standing = 'closed' then 'pending' else claim.standing end
      returning id, deal_id, claim_seq, canonical_id
    ), given_key as (
      select filed.id as claim_id, keys.key
      from filed join given using (deal_id) cross join lateral jsonb_array_elements_text(row->'keys') as keys (key)
    ), outdated as (
      delete from claim_key using filed
      where claim_key.claim_id = filed.id and not exists (
        select from given_key where given_key.claim_id = claim_key.claim_id and given_key.key = claim_key.key)
    ), added as (
      insert into claim_key (key, claim_id) select key, claim_id from given_key on conflict do nothing
    ), kept as (
      ${insertChecks(
        sql`jsonb_array_elements(${checkRows(checked.map(({ check }) => check))}::jsonb) as given_check (row)
          join filed on filed.deal_id = (row->>'dealId')::uuid`,
        { horizon: sql`filed.claim_seq - 1`, claimSeq: sql`filed.claim_seq` },
      )}
    )
    select id as claim_id, deal_id, canonical_id from filed join given using (deal_id) order by position`.execute(
    tx,
  )
  if (rows.length !== checked.length) throw new Error('Not every registration was filed as a claim')
  return rows
}

/** Replaces the keys of these claims. */
export async function fileKeys(
  tx: Tx,
  claims: readonly { readonly claimId: ClaimId; readonly keys: readonly string[] }[],
): Promise<void> {
  const pairs = claims.flatMap(({ claimId, keys }) => keys.map((key) => ({ claimId, key })))
  await sql`
    with given as (
      select * from unnest(${pairs.map(({ key }) => key)}::text[], ${pairs.map(({ claimId }) => claimId)}::uuid[])
        as given (key, claim_id)
    ), outdated as (
      delete from claim_key
      where claim_id = any(${claims.map(({ claimId }) => claimId)}::uuid[])
        and not exists (select from given where given.key = claim_key.key and given.claim_id = claim_key.claim_id)
    )
    insert into claim_key (key, claim_id) select key, claim_id from given
    on conflict do nothing`.execute(tx)
}

/** These claims stand under the keys of today's rules. */
export async function markKeys(tx: Tx, claimIds: readonly ClaimId[]): Promise<void> {
  await sql`
    update claim set keys_version = ${keysVersion} where id = any(${claimIds}::uuid[])`.execute(tx)
}

export interface Hold {
  readonly dealId: DealId
  readonly range: DayRange
}

/**
 * The claims of these deals are held for their days. Numbered anew: whoever searched before this compares again.
 * @returns the deals whose claim is held now; the others have no live one
 * @throws a violation of `claim_one_holder` when another registration holds one of them, or two of them collide
 */
export async function holdClaimsOf(tx: Tx, holds: readonly Hold[]): Promise<ReadonlySet<DealId>> {
  const { rows } = await sql<{ dealId: DealId }>`
    update claim set standing = 'held', held_at = coalesce(held_at, clock_timestamp()),
      range = daterange(hold.first_day, hold.last_day, '[]'), claim_seq = nextval('claim_seq')
    from unnest(${holds.map(({ dealId }) => dealId)}::uuid[], ${holds.map(({ range }) => range.from)}::date[],
                ${holds.map(({ range }) => range.to)}::date[]) as hold (deal_id, first_day, last_day)
    where source = 'registration' and claim.deal_id = hold.deal_id and standing <> 'closed'
    returning claim.deal_id`.execute(tx)
  return new Set(rows.map(({ dealId }) => dealId))
}

/** New days for a live claim, whatever its standing. */
export async function setClaimRange(tx: Tx, dealId: DealId, range: DayRange): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update claim set range = daterange(${range.from}::date, ${range.to}::date, '[]'),
      claim_seq = nextval('claim_seq')
    where source = 'registration' and deal_id = ${dealId} and standing <> 'closed'`.execute(tx)
  return (numAffectedRows ?? 0n) > 0n
}

/** @returns the claims that were live */
export async function closeClaimsOf(tx: Tx, dealIds: readonly DealId[]): Promise<readonly ClaimId[]> {
  const { rows } = await sql<{ claimId: ClaimId }>`
    with closed as (
      update claim set standing = 'closed'
      where source = 'registration' and deal_id = any(${dealIds}::uuid[]) and standing <> 'closed'
      returning id
    ), unfiled as (
      delete from claim_key using closed where claim_key.claim_id = closed.id
    )
    select id as claim_id from closed`.execute(tx)
  return rows.map(({ claimId }) => claimId)
}

/** Takes closed claims up again as pending, with their keys. @returns those that were closed */
export async function reviveClaimsOf(tx: Tx, dealIds: readonly DealId[]): Promise<readonly ClaimId[]> {
  const { rows } = await sql<{
    claimId: ClaimId
    name: string
    nameKey: string
    domain: string | null
    country: string | null
    city: string | null
  }>`
    update claim set standing = 'pending', claim_seq = nextval('claim_seq'), held_at = null
    where source = 'registration' and deal_id = any(${dealIds}::uuid[]) and standing = 'closed'
    returning id as claim_id, name, name_key, domain, country, city`.execute(tx)
  await fileKeys(
    tx,
    rows.map(({ claimId, ...company }) => ({ claimId, keys: filingKeys(company) })),
  )
  return rows.map(({ claimId }) => claimId)
}

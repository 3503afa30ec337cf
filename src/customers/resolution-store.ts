import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import type { CompanyIdentity } from './company-identity.ts'
import type { CustomerWrite } from './customer.ts'

export interface Match {
  readonly id: CustomerId
  /** Found by domain; otherwise by name. */
  readonly byDomain: boolean
  /** It was merged into another since. */
  readonly merged: boolean
}

/**
 * The customer of each company, null where there is none yet: whoever answers for its domain; else one of the same name
 * key whose country and domains do not contradict, the same country first, then those without a domain, then the older.
 * Each company is looked up by index (that is what the limits are for), so one costs the same among any number.
 */
export async function findMatches(
  tx: Tx,
  companies: readonly CompanyIdentity[],
): Promise<readonly (Match | null)[]> {
  const { rows } = await sql<{ id: CustomerId | null; byDomain: boolean; merged: boolean }>`
    select found.id, owner.customer_id is not null as by_domain, found.merged_into is not null as merged
    from jsonb_array_elements(${JSON.stringify(companies)}::jsonb) with ordinality as given (company, index)
    left join lateral (
      select d.domain, d.customer_id from customer_domain d where d.domain = given.company->>'domain' limit 1
    ) owner on true
    left join lateral (
      select c.id from customer c
      where owner.domain is null and c.name_key = given.company->>'nameKey'
        and (c.country is null or given.company->>'country' is null or c.country = given.company->>'country')
        and (given.company->>'domain' is null or coalesce(c.domain, given.company->>'domain') = given.company->>'domain'
             and not exists (select from customer_domain d where d.customer_id = c.id))
      order by c.country is not distinct from given.company->>'country' desc, c.domain is null desc, c.id
      limit 1
    ) namesake on true
    left join lateral (
      select c.id, c.merged_into from customer c where c.id = coalesce(owner.customer_id, namesake.id) limit 1
    ) found on true
    order by given.index`.execute(tx)
  return rows.map(({ id, ...how }) => (id === null ? null : { id, ...how }))
}

const lockBuckets = 256

/**
 * Nobody else may create customers of these names or domains until the end of the transaction. They share a bounded
 * number of locks, taken in order, so that a large import does not exhaust the server's lock table.
 */
export async function lockCompanies(tx: Tx, companies: readonly CompanyIdentity[]): Promise<void> {
  const keys = companies.flatMap(({ nameKey, domain }) => [nameKey, ...(domain === null ? [] : [domain])])
  await sql`
    select pg_advisory_xact_lock(hashtextextended('customers.company', bucket)) from (
      select distinct abs(hashtext(key) % ${lockBuckets}) as bucket
      from unnest(${keys}::text[]) as key order by 1
    ) buckets`.execute(tx)
}

/**
 * Creates customers that answer for their domains. A row whose domain was taken meanwhile is left out: its company has a
 * customer now.
 */
export async function insertResolved(tx: Tx, rows: readonly CustomerWrite[]): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set()
  const inserted = await sql<{ id: string }>`
    with given as (
      select (row->>'id')::uuid as id, row->>'name' as name, row->>'nameKey' as name_key, row->>'domain' as domain,
             row->>'country' as country, row->>'city' as city
      from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as row
    ), claimed as (
      insert into customer_domain (domain, customer_id)
      select domain, id from given where domain is not null order by domain
      on conflict do nothing returning customer_id
    )
    insert into customer (id, name, name_key, domain, country, city)
    select id, name, name_key, domain, country, city from given
    where domain is null or id in (select customer_id from claimed)
    returning id`.execute(tx)
  return new Set(inserted.rows.map(({ id }) => id))
}

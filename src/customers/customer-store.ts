import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import type { Customer, CustomerSort, CustomerWrite } from './customer.ts'

const columns = sql`
  id, external_ref, name, name_key, domain, country, city, postal_code, phone, merged_into, revision, created_at,
  updated_at`

export async function readCustomers(tx: Tx, ids: readonly string[]): Promise<readonly Customer[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Customer>`
    select ${columns} from customer where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

/** Ids behind `after`, in their order; customers that were merged into others left out. */
export async function listCustomerIds(
  tx: Tx,
  after: string | null,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from customer
    where merged_into is null and (${after}::uuid is null or id > ${after}::uuid) order by id limit ${limit}`.execute(
    tx,
  )
  return rows.map(({ id }) => id)
}

/** Locked until the end of the transaction, in the order of their ids. */
export async function lockCustomers(tx: Tx, ids: readonly string[]): Promise<readonly Customer[]> {
  const { rows } = await sql<Customer>`
    select ${columns} from customer where id = any(${ids}::uuid[]) order by id for update`.execute(tx)
  return rows
}

export async function lockCustomersByRef(tx: Tx, refs: readonly string[]): Promise<readonly Customer[]> {
  const { rows } = await sql<Customer>`
    select ${columns} from customer where external_ref = any(${refs}::text[]) order by id for update`.execute(
    tx,
  )
  return rows
}

export interface CustomerFilter {
  readonly search?: string | undefined
  readonly domain?: string | undefined
  readonly country?: string | undefined
  readonly externalRef?: string | undefined
  readonly merged?: boolean | undefined
}

export async function listCustomers(
  tx: Tx,
  filter: CustomerFilter,
  position: Position<CustomerSort>,
): Promise<readonly (Customer & Keyed)[]> {
  const sorts = { name: sql<string>`lower(name)`, createdAt: 'creation' } as const
  const { key, follows, tail } = keyset(sorts, position)
  const matching = allOf(
    follows,
    asked(
      filter.search,
      (text) => sql`lower(name) like lower(${`%${text.replace(/[\\%_]/g, '\\$&')}%`}::text)`,
    ),
    asked(filter.domain, (domain) => sql`domain = ${domain}`),
    asked(filter.country, (country) => sql`country = ${country}`),
    asked(filter.externalRef, (ref) => sql`external_ref = ${ref}`),
    asked(filter.merged, (merged) => (merged ? sql`merged_into is not null` : sql`merged_into is null`)),
  )
  const { rows } = await sql<Customer & Keyed>`
    select ${columns}, ${key} as sort_key from customer where ${matching}
    ${tail}`.execute(tx)
  return rows
}

const fromRows = (rows: readonly CustomerWrite[]) => sql`
  jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given (
    "id" uuid, "externalRef" text, "name" text, "nameKey" text, "domain" text, "country" text, "city" text,
    "postalCode" text, "phone" text)`

/** @returns ids of the rows that went in; a row whose external reference is taken is left out */
export async function insertCustomers(tx: Tx, rows: readonly CustomerWrite[]): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set()
  const inserted = await sql<{ id: string }>`
    insert into customer (id, external_ref, name, name_key, domain, country, city, postal_code, phone)
    select id, "externalRef", name, "nameKey", domain, country, city, "postalCode", phone
    from ${fromRows(rows)} order by "externalRef"
    on conflict (external_ref) do nothing returning id`.execute(tx)
  return new Set(inserted.rows.map(({ id }) => id))
}

/** Writes rows that the caller holds locked. */
export async function updateCustomers(tx: Tx, rows: readonly CustomerWrite[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    update customer set external_ref = "externalRef", name = given.name, name_key = "nameKey", domain = given.domain,
      country = given.country, city = given.city, postal_code = "postalCode", phone = given.phone,
      revision = revision + 1, updated_at = clock_timestamp()
    from ${fromRows(rows)} where customer.id = given.id`.execute(tx)
}

/** Lets these customers answer for their domains, where nobody does yet. @returns those that do from now on */
export async function claimDomains(
  tx: Tx,
  rows: readonly { readonly id: string; readonly domain: string | null }[],
): Promise<readonly { readonly id: string; readonly domain: string }[]> {
  const claims = rows.flatMap(({ id, domain }) => (domain === null ? [] : [{ id, domain }]))
  if (claims.length === 0) return []
  const claimed = await sql<{ id: string; domain: string }>`
    insert into customer_domain (domain, customer_id)
    select row->>'domain', (row->>'id')::uuid from jsonb_array_elements(${JSON.stringify(claims)}::jsonb) as row
    order by 1
    on conflict do nothing returning customer_id as id, domain`.execute(tx)
  return claimed.rows
}

export async function setMergedInto(tx: Tx, id: CustomerId, into: CustomerId | null): Promise<void> {
  await sql`
    update customer set merged_into = ${into}, revision = revision + 1, updated_at = clock_timestamp()
    where id = ${id}`.execute(tx)
}

/** One merge or unmerge at a time, so that no circle of pointers can come about. */
export async function lockMerges(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('customers.merge', 0))`.execute(tx)
}

/** The customer at the end of each one's chain of merges. */
export async function readCanonical(
  tx: Tx,
  ids: readonly CustomerId[],
): Promise<ReadonlyMap<CustomerId, CustomerId>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ start: CustomerId; id: CustomerId }>`
    with recursive chain as (
      select id as start, id, merged_into from customer where id = any(${ids}::uuid[])
      union all
      select chain.start, customer.id, customer.merged_into from chain join customer on customer.id = chain.merged_into
    )
    select start, id from chain where merged_into is null`.execute(tx)
  return new Map(rows.map(({ start, id }) => [start, id]))
}

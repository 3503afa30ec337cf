import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { PartnerId, ProgrammeId } from '#src/kernel/ids.ts'
import type { Membership, Partner, PartnerDetails, PartnerSort, PartnerStatus } from './partner.ts'

/** Columns of a partner with its memberships; `partner` must be the name of the row's table. */
const columns = sql`
  partner.id, partner.external_ref, partner.name, partner.domain, partner.country, partner.city, partner.status,
  partner.currency, partner.revision, partner.created_at, partner.updated_at,
  coalesce((
    select jsonb_agg(jsonb_build_object('programmeId', m.programme_id, 'tierId', m.tier_id, 'tierName', t.name,
                                        'territories', m.territories) order by lower(p.name))
    from membership m join programme p on p.id = m.programme_id join tier t on t.id = m.tier_id
    where m.partner_id = partner.id), '[]') as memberships`

export async function readPartners(tx: Tx, ids: readonly string[]): Promise<readonly Partner[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Partner>`select ${columns} from partner where id = any(${ids}::uuid[])`.execute(
    tx,
  )
  return rows
}

/** Ids behind `after`, in their order. */
export async function listPartnerIds(
  tx: Tx,
  after: string | null,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from partner where ${after}::uuid is null or id > ${after}::uuid order by id limit ${limit}`.execute(
    tx,
  )
  return rows.map(({ id }) => id)
}

/** Like readPartners, locked until the end of the transaction, in the order of their ids. */
export async function lockPartners(tx: Tx, ids: readonly string[]): Promise<readonly Partner[]> {
  if (ids.length === 0) return []
  await sql`select 1 from partner where id = any(${ids}::uuid[]) order by id for update`.execute(tx)
  return readPartners(tx, ids)
}

/** By the reference of the vendor's other systems. */
export async function lockPartnersByRef(tx: Tx, refs: readonly string[]): Promise<readonly Partner[]> {
  const { rows } = await sql<{ id: string }>`
    select id from partner where external_ref = any(${refs}::text[]) order by id for update`.execute(tx)
  return readPartners(
    tx,
    rows.map(({ id }) => id),
  )
}

const membershipOf = sql`select from membership m where m.partner_id = partner.id`

export interface PartnerFilter {
  readonly search?: string | undefined
  readonly status?: PartnerStatus | undefined
  readonly country?: string | undefined
  readonly programmeId?: ProgrammeId | undefined
  readonly tierId?: string | undefined
  readonly externalRef?: string | undefined
}

export async function listPartners(
  tx: Tx,
  filter: PartnerFilter,
  position: Position<PartnerSort>,
): Promise<readonly (Partner & Keyed)[]> {
  const { key, follows, tail } = keyset({ name: sql<string>`lower(name)`, createdAt: 'creation' }, position)
  const matching = allOf(
    follows,
    asked(filter.search, (text) => sql`(strpos(lower(name), lower(${text}::text)) > 0 or domain = ${text})`),
    asked(filter.status, (status) => sql`status = ${status}`),
    asked(filter.country, (country) => sql`country = ${country}`),
    asked(filter.externalRef, (ref) => sql`external_ref = ${ref}`),
    asked(filter.programmeId, (id) => sql`exists (${membershipOf} and m.programme_id = ${id})`),
    asked(filter.tierId, (id) => sql`exists (${membershipOf} and m.tier_id = ${id})`),
  )
  const { rows } = await sql<Partner & Keyed>`
    select ${columns}, ${key} as sort_key from partner where ${matching}
    ${tail}`.execute(tx)
  return rows
}

export interface PartnerWrite extends PartnerDetails {
  readonly id: PartnerId
}

const fromRows = (rows: readonly PartnerWrite[]) => sql`
  jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given (
    "id" uuid, "externalRef" text, "name" text, "domain" text, "country" text, "city" text, "status" text,
    "currency" text)`

/** @returns ids of the rows that went in; a row whose external reference is taken is left out */
export async function insertPartners(tx: Tx, rows: readonly PartnerWrite[]): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set()
  const inserted = await sql<{ id: string }>`
    insert into partner (id, external_ref, name, domain, country, city, status, currency)
    select given.id, "externalRef", given.name, given.domain, given.country, given.city, given.status, given.currency
    from ${fromRows(rows)} order by "externalRef"
    on conflict (external_ref) do nothing returning id`.execute(tx)
  return new Set(inserted.rows.map(({ id }) => id))
}

/** Writes rows that the caller holds locked. */
export async function updatePartners(tx: Tx, rows: readonly PartnerWrite[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    update partner set external_ref = "externalRef", name = given.name, domain = given.domain, country = given.country,
      city = given.city, status = given.status, currency = given.currency, revision = revision + 1,
      updated_at = clock_timestamp()
    from ${fromRows(rows)} where partner.id = given.id`.execute(tx)
}

/** Raises the revision of partners whose memberships changed. */
export async function touchPartners(tx: Tx, ids: readonly string[]): Promise<void> {
  await sql`
    update partner set revision = revision + 1, updated_at = clock_timestamp()
    where id = any(${ids}::uuid[])`.execute(tx)
}

export interface MembershipWrite extends Omit<Membership, 'tierName'> {
  readonly partnerId: PartnerId
}

export async function writeMemberships(tx: Tx, rows: readonly MembershipWrite[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into membership (partner_id, programme_id, tier_id, territories)
    select (row->>'partnerId')::uuid, (row->>'programmeId')::uuid, (row->>'tierId')::uuid,
           array(select jsonb_array_elements_text(row->'territories'))
    from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as row
    on conflict (partner_id, programme_id) do update
      set tier_id = excluded.tier_id, territories = excluded.territories`.execute(tx)
}

export async function deleteMembership(
  tx: Tx,
  partnerId: PartnerId,
  programmeId: ProgrammeId,
): Promise<void> {
  await sql`delete from membership where partner_id = ${partnerId} and programme_id = ${programmeId}`.execute(
    tx,
  )
}

export async function partnersInTier(tx: Tx, tierId: string): Promise<readonly PartnerId[]> {
  const { rows } = await sql<{ partnerId: PartnerId }>`
    select partner_id from membership where tier_id = ${tierId}`.execute(tx)
  return rows.map(({ partnerId }) => partnerId)
}

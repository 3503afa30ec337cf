import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { PartnerId, ProgrammeId } from '#src/kernel/ids.ts'
import type { Programme, ProgrammeRules, ProgrammeSort, Tier } from './programme.ts'

const columns = sql`
  id, name, time_zone, calendar, currency, protection_days, extension_days, lapse_rule, review_target_business_days,
  review_overdue_business_days, appeal_business_days, auto_approval,
  jsonb_build_object('tierIds', eligible_tier_ids, 'countries', eligible_countries) as eligibility,
  decider_id, registration_types, revision, created_at, updated_at`

export async function readProgrammes(tx: Tx, ids: readonly string[]): Promise<readonly Programme[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Programme>`
    select ${columns} from programme where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

export async function lockProgramme(tx: Tx, id: ProgrammeId): Promise<Programme | undefined> {
  const { rows } = await sql<Programme>`select ${columns} from programme where id = ${id} for update`.execute(
    tx,
  )
  return rows[0]
}

const membersOf = (partnerId: PartnerId) => sql`
  exists (select from membership m where m.programme_id = programme.id and m.partner_id = ${partnerId})`

/** @param memberId only programmes that this partner belongs to */
export async function listProgrammes(
  tx: Tx,
  memberId: PartnerId | null,
  position: Position<ProgrammeSort>,
): Promise<readonly (Programme & Keyed)[]> {
  const { key, follows, tail } = keyset({ name: sql<string>`lower(name)`, createdAt: 'creation' }, position)
  const { rows } = await sql<Programme & Keyed>`
    select ${columns}, ${key} as sort_key from programme
    where ${allOf(follows, asked(memberId ?? undefined, membersOf))}
    ${tail}`.execute(tx)
  return rows
}

const json = (value: unknown) => (value === null ? null : JSON.stringify(value))

export async function insertProgramme(tx: Tx, id: ProgrammeId, rules: ProgrammeRules): Promise<void> {
  await sql`
    insert into programme (id, name, time_zone, calendar, currency, protection_days, extension_days, lapse_rule,
      review_target_business_days, review_overdue_business_days, appeal_business_days, auto_approval,
      eligible_tier_ids, eligible_countries, decider_id, registration_types)
    values (${id}, ${rules.name}, ${rules.timeZone}, ${json(rules.calendar)}, ${rules.currency},
      ${rules.protectionDays}, ${rules.extensionDays}, ${rules.lapseRule}, ${rules.reviewTargetBusinessDays},
      ${rules.reviewOverdueBusinessDays}, ${rules.appealBusinessDays}, ${json(rules.autoApproval)},
      ${rules.eligibility.tierIds}, ${rules.eligibility.countries}, ${rules.deciderId}, ${rules.registrationTypes})`.execute(
    tx,
  )
}

export async function updateProgramme(tx: Tx, id: ProgrammeId, rules: ProgrammeRules): Promise<void> {
  await sql`
    update programme set name = ${rules.name}, time_zone = ${rules.timeZone}, calendar = ${json(rules.calendar)},
      currency = ${rules.currency}, protection_days = ${rules.protectionDays},
      extension_days = ${rules.extensionDays}, lapse_rule = ${rules.lapseRule},
      review_target_business_days = ${rules.reviewTargetBusinessDays},
      review_overdue_business_days = ${rules.reviewOverdueBusinessDays},
      appeal_business_days = ${rules.appealBusinessDays}, auto_approval = ${json(rules.autoApproval)},
      eligible_tier_ids = ${rules.eligibility.tierIds}, eligible_countries = ${rules.eligibility.countries},
      decider_id = ${rules.deciderId}, registration_types = ${rules.registrationTypes}, revision = revision + 1,
      updated_at = clock_timestamp()
    where id = ${id}`.execute(tx)
}

/** Tiers of these programmes, the highest first. */
export async function tiersOf(tx: Tx, programmeIds: readonly string[]): Promise<readonly Tier[]> {
  const { rows } = await sql<Tier>`
    select id, programme_id, name, rank, revision from tier
    where programme_id = any(${programmeIds}::uuid[]) order by programme_id, rank desc, lower(name)`.execute(
    tx,
  )
  return rows
}

export async function lockTier(tx: Tx, id: string): Promise<Tier | undefined> {
  const { rows } = await sql<Tier>`
    select id, programme_id, name, rank, revision from tier where id = ${id} for update`.execute(tx)
  return rows[0]
}

export async function insertTier(tx: Tx, tier: Tier): Promise<void> {
  await sql`
    insert into tier (id, programme_id, name, rank)
    values (${tier.id}, ${tier.programmeId}, ${tier.name}, ${tier.rank})`.execute(tx)
}

export async function updateTier(tx: Tx, tier: Tier): Promise<void> {
  await sql`
    update tier set name = ${tier.name}, rank = ${tier.rank}, revision = revision + 1 where id = ${tier.id}`.execute(
    tx,
  )
}

export async function deleteTier(tx: Tx, id: string): Promise<void> {
  await sql`delete from tier where id = ${id}`.execute(tx)
}

/** Programmes that name this tier as eligible. */
export async function programmesNamingTier(tx: Tx, tierId: string): Promise<number> {
  const { rows } = await sql`select 1 from programme where ${tierId}::uuid = any(eligible_tier_ids)`.execute(
    tx,
  )
  return rows.length
}

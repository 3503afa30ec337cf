/** Finds claims that may concern the same company, across all partners: runs in system steps only. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId, CustomerId, DealId, PartnerId } from '#src/kernel/ids.ts'
import type { CheckSubject, ClaimId, ClaimSource, ClaimStanding, FoundClaim } from './claim.ts'
import { mirrorStateAt } from './mirror-store.ts'
import { type KeyStrength, lookupKeys } from './search-keys.ts'
import type { MirrorState } from './verdict.ts'

/** How many of the newest claims are read under one key; reaching it under an exact key makes a search incomplete. */
const readUnderKey: Readonly<Record<KeyStrength, number>> = { exact: 100, near: 30, word: 15 }
const weightOfKey: Readonly<Record<KeyStrength, number>> = { exact: 100, near: 4, word: 1 }
const readOfCustomer = readUnderKey.exact
/** Claims compared per subject beyond those that an exact key names. */
const comparedPerSubject = 40
const exactWeight = weightOfKey.exact

/** What is known of one subject: its customer as merged by now, and claims that may concern the same company. */
export interface Findings {
  readonly canonicalId: CustomerId | null
  readonly claims: readonly FoundClaim[]
  /** False when more claims exist than were read. */
  readonly complete: boolean
  /** True when a key names a claim that is not there: what it stood for cannot be told. */
  readonly damaged: boolean
}

export interface SearchResult {
  /** The highest number handed out: every claim up to it is committed, since numbers are taken under the lock. */
  readonly horizon: bigint
  readonly mirror: MirrorState
  /** In the order of the subjects. */
  readonly findings: readonly Findings[]
}

interface ClaimRow {
  readonly id: ClaimId
  readonly source: ClaimSource
  readonly standing: ClaimStanding
  readonly dealId: DealId | null
  readonly connectionId: ConnectionId | null
  readonly remoteId: string | null
  readonly partnerId: PartnerId | null
  readonly canonicalId: CustomerId | null
  readonly name: string
  readonly nameKey: string
  readonly domain: string | null
  readonly country: string | null
  readonly city: string | null
  readonly postalCode: string | null
  readonly phone: string | null
  readonly address: string | null
  readonly identifiers: string[]
  readonly familyIds: string[]
  readonly rangeFrom: string | null
  readonly rangeTo: string | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
  readonly stage: string | null
  readonly openedOn: string | null
  readonly productIds: string[]
  readonly registrationType: string | null
  readonly registeredAt: Date | null
}

interface SubjectRow {
  readonly subject: number
  readonly subjectCanonicalId: CustomerId | null
  readonly horizon: bigint
  readonly mirror: MirrorState
  /** Null where nothing was found. */
  readonly weight: bigint | null
}

const claimColumns = sql`
  claim.id, claim.source, claim.standing, claim.deal_id, claim.connection_id, claim.remote_id, claim.partner_id,
  claim.canonical_id, claim.name, claim.name_key, claim.domain, claim.country, claim.city,
  claim.postal_code, claim.phone, claim.address, claim.identifiers, claim.family_ids,
  lower(claim.range) as range_from, upper(claim.range) - 1 as range_to,
  claim.amount_minor, claim.currency, claim.stage, claim.opened_on,
  claim.product_ids, claim.registration_type, claim.registered_at`

const toClaim = (row: ClaimRow): FoundClaim => ({
  claimId: row.id,
  source: row.source,
  standing: row.standing,
  dealId: row.dealId,
  connectionId: row.connectionId,
  remoteId: row.remoteId,
  partnerId: row.partnerId,
  customerId: row.canonicalId,
  company: {
    name: row.name,
    nameKey: row.nameKey,
    domain: row.domain,
    country: row.country,
    city: row.city,
    ...(row.postalCode !== null && { postalCode: row.postalCode }),
    ...(row.phone !== null && { phone: row.phone }),
    ...(row.address !== null && { address: row.address }),
    ...(row.identifiers.length > 0 && { identifiers: row.identifiers }),
  },
  familyIds: row.familyIds,
  range: { from: row.rangeFrom, to: row.rangeTo },
  amountMinor: row.amountMinor,
  currency: row.currency,
  stage: row.stage,
  openedOn: row.openedOn,
  productIds: row.productIds,
  registrationType: row.registrationType,
  registeredAt: row.registeredAt?.toISOString() ?? null,
})

/**
 * One query for all subjects (at least one), so that all of it is of one moment. `registrationsOnly` leaves the mirror
 * out (a new mirrored record looks for registrations).
 */
export async function searchClaims(
  tx: Tx,
  subjects: readonly CheckSubject[],
  now: Date,
  registrationsOnly = false,
): Promise<SearchResult> {
  const { rows } = await searchQuery(subjects, now, registrationsOnly).execute(tx)
  const [first] = rows
  if (!first) throw new Error('The state of the claims could not be read')
  const bySubject = Map.groupBy(rows, ({ subject }) => subject)
  return {
    horizon: first.horizon,
    mirror: first.mirror,
    findings: subjects.map((_, index) => {
      const own = bySubject.get(index) ?? []
      const exact = own.filter(({ weight }) => weight !== null && weight >= exactWeight)
      return {
        canonicalId: own[0]?.subjectCanonicalId ?? null,
        claims: own.flatMap((row) => (row.id === null ? [] : [toClaim(row)])),
        complete: exact.length < readUnderKey.exact,
        damaged: own.some(({ weight, id }) => weight !== null && id === null),
      }
    }),
  }
}

/** All that a search reads, in one statement. */
export function searchQuery(subjects: readonly CheckSubject[], now: Date, registrationsOnly: boolean) {
  const asked = subjects.flatMap((subject, index) =>
    lookupKeys(subject.company).map(({ key, strength }) => ({
      index,
      key,
      weight: weightOfKey[strength],
      bound: readUnderKey[strength],
    })),
  )
  return sql<SubjectRow & ({ [Name in keyof ClaimRow]: null } | ClaimRow)>`
    with given as (
      select position - 1 as subject, coalesce(alias.canonical_id, customer_id) as canonical_id
      from unnest(${subjects.map(({ customerId }) => customerId)}::uuid[]) with ordinality as given (customer_id, position)
      left join claim_customer_alias as alias using (customer_id)
    ), asked as (
      select * from unnest(${asked.map(({ index }) => index)}::int[], ${asked.map(({ key }) => key)}::text[],
        ${asked.map(({ weight }) => weight)}::int[], ${asked.map(({ bound }) => bound)}::int[])
        as asked (subject, key, weight, bound)
    ), hit as (
      select asked.subject, filed.claim_id, asked.weight
      from asked cross join lateral (
        select claim_id from claim_key where claim_key.key = asked.key order by claim_id desc limit asked.bound
      ) as filed
      union all
      select given.subject, of_customer.id, ${exactWeight}::int
      from given cross join lateral (
        select id from claim where claim.canonical_id = given.canonical_id and standing <> 'closed'
        order by id desc limit ${readOfCustomer}::int
      ) as of_customer
    ), ranked as (
      select subject, claim_id, sum(weight) as weight,
        row_number() over (partition by subject order by sum(weight) desc, claim_id desc) as place
      from hit group by subject, claim_id
    ), found as (
      select ranked.subject as found_for, ranked.weight, ranked.place, ${claimColumns}
      from ranked left join claim on claim.id = ranked.claim_id
      where (ranked.place <= ${comparedPerSubject}::int or ranked.weight >= ${exactWeight}::int)
        and (claim.id is null
          or claim.standing <> 'closed' and (not ${registrationsOnly}::boolean or claim.source = 'registration'))
    )
    select given.subject::int as subject, given.canonical_id as subject_canonical_id, state.horizon, state.mirror, found.*
    from given
    cross join (
      select (select coalesce(max(claim_seq), 0) from claim) as horizon, ${mirrorStateAt(now)} as mirror
    ) as state
    left join found on found.found_for = given.subject
    order by given.subject, found.place`
}

/**
 * Live claims with a number above `horizon`, at most `limit + 1` of them: one more than the limit says that there are
 * too many to compare one by one.
 */
export async function claimsSince(tx: Tx, horizon: bigint, limit: number): Promise<readonly FoundClaim[]> {
  const { rows } = await sql<ClaimRow>`
    select ${claimColumns} from claim
    where claim_seq > ${horizon} and standing <> 'closed'
    order by claim_seq limit ${limit + 1}`.execute(tx)
  return rows.map(toClaim)
}

/** Live claims of these deals, as subjects of a new check. */
export async function claimsOfDeals(tx: Tx, dealIds: readonly DealId[]): Promise<readonly FoundClaim[]> {
  const { rows } = await sql<ClaimRow>`
    select ${claimColumns} from claim
    where source = 'registration' and deal_id = any(${dealIds}::uuid[]) and standing <> 'closed'`.execute(tx)
  return rows.map(toClaim)
}

export async function findClaims(tx: Tx, claimIds: readonly ClaimId[]): Promise<readonly FoundClaim[]> {
  const { rows } = await sql<ClaimRow>`
    select ${claimColumns} from claim where id = any(${claimIds}::uuid[]) and standing <> 'closed'`.execute(
    tx,
  )
  return rows.map(toClaim)
}

/** Live claims whose keys are of older rules, at most `limit` of them. Locked, so that nobody files them meanwhile. */
export async function claimsFiledBefore(
  tx: Tx,
  keysVersion: number,
  limit: number,
): Promise<readonly FoundClaim[]> {
  const { rows } = await sql<ClaimRow>`
    select ${claimColumns} from claim
    where keys_version < ${keysVersion} and standing <> 'closed'
    order by keys_version, id limit ${limit} for update skip locked`.execute(tx)
  return rows.map(toClaim)
}

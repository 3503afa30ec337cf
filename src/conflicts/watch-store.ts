/** Claims that wait to be compared with registrations that were checked before them. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { CustomerId, DealId } from '#src/kernel/ids.ts'
import type { CaseCause } from './case.ts'
import type { ClaimId } from './claim.ts'

export type WatchCause = Exclude<CaseCause, 'submit'>

export interface Watched {
  readonly claimId: ClaimId
  /** What was met before counts too. */
  readonly forced: boolean
  readonly cause: WatchCause
}

export async function markForWatch(
  tx: Tx,
  claimIds: readonly ClaimId[],
  { forced = false, cause = 'watch' }: { readonly forced?: boolean; readonly cause?: WatchCause } = {},
): Promise<void> {
  if (claimIds.length === 0) return
  await sql`
    insert into conflict_watch as known (claim_id, forced, cause)
    select claim_id, ${forced}, ${cause} from unnest(${claimIds}::uuid[]) as claim_id
    on conflict (claim_id) do update set forced = true, cause = excluded.cause
    where excluded.forced and not known.forced`.execute(tx)
}

/** Marks those of these claims that stand in a case: what becomes of them concerns who met them there. */
export async function markKnownToCases(tx: Tx, claimIds: readonly ClaimId[]): Promise<void> {
  if (claimIds.length === 0) return
  await sql`
    insert into conflict_watch (claim_id)
    select distinct claim_id from conflict_case_claim where claim_id = any(${claimIds}::uuid[])
    on conflict (claim_id) do nothing`.execute(tx)
}

/** Marks the live registrations of these customers. */
export async function markCustomers(tx: Tx, customerIds: readonly CustomerId[]): Promise<void> {
  if (customerIds.length === 0) return
  await sql`
    insert into conflict_watch (claim_id)
    select id from claim
    where canonical_id = any(${customerIds}::uuid[]) and source = 'registration' and standing <> 'closed'
    on conflict (claim_id) do nothing`.execute(tx)
}

/** Takes the oldest marks; several workers may take at once. They return when the unit of work rolls back. */
export async function takeWatched(tx: Tx, limit: number): Promise<readonly Watched[]> {
  const { rows } = await sql<Watched>`
    delete from conflict_watch where claim_id in (
      select claim_id from conflict_watch order by marked_at limit ${limit} for update skip locked)
    returning claim_id, forced, cause`.execute(tx)
  return rows
}

/** Deals in question with a live claim that met one of these, or has one: in an open case, or upheld. */
export async function dealsWaitingFor(
  tx: Tx,
  claimIds: readonly ClaimId[],
): Promise<readonly { readonly dealId: DealId; readonly wasUpheld: boolean }[]> {
  const { rows } = await sql<{ dealId: DealId; wasUpheld: boolean }>`
    select party.deal_id, bool_and(not party.is_open) as was_upheld
    from conflict_case_claim as met
    join conflict_case_deal as party on party.case_id = met.case_id
      and (party.claim_id <> met.claim_id or party.is_open)
    join claim as own on own.id = party.claim_id and own.standing <> 'closed'
    where met.claim_id = any(${claimIds}::uuid[]) and party.in_question
      and (party.is_open or party.outcome = 'upheld')
    group by party.deal_id`.execute(tx)
  return rows
}

/** A contested claim that meets no holder any more holds again. Under the claims lock. */
export async function holdAgain(tx: Tx, dealIds: readonly DealId[]): Promise<readonly DealId[]> {
  const { rows } = await sql<{ dealId: DealId }>`
    update claim set standing = 'held', claim_seq = nextval('claim_seq')
    where source = 'registration' and deal_id = any(${dealIds}::uuid[]) and standing = 'contested' and not exists (
      select from claim as other
      where other.canonical_id = claim.canonical_id and other.id <> claim.id and other.source = 'registration'
        and (other.standing = 'held'
          or (other.standing = 'contested' and (other.held_at, other.id) < (claim.held_at, claim.id)))
        and other.range && claim.range and family_points(other.family_ids) && family_points(claim.family_ids))
    returning deal_id`.execute(tx)
  return rows.map(({ dealId }) => dealId)
}

/** Which of these customers a person keeps apart, as "a b" with the smaller id first. */
export async function customersApart(
  tx: Tx,
  customerIds: readonly CustomerId[],
): Promise<ReadonlySet<string>> {
  if (customerIds.length === 0) return new Set()
  const { rows } = await sql<{ pair: string }>`
    select customer_a || ' ' || customer_b as pair from conflict_apart
    where customer_a = any(${customerIds}::uuid[]) or customer_b = any(${customerIds}::uuid[])`.execute(tx)
  return new Set(rows.map(({ pair }) => pair))
}

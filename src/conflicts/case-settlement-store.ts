/** What becomes of cases by itself: deals that ended, ways that are free, appeals that nobody made. Under the claims lock. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { CustomerId, DealId } from '#src/kernel/ids.ts'
import type { CaseId, PartyOutcome } from './case.ts'
import type { ClaimId } from './claim.ts'

/** Undecided parties of open cases get an outcome that nobody had to decide. */
export async function settleParties(
  tx: Tx,
  at: Date,
  { dealIds, claimIds }: { readonly dealIds: readonly DealId[]; readonly claimIds: readonly ClaimId[] },
  outcome: Extract<PartyOutcome, 'ended' | 'cleared'>,
): Promise<readonly { readonly caseId: CaseId; readonly dealId: DealId; readonly inQuestion: boolean }[]> {
  const { rows } = await sql<{ caseId: CaseId; dealId: DealId; inQuestion: boolean }>`
    update conflict_case_deal set is_open = false, outcome = ${outcome}, decided_at = ${at}, revision = revision + 1
    where is_open and (deal_id = any(${dealIds}::uuid[]) or claim_id = any(${claimIds}::uuid[]))
    returning case_id, deal_id, in_question`.execute(tx)
  return rows
}

/** Closes those open cases in which nobody is left to decide on; decided ones wait for their appeals. */
export async function closeMootCases(tx: Tx, at: Date, ids: readonly CaseId[]): Promise<readonly CaseId[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<{ id: CaseId; status: string }>`
    with over as (
      select id, (
        select max(party.appeal_until) from conflict_case_deal as party
        where party.case_id = conflict_case.id) as appeal_until, exists (
        select from conflict_case_deal as party
        where party.case_id = conflict_case.id and party.appealed_at is not null) as is_appealed
      from conflict_case
      where id = any(${ids}::uuid[]) and status = 'open' and not exists (
        select from conflict_case_deal as party
        where party.case_id = conflict_case.id and party.in_question and party.is_open)
    ), freed as (
      update conflict_case_deal set is_open = false, revision = revision + 1
      where case_id in (select id from over) and is_open
    )
    update conflict_case set
      status = case when is_appealed then 'appealed' when over.appeal_until is null then 'closed' else 'decided' end,
      closed_at = case when over.appeal_until is null then ${at}::timestamptz end,
      closed_as = case when over.appeal_until is null then 'moot' end, appeal_until = over.appeal_until,
      revision = revision + 1, updated_at = ${at}
    from over where conflict_case.id = over.id
    returning conflict_case.id, conflict_case.status`.execute(tx)
  return rows.flatMap(({ id, status }) => (status === 'closed' ? [id] : []))
}

/** Decided cases whose time to appeal is over. */
export async function closeUnappealed(tx: Tx, now: Date, limit: number): Promise<readonly CaseId[]> {
  const { rows } = await sql<{ id: CaseId }>`
    update conflict_case set status = 'closed', closed_at = ${now}, closed_as = 'decided', revision = revision + 1,
      updated_at = ${now}
    where id in (
      select id from conflict_case where status = 'decided' and appeal_until < ${now}
      order by appeal_until limit ${limit} for no key update skip locked)
    returning id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Remembers that these customers are all different companies. */
export async function keepApart(
  tx: Tx,
  at: Date,
  caseId: CaseId,
  customerIds: readonly CustomerId[],
): Promise<void> {
  await sql`
    insert into conflict_apart (customer_a, customer_b, case_id, decided_at)
    select a, b, ${caseId}::uuid, ${at}::timestamptz
    from unnest(${customerIds}::uuid[]) as a join unnest(${customerIds}::uuid[]) as b on a < b
    on conflict do nothing`.execute(tx)
}

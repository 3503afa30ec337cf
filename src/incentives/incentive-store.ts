import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { DealId, PlanVersionId } from '#src/kernel/ids.ts'
import type { EntryId } from '#src/ledger/ledger.ts'
import type { DueHoldback, Holdback } from './accrual.ts'
import type { Hold } from './award.ts'

export interface DealState {
  readonly dealId: DealId
  readonly outcomeRevision: number
  readonly planVersionId: PlanVersionId | null
  readonly holds: readonly Hold[]
}

export interface HeldDeal extends DealState {
  readonly evaluatedAt: Date
}

export async function readDealStates(
  tx: Tx,
  dealIds: readonly DealId[],
): Promise<ReadonlyMap<DealId, DealState>> {
  const { rows } = await sql<DealState>`
    select deal_id, outcome_revision, plan_version_id, holds
    from incentive_deal where deal_id = any(${dealIds}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.dealId, row]))
}

export async function saveDealStates(tx: Tx, states: readonly DealState[]): Promise<void> {
  if (states.length === 0) return
  await sql`
    insert into incentive_deal (deal_id, outcome_revision, plan_version_id, holds)
    select "dealId", "outcomeRevision", "planVersionId", holds
    from jsonb_to_recordset(${JSON.stringify(states)}::jsonb) as s (
      "dealId" uuid, "outcomeRevision" integer, "planVersionId" uuid, holds jsonb)
    order by 1
    on conflict (deal_id) do update
      set outcome_revision = excluded.outcome_revision, plan_version_id = excluded.plan_version_id,
          holds = excluded.holds, evaluated_at = clock_timestamp()`.execute(tx)
}

/** Deals of which something is on hold. */
export async function readHeldDeals(
  tx: Tx,
  position: Position<'dealId' | '-dealId'>,
): Promise<readonly (HeldDeal & Keyed)[]> {
  const { key, follows, tail } = keyset({ dealId: 'creation' }, position)
  const { rows } = await sql<HeldDeal & Keyed>`
    select * from (
      select deal_id as id, deal_id, outcome_revision, plan_version_id, holds, evaluated_at, ${key} as sort_key
      from incentive_deal where holds <> '[]') held
    where ${follows} ${tail}`.execute(tx)
  return rows
}

/** Stops or lets go on the release of what these deals have pending. */
export async function holdReleases(
  tx: Tx,
  deals: readonly { readonly dealId: DealId; readonly held: boolean }[],
): Promise<void> {
  if (deals.length === 0) return
  await sql`
    update incentive_holdback set held = change.held
    from jsonb_to_recordset(${JSON.stringify(deals)}::jsonb) as change ("dealId" uuid, held boolean)
    where incentive_holdback.deal_id = change."dealId" and incentive_holdback.held <> change.held`.execute(tx)
}

const holdbackColumns = sql`
  entry_id, deal_id, partner_id as payee_id, plan_line as plan_line_id, plan_version_id, currency, due_on, remaining_minor`

/** What these deals have pending, locked against the release. */
export async function lockHoldbacks(tx: Tx, dealIds: readonly DealId[]): Promise<readonly DueHoldback[]> {
  if (dealIds.length === 0) return []
  const { rows } = await sql<DueHoldback>`
    select ${holdbackColumns} from incentive_holdback where deal_id = any(${dealIds}::uuid[])
    order by entry_id for update`.execute(tx)
  return rows
}

export async function readHoldbacks(
  tx: Tx,
  dealId: DealId,
): Promise<readonly (Holdback & { held: boolean })[]> {
  const { rows } = await sql<Holdback & { held: boolean }>`
    select ${holdbackColumns}, held from incentive_holdback where deal_id = ${dealId} order by due_on, entry_id`.execute(
    tx,
  )
  return rows
}

/** Takes what is due off the work list, the oldest first; rows that another release holds are left to it. */
export async function takeDue(tx: Tx, today: Day, limit: number): Promise<readonly DueHoldback[]> {
  const { rows } = await sql<DueHoldback>`
    delete from incentive_holdback where entry_id in (
      select entry_id from incentive_holdback where due_on <= ${today} and not held
      order by due_on, entry_id limit ${limit} for update skip locked)
    returning ${holdbackColumns}`.execute(tx)
  return rows
}

export interface HoldbackRow {
  readonly entryId: EntryId
  readonly dealId: DealId
  readonly payeeId: string
  readonly planLineId: string
  readonly planVersionId: PlanVersionId
  readonly currency: string
  readonly dueOn: Day
  readonly amountMinor: bigint
}

const asText = (rows: readonly { readonly amountMinor: bigint }[]): string =>
  JSON.stringify(rows.map((row) => ({ ...row, amountMinor: row.amountMinor.toString() })))

export async function addHoldbacks(tx: Tx, rows: readonly HoldbackRow[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into incentive_holdback
      (entry_id, deal_id, partner_id, plan_line, plan_version_id, currency, due_on, remaining_minor)
    select "entryId", "dealId", "payeeId", "planLineId", "planVersionId", currency, "dueOn", "amountMinor"
    from jsonb_to_recordset(${asText(rows)}::jsonb) as h (
      "entryId" uuid, "dealId" uuid, "payeeId" uuid, "planLineId" text, "planVersionId" uuid, currency text,
      "dueOn" date, "amountMinor" bigint)`.execute(tx)
}

/** Lowers what is pending of locked rows; a row with nothing left goes. */
export async function takeFromHoldbacks(
  tx: Tx,
  taken: readonly { readonly entryId: EntryId; readonly amountMinor: bigint }[],
): Promise<void> {
  if (taken.length === 0) return
  await sql`
    with taken as (
      select * from jsonb_to_recordset(${asText(taken)}::jsonb) as t ("entryId" uuid, "amountMinor" bigint)
    ), gone as (
      delete from incentive_holdback h using taken
      where h.entry_id = taken."entryId" and h.remaining_minor = taken."amountMinor"
    )
    update incentive_holdback h set remaining_minor = h.remaining_minor - taken."amountMinor"
    from taken where h.entry_id = taken."entryId" and h.remaining_minor > taken."amountMinor"`.execute(tx)
}

import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { DealId, ProgrammeId } from '#src/kernel/ids.ts'
import type { Deal } from './deal.ts'
import { columnNames, type DealRow, fromRow } from './deal-row.ts'

/** What day it is for a programme, and whether an open opportunity keeps protection there. */
export interface ProgrammeDay {
  readonly programmeId: ProgrammeId
  readonly today: Day
  readonly keepsOpen: boolean
}

const columns = sql.raw(columnNames.map((column) => `deal.${column}`).join(', '))

/** Programmes that protect something which is still open. */
export async function protectingProgrammes(tx: Tx): Promise<ProgrammeId[]> {
  const { rows } = await sql<{ programmeId: ProgrammeId }>`
    select distinct programme_id from deal where status = 'approved' and outcome = 'open'`.execute(tx)
  return rows.map(({ programmeId }) => programmeId)
}

/** Approved and open deals that meet `due` against `day` (today, keeps_open), locked; those others hold are left out. */
async function lockDue(
  tx: Tx,
  days: readonly ProgrammeDay[],
  due: RawBuilder<boolean>,
  limit: number,
): Promise<Deal[]> {
  const { rows } = await sql<DealRow>`
    select ${columns} from deal
    join unnest(
      ${days.map(({ programmeId }) => programmeId)}::uuid[],
      ${days.map(({ today }) => today)}::date[],
      ${days.map(({ keepsOpen }) => keepsOpen)}::boolean[]
    ) as day (programme_id, today, keeps_open) on day.programme_id = deal.programme_id
    where deal.status = 'approved' and deal.outcome = 'open' and ${due}
    order by deal.protected_until, deal.id limit ${limit}
    for update of deal skip locked`.execute(tx)
  return rows.map(fromRow)
}

/** On its way from one CRM to another it is as good as linked. */
const linked = sql<boolean>`deal.crm_state in ('linked', 'merged', 'pending')`

export const lockDueToExpire = (tx: Tx, days: readonly ProgrammeDay[], limit: number): Promise<Deal[]> =>
  lockDue(
    tx,
    days,
    sql<boolean>`deal.protected_until < day.today and not (day.keeps_open and ${linked})`,
    limit,
  )

/** `today` is the day by which the promised range must have been prolonged. */
export const lockDueToKeep = (tx: Tx, days: readonly ProgrammeDay[], limit: number): Promise<Deal[]> =>
  lockDue(
    tx,
    days,
    sql<boolean>`deal.protected_until <= day.today and day.keeps_open and ${linked} and not deal.protection_kept`,
    limit,
  )

/** Deals with a lead before the end that is reached and not yet reminded of; a kept one does not end. */
export const lockDueToRemind = (
  tx: Tx,
  days: readonly ProgrammeDay[],
  leads: readonly number[],
  limit: number,
): Promise<Deal[]> =>
  lockDue(
    tx,
    days,
    sql<boolean>`deal.protected_until between day.today and day.today + ${Math.max(...leads)}::integer
      and not (day.keeps_open and ${linked})
      and (deal.reminded_days is null or exists (
        select from unnest(${leads}::integer[]) as lead
        where lead < deal.reminded_days and deal.protected_until <= day.today + lead))`,
    limit,
  )

/** Approved registrations that no CRM knows yet, in the order of their ids, behind `after`. */
export async function findUnlinked(tx: Tx, after: DealId | null, limit: number): Promise<DealId[]> {
  const { rows } = await sql<{ id: DealId }>`
    select id from deal
    where status = 'approved' and crm_state = 'none' and (${after}::uuid is null or id > ${after}::uuid)
    order by id limit ${limit}`.execute(tx)
  return rows.map(({ id }) => id)
}

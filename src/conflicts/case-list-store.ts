/** Lists of cases: the vendor's, and what a partner may know of its own. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { DealId, PartnerId, ProgrammeId } from '#src/kernel/ids.ts'
import type { CaseId, CaseStatus } from './case.ts'
import { type CaseRow, caseColumns } from './case-store.ts'

const instant = (column: string) =>
  sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`

const sortColumns = {
  createdAt: 'creation',
  updatedAt: instant('updatedAt'),
  overdueAt: instant('overdueAt'),
} as const
export type CaseSort = keyof typeof sortColumns

export interface CaseFilter {
  readonly status?: readonly CaseStatus[] | undefined
  readonly assigneeId?: string | undefined
  readonly programmeId?: ProgrammeId | undefined
  readonly partnerId?: PartnerId | undefined
  readonly dealId?: DealId | undefined
  /** Waits for its decision or answer beyond its time. */
  readonly overdueAt?: Date | undefined
}

const withParty = (condition: ReturnType<typeof sql>) =>
  sql`id in (select case_id from conflict_case_deal where ${condition})`

/** One page, one row too many, with the values that they were ordered by. */
export async function listCases(
  tx: Tx,
  filter: CaseFilter,
  position: Position<CaseSort | `-${CaseSort}`>,
): Promise<readonly (CaseRow & Keyed)[]> {
  const { key, follows, tail } = keyset(sortColumns, position)
  const wanted = allOf(
    follows,
    asked(filter.status, (status) => sql`status = any(${status}::text[])`),
    asked(filter.assigneeId, (id) => sql`assignee_id = ${id}`),
    asked(filter.programmeId, (id) => sql`programme_id = ${id}`),
    asked(filter.partnerId, (id) => withParty(sql`partner_id = ${id}`)),
    asked(filter.dealId, (id) => withParty(sql`deal_id = ${id}`)),
    asked(filter.overdueAt, (at) => sql`status in ('open', 'appealed') and overdue_at < ${at}`),
  )
  const { rows } = await sql<CaseRow & Keyed>`
    select ${caseColumns}, ${key} as sort_key from conflict_case where ${wanted} ${tail}`.execute(tx)
  return rows
}

/** Cases of deals of the partner that are in question; the database leaves out everything else. */
export async function listOwnCases(
  tx: Tx,
  filter: Pick<CaseFilter, 'dealId'>,
  position: Position<'createdAt' | '-createdAt'>,
): Promise<readonly { readonly id: CaseId; readonly sortKey: string }[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const { rows } = await sql<{ id: CaseId; sortKey: string }>`
    select id, ${key} as sort_key from (
      select distinct case_id as id from conflict_case_deal
      where ${allOf(
        sql`in_question`,
        asked(filter.dealId, (id) => sql`deal_id = ${id}`),
      )}
    ) as own
    where ${follows} ${tail}`.execute(tx)
  return rows
}

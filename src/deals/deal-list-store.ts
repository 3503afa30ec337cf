import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { CustomerId, PartnerId, ProgrammeId } from '#src/kernel/ids.ts'
import type { Deal } from './deal.ts'
import { columnNames, type DealRow, fromRow } from './deal-row.ts'
import type { ConflictState, DealStatus, Outcome } from './deal-status.ts'

const instant = (column: string) =>
  sql<string>`coalesce(to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '')`
const day = (column: string) => sql<string>`coalesce(${sql.ref(column)}::text, '')`

const sortColumns = {
  createdAt: 'creation',
  updatedAt: instant('updatedAt'),
  registeredAt: instant('registeredAt'),
  reviewOverdueAt: instant('reviewOverdueAt'),
  expectedCloseDate: day('expectedCloseDate'),
  protectedUntil: day('protectedUntil'),
  companyName: sql<string>`lower(company_name)`,
} as const

export type DealSort = keyof typeof sortColumns

export interface DealFilter {
  readonly status?: readonly DealStatus[] | undefined
  readonly outcome?: Outcome | undefined
  readonly conflict?: readonly ConflictState[] | undefined
  readonly partnerId?: PartnerId | undefined
  readonly programmeId?: ProgrammeId | undefined
  readonly customerId?: CustomerId | undefined
  readonly externalRef?: string | undefined
  /** Part of number, company name, domain or external reference. */
  readonly text?: string | undefined
  readonly changeRequested?: boolean | undefined
  /** Waiting for the vendor beyond its time. */
  readonly overdueAt?: Date | undefined
  /** Approved, open, and protected until this day or an earlier one. */
  readonly expiringBy?: string | undefined
}

/** One page of deals, one row too many, with the values that they were ordered by. */
export async function listDeals(
  tx: Tx,
  filter: DealFilter,
  position: Position<DealSort | `-${DealSort}`>,
): Promise<(Deal & Keyed)[]> {
  const { key, follows, tail } = keyset(sortColumns, position)
  const { text } = filter
  const wanted = allOf(
    follows,
    filter.status ? sql`status = any(${filter.status}::text[])` : null,
    filter.outcome ? sql`outcome = ${filter.outcome}` : null,
    filter.conflict ? sql`conflict = any(${filter.conflict}::text[])` : null,
    filter.partnerId ? sql`partner_id = ${filter.partnerId}` : null,
    filter.programmeId ? sql`programme_id = ${filter.programmeId}` : null,
    filter.customerId ? sql`customer_id = ${filter.customerId}` : null,
    filter.externalRef ? sql`external_ref = ${filter.externalRef}` : null,
    text ? sql`search like ${`%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`}` : null,
    filter.changeRequested === undefined ? null : sql`change_requested = ${filter.changeRequested}`,
    filter.overdueAt
      ? sql`status in ('submitted', 'in_review') and review_overdue_at < ${filter.overdueAt}`
      : null,
    filter.expiringBy
      ? sql`status = 'approved' and outcome = 'open' and protected_until <= ${filter.expiringBy}::date`
      : null,
  )
  const { rows } = await sql<DealRow & { sortKey: string }>`
    select ${sql.raw(columnNames.join(', '))}, ${key} as sort_key from deal where ${wanted} ${tail}`.execute(
    tx,
  )
  return rows.map(({ sortKey, ...row }) => ({ ...fromRow(row), sortKey }))
}

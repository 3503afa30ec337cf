import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { ReviewKind } from './review.ts'

export interface ReviewItem {
  readonly id: string
  readonly connectionId: ConnectionId
  readonly kind: ReviewKind
  readonly entity: string
  readonly recordId: string | null
  readonly remoteId: string | null
  /** Empty where the item is about the whole record. */
  readonly field: string
  readonly ours: FieldValue
  readonly theirs: FieldValue
  readonly message: string
  readonly details: Readonly<Record<string, unknown>> | null
  readonly openedAt: Date
  readonly closedAt: Date | null
  readonly closedBy: string | null
  readonly resolution: string | null
  readonly reason: string | null
}

export interface ReviewFilter {
  readonly connectionId?: ConnectionId | undefined
  readonly kind?: ReviewKind | undefined
  readonly entity?: string | undefined
  readonly recordId?: string | undefined
  readonly remoteId?: string | undefined
  readonly state?: 'open' | 'closed' | undefined
}
export const reviewSorts = ['openedAt', '-openedAt'] as const
export type ReviewSort = (typeof reviewSorts)[number]

const columns = sql`id, connection_id, kind, entity, record_id, remote_id, field, ours, theirs, message, details,
  opened_at, closed_at, closed_by, resolution, reason`

export async function listReviews(
  tx: Tx,
  filter: ReviewFilter,
  position: Position<ReviewSort>,
): Promise<readonly (ReviewItem & Keyed)[]> {
  const { key, follows, tail } = keyset({ openedAt: 'creation' }, position)
  const matching = allOf(
    follows,
    asked(filter.connectionId, (id) => sql`connection_id = ${id}`),
    asked(filter.kind, (kind) => sql`kind = ${kind}`),
    asked(filter.entity, (entity) => sql`entity = ${entity}`),
    asked(filter.recordId, (id) => sql`record_id = ${id}`),
    asked(filter.remoteId, (id) => sql`remote_id = ${id}`),
    asked(filter.state, (state) => (state === 'open' ? sql`closed_at is null` : sql`closed_at is not null`)),
  )
  const { rows } = await sql<ReviewItem & Keyed>`
    select ${columns}, ${key} as sort_key from review_item where ${matching} ${tail}`.execute(tx)
  return rows
}

export async function findReview(tx: Tx, id: string): Promise<ReviewItem | null> {
  const { rows } = await sql<ReviewItem>`select ${columns} from review_item where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

/** Open items about one record on one connection. */
export async function openReviewsOf(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  recordId: string,
): Promise<readonly ReviewItem[]> {
  const { rows } = await sql<ReviewItem>`
    select ${columns} from review_item
    where connection_id = ${connectionId} and entity = ${entity} and record_id = ${recordId} and closed_at is null
    order by id`.execute(tx)
  return rows
}

/** Open items about what CRMs state of one field of a record, on any connection. */
export async function openFacts(
  tx: Tx,
  entity: string,
  recordId: string,
  field: string,
): Promise<readonly ReviewItem[]> {
  const { rows } = await sql<ReviewItem>`
    select ${columns} from review_item
    where kind = 'unexpected_fact' and entity = ${entity} and record_id = ${recordId} and field = ${field}
      and closed_at is null
    order by id`.execute(tx)
  return rows
}

/** @returns the items that were open and are closed now */
export async function closeReviews(
  tx: Tx,
  ids: readonly string[],
  decision: { readonly by: string; readonly resolution: string; readonly reason: string },
): Promise<readonly ReviewItem[]> {
  const { rows } = await sql<ReviewItem>`
    update review_item
    set closed_at = clock_timestamp(), closed_by = ${decision.by}, resolution = ${decision.resolution},
        reason = ${decision.reason}
    where id = any(${[...ids]}::uuid[]) and closed_at is null
    returning ${columns}`.execute(tx)
  return rows
}

export async function countOpenReviews(tx: Tx, connectionId: ConnectionId): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from review_item
    where connection_id = ${connectionId} and closed_at is null`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Records made over there that a person left as they are, with the partner that they named then. */
export async function leftProposals(
  tx: Tx,
  connectionId: ConnectionId,
  remoteIds: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  if (remoteIds.length === 0) return new Map()
  const { rows } = await sql<{ remoteId: string; partnerId: string | null }>`
    select distinct on (remote_id) remote_id, details ->> 'partnerId' as partner_id from review_item
    where connection_id = ${connectionId} and kind = 'proposal' and remote_id = any(${[...remoteIds]}::text[])
      and resolution = 'leave'
    order by remote_id, closed_at desc`.execute(tx)
  return new Map(rows.map(({ remoteId, partnerId }) => [remoteId, partnerId]))
}

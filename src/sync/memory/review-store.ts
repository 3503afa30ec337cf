import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import type { ReviewKind } from './review.ts'

export interface NewReview {
  readonly kind: ReviewKind
  readonly entity: string
  readonly recordId: string | null
  readonly remoteId: string | null
  readonly field?: string
  readonly ours?: FieldValue
  readonly theirs?: FieldValue
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** Opens review items; one that is open already for the same thing takes the newest values. */
export async function openReviews(
  tx: Tx,
  connectionId: ConnectionId,
  items: readonly NewReview[],
): Promise<void> {
  if (items.length === 0) return
  const rows = items.map((item) => ({
    id: newId(),
    kind: item.kind,
    entity: item.entity,
    record_id: item.recordId,
    remote_id: item.remoteId,
    field: item.field ?? '',
    ours: item.ours ?? null,
    theirs: item.theirs ?? null,
    message: item.message,
    details: item.details ?? null,
  }))
  await sql`
    insert into review_item as item (id, connection_id, kind, entity, record_id, remote_id, field, ours, theirs, message, details)
    select distinct on (kind, entity, record_id, remote_id, field)
      id, ${connectionId}, kind, entity, record_id, remote_id, field, ours, theirs, message, details
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row (id uuid, kind text, entity text, record_id uuid, remote_id text, field text, ours jsonb, theirs jsonb, message text, details jsonb)
    on conflict (connection_id, kind, entity, coalesce(record_id::text, ''), coalesce(remote_id, ''), field) where closed_at is null
    do update set ours = excluded.ours, theirs = excluded.theirs, message = excluded.message, details = excluded.details`.execute(
    tx,
  )
}

/** Closes the field reviews of records whose two sides agree by now. */
export async function closeAgreed(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  fields: readonly { readonly recordId: string; readonly field: string }[],
): Promise<void> {
  if (fields.length === 0) return
  await sql`
    update review_item set closed_at = clock_timestamp(), closed_by = 'sync', resolution = 'agreed'
    from unnest(${fields.map(({ recordId }) => recordId)}::uuid[], ${fields.map(({ field }) => field)}::text[]) as agreed (record_id, field)
    where connection_id = ${connectionId} and entity = ${entity} and closed_at is null
      and kind in ('collision', 'reverted', 'unmapped')
      and review_item.record_id = agreed.record_id and review_item.field = agreed.field`.execute(tx)
}

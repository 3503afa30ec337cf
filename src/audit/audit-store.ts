import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { AuditSort, StoredAuditEntry } from './audit-entry.ts'

export interface AuditFilter {
  readonly subjectKind?: string | undefined
  readonly subjectId?: string | undefined
  readonly actorKind?: string | undefined
  readonly actorId?: string | undefined
  readonly action?: string | undefined
  readonly partnerId?: string | undefined
  /** Recorded at this time or later. */
  readonly from?: Date | undefined
  /** Recorded before this time. */
  readonly to?: Date | undefined
}

export async function listAuditEntries(
  tx: Tx,
  filter: AuditFilter,
  position: Position<AuditSort>,
): Promise<readonly (StoredAuditEntry & Keyed)[]> {
  const { key, follows, tail } = keyset({ recordedAt: 'creation' }, position)
  const matching = allOf(
    follows,
    asked(filter.subjectKind, (kind) => sql`subject_kind = ${kind}`),
    asked(filter.subjectId, (id) => sql`subject_id = ${id}`),
    asked(filter.actorKind, (kind) => sql`actor_kind = ${kind}`),
    asked(filter.actorId, (id) => sql`actor_id = ${id}`),
    asked(filter.action, (action) => sql`action = ${action}`),
    asked(filter.partnerId, (id) => sql`partner_id = ${id}`),
    asked(filter.from, (from) => sql`recorded_at >= ${from}`),
    asked(filter.to, (to) => sql`recorded_at < ${to}`),
  )
  const { rows } = await sql<StoredAuditEntry & Keyed>`
    select id, recorded_at, jsonb_build_object('kind', actor_kind, 'id', actor_id, 'name', actor_name) as actor, action,
           jsonb_build_object('kind', subject_kind, 'id', subject_id) as subject, partner_id, before, after, reason,
           ${key} as sort_key
    from audit_entry where ${matching}
    ${tail}`.execute(tx)
  return rows
}

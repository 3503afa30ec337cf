import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Actor } from '#src/kernel/actor.ts'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import { newId } from '#src/kernel/ids.ts'
import type { Tx } from './database.ts'

export interface AuditEntry {
  /** What was done, in the field's words: `deal.submitted`. */
  readonly action: string
  readonly subject: { readonly kind: string; readonly id: string }
  readonly partnerId?: string | null
  readonly before?: unknown
  readonly after?: unknown
  /** Why, as a person gave it. */
  readonly reason?: string | null
}

/** Leaves the trace of a change in the same transaction: who, what, before, after, why. One statement for all. */
export async function recordAudit(tx: Tx, actor: Actor, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  const rows = entries.map((entry) => {
    const row = {
      id: newId(),
      actorKind: actor.kind,
      actorId: actor.kind === 'system' ? actor.name : actor.id,
      actorName: actor.name,
      action: entry.action,
      subjectKind: entry.subject.kind,
      subjectId: entry.subject.id,
      partnerId: entry.partnerId ?? null,
      before: entry.before === undefined ? null : canonicalJson(entry.before),
      after: entry.after === undefined ? null : canonicalJson(entry.after),
      reason: entry.reason ?? null,
    }
    return { ...row, hash: createHash('sha256').update(canonicalJson(row)).digest('hex') }
  })
  await sql`
    insert into audit_entry
      (id, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, partner_id, before, after, reason, content_hash)
    select (row->>'id')::uuid, row->>'actorKind', row->>'actorId', row->>'actorName', row->>'action',
           row->>'subjectKind', row->>'subjectId', (row->>'partnerId')::uuid,
           (row->>'before')::jsonb, (row->>'after')::jsonb, row->>'reason', decode(row->>'hash', 'hex')
    from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as row`.execute(tx)
}

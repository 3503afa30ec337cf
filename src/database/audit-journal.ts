import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import type { Tx } from './database.ts'
import type { ProvableJournal } from './seal-proof.ts'

interface AuditRow {
  readonly id: string
  readonly actorKind: string
  readonly actorId: string
  readonly actorName: string
  readonly action: string
  readonly subjectKind: string
  readonly subjectId: string
  readonly partnerId: string | null
  readonly before: string | null
  readonly after: string | null
  readonly reason: string | null
}

const recanonical = (json: string | null): string | null =>
  json === null ? null : canonicalJson(JSON.parse(json))

/** The audit trail as a chained journal; the hash is that of `recordAudit`. */
export const auditJournal: ProvableJournal = {
  name: 'audit',
  table: 'audit_entry',
  recordedAt: 'recorded_at',
  async rehash(tx: Tx, ids: readonly string[]) {
    const { rows } = await sql<AuditRow>`
      select id, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, partner_id,
             before::text, after::text, reason
      from audit_entry where id = any(${ids}::uuid[])`.execute(tx)
    return new Map(
      rows.map((row) => {
        const said = { ...row, before: recanonical(row.before), after: recanonical(row.after) }
        return [row.id, createHash('sha256').update(canonicalJson(said)).digest('hex')]
      }),
    )
  },
}

/**
 * Reading the audit trail: who changed what, when and why. Rows are written by `recordAudit` in the unit of work of each
 * change; nothing here writes, and no partner reads.
 */
export interface StoredAuditEntry {
  readonly id: string
  readonly recordedAt: Date
  readonly actor: { readonly kind: string; readonly id: string; readonly name: string }
  /** In the field's words: `deal.submitted`. */
  readonly action: string
  readonly subject: { readonly kind: string; readonly id: string }
  readonly partnerId: string | null
  /** Canonical JSON of the record. */
  readonly before: unknown
  readonly after: unknown
  readonly reason: string | null
}

export const auditSorts = ['recordedAt', '-recordedAt'] as const
export type AuditSort = (typeof auditSorts)[number]

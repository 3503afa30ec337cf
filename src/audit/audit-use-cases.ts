import type { Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import type { AuditSort } from './audit-entry.ts'
import { type AuditFilter, listAuditEntries } from './audit-store.ts'

export type AuditUseCases = ReturnType<typeof createAuditUseCases>

export const createAuditUseCases = () => ({
  listEntries: (tx: Tx, filter: AuditFilter, position: Position<AuditSort>) =>
    listAuditEntries(tx, filter, position),
})

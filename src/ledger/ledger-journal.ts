import type { Journal } from '#src/database/sealer.ts'

export const ledgerJournal: Journal = { name: 'ledger', table: 'ledger_entry', recordedAt: 'posted_at' }

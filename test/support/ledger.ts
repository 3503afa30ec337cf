import { newId, type PartnerId } from '#src/kernel/ids.ts'
import { type EntryDraft, incentiveExpense, pending } from '#src/ledger/ledger.ts'

/** An accrual of 1.00 USD, held back, with a cause of its own. */
export const entryDraft = (partnerId: PartnerId, changes: Partial<EntryDraft> = {}): EntryDraft => ({
  kind: 'accrual',
  cause: `test:${newId()}`,
  effectiveOn: '2026-03-02',
  period: '2026-03',
  partnerId,
  dealId: newId<'deal'>(),
  planVersionId: null,
  planLine: 'base',
  adjusts: null,
  reverses: null,
  basis: { rule: 'percent', baseMinor: '1000' },
  postings: [{ debit: incentiveExpense, credit: pending(partnerId), amountMinor: 100n, currency: 'USD' }],
  ...changes,
})

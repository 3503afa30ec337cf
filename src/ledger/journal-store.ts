import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ProvableJournal } from '#src/database/seal-proof.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import type { AccountKind, AccountName, EntryDraft } from './ledger.ts'
import { contentHash } from './ledger-identity.ts'

interface EntryColumns extends Omit<EntryDraft, 'postings'> {
  readonly id: string
}

interface PostingColumns {
  readonly entryId: string
  readonly debitKind: AccountKind
  readonly debitPartner: PartnerId | null
  readonly creditKind: AccountKind
  readonly creditPartner: PartnerId | null
  readonly amountMinor: bigint
  readonly currency: string
}

// The kind and the owner stand apart in a row; together they are a name, whatever somebody made of them.
const nameOf = (kind: AccountKind, partnerId: PartnerId | null): AccountName =>
  (partnerId === null ? { kind } : { kind, partnerId }) as AccountName

/** The ledger as a chained journal: entries with their postings, hashed as they were when posted. */
export const ledgerJournal: ProvableJournal = {
  name: 'ledger',
  table: 'ledger_entry',
  recordedAt: 'posted_at',
  async rehash(tx: Tx, ids: readonly string[]) {
    const entries = await sql<EntryColumns>`
      select id, kind, cause, effective_on, period, partner_id, deal_id, plan_version_id, plan_line, adjusts, reverses, basis
      from ledger_entry where id = any(${ids}::uuid[])`.execute(tx)
    const postings = await sql<PostingColumns>`
      select p.entry_id, d.kind as debit_kind, d.partner_id as debit_partner, c.kind as credit_kind,
             c.partner_id as credit_partner, p.amount_minor, p.currency
      from ledger_posting p
      left join ledger_account d on d.id = p.debit_account
      left join ledger_account c on c.id = p.credit_account
      where p.entry_id = any(${ids}::uuid[])
      order by p.entry_id, p.line`.execute(tx)
    const postingsOf = Map.groupBy(postings.rows, ({ entryId }) => entryId)
    return new Map(
      entries.rows.map(({ id, ...entry }) => {
        const said = (postingsOf.get(id) ?? []).map((row) => ({
          debit: nameOf(row.debitKind, row.debitPartner),
          credit: nameOf(row.creditKind, row.creditPartner),
          amountMinor: row.amountMinor,
          currency: row.currency,
        }))
        return [id, contentHash({ ...entry, postings: said })]
      }),
    )
  },
}

import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ProvableJournal } from '#src/database/seal-proof.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import type { AccountKind, AccountName, EntryDraft } from './ledger.ts'
import { contentHash } from './ledger-identity.ts'

interface AccountColumns {
  readonly kind: AccountKind
  readonly partnerId: PartnerId | null
}

interface SaidEntry extends Omit<EntryDraft, 'postings'> {
  readonly id: string
  readonly postings: readonly {
    readonly debit: AccountColumns
    readonly credit: AccountColumns
    readonly amountMinor: string
    readonly currency: string
  }[]
}

// The kind and the owner stand apart in a row; together they are a name, whatever somebody made of them.
const nameOf = ({ kind, partnerId }: AccountColumns): AccountName =>
  (partnerId === null ? { kind } : { kind, partnerId }) as AccountName

/** The ledger as a chained journal: entries with their postings, hashed as they were when posted. */
export const ledgerJournal: ProvableJournal = {
  name: 'ledger',
  table: 'ledger_entry',
  recordedAt: 'posted_at',
  async rehash(tx: Tx, ids: readonly string[]) {
    const { rows } = await sql<SaidEntry>`
      select e.id, e.kind, e.cause, e.effective_on, e.period, e.partner_id, e.deal_id, e.plan_version_id, e.plan_line,
             e.adjusts, e.reverses, e.basis, coalesce(posted.postings, '[]') as postings
      from ledger_entry e
      left join lateral (
        select jsonb_agg(jsonb_build_object(
          'debit', jsonb_build_object('kind', d.kind, 'partnerId', d.partner_id),
          'credit', jsonb_build_object('kind', c.kind, 'partnerId', c.partner_id),
          'amountMinor', p.amount_minor::text, 'currency', p.currency) order by p.line) as postings
        from ledger_posting p
        left join ledger_account d on d.id = p.debit_account
        left join ledger_account c on c.id = p.credit_account
        where p.entry_id = e.id) posted on true
      where e.id = any(${ids}::uuid[])`.execute(tx)
    return new Map(
      rows.map(({ id, postings, ...entry }) => {
        const said = postings.map((posting) => ({
          debit: nameOf(posting.debit),
          credit: nameOf(posting.credit),
          amountMinor: BigInt(posting.amountMinor),
          currency: posting.currency,
        }))
        return [id, contentHash({ ...entry, postings: said })]
      }),
    )
  },
}

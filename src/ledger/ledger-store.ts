import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { type DealId, newId, type PartnerId } from '#src/kernel/ids.ts'
import type { EntryDraft, EntryId } from './ledger.ts'
import { type AccountRow, accountRow, contentHash, stripes } from './ledger-identity.ts'

const stripeOf = new WeakMap<Tx, number>()
let nextStripe = 0

/** One stripe per unit of work, so that it takes its locks in one order however often it posts. */
function stripeFor(tx: Tx): number {
  const known = stripeOf.get(tx)
  if (known !== undefined) return known
  nextStripe = (nextStripe + 1) % stripes
  stripeOf.set(tx, nextStripe)
  return nextStripe
}

export interface WrittenEntry {
  readonly id: EntryId
  readonly cause: string
  readonly contentHash: string
  readonly inserted: boolean
}

/**
 * Writes entries, postings and balances in one statement, however many there are (`post_entries` in the schema).
 * @returns one row per draft, in their order; of a cause that was there already, what is there
 */
export async function writeEntries(tx: Tx, drafts: readonly EntryDraft[]): Promise<readonly WrittenEntry[]> {
  const accounts = new Map<string, AccountRow>()
  const stripe = stripeFor(tx)
  const account = (name: Parameters<typeof accountRow>[0], currency: string): string => {
    const row = accountRow(name, currency, stripe)
    accounts.set(row.id, row)
    return row.id
  }
  const entries = drafts.map((draft) => {
    const { postings: _, ...entry } = draft
    return { ...entry, id: newId<'ledger_entry'>(), contentHash: contentHash(draft) }
  })
  const postings = drafts.flatMap((draft, index) =>
    draft.postings.map((posting, line) => ({
      entryId: entries[index]?.id,
      line,
      debit: account(posting.debit, posting.currency),
      credit: account(posting.credit, posting.currency),
      amount: posting.amountMinor.toString(),
      currency: posting.currency,
    })),
  )
  const { rows } = await sql<{ id: EntryId }>`
    select id from post_entries(
      ${JSON.stringify(entries)}::jsonb, ${JSON.stringify(postings)}::jsonb,
      ${JSON.stringify([...accounts.values()])}::jsonb) as id`.execute(tx)
  const inserted = new Set(rows.map(({ id }) => id))
  const known = inserted.size === drafts.length ? null : await entriesByCause(tx, drafts)
  return entries.map(({ id, cause, contentHash: hash }) => {
    if (inserted.has(id)) return { id, cause, contentHash: hash, inserted: true }
    const there = known?.get(cause)
    if (!there) throw new Error(`Ledger entry "${cause}" was neither posted nor found`)
    return { ...there, inserted: false }
  })
}

async function entriesByCause(tx: Tx, drafts: readonly EntryDraft[]) {
  const { rows } = await sql<Omit<WrittenEntry, 'inserted'>>`
    select id, cause, encode(content_hash, 'hex') as content_hash
    from ledger_entry where cause = any(${drafts.map(({ cause }) => cause)})`.execute(tx)
  return new Map(rows.map((row) => [row.cause, row]))
}

export interface EarnedRow {
  readonly dealId: DealId
  readonly payeeId: PartnerId
  readonly planLineId: string
  readonly currency: string
  readonly earnedMinor: bigint
  readonly accrualId: EntryId
}

/** What was accrued and adjusted so far per (deal, payee, plan line, currency), with the first entry of each. */
export async function readEarned(tx: Tx, dealIds: readonly DealId[]): Promise<readonly EarnedRow[]> {
  const { rows } = await sql<EarnedRow>`
    select e.deal_id, e.partner_id as payee_id, e.plan_line as plan_line_id, p.currency,
           sum(case when d.partner_id is null then p.amount_minor else -p.amount_minor end)::bigint as earned_minor,
           (array_agg(e.id order by e.id) filter (where e.kind = 'accrual'))[1] as accrual_id
    from ledger_entry e
    join ledger_posting p on p.entry_id = e.id
    join ledger_account d on d.id = p.debit_account
    where e.deal_id = any(${dealIds}::uuid[]) and e.kind in ('accrual', 'adjustment')
    group by 1, 2, 3, 4`.execute(tx)
  return rows
}

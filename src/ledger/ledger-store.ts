import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { newId } from '#src/kernel/ids.ts'
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

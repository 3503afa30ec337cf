import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { checkDraft, type EntryDraft } from './ledger.ts'
import { contentHash } from './ledger-identity.ts'
import { type EarnedRow, readEarned, type WrittenEntry, writeEntries } from './ledger-store.ts'
import { readBalances, readEntries, readOpening, readPeriod } from './reading-store.ts'

/**
 * Posts entries in the caller's unit of work, all or nothing, with one statement for any number of them. Post once per
 * unit of work where you can: account rows stay locked until it ends. For a partner it is a
 * system step: the vendor's accounts stay out of its sight.
 * @returns per draft, in order, the entry and whether it is new; a cause that was posted before is left as it is
 * @throws Error when a cause was posted before with another content, or a draft is malformed
 */
export async function postEntries(
  tx: Tx,
  actor: Actor,
  drafts: readonly EntryDraft[],
): Promise<readonly WrittenEntry[]> {
  if (drafts.length === 0) return []
  for (const draft of drafts) checkDraft(draft)
  const write = (inner: Tx) => writeEntries(inner, drafts)
  const written = await (actor.kind === 'partner' ? asSystem(tx, write) : write(tx))
  for (const [index, draft] of drafts.entries()) {
    const there = written[index]
    if (there && !there.inserted && there.contentHash !== contentHash(draft)) {
      throw new Error(`The cause "${draft.cause}" was posted before with another content`)
    }
  }
  return written
}

/**
 * What deals have earned their partners so far, by payee, plan line and currency, whether pending, payable or paid.
 * One query for all of them.
 */
export const earnedByDeal = (tx: Tx, dealIds: readonly DealId[]): Promise<readonly EarnedRow[]> =>
  readEarned(tx, dealIds)

export const listEntries = readEntries
export const listBalances = readBalances
/** The parts of a partner's statement: balances before a period, and what happened in it. */
export const findOpening = readOpening
export const findPeriodEntries = readPeriod

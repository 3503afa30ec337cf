/**
 * The double-entry ledger: what the vendor owes its partners, to the cent, and how it came to owe it.
 * A posting moves an amount from a debit to a credit account of one currency; an entry is one or more postings, so it
 * balances by construction. Entries are never changed or deleted: a difference is a new entry that names the old one.
 * This folder must not know why anything is owed (plans, deals) and keeps ids and figures only, no names.
 */
import { type Day, dayIn, periodOf } from '#src/kernel/calendar.ts'
import type { DealId, Id, PartnerId, PlanVersionId } from '#src/kernel/ids.ts'

export type EntryId = Id<'ledger_entry'>

/** Accounts of a partner: earned and held back; earned and due (negative: overpaid, carried until earned again). */
export const partnerAccountKinds = ['partner_pending', 'partner_payable'] as const
/** Accounts of the vendor: what incentives cost it; the two legs of a currency conversion. */
export const vendorAccountKinds = ['incentive_expense', 'fx'] as const
export const accountKinds = [...partnerAccountKinds, ...vendorAccountKinds] as const
export type AccountKind = (typeof accountKinds)[number]

export type AccountName =
  | { readonly kind: (typeof partnerAccountKinds)[number]; readonly partnerId: PartnerId }
  | { readonly kind: (typeof vendorAccountKinds)[number] }

export interface Posting {
  readonly debit: AccountName
  readonly credit: AccountName
  /** Greater than zero. */
  readonly amountMinor: bigint
  readonly currency: string
}

/**
 * accrual: first award of a (deal, payee, plan line, currency); adjustment: a later difference to it; release: pending
 * becomes payable; manual: posted by a person; reversal: voids a mistaken manual entry, once.
 */
export const entryKinds = ['accrual', 'adjustment', 'release', 'manual', 'reversal'] as const
export type EntryKind = (typeof entryKinds)[number]

/** JSON of ids and figures: what an amount was computed from. */
export type Basis = { readonly [name: string]: BasisValue }
export type BasisValue = string | number | boolean | null | readonly BasisValue[] | Basis

export interface EntryDraft {
  readonly kind: EntryKind
  /** What brought it about. Posting the same cause with the same content again does nothing. */
  readonly cause: string
  /** The day the business event belongs to. */
  readonly effectiveOn: Day
  /** Accounting period, YYYY-MM, in which it is posted. */
  readonly period: string
  /** The payee. */
  readonly partnerId: PartnerId | null
  readonly dealId: DealId | null
  readonly planVersionId: PlanVersionId | null
  readonly planLine: string | null
  /** The accrual that this is a difference to. */
  readonly adjusts: EntryId | null
  /** The mistaken entry that this voids. */
  readonly reverses: EntryId | null
  readonly basis: Basis
  readonly postings: readonly Posting[]
}

export const pending = (partnerId: PartnerId): AccountName => ({ kind: 'partner_pending', partnerId })
export const payable = (partnerId: PartnerId): AccountName => ({ kind: 'partner_payable', partnerId })
export const incentiveExpense: AccountName = { kind: 'incentive_expense' }

export const ownerOf = (account: AccountName): PartnerId | null =>
  'partnerId' in account ? account.partnerId : null

/** @throws RangeError when a draft is not one (a mistake in our own code: nothing was posted) */
export function checkDraft(draft: EntryDraft): void {
  const fail = (what: string) => {
    throw new RangeError(`Ledger entry "${draft.cause}": ${what}`)
  }
  if (draft.postings.length === 0) fail('has no posting')
  for (const { debit, credit, amountMinor } of draft.postings) {
    if (amountMinor <= 0n) fail('a posting must move more than zero')
    if (debit.kind === credit.kind && ownerOf(debit) === ownerOf(credit)) fail('a posting needs two accounts')
    for (const owner of [ownerOf(debit), ownerOf(credit)]) {
      if (owner !== null && owner !== draft.partnerId) fail("moves an account that is not the payee's")
    }
  }
  if ((draft.kind === 'adjustment') !== (draft.adjusts !== null)) fail('an adjustment names its accrual')
  if ((draft.kind === 'reversal') !== (draft.reverses !== null)) fail('a reversal names its original')
}

/** The opposite entry: the same amounts, the other way round. */
export const reversed = (postings: readonly Posting[]): Posting[] =>
  postings.map((posting) => ({ ...posting, debit: posting.credit, credit: posting.debit }))

/**
 * The earliest period that still takes entries: one is over once its last day has ended everywhere on Earth. What
 * belongs to a period that is over is posted to this one, so a statement of the past never changes.
 */
export const openPeriod = (now: Date): string => periodOf(dayIn(now, 'Etc/GMT+12'))

/** The period of an entry posted on `day`: that of the day, or the open one where the day's is over. */
export function postingPeriod(day: Day, open: string): string {
  const own = periodOf(day)
  return own < open ? open : own
}

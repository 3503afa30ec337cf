import { createHash } from 'node:crypto'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import { type AccountKind, type AccountName, type EntryDraft, ownerOf } from './ledger.ts'

/** Rows of a busy vendor account; a unit of work uses one of them. */
export const stripes = 16

export interface AccountRow {
  readonly id: string
  readonly kind: AccountKind
  readonly partnerId: PartnerId | null
  readonly currency: string
  readonly stripe: number
}

/** The account row that a posting moves; its id (UUIDv8) follows from what it is. */
export function accountRow(account: AccountName, currency: string, stripe: number): AccountRow {
  const partnerId = ownerOf(account)
  const row = { kind: account.kind, partnerId, currency, stripe: partnerId === null ? stripe : 0 }
  const digest = createHash('sha256')
    .update([row.kind, partnerId ?? '', currency, row.stripe].join('|'))
    .digest('hex')
  const id = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  return { id, ...row }
}

/**
 * sha256 over everything an entry says (hex). Its id and the instant it was posted are not part of it, so that the same
 * cause told twice is recognised; the seal covers those two.
 */
export function contentHash(entry: EntryDraft): string {
  const account = (name: AccountName) => [name.kind, ownerOf(name)]
  const content = {
    kind: entry.kind,
    cause: entry.cause,
    effectiveOn: entry.effectiveOn,
    period: entry.period,
    partnerId: entry.partnerId,
    dealId: entry.dealId,
    planVersionId: entry.planVersionId,
    planLine: entry.planLine,
    adjusts: entry.adjusts,
    reverses: entry.reverses,
    basis: entry.basis,
    postings: entry.postings.map(({ debit, credit, amountMinor, currency }) => [
      account(debit),
      account(credit),
      amountMinor,
      currency,
    ]),
  }
  return createHash('sha256').update(canonicalJson(content)).digest('hex')
}

import type { Api } from '#test/support/api-client.ts'

interface Account {
  readonly kind: string
  readonly partnerId: string | null
}

export interface LedgerEntry {
  readonly id: string
  readonly kind: string
  readonly dealId: string | null
  readonly partnerId: string | null
  readonly postings: readonly {
    readonly debit: Account
    readonly credit: Account
    readonly amountMinor: string
    readonly currency: string
  }[]
}

export interface Books {
  readonly entries: readonly LedgerEntry[]
  /** Cents that each deal has earned its partner, by its entries. */
  readonly earnedByDeal: ReadonlyMap<string, bigint>
  readonly earnedByPartner: ReadonlyMap<string, bigint>
  /** Entries by kind. */
  readonly kinds: ReadonlyMap<string, number>
}

const isPartners = ({ kind }: Account): boolean => kind.startsWith('partner_')

/** What an entry adds to what its partner has earned; moving it from one of the partner's accounts to another adds nothing. */
const earnedBy = ({ postings }: LedgerEntry): bigint =>
  postings.reduce((sum, { debit, credit, amountMinor }) => {
    if (isPartners(credit) === isPartners(debit)) return sum
    return isPartners(credit) ? sum + BigInt(amountMinor) : sum - BigInt(amountMinor)
  }, 0n)

export async function readBooks(admin: Api): Promise<Books> {
  const entries = await admin.all<LedgerEntry>('/api/v1/ledger/entries?sort=postedAt')
  const earnedByDeal = new Map<string, bigint>()
  const earnedByPartner = new Map<string, bigint>()
  const kinds = new Map<string, number>()
  for (const entry of entries) {
    const earned = earnedBy(entry)
    const add = (sums: Map<string, bigint>, key: string | null) => {
      if (key !== null) sums.set(key, (sums.get(key) ?? 0n) + earned)
    }
    add(earnedByDeal, entry.dealId)
    add(earnedByPartner, entry.partnerId)
    kinds.set(entry.kind, (kinds.get(entry.kind) ?? 0) + 1)
  }
  return { entries, earnedByDeal, earnedByPartner, kinds }
}

/** What the partners' accounts hold together, pending and payable, by partner. */
export async function readBalances(admin: Api): Promise<ReadonlyMap<string, bigint>> {
  const accounts = await admin.all<Account & { readonly balanceMinor: string }>('/api/v1/ledger/accounts')
  const sums = new Map<string, bigint>()
  for (const account of accounts.filter(isPartners)) {
    const key = account.partnerId ?? ''
    sums.set(key, (sums.get(key) ?? 0n) + BigInt(account.balanceMinor))
  }
  return sums
}

import { formatDecimal } from '#src/kernel/money.ts'

/** What was found along one chain of seals. */
export interface ProvenChain {
  readonly journal: string
  readonly sealed: number
  /** Rows younger than a minute that wait for the sealer. */
  readonly waiting: number
  /** Newest seal; note it elsewhere to detect a chain that was rewritten as a whole. */
  readonly head: { readonly number: bigint; readonly hash: string } | null
}

export interface CurrencyTotal {
  readonly currency: string
  /** All amounts ever moved in it. */
  readonly movedMinor: bigint
  readonly postings: bigint
}

export interface LedgerProof {
  readonly holds: boolean
  readonly chains: readonly ProvenChain[]
  readonly totals: readonly CurrencyTotal[]
  /** The first bad row and what is wrong with it, or null when everything holds. */
  readonly fault: {
    readonly journal: string
    readonly id: string
    readonly code: string
    readonly message: string
  } | null
}

/** The proof in plain lines for a terminal; the last line is the verdict. */
export function formatLedgerProof(proof: LedgerProof): string {
  const chains = proof.chains.map(({ journal, sealed, waiting, head }) => {
    const newest = head ? `head ${head.number} ${head.hash}` : 'no seal yet'
    return `${journal}: ${sealed} rows sealed, ${waiting} waiting, ${newest}`
  })
  const totals = proof.totals.map(
    ({ currency, movedMinor, postings }) =>
      `${currency}: ${postings} postings move ${formatDecimal(movedMinor, currency)}`,
  )
  const { fault } = proof
  const verdict = fault
    ? `BROKEN at ${fault.journal} ${fault.id}: ${fault.message} (${fault.code})`
    : 'The ledger holds: contents, chain, links, balances.'
  return [...chains, ...totals, verdict].join('\n')
}

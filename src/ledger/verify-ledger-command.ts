import { formatDecimal } from '#src/kernel/money.ts'
import type { LedgerProof } from './ledger-proof.ts'

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

/** `npm run verify-ledger`: proves the ledger and the audit trail anew, and names the first bad row. */
import { readConfig } from '#config/env.ts'
import { withDatabase } from '#src/database/command.ts'
import { formatLedgerProof } from './ledger-proof.ts'
import { verifyLedger } from './proof-store.ts'

async function run(): Promise<void> {
  const proof = await withDatabase(readConfig(), verifyLedger)
  process.stdout.write(`${formatLedgerProof(proof)}\n`)
  if (proof.fault) process.exitCode = 1
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})

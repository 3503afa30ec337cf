/** What is known of the meeting of a case: the checks of its deals, and records of CRMs as they stand now. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId, DealId, PartnerId } from '#src/kernel/ids.ts'
import type { CheckId, KeptCandidate } from './check-store.ts'
import type { ClaimId, ClaimSource, ClaimStanding } from './claim.ts'

export interface CaseCheck {
  readonly id: CheckId
  readonly dealId: DealId
  readonly purpose: string
  readonly verdict: string
  readonly reasons: readonly string[]
  readonly ruleVersion: number
  readonly mirror: string
  readonly checkedAt: Date
  readonly candidates: readonly KeptCandidate[]
}

/** The newest checks of each of these deals, the newest first. */
export async function readCaseChecks(
  tx: Tx,
  dealIds: readonly DealId[],
  perDeal: number,
): Promise<readonly CaseCheck[]> {
  const { rows } = await sql<CaseCheck>`
    select newest.* from unnest(${dealIds}::uuid[]) as given (deal_id)
    cross join lateral (
      select id, deal_id, purpose, verdict, reasons, rule_version, mirror, checked_at, candidates
      from conflict_check where conflict_check.deal_id = given.deal_id order by id desc limit ${perDeal}::int
    ) as newest
    order by newest.id desc`.execute(tx)
  return rows
}

/** A claim in question as it stands now. */
export interface CaseClaim {
  readonly claimId: ClaimId
  readonly source: ClaimSource
  readonly standing: ClaimStanding
  readonly dealId: DealId | null
  readonly partnerId: PartnerId | null
  readonly connectionId: ConnectionId | null
  readonly remoteId: string | null
  readonly companyName: string
  readonly amountMinor: bigint | null
  readonly currency: string | null
  readonly stage: string | null
  readonly openedOn: string | null
  readonly seenAt: Date
}

/** Those that are still there: a record that is gone in its CRM claims nothing any more. */
export async function readCaseClaims(tx: Tx, claimIds: readonly ClaimId[]): Promise<readonly CaseClaim[]> {
  const { rows } = await sql<CaseClaim>`
    select id as claim_id, source, standing, deal_id, partner_id, connection_id, remote_id, name as company_name,
      amount_minor, currency, stage, opened_on, created_at as seen_at
    from claim where id = any(${claimIds}::uuid[]) order by id`.execute(tx)
  return rows
}

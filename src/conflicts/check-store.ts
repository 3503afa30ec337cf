/** Checks with every candidate as it was scored, and what was decided on them. Rows are never changed. */
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { type DealId, type Id, newId, type PartnerId } from '#src/kernel/ids.ts'
import type { CheckSubject, FoundClaim } from './claim.ts'
import type { CandidateKind, Evidence, MatchKey } from './evidence.ts'
import type { CheckInputs, Judgement } from './judgement.ts'
import type { ListHit } from './listed-accounts.ts'
import type { AskedLately, QuestionLimit } from './question-limit.ts'
import type { Candidate } from './score.ts'
import type { MirrorState, Verdict, VerdictBand, VerdictReason } from './verdict.ts'
import type { Winner } from './winner.ts'

export type CheckId = Id<'conflict_check'>
/** `submit` a registration, `question` asked by a partner first, `watch` something appeared later. */
export type CheckPurpose = 'submit' | 'question' | 'watch'
export type ConflictDecision = 'override' | 'uphold'

export interface CheckRecord extends Judgement {
  readonly checkId: CheckId
  readonly purpose: CheckPurpose
  readonly subject: CheckSubject
  readonly horizon: bigint
  readonly claimSeq: bigint | null
  /** Of a question: which company was meant, whatever its spelling. */
  readonly companyKey?: string
  readonly checkedAt: Date
  readonly durationMs: number
}

const toRow = ({
  subject,
  checkedAt,
  winner,
  listed,
  told,
  ...check
}: Omit<CheckRecord, 'horizon' | 'claimSeq'>) => ({
  ...check,
  ruling: { winner, listed, told },
  subject,
  dealId: subject.dealId,
  partnerId: subject.partnerId,
  checkedAt: checkedAt.toISOString(),
})

/** Checks as they travel to the database, one JSON object each; big integers as decimal text. */
export const checkRows = (checks: readonly Omit<CheckRecord, 'horizon' | 'claimSeq'>[]): string =>
  JSON.stringify(checks.map(toRow), (_key, part: unknown) =>
    typeof part === 'bigint' ? part.toString() : part,
  )

/**
 * The insert of checks out of `given`, which has each as `row` (of `checkRows`); the two numbers are expressions over it.
 */
export const insertChecks = (
  given: RawBuilder<unknown>,
  numbers: { readonly horizon: RawBuilder<unknown>; readonly claimSeq: RawBuilder<unknown> },
) => sql`
  insert into conflict_check (id, purpose, deal_id, partner_id, verdict, reasons, rule_version, claim_seq_horizon,
    claim_seq, mirror, subject, candidates, candidates_found, checked_at, duration_ms, matcher_version, band, inputs,
    ruling, company_key)
  select (row->>'checkId')::uuid, row->>'purpose', (row->>'dealId')::uuid, (row->>'partnerId')::uuid,
    row->>'verdict', array(select jsonb_array_elements_text(row->'reasons')), (row->>'ruleVersion')::int,
    ${numbers.horizon}, ${numbers.claimSeq}, row->>'mirror', row->'subject', row->'candidates',
    (row->>'candidatesFound')::int, (row->>'checkedAt')::timestamptz, (row->>'durationMs')::int,
    (row->>'matcherVersion')::int, row->>'band', row->'inputs', row->'ruling', row->>'companyKey'
  from ${given}`

/** Keeps the checks in one statement. */
export async function keepChecks(tx: Tx, checks: readonly CheckRecord[]): Promise<void> {
  await insertChecks(sql`jsonb_array_elements(${checkRows(checks)}::jsonb) as given (row)`, {
    horizon: sql`(row->>'horizon')::bigint`,
    claimSeq: sql`(row->>'claimSeq')::bigint`,
  }).execute(tx)
}

/** A claim as it was when it was scored; the amount as decimal text of minor units. */
export type ScoredClaim = Omit<FoundClaim, 'amountMinor'> & { readonly amountMinor: string | null }

export interface KeptCandidate {
  readonly kind: CandidateKind
  readonly key: MatchKey
  readonly score: number
  readonly band: Candidate['band']
  readonly collides: boolean
  readonly evidence: Evidence[]
  readonly claim: ScoredClaim
}

/** What a check recommended and told; null of a check that was made before rules had versions. */
export interface KeptRuling {
  readonly winner: Winner | null
  readonly listed: ListHit[]
  readonly told: string
}

export interface KeptCheck {
  readonly id: CheckId
  readonly purpose: CheckPurpose
  readonly dealId: DealId | null
  readonly partnerId: PartnerId | null
  readonly verdict: Verdict
  readonly band: VerdictBand
  readonly reasons: VerdictReason[]
  readonly ruling: KeptRuling | null
  readonly ruleVersion: number
  readonly matcherVersion: number
  readonly claimSeqHorizon: bigint
  readonly claimSeq: bigint | null
  readonly mirror: MirrorState
  readonly checkedAt: Date
  readonly durationMs: number
  readonly candidates: KeptCandidate[]
  readonly candidatesFound: number
}

const checkColumns = sql`
  id, purpose, deal_id, partner_id, verdict,
  coalesce(band, case verdict when 'clear' then 'clear' else 'review' end) as band, reasons, ruling, rule_version,
  matcher_version, claim_seq_horizon, claim_seq, mirror, candidates, candidates_found, checked_at, duration_ms`

/** All checks of a deal, the newest first, with their evidence. */
export async function readChecks(tx: Tx, dealId: DealId): Promise<KeptCheck[]> {
  const { rows } = await sql<KeptCheck>`
    select ${checkColumns} from conflict_check where deal_id = ${dealId} order by id desc`.execute(tx)
  return rows
}

/** A check with all that went into it. */
export interface CheckOnRecord extends KeptCheck {
  readonly subject: CheckSubject
  /** Null of a check that was made before they were kept. */
  readonly inputs: CheckInputs | null
}

export async function findCheck(tx: Tx, checkId: CheckId): Promise<CheckOnRecord | null> {
  const { rows } = await sql<CheckOnRecord>`
    select ${checkColumns}, subject, inputs from conflict_check where id = ${checkId}`.execute(tx)
  return rows[0] ?? null
}

export interface KeptDecision {
  readonly id: string
  readonly checkId: CheckId
  readonly decision: ConflictDecision
  readonly reason: string
  readonly decidedBy: string
  readonly decidedByName: string
  readonly decidedAt: Date
}

export async function readDecisions(tx: Tx, dealId: DealId): Promise<KeptDecision[]> {
  const { rows } = await sql<KeptDecision>`
    select id, check_id, decision, reason, decided_by, decided_by_name, decided_at
    from conflict_decision where deal_id = ${dealId} order by id desc`.execute(tx)
  return rows
}

export async function readLatestCheck(
  tx: Tx,
  dealId: DealId,
): Promise<{
  readonly checkId: CheckId
  readonly verdict: Verdict
  readonly partnerId: PartnerId | null
} | null> {
  const { rows } = await sql<{ checkId: CheckId; verdict: Verdict; partnerId: PartnerId | null }>`
    select id as check_id, verdict, partner_id from conflict_check
    where deal_id = ${dealId} order by id desc limit 1`.execute(tx)
  return rows[0] ?? null
}

export async function keepDecision(
  tx: Tx,
  dealId: DealId,
  decision: Omit<KeptDecision, 'id'>,
): Promise<void> {
  await sql`
    insert into conflict_decision (id, deal_id, check_id, decision, reason, decided_by, decided_by_name, decided_at)
    values (${newId()}, ${dealId}, ${decision.checkId}, ${decision.decision}, ${decision.reason},
      ${decision.decidedBy}, ${decision.decidedByName}, ${decision.decidedAt})`.execute(tx)
}

/** Pairs of deal and strongly colliding claim that some check of these deals has on record, as "deal claim". */
export async function knownCollisions(tx: Tx, dealIds: readonly DealId[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ pair: string }>`
    select distinct deal_id || ' ' || (candidate->'claim'->>'claimId') as pair
    from conflict_check cross join lateral jsonb_array_elements(candidates) as candidates (candidate)
    where deal_id = any(${dealIds}::uuid[])
      and (candidate->>'collides')::boolean and candidate->>'band' = 'strong'`.execute(tx)
  return new Set(rows.map(({ pair }) => pair))
}

/**
 * What a partner asked within each of these times before `now`, about one company or any. Its next question waits until
 * this unit of work ends, so that many at once do not all find room.
 */
export async function askedLately(
  tx: Tx,
  partnerId: PartnerId,
  now: Date,
  limits: readonly QuestionLimit[],
  companyKey: string | null,
): Promise<readonly AskedLately[]> {
  await sql`select pg_advisory_xact_lock(hashtextextended('conflict question ' || ${partnerId}::text, 0))`.execute(
    tx,
  )
  const { rows } = await sql<AskedLately>`
    select count(question.checked_at)::int as count, min(question.checked_at) as oldest_at
    from unnest(${limits.map(({ withinS }) => withinS)}::int[], ${limits.map(({ counts }) => counts)}::text[])
      with ordinality as given (within_s, counts, number)
    left join conflict_check as question on question.purpose = 'question' and question.partner_id = ${partnerId}
      and question.checked_at > ${now}::timestamptz - make_interval(secs => given.within_s)
      and (given.counts <> 'overlaps' or question.verdict <> 'clear')
      and (given.counts <> 'company' or question.company_key = ${companyKey}::text)
    group by given.number order by given.number`.execute(tx)
  return rows
}

/** Cases, the deals and the claims in them. Whoever changes one holds the claims lock, so that none is joined meanwhile. */
import { sql } from 'kysely'
import { LostRace, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { DealId, PartnerId, ProgrammeId } from '#src/kernel/ids.ts'
import type { CaseCause, CaseId, CaseStatus, ClosedAs, PartyOutcome } from './case.ts'
import { insertEntries, type NewEntry } from './case-entry-store.ts'
import type { ClaimId } from './claim.ts'

export interface CaseRow {
  readonly id: CaseId
  readonly number: string
  readonly programmeId: ProgrammeId
  readonly status: CaseStatus
  readonly cause: CaseCause
  readonly assigneeId: string | null
  readonly assigneeName: string | null
  readonly clockStartedAt: Date
  readonly targetAt: Date
  readonly overdueAt: Date
  readonly decidedAt: Date | null
  /** Key of the actor who decided first. */
  readonly decidedBy: string | null
  readonly decidedByName: string | null
  readonly appealUntil: Date | null
  readonly closedAt: Date | null
  readonly closedAs: ClosedAs | null
  readonly joinedInto: CaseId | null
  readonly revision: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface PartyRow {
  readonly caseId: CaseId
  readonly dealId: DealId
  readonly partnerId: PartnerId
  readonly claimId: ClaimId
  readonly inQuestion: boolean
  /** The case is open and says nothing on this deal yet. */
  readonly isOpen: boolean
  readonly joinedAt: Date
  readonly outcome: PartyOutcome | null
  /** What the partner was told. */
  readonly message: string | null
  readonly decidedAt: Date | null
  readonly appealUntil: Date | null
  readonly appealedAt: Date | null
  readonly appealText: string | null
  readonly answer: 'granted' | 'declined' | null
  readonly answerMessage: string | null
  readonly answeredAt: Date | null
  readonly revision: number
}

export const caseColumns = sql`
  id, number, programme_id, status, cause, assignee_id, assignee_name, clock_started_at, target_at, overdue_at,
  decided_at, decided_by, decided_by_name, appeal_until, closed_at, closed_as, joined_into, revision, created_at,
  updated_at`

export const partyColumns = sql`
  case_id, deal_id, partner_id, claim_id, in_question, is_open, joined_at, outcome, message, decided_at, appeal_until,
  appealed_at, appeal_text, answer, answer_message, answered_at, revision`

export interface CaseRecord {
  readonly row: CaseRow
  /** In the order in which they came. */
  readonly parties: readonly PartyRow[]
  readonly claimIds: readonly ClaimId[]
}

export async function readCase(tx: Tx, id: CaseId): Promise<CaseRecord | null> {
  const { rows } = await sql<CaseRow>`select ${caseColumns} from conflict_case where id = ${id}`.execute(tx)
  const [row] = rows
  return row ? { row, ...(await membersOf(tx, id)) } : null
}

async function membersOf(tx: Tx, id: CaseId): Promise<Omit<CaseRecord, 'row'>> {
  const claims = await sql<{ claimId: ClaimId }>`
    select claim_id from conflict_case_claim where case_id = ${id} order by claim_id`.execute(tx)
  return {
    parties: await readParties(tx, [id]),
    claimIds: claims.rows.map(({ claimId }) => claimId),
  }
}

export async function readParties(tx: Tx, ids: readonly CaseId[]): Promise<readonly PartyRow[]> {
  const { rows } = await sql<PartyRow>`
    select ${partyColumns} from conflict_case_deal where case_id = any(${ids}::uuid[])
    order by case_id, joined_at, claim_id`.execute(tx)
  return rows
}

/** Open cases with one of these deals or claims, with all that is in question there. */
export async function openMeetings(
  tx: Tx,
  dealIds: readonly DealId[],
  claimIds: readonly ClaimId[],
): Promise<readonly { readonly caseId: CaseId; readonly members: readonly string[] }[]> {
  const { rows } = await sql<{ caseId: CaseId; members: string[] }>`
    with touched as (
      select case_id from conflict_case_deal where deal_id = any(${dealIds}::uuid[]) and is_open
      union
      select claim.case_id from conflict_case_claim as claim join conflict_case on conflict_case.id = claim.case_id
      where claim.claim_id = any(${claimIds}::uuid[]) and conflict_case.status = 'open'
    )
    select case_id, array(
      select deal_id::text from conflict_case_deal as party where party.case_id = touched.case_id and party.is_open
      union all
      select claim_id::text from conflict_case_claim as claim where claim.case_id = touched.case_id) as members
    from touched order by case_id`.execute(tx)
  return rows
}

/** Cases in which this deal is, the newest first. */
export async function casesOfDeal(tx: Tx, dealId: DealId): Promise<readonly CaseRow[]> {
  const { rows } = await sql<CaseRow>`
    select ${caseColumns} from conflict_case
    where id in (select case_id from conflict_case_deal where deal_id = ${dealId}) order by id desc`.execute(
    tx,
  )
  return rows
}

export type NewCase = Pick<
  CaseRow,
  'id' | 'programmeId' | 'cause' | 'assigneeId' | 'assigneeName' | 'targetAt' | 'overdueAt'
>

export interface NewParty {
  readonly caseId: CaseId
  readonly dealId: DealId
  readonly partnerId: PartnerId
  readonly claimId: ClaimId
  readonly inQuestion: boolean
}

const insertParties = (at: Date, parties: readonly NewParty[]) => sql`
  insert into conflict_case_deal as known (case_id, deal_id, partner_id, claim_id, in_question, is_open, joined_at)
  select (row->>'caseId')::uuid, (row->>'dealId')::uuid, (row->>'partnerId')::uuid, (row->>'claimId')::uuid,
    (row->>'inQuestion')::boolean, true, ${at}
  from jsonb_array_elements(${JSON.stringify(parties)}::jsonb) as row
  on conflict (case_id, deal_id) do update set
    in_question = known.in_question or excluded.in_question,
    is_open = known.is_open or excluded.in_question,
    outcome = case when known.is_open or not excluded.in_question then known.outcome end,
    claim_id = excluded.claim_id, revision = known.revision + 1
  where (excluded.in_question and not (known.in_question and known.is_open))
    or known.claim_id <> excluded.claim_id`

/** Everything that findings add to cases. */
export interface Meetings {
  readonly created: readonly NewCase[]
  /** Cases that were open already: they have another revision now. */
  readonly joined: readonly CaseId[]
  /** Each deal of a case once; one that is there already comes into question if it does now. */
  readonly parties: readonly NewParty[]
  readonly claims: readonly { readonly caseId: CaseId; readonly claimId: ClaimId }[]
  readonly entries: readonly NewEntry[]
}

/** Writes down who meets whom, in one statement: everybody else waits for the claims lock meanwhile. */
export async function fileMeetings(
  tx: Tx,
  actor: Actor,
  at: Date,
  { created, joined, parties, claims, entries }: Meetings,
): Promise<void> {
  await sql`
    with created as (
      insert into conflict_case (id, programme_id, status, cause, assignee_id, assignee_name, clock_started_at,
        target_at, overdue_at, created_at, updated_at)
      select (row->>'id')::uuid, (row->>'programmeId')::uuid, 'open', row->>'cause', (row->>'assigneeId')::uuid,
        row->>'assigneeName', ${at}, (row->>'targetAt')::timestamptz, (row->>'overdueAt')::timestamptz, ${at}, ${at}
      from jsonb_array_elements(${JSON.stringify(created)}::jsonb) as row
    ), touched as (
      update conflict_case set revision = revision + 1, updated_at = ${at} where id = any(${joined}::uuid[])
    ), parties as (
      ${insertParties(at, parties)}
    ), claims as (
      insert into conflict_case_claim (case_id, claim_id)
      select * from unnest(
        ${claims.map(({ caseId }) => caseId)}::uuid[], ${claims.map(({ claimId }) => claimId)}::uuid[])
      on conflict do nothing
    )
    ${insertEntries(actor, at, entries)}`.execute(tx)
}

/** Open cases become part of another one, with everybody in them that nobody decided on yet. */
export async function absorbCases(tx: Tx, at: Date, into: CaseId, joined: readonly CaseId[]): Promise<void> {
  if (joined.length === 0) return
  const moved = (await readParties(tx, joined)).filter(({ isOpen }) => isOpen)
  await sql`
    with parted as (
      update conflict_case_deal set is_open = false, in_question = false, revision = revision + 1
      where case_id = any(${joined}::uuid[]) and is_open
    ), closed as (
      update conflict_case set status = 'closed', closed_at = ${at}, closed_as = 'joined', joined_into = ${into},
        revision = revision + 1, updated_at = ${at}
      where id = any(${joined}::uuid[])
    )
    insert into conflict_case_claim (case_id, claim_id)
    select distinct ${into}::uuid, claim_id from conflict_case_claim where case_id = any(${joined}::uuid[])
    on conflict do nothing`.execute(tx)
  await insertParties(
    at,
    moved.map((party) => ({ ...party, caseId: into })),
  ).execute(tx)
}

export type CaseChange = Partial<
  Pick<
    CaseRow,
    | 'status'
    | 'assigneeId'
    | 'assigneeName'
    | 'clockStartedAt'
    | 'targetAt'
    | 'overdueAt'
    | 'decidedAt'
    | 'decidedBy'
    | 'decidedByName'
    | 'appealUntil'
    | 'closedAt'
    | 'closedAs'
  >
>

/** Writes a case as it was read. @throws LostRace when somebody changed it meanwhile */
export async function updateCase(tx: Tx, at: Date, before: CaseRow, change: CaseChange): Promise<CaseRow> {
  const after: CaseRow = { ...before, ...change, revision: before.revision + 1, updatedAt: at }
  const { numAffectedRows } = await sql`
    update conflict_case set status = ${after.status}, assignee_id = ${after.assigneeId},
      assignee_name = ${after.assigneeName}, clock_started_at = ${after.clockStartedAt},
      target_at = ${after.targetAt}, overdue_at = ${after.overdueAt}, decided_at = ${after.decidedAt},
      decided_by = ${after.decidedBy}, decided_by_name = ${after.decidedByName}, appeal_until = ${after.appealUntil},
      closed_at = ${after.closedAt}, closed_as = ${after.closedAs}, revision = ${after.revision}, updated_at = ${at}
    where id = ${before.id} and revision = ${before.revision}`.execute(tx)
  if (numAffectedRows !== 1n) throw new LostRace(`Case ${before.number} changed meanwhile`)
  return after
}

/** Writes parties that the caller has read under the claims lock. */
export async function updateParties(tx: Tx, parties: readonly PartyRow[]): Promise<void> {
  if (parties.length === 0) return
  await sql`
    update conflict_case_deal as party set in_question = given.in_question, is_open = given.is_open,
      outcome = given.outcome, message = given.message, decided_at = given.decided_at,
      appeal_until = given.appeal_until, appealed_at = given.appealed_at, appeal_text = given.appeal_text,
      answer = given.answer, answer_message = given.answer_message, answered_at = given.answered_at,
      revision = party.revision + 1
    from (select (row->>'caseId')::uuid as case_id, (row->>'dealId')::uuid as deal_id,
        (row->>'inQuestion')::boolean as in_question, (row->>'isOpen')::boolean as is_open, row->>'outcome' as outcome,
        row->>'message' as message, (row->>'decidedAt')::timestamptz as decided_at,
        (row->>'appealUntil')::timestamptz as appeal_until, (row->>'appealedAt')::timestamptz as appealed_at,
        row->>'appealText' as appeal_text, row->>'answer' as answer, row->>'answerMessage' as answer_message,
        (row->>'answeredAt')::timestamptz as answered_at
      from jsonb_array_elements(${JSON.stringify(parties)}::jsonb) as row) as given
    where party.case_id = given.case_id and party.deal_id = given.deal_id`.execute(tx)
}

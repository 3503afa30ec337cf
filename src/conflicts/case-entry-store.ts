/** What was said and done in cases: entries, decisions and the labels that come of them. Rows are never changed. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type DealId, type Id, newId } from '#src/kernel/ids.ts'
import type { CaseId, LabelWord } from './case.ts'
import type { CheckId } from './check-store.ts'

export interface CaseEntry {
  readonly id: Id<'conflict_case_entry'>
  readonly recordedAt: Date
  readonly kind: string
  readonly dealId: DealId | null
  readonly actorKind: Actor['kind']
  readonly actorName: string
  readonly data: Readonly<Record<string, string | null>>
}

export type NewEntry = Pick<CaseEntry, 'kind' | 'dealId' | 'data'> & { readonly caseId: CaseId }

/** The insert of entries, for a statement of its own or as a part of one. */
export const insertEntries = (actor: Actor, at: Date, entries: readonly NewEntry[]) => sql`
  insert into conflict_case_entry (id, case_id, recorded_at, kind, deal_id, actor_kind, actor_id, actor_name, data)
  select (row->>'id')::uuid, (row->>'caseId')::uuid, ${at}, row->>'kind', (row->>'dealId')::uuid, ${actor.kind},
    ${actor.kind === 'system' ? actor.name : actor.id}, ${actor.name}, row->'data'
  from jsonb_array_elements(${JSON.stringify(entries.map((entry) => ({ ...entry, id: newId() })))}::jsonb) as row`

export async function addEntries(
  tx: Tx,
  actor: Actor,
  at: Date,
  entries: readonly NewEntry[],
): Promise<void> {
  if (entries.length > 0) await insertEntries(actor, at, entries).execute(tx)
}

/** A case and those that joined it, theirs included. */
const family = (id: CaseId) => sql`(
  with recursive family as (
    select id from conflict_case where id = ${id}
    union
    select joined.id from conflict_case as joined join family on joined.joined_into = family.id
  ) select id from family)`

/** Everything that happened in a case and in those that joined it, the oldest first. */
export async function readEntries(tx: Tx, id: CaseId): Promise<readonly CaseEntry[]> {
  const { rows } = await sql<CaseEntry>`
    select id, recorded_at, kind, deal_id, actor_kind, actor_name, data from conflict_case_entry
    where case_id in ${family(id)} order by recorded_at, id`.execute(tx)
  return rows
}

export interface KeptCaseDecision {
  readonly id: Id<'conflict_case_decision'>
  readonly kind: string
  /** It answers an appeal. */
  readonly isFinal: boolean
  readonly detail: Readonly<Record<string, unknown>>
  readonly reason: string
  readonly message: string | null
  readonly decidedBy: string
  readonly decidedByName: string
  readonly decidedAt: Date
}

export async function keepCaseDecision(tx: Tx, caseId: CaseId, decision: KeptCaseDecision): Promise<void> {
  await sql`
    insert into conflict_case_decision
      (id, case_id, kind, is_final, detail, reason, message, decided_by, decided_by_name, decided_at)
    values (${decision.id}, ${caseId}, ${decision.kind}, ${decision.isFinal}, ${JSON.stringify(decision.detail)},
      ${decision.reason}, ${decision.message}, ${decision.decidedBy}, ${decision.decidedByName},
      ${decision.decidedAt})`.execute(tx)
}

export async function readCaseDecisions(tx: Tx, id: CaseId): Promise<readonly KeptCaseDecision[]> {
  const { rows } = await sql<KeptCaseDecision>`
    select id, kind, is_final, detail, reason, message, decided_by, decided_by_name, decided_at
    from conflict_case_decision where case_id in ${family(id)} order by id`.execute(tx)
  return rows
}

/** What a decision says of a candidate, beside what the check had said. */
export interface Label {
  readonly dealId: DealId
  readonly claimId: string
  readonly checkId: CheckId
  readonly ruleVersion: number
  readonly candidateKind: string
  readonly matchKey: string
  readonly score: number
  readonly band: string
  readonly collides: boolean
  readonly sameCompany: LabelWord
  readonly sameDeal: LabelWord
  /** A person said so; otherwise it follows from the kind of decision. */
  readonly stated: boolean
}

export async function keepLabels(
  tx: Tx,
  caseId: CaseId,
  decision: Pick<KeptCaseDecision, 'id' | 'decidedAt'>,
  labels: readonly Label[],
): Promise<void> {
  if (labels.length === 0) return
  const rows = labels.map((label) => ({ ...label, id: newId() }))
  await sql`
    insert into conflict_case_label (id, decision_id, case_id, deal_id, claim_id, check_id, rule_version, candidate_kind,
      match_key, score, band, collides, same_company, same_deal, stated, decided_at)
    select (row->>'id')::uuid, ${decision.id}, ${caseId}, (row->>'dealId')::uuid, (row->>'claimId')::uuid,
      (row->>'checkId')::uuid, (row->>'ruleVersion')::int, row->>'candidateKind', row->>'matchKey',
      (row->>'score')::numeric, row->>'band', (row->>'collides')::boolean, row->>'sameCompany', row->>'sameDeal',
      (row->>'stated')::boolean, ${decision.decidedAt}
    from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as row`.execute(tx)
}

export interface KeptLabel extends Omit<Label, 'score'> {
  readonly decisionId: string
  /** As decimal text. */
  readonly score: string
}

export async function readLabels(tx: Tx, id: CaseId): Promise<readonly KeptLabel[]> {
  const { rows } = await sql<KeptLabel>`
    select decision_id, deal_id, claim_id, check_id, rule_version, candidate_kind, match_key, score::text as score,
      band, collides, same_company, same_deal, stated
    from conflict_case_label where case_id in ${family(id)} order by id`.execute(tx)
  return rows
}

/** What people decided, beside what they were shown. Rows are never changed; of several on one thing the newest counts. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { newId } from '#src/kernel/ids.ts'
import type { CheckId } from './check-store.ts'
import type { Label, LabelCount } from './label-quality.ts'
import type { VerdictBand } from './verdict.ts'

export interface LabelRow {
  readonly checkId: CheckId
  readonly claimId: string | null
  readonly label: Label
  readonly score: number | null
  readonly band: VerdictBand
  readonly ruleVersion: number
  readonly matcherVersion: number
  readonly decidedBy: string
  readonly decidedAt: Date
}

export async function insertLabel(tx: Tx, row: LabelRow): Promise<void> {
  await sql`
    insert into conflict_label (id, check_id, claim_id, label, score, band, rule_version, matcher_version, decided_by,
      decided_at)
    values (${newId()}, ${row.checkId}, ${row.claimId}, ${row.label}, ${row.score}, ${row.band}, ${row.ruleVersion},
      ${row.matcherVersion}, ${row.decidedBy}, ${row.decidedAt})`.execute(tx)
}

/** Newest labels of each check, and of each candidate of one, counted by version and band. */
export async function countLabels(tx: Tx, since: Date | null): Promise<readonly LabelCount[]> {
  const { rows } = await sql<LabelCount>`
    with newest as (
      select distinct on (check_id, claim_id) rule_version, matcher_version, band, label
      from conflict_label
      where ${since}::timestamptz is null or decided_at >= ${since}::timestamptz
      order by check_id, claim_id, id desc
    )
    select rule_version, matcher_version, band, label, count(*)::int as count
    from newest group by rule_version, matcher_version, band, label
    order by rule_version desc, matcher_version desc, band, label`.execute(tx)
  return rows
}

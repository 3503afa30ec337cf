/** Versions of the conflict rules: one in force, at most one draft. Published ones are never changed. */
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { newId } from '#src/kernel/ids.ts'
import { type RuleSet, ruleSetSchema } from './rule-set.ts'

/** A rule set that is or was in force. */
export interface RuleSetVersion {
  readonly id: string
  readonly version: number
  readonly state: 'published' | 'superseded'
  readonly document: RuleSet
  /** The version that it was made from; for a rollback, the one that it brought back. */
  readonly basedOn: number | null
  readonly note: string | null
  readonly publishedBy: string
  readonly publishedAt: Date
}

/** What is being worked on; at most one. */
export interface RuleSetDraft {
  readonly id: string
  readonly document: RuleSet
  readonly basedOn: number | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly revision: number
}

type Stored<T> = Omit<T, 'document'> & { readonly document: unknown }

/** Documents are checked again as they are read: what decides is never taken on trust. */
const withDocument = <Row extends { readonly document: unknown }>(row: Row) => ({
  ...row,
  document: ruleSetSchema.parse(row.document),
})

async function selectVersions(tx: Tx, condition: RawBuilder<unknown>): Promise<readonly RuleSetVersion[]> {
  const { rows } = await sql<Stored<RuleSetVersion>>`
    select id, version, state, document, based_on, note, published_by, published_at
    from conflict_rule_set ${condition}`.execute(tx)
  return rows.map(withDocument)
}

export interface RulesInForce {
  readonly version: number
  readonly rules: RuleSet
}

/** Published documents never change, so each is read and checked once; the few newest are remembered. */
const remembered = new Map<string, RulesInForce>()
const mostRemembered = 8

/** @throws Error when none is in force: without rules nothing is checked, and so nothing passes */
export async function readRulesInForce(tx: Tx): Promise<RulesInForce> {
  const { rows } = await sql<{ id: string }>`
    select id from conflict_rule_set where state = 'published'`.execute(tx)
  const id = rows[0]?.id
  const known = id === undefined ? undefined : remembered.get(id)
  if (known) return known
  const { version, document } = await findPublished(tx)
  const inForce = { version, rules: document }
  if (id !== undefined) {
    if (remembered.size >= mostRemembered) remembered.delete(remembered.keys().next().value ?? id)
    remembered.set(id, inForce)
  }
  return inForce
}

/** @throws Error when none is in force */
export async function findPublished(tx: Tx): Promise<RuleSetVersion> {
  const [found] = await selectVersions(tx, sql`where state = 'published'`)
  if (!found) throw new Error('No conflict rules are in force')
  return found
}

export async function findVersion(tx: Tx, version: number): Promise<RuleSetVersion | null> {
  const [found] = await selectVersions(tx, sql`where version = ${version}`)
  return found ?? null
}

/** Newest first, those before `before`; one more than `limit`. */
export const listVersions = (
  tx: Tx,
  { before, limit }: { readonly before: number | null; readonly limit: number },
) =>
  selectVersions(
    tx,
    sql`where state <> 'draft' and version < ${before ?? 2_147_483_647} order by version desc limit ${limit + 1}`,
  )

export async function findDraft(tx: Tx): Promise<RuleSetDraft | null> {
  const { rows } = await sql<Stored<RuleSetDraft>>`
    select id, document, based_on, created_by, created_at, revision
    from conflict_rule_set where state = 'draft'`.execute(tx)
  return rows[0] ? withDocument(rows[0]) : null
}

/** Whoever edits or publishes rules waits for the other one. */
export async function lockRuleSets(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('conflict rules', 0))`.execute(tx)
}

/** Call with the rule sets locked. */
export async function writeDraft(
  tx: Tx,
  draft: { readonly document: RuleSet; readonly basedOn: number | null; readonly by: string },
): Promise<void> {
  await sql`
    insert into conflict_rule_set as known (id, state, document, based_on, created_by)
    values (${newId()}, 'draft', ${JSON.stringify(draft.document)}::jsonb, ${draft.basedOn}, ${draft.by})
    on conflict (state) where state = 'draft' do update
      set document = excluded.document, based_on = excluded.based_on, revision = known.revision + 1`.execute(
    tx,
  )
}

export async function deleteDraft(tx: Tx, id: string): Promise<void> {
  await sql`delete from conflict_rule_set where id = ${id} and state = 'draft'`.execute(tx)
}

/** Puts a document in the place of the one in force. Call with the rule sets locked. */
export async function insertPublished(
  tx: Tx,
  next: {
    readonly document: RuleSet
    readonly basedOn: number | null
    readonly note: string
    readonly by: string
  },
): Promise<RuleSetVersion> {
  await sql`update conflict_rule_set set state = 'superseded' where state = 'published'`.execute(tx)
  await sql`
    insert into conflict_rule_set (id, version, state, document, based_on, note, created_by, published_by, published_at)
    select ${newId()}, coalesce(max(version), 0) + 1, 'published', ${JSON.stringify(next.document)}::jsonb,
      ${next.basedOn}, ${next.note}, ${next.by}, ${next.by}, clock_timestamp()
    from conflict_rule_set`.execute(tx)
  return findPublished(tx)
}

import { sql } from 'kysely'
import { z } from 'zod'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { PlanVersionId, ProgrammeId } from '#src/kernel/ids.ts'
import { type PlanDocument, type PlanId, type PlanVersion, planDocumentSchema } from './plan.ts'

export interface PlanRow {
  readonly id: PlanId
  readonly programmeId: ProgrammeId
  readonly name: string
  readonly createdAt: Date
}

export interface VersionRow {
  readonly id: PlanVersionId
  readonly planId: PlanId
  readonly programmeId: ProgrammeId
  readonly number: number
  readonly createdAt: Date
  readonly document: PlanDocument
  readonly publications: readonly { readonly from: Day; readonly at: Date }[]
}

export const planNameConstraint = 'incentive_plan_name'

export async function insertPlan(tx: Tx, plan: Omit<PlanRow, 'createdAt'>): Promise<PlanRow> {
  const { rows } = await sql<PlanRow>`
    insert into incentive_plan (id, programme_id, name) values (${plan.id}, ${plan.programmeId}, ${plan.name})
    returning id, programme_id, name, created_at`.execute(tx)
  return rows[0] as PlanRow
}

export async function readPlans(
  tx: Tx,
  filter: { readonly programmeId?: ProgrammeId | undefined },
  position: Position<'createdAt' | '-createdAt'>,
): Promise<readonly (PlanRow & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const ofProgramme = asked(filter.programmeId, (id) => sql`programme_id = ${id}`)
  const { rows } = await sql<PlanRow & Keyed>`
    select id, programme_id, name, created_at, ${key} as sort_key
    from incentive_plan where ${allOf(ofProgramme, follows)} ${tail}`.execute(tx)
  return rows
}

export async function readPlan(tx: Tx, id: PlanId): Promise<PlanRow | null> {
  const { rows } = await sql<PlanRow>`
    select id, programme_id, name, created_at from incentive_plan where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

/** The next version of a plan; two at the same time get numbers of their own, one after the other. */
export async function insertVersion(
  tx: Tx,
  version: { id: PlanVersionId; planId: PlanId; document: PlanDocument },
): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('plan ' || ${version.planId}, 0))`.execute(tx)
  const document = JSON.stringify(z.encode(planDocumentSchema, version.document))
  await sql`
    insert into incentive_plan_version (id, plan_id, number, document)
    select ${version.id}, ${version.planId}, coalesce(max(number), 0) + 1, ${document}::jsonb
    from incentive_plan_version where plan_id = ${version.planId}`.execute(tx)
}

const versionColumns = sql`
  select v.id, v.plan_id, p.programme_id, v.number, v.created_at, v.document,
         coalesce((select jsonb_agg(jsonb_build_object('from', valid_from, 'at', published_at) order by published_at, b.id)
                   from incentive_publication b where b.plan_version_id = v.id), '[]') as publications
  from incentive_plan_version v join incentive_plan p on p.id = v.plan_id`

interface StoredVersion extends Omit<VersionRow, 'document' | 'publications'> {
  readonly document: unknown
  readonly publications: readonly { readonly from: Day; readonly at: string }[]
}

const toVersion = (row: StoredVersion): VersionRow => ({
  ...row,
  document: z.decode(planDocumentSchema, row.document as z.input<typeof planDocumentSchema>),
  publications: row.publications.map(({ from, at }) => ({ from, at: new Date(at) })),
})

export async function readVersions(tx: Tx, planId: PlanId): Promise<readonly VersionRow[]> {
  const { rows } = await sql<StoredVersion>`
    ${versionColumns} where v.plan_id = ${planId} order by v.number desc`.execute(tx)
  return rows.map(toVersion)
}

export async function readVersionsById(
  tx: Tx,
  ids: readonly PlanVersionId[],
): Promise<readonly VersionRow[]> {
  const { rows } = await sql<StoredVersion>`${versionColumns} where v.id = any(${ids}::uuid[])`.execute(tx)
  return rows.map(toVersion)
}

export async function insertPublication(
  tx: Tx,
  publication: { id: string; programmeId: ProgrammeId; versionId: PlanVersionId; from: Day },
): Promise<void> {
  await sql`
    insert into incentive_publication (id, programme_id, plan_version_id, valid_from)
    values (${publication.id}, ${publication.programmeId}, ${publication.versionId}, ${publication.from})`.execute(
    tx,
  )
}

export async function readVersionInForce(
  tx: Tx,
  programmeId: ProgrammeId,
  day: Day,
): Promise<PlanVersionId | null> {
  const { rows } = await sql<{ id: PlanVersionId }>`
    select plan_version_id as id from incentive_publication
    where programme_id = ${programmeId} and valid_from <= ${day}
    order by valid_from desc, published_at desc, id desc limit 1`.execute(tx)
  return rows[0]?.id ?? null
}

export const asPlanVersion = ({ id, planId, programmeId, number, document }: VersionRow): PlanVersion => ({
  id,
  planId,
  programmeId,
  number,
  document,
})

import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { type Finding, type StoredFinding, type SyncTask, TaskEnded, type TaskKind } from './task.ts'

const columns = sql`id, connection_id, kind, entity, dry_run, repairs, state, progress, problem, failures, actor,
  created_at, started_at, ended_at`

export async function findTask(tx: Tx, id: string): Promise<SyncTask | null> {
  const { rows } = await sql<SyncTask>`select ${columns} from sync_task where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

export interface TaskFilter {
  readonly connectionId: ConnectionId
  readonly kind: TaskKind
}
export const taskSorts = ['createdAt', '-createdAt'] as const
export type TaskSort = (typeof taskSorts)[number]

export async function listTasks(
  tx: Tx,
  { connectionId, kind }: TaskFilter,
  position: Position<TaskSort>,
): Promise<readonly (SyncTask & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const { rows } = await sql<SyncTask & Keyed>`
    select ${columns}, ${key} as sort_key from sync_task
    where connection_id = ${connectionId} and kind = ${kind} and ${follows} ${tail}`.execute(tx)
  return rows
}

export async function repairsOf(tx: Tx, ids: readonly string[]): Promise<readonly SyncTask[]> {
  const { rows } = await sql<SyncTask>`
    select ${columns} from sync_task where repairs = any(${[...ids]}::uuid[]) order by id`.execute(tx)
  return rows
}

export interface NewTask {
  readonly connectionId: ConnectionId
  readonly kind: TaskKind
  readonly entity?: string
  readonly dryRun?: boolean
  readonly repairs?: string
  readonly progress: object
  readonly actor: Actor
}

/** @returns its id; null when one like it is under way */
export async function insertTask(tx: Tx, task: NewTask): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    insert into sync_task (id, connection_id, kind, entity, dry_run, repairs, state, progress, actor)
    values (${newId()}, ${task.connectionId}, ${task.kind}, ${task.entity ?? null}, ${task.dryRun ?? false},
            ${task.repairs ?? null}, 'waiting', ${JSON.stringify(task.progress)}::jsonb,
            ${JSON.stringify(task.actor)}::jsonb)
    on conflict (connection_id, kind, coalesce(entity, '')) where state in ('waiting', 'running') do nothing
    returning id`.execute(tx)
  return rows[0]?.id ?? null
}

/** The oldest task of a connection that may go on now. */
export async function nextTask(tx: Tx, connectionId: ConnectionId): Promise<SyncTask | null> {
  const { rows } = await sql<SyncTask>`
    update sync_task set state = 'running', started_at = coalesce(started_at, clock_timestamp()), retry_at = null
    where id = (select id from sync_task
                where connection_id = ${connectionId} and state in ('waiting', 'running')
                  and (retry_at is null or retry_at <= clock_timestamp())
                order by id limit 1)
      and state in ('waiting', 'running')
    returning ${columns}`.execute(tx)
  return rows[0] ?? null
}

/** Connections with a task that may go on now. */
export async function connectionsWithTasks(tx: Tx): Promise<ReadonlySet<ConnectionId>> {
  const { rows } = await sql<{ connectionId: ConnectionId }>`
    select distinct connection_id from sync_task
    where state in ('waiting', 'running') and (retry_at is null or retry_at <= clock_timestamp())`.execute(tx)
  return new Set(rows.map(({ connectionId }) => connectionId))
}

/** In the transaction of the step. @throws TaskEnded when it was cancelled meanwhile */
export async function saveProgress(tx: Tx, id: string, progress: object): Promise<void> {
  const { numAffectedRows } = await sql`
    update sync_task set progress = ${JSON.stringify(progress)}::jsonb, failures = 0, problem = null
    where id = ${id} and state = 'running'`.execute(tx)
  if (numAffectedRows !== 1n) throw new TaskEnded(id)
}

/** @returns false when it has ended already */
export async function endTask(
  tx: Tx,
  id: string,
  state: 'done' | 'cancelled' | 'failed',
  problem: string | null = null,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update sync_task set state = ${state}, problem = ${problem}, retry_at = null, ended_at = clock_timestamp()
    where id = ${id} and state in ('waiting', 'running')`.execute(tx)
  return numAffectedRows === 1n
}

/** @returns failures in a row by now */
export async function postponeTask(
  tx: Tx,
  id: string,
  problem: string,
  waitMs: number,
  counts: boolean,
): Promise<number> {
  const { rows } = await sql<{ failures: number }>`
    update sync_task set state = 'waiting', problem = ${problem}, failures = failures + ${counts ? 1 : 0},
      retry_at = clock_timestamp() + make_interval(secs => ${waitMs / 1_000})
    where id = ${id} and state in ('waiting', 'running') returning failures`.execute(tx)
  return rows[0]?.failures ?? 0
}

export async function insertFindings(tx: Tx, taskId: string, findings: readonly Finding[]): Promise<void> {
  if (findings.length === 0) return
  const rows = findings.map((finding) => ({
    id: newId(),
    kind: finding.kind,
    entity: finding.entity,
    record_id: finding.recordId,
    remote_id: finding.remoteId,
    details: finding.details,
  }))
  await sql`
    insert into sync_finding (id, task_id, kind, entity, record_id, remote_id, details)
    select id, ${taskId}, kind, entity, record_id, remote_id, details
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row (id uuid, kind text, entity text, record_id uuid, remote_id text, details jsonb)`.execute(tx)
}

const findingColumns = sql`id, kind, entity, record_id, remote_id, details, repaired_at`

export interface FindingFilter {
  readonly kind?: string | undefined
  readonly entity?: string | undefined
}

export async function listFindings(
  tx: Tx,
  taskId: string,
  filter: FindingFilter,
  position: Position<'createdAt'>,
): Promise<readonly (StoredFinding & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const matching = allOf(
    follows,
    asked(filter.kind, (kind) => sql`kind = ${kind}`),
    asked(filter.entity, (entity) => sql`entity = ${entity}`),
  )
  const { rows } = await sql<StoredFinding & Keyed>`
    select ${findingColumns}, ${key} as sort_key from sync_finding
    where task_id = ${taskId} and ${matching} ${tail}`.execute(tx)
  return rows
}

/** The first findings of each kind. */
export async function exampleFindings(
  tx: Tx,
  taskId: string,
  perKind: number,
): Promise<readonly StoredFinding[]> {
  const { rows } = await sql<StoredFinding>`
    select ${findingColumns} from (
      select *, row_number() over (partition by entity, kind order by id) as place
      from sync_finding where task_id = ${taskId}
    ) as finding where place <= ${perKind} order by entity, kind, id`.execute(tx)
  return rows
}

/** Findings that were not mended yet, behind `after`. */
export async function openFindings(
  tx: Tx,
  taskId: string,
  after: string | null,
  limit: number,
): Promise<readonly StoredFinding[]> {
  const { rows } = await sql<StoredFinding>`
    select ${findingColumns} from sync_finding
    where task_id = ${taskId} and repaired_at is null and (${after}::uuid is null or id > ${after}::uuid)
    order by id limit ${limit}`.execute(tx)
  return rows
}

export async function settleFindings(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    update sync_finding set repaired_at = clock_timestamp() where id = any(${[...ids]}::uuid[])`.execute(tx)
}

/** Which of these records over there a task has given away already. */
export async function foundRemotes(
  tx: Tx,
  taskId: string,
  kind: string,
  remoteIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (remoteIds.length === 0) return new Set()
  const { rows } = await sql<{ remoteId: string }>`
    select distinct remote_id from sync_finding
    where task_id = ${taskId} and kind = ${kind} and remote_id = any(${[...remoteIds]}::text[])`.execute(tx)
  return new Set(rows.map(({ remoteId }) => remoteId))
}

const keptDays = 30

/** Tasks that ended long ago, with their findings. @returns how many went */
export async function forgetTasks(tx: Tx, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from sync_task where id in (
      select id from sync_task as old
      where ended_at < clock_timestamp() - make_interval(days => ${keptDays})
        and not exists (select from sync_task as newer where newer.repairs = old.id)
      order by ended_at limit ${limit})`.execute(tx)
  return Number(numAffectedRows ?? 0n)
}

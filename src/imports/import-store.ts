import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Import, ImportId, ImportKind, ImportState, RowCounts } from './import.ts'

const columns = sql`
  id, kind, state, file_name, actor->>'name' as started_by, problem,
  jsonb_build_object('read', rows_read, 'created', rows_created, 'updated', rows_updated,
                     'unchanged', rows_unchanged, 'invalid', rows_invalid) as rows,
  created_at, received_at, started_at, ended_at`

export async function readImport(tx: Tx, id: ImportId): Promise<Import | undefined> {
  const { rows } = await sql<Import>`select ${columns} from import where id = ${id}`.execute(tx)
  return rows[0]
}

/** The same, locked: waits for the batch in hand. */
export async function lockImport(tx: Tx, id: ImportId): Promise<Import | undefined> {
  const { rows } = await sql<Import>`select ${columns} from import where id = ${id} for update`.execute(tx)
  return rows[0]
}

export interface ImportFilter {
  readonly kinds: readonly ImportKind[]
  readonly state?: ImportState | undefined
}
export const importSorts = ['createdAt', '-createdAt'] as const
export type ImportSort = (typeof importSorts)[number]

export async function listImports(
  tx: Tx,
  filter: ImportFilter,
  position: Position<ImportSort>,
): Promise<readonly (Import & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const matching = allOf(
    follows,
    sql`kind = any(${filter.kinds}::text[])`,
    asked(filter.state, (state) => sql`state = ${state}`),
  )
  const { rows } = await sql<Import & Keyed>`
    select ${columns}, ${key} as sort_key from import where ${matching}
    ${tail}`.execute(tx)
  return rows
}

export async function insertImport(
  tx: Tx,
  given: {
    readonly id: ImportId
    readonly kind: ImportKind
    readonly fileName: string | null
    readonly actor: Actor
    readonly columns: readonly string[]
  },
): Promise<void> {
  await sql`
    insert into import (id, kind, state, file_name, actor, columns)
    values (${given.id}, ${given.kind}, 'receiving', ${given.fileName}, ${JSON.stringify(given.actor)}::jsonb,
            ${given.columns}::text[])`.execute(tx)
}

/** The whole file is stored. False when the import ended in the meantime. */
export async function closeIntake(tx: Tx, id: ImportId): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update import set state = 'waiting', received_at = clock_timestamp()
    where id = ${id} and state = 'receiving'`.execute(tx)
  return numAffectedRows === 1n
}

/** False when it has ended already. */
export async function endImport(
  tx: Tx,
  id: ImportId,
  state: 'done' | 'cancelled' | 'failed',
  problem: string | null,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update import set state = ${state}, problem = ${problem}, retry_at = null, ended_at = clock_timestamp()
    where id = ${id} and ended_at is null`.execute(tx)
  return numAffectedRows === 1n
}

/** Imports whose upload fell silent, because the caller or we went away in the middle. */
export async function findSilent(tx: Tx, silentSeconds: number): Promise<readonly ImportId[]> {
  const { rows } = await sql<{ id: ImportId }>`
    select id from import
    where state = 'receiving' and stored_at < clock_timestamp() - make_interval(secs => ${silentSeconds})
    order by id for update skip locked`.execute(tx)
  return rows.map(({ id }) => id)
}

/** An import whose turn it is, as work needs it. */
export interface ImportTurn {
  readonly id: ImportId
  readonly kind: ImportKind
  readonly state: 'waiting' | 'running'
  readonly fileName: string | null
  readonly actor: Actor
  readonly columns: readonly string[]
  readonly appliedLine: number
  readonly failures: number
}

/**
 * The oldest unfinished import, locked until the transaction ends: that lock is the lease, and ends with us however we
 * end. Imports run one after the other, so that partners are there before their deals; null while another process works,
 * or until a retry is due.
 */
export async function takeTurn(tx: Tx): Promise<ImportTurn | null> {
  const { rows } = await sql<ImportTurn>`
    select id, kind, state, file_name, actor, columns, applied_line, failures from import
    where id = (select id from import where state in ('waiting', 'running') order by received_at, id limit 1)
      and state in ('waiting', 'running') and (retry_at is null or retry_at <= clock_timestamp())
    for update skip locked`.execute(tx)
  return rows[0] ?? null
}

/** When the next retry is due, if one waits. */
export async function nextRetryAt(tx: Tx): Promise<Date | null> {
  const { rows } = await sql<{ retryAt: Date | null }>`
    select retry_at from import where state in ('waiting', 'running') order by received_at, id limit 1`.execute(
    tx,
  )
  return rows[0]?.retryAt ?? null
}

export async function beginRun(tx: Tx, id: ImportId): Promise<void> {
  await sql`update import set state = 'running', started_at = clock_timestamp() where id = ${id}`.execute(tx)
}

/** Counts what became of rows, and moves on to `appliedLine`. */
export async function advance(
  tx: Tx,
  id: ImportId,
  appliedLine: number,
  counts: Omit<RowCounts, 'read'>,
): Promise<void> {
  await sql`
    update import set applied_line = greatest(applied_line, ${appliedLine}), failures = 0, problem = null,
      retry_at = null, rows_created = rows_created + ${counts.created}, rows_updated = rows_updated + ${counts.updated},
      rows_unchanged = rows_unchanged + ${counts.unchanged}, rows_invalid = rows_invalid + ${counts.invalid}
    where id = ${id}`.execute(tx)
}

export async function postpone(tx: Tx, id: ImportId, problem: string, waitMs: number): Promise<number> {
  const { rows } = await sql<{ failures: number }>`
    update import set failures = failures + 1, problem = ${problem},
      retry_at = clock_timestamp() + make_interval(secs => ${waitMs / 1_000})
    where id = ${id} and ended_at is null returning failures`.execute(tx)
  return rows[0]?.failures ?? 0
}

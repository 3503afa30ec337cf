import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'

/** One line of the sync log: one record in one attempt, whichever way it went. */
export interface Attempt {
  readonly direction: 'out' | 'in'
  readonly entity: string
  readonly recordId: string | null
  readonly remoteId: string | null
  readonly mappingVersionId: string | null
  readonly fields: readonly string[]
  /** created, updated, linked, applied, lost, review, waiting ... or the kind of a fault. */
  readonly outcome: string
  readonly code?: string
  readonly message?: string
  readonly durationMs?: number
}

export async function logAttempts(
  tx: Tx,
  connectionId: ConnectionId,
  attempts: readonly Attempt[],
): Promise<void> {
  if (attempts.length === 0) return
  const rows = attempts.map((attempt) => ({
    id: newId(),
    direction: attempt.direction,
    entity: attempt.entity,
    record_id: attempt.recordId,
    remote_id: attempt.remoteId,
    mapping_version_id: attempt.mappingVersionId,
    fields: attempt.fields,
    outcome: attempt.outcome,
    code: attempt.code ?? null,
    message: attempt.message?.slice(0, 1_000) ?? null,
    duration_ms: attempt.durationMs === undefined ? null : Math.round(attempt.durationMs),
  }))
  await sql`
    insert into sync_attempt (id, connection_id, direction, entity, record_id, remote_id, mapping_version_id, fields, outcome, code, message, duration_ms)
    select id, ${connectionId}, direction, entity, record_id, remote_id, mapping_version_id,
           array(select jsonb_array_elements_text(fields)), outcome, code, message, duration_ms
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row (id uuid, direction text, entity text, record_id uuid, remote_id text, mapping_version_id uuid, fields jsonb,
              outcome text, code text, message text, duration_ms integer)`.execute(tx)
}

export interface LoggedAttempt extends Omit<Attempt, 'code' | 'message' | 'durationMs'> {
  readonly id: string
  readonly at: Date
  readonly connectionId: ConnectionId
  readonly code: string | null
  readonly message: string | null
  readonly durationMs: number | null
}

export interface AttemptFilter {
  readonly connectionId?: ConnectionId | undefined
  readonly entity?: string | undefined
  readonly recordId?: string | undefined
  readonly remoteId?: string | undefined
  readonly outcome?: string | undefined
  readonly direction?: 'out' | 'in' | undefined
}
export const attemptSorts = ['at', '-at'] as const
export type AttemptSort = (typeof attemptSorts)[number]

/** @param entities all there are, so that a record's log is found by its index when no entity is named */
export async function listAttempts(
  tx: Tx,
  filter: AttemptFilter,
  entities: readonly string[],
  position: Position<AttemptSort>,
): Promise<readonly (LoggedAttempt & Keyed)[]> {
  const { key, follows, tail } = keyset({ at: 'creation' }, position)
  const among = filter.entity === undefined && filter.recordId !== undefined ? entities : undefined
  const matching = allOf(
    follows,
    asked(among, (names) => sql`entity = any(${[...names]}::text[])`),
    asked(filter.entity, (entity) => sql`entity = ${entity}`),
    asked(filter.connectionId, (id) => sql`connection_id = ${id}`),
    asked(filter.recordId, (id) => sql`record_id = ${id}`),
    asked(filter.remoteId, (id) => sql`remote_id = ${id}`),
    asked(filter.outcome, (outcome) => sql`outcome = ${outcome}`),
    asked(filter.direction, (direction) => sql`direction = ${direction}`),
  )
  const { rows } = await sql<LoggedAttempt & Keyed>`
    select id, at, connection_id, direction, entity, record_id, remote_id, mapping_version_id, fields, outcome, code,
           message, duration_ms, ${key} as sort_key
    from sync_attempt where ${matching} ${tail}`.execute(tx)
  return rows
}

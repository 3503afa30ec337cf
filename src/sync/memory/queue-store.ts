import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export type QueueState = 'dirty' | 'waiting' | 'parked'

export interface QueueCount {
  readonly connectionId: ConnectionId
  readonly entity: string
  readonly state: QueueState
  readonly count: number
  readonly oldestAt: Date
}

const stateOfMark = sql<QueueState>`
  case when parked_at is not null then 'parked' when waiting_for is not null then 'waiting' else 'dirty' end`

export async function countQueue(
  tx: Tx,
  connectionId: ConnectionId | undefined,
): Promise<readonly QueueCount[]> {
  const { rows } = await sql<QueueCount>`
    select connection_id, entity, ${stateOfMark} as state,
           count(*)::integer as count, min(marked_at) as oldest_at
    from dirty_mark where ${connectionId === undefined ? sql`true` : sql`connection_id = ${connectionId}`}
    group by 1, 2, 3 order by 1, 2, 3`.execute(tx)
  return rows
}

/** The same over all connections, for those who watch: how many, and how old the oldest is. */
export async function measureQueue(tx: Tx): Promise<
  readonly {
    readonly entity: string
    readonly state: QueueState
    readonly count: bigint
    readonly oldestSeconds: number
  }[]
> {
  const { rows } = await sql<{ entity: string; state: QueueState; count: bigint; oldestSeconds: number }>`
    select entity, ${stateOfMark} as state, count(*) as count,
           extract(epoch from clock_timestamp() - min(marked_at))::float8 as oldest_seconds
    from dirty_mark group by 1, 2`.execute(tx)
  return rows
}

export interface QueueFilter {
  readonly connectionId?: ConnectionId | undefined
  readonly entity?: string | undefined
  readonly recordId?: string | undefined
}
export interface ParkedFilter extends QueueFilter {
  readonly code?: string | undefined
}
export const parkedSorts = ['since', '-since'] as const
export type ParkedSort = (typeof parkedSorts)[number]

export interface ParkedRecord {
  readonly connectionId: ConnectionId
  readonly entity: string
  readonly recordId: string
  readonly since: Date
  readonly code: string
  readonly message: string
  readonly issues: readonly { readonly field: string; readonly message: string }[]
  readonly attempts: number
  readonly linkId: string | null
  readonly linkState: string | null
  readonly object: string | null
  readonly remoteId: string | null
  /** The open item that a person decides. */
  readonly reviewId: string | null
}

/** Sorts marks by an instant; a record may be listed once for each connection. */
const byInstant = (column: 'parked_at' | 'marked_at') => sql<string>`
  to_char(mark.${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || mark.connection_id::text || mark.entity collate "C"`

/** Lists page by `id`: the id of our record. */
const marks = sql`(select dirty_mark.*, record_id as id from dirty_mark) mark`

const ofMark = (filter: QueueFilter) => [
  asked(filter.connectionId, (id) => sql`mark.connection_id = ${id}`),
  asked(filter.entity, (entity) => sql`mark.entity = ${entity}`),
  asked(filter.recordId, (id) => sql`mark.record_id = ${id}`),
]

export async function listParked(
  tx: Tx,
  filter: ParkedFilter,
  position: Position<ParkedSort>,
): Promise<readonly (ParkedRecord & Keyed)[]> {
  const { key, follows, tail } = keyset({ since: byInstant('parked_at') }, position)
  const matching = allOf(
    sql`mark.parked_at is not null`,
    ...ofMark(filter),
    asked(filter.code, (code) => sql`mark.parked_code = ${code}`),
  )
  const { rows } = await sql<ParkedRecord & Keyed>`
    with page as (select mark.*, ${key} as sort_key from ${marks} where ${follows} and ${matching} ${tail})
    select page.id, sort_key, page.connection_id, page.entity, page.record_id, parked_at as since, parked_code as code,
           parked_message as message, coalesce(parked_issues, '[]') as issues, attempts, link.id as link_id,
           link.state as link_state, link.object, link.remote_id, (
             select min(review.id::text) from review_item review
             where review.connection_id = page.connection_id and review.entity = page.entity
               and review.record_id = page.record_id and review.closed_at is null) as review_id
    from page left join link
      on link.connection_id = page.connection_id and link.entity = page.entity and link.record_id = page.record_id
        and link.state <> 'retired'
    order by sort_key ${sql.raw(position.sort.startsWith('-') ? 'desc' : 'asc')}, id`.execute(tx)
  return rows
}

/** Why a record waits: what is the matter with its parent. */
export type ParentState = 'parked' | 'in_review' | 'lost' | 'waiting' | 'queued' | 'not_included'

export interface WaitingRecord {
  readonly connectionId: ConnectionId
  readonly entity: string
  readonly recordId: string
  readonly since: Date
  readonly parentEntity: string
  readonly parentId: string
  readonly parentState: ParentState
  /** What stands in the parent's way, as it is told of the parent. */
  readonly parentMessage: string | null
  readonly parentReviewId: string | null
}

export const waitingSorts = ['since', '-since'] as const
export type WaitingSort = (typeof waitingSorts)[number]

export async function listWaiting(
  tx: Tx,
  filter: QueueFilter,
  position: Position<WaitingSort>,
): Promise<readonly (WaitingRecord & Keyed)[]> {
  const { key, follows, tail } = keyset({ since: byInstant('marked_at') }, position)
  const matching = allOf(sql`mark.parked_at is null and mark.waiting_for is not null`, ...ofMark(filter))
  const { rows } = await sql<WaitingRecord & Keyed>`
    with page as (
      select mark.*, ${key} as sort_key, split_part(waiting_for, ':', 1) as parent_entity,
             split_part(waiting_for, ':', 2)::uuid as parent_id
      from ${marks} where ${follows} and ${matching} ${tail}
    )
    select page.id, sort_key, page.connection_id, page.entity, page.record_id, page.marked_at as since, parent_entity,
           parent_id,
           case when review.id is not null then 'in_review' when parent.parked_at is not null then 'parked'
                when link.state in ('gone', 'merged', 'retired') then 'lost'
                when parent.waiting_for is not null then 'waiting' when parent.record_id is not null then 'queued'
                else 'not_included' end as parent_state,
           coalesce(review.message, parent.parked_message) as parent_message, review.id as parent_review_id
    from page
    left join dirty_mark parent
      on parent.connection_id = page.connection_id and parent.entity = parent_entity and parent.record_id = parent_id
    left join lateral (
      select state from link
      where link.connection_id = page.connection_id and link.entity = parent_entity and link.record_id = parent_id
      order by id desc limit 1) link on true
    left join lateral (
      select id, message from review_item item
      where item.connection_id = page.connection_id and item.entity = parent_entity and item.record_id = parent_id
        and item.closed_at is null and item.kind in ('doubtful_match', 'duplicate', 'gone', 'merged')
      order by id limit 1) review on true
    order by sort_key ${sql.raw(position.sort.startsWith('-') ? 'desc' : 'asc')}, page.id`.execute(tx)
  return rows
}

/**
 * Gives parked records a new try, the oldest first.
 * @returns how many, at most `most`, and how many are left
 */
export async function replayParked(
  tx: Tx,
  filter: ParkedFilter & { readonly ids?: readonly string[] | undefined },
  most: number,
): Promise<{ readonly replayed: number; readonly remaining: number }> {
  const matching = allOf(
    sql`mark.parked_at is not null`,
    ...ofMark(filter),
    asked(filter.code, (code) => sql`mark.parked_code = ${code}`),
    asked(filter.ids, (ids) => sql`mark.record_id = any(${[...ids]}::uuid[])`),
  )
  const { rows } = await sql<{ replayed: number; remaining: number }>`
    with found as (
      select connection_id, entity, record_id from dirty_mark mark where ${matching}
      order by connection_id, entity, record_id limit ${most} for update
    ), replayed as (
      update dirty_mark mark
      set generation = generation + 1, ready_at = clock_timestamp(), due_at = clock_timestamp(), attempts = 0,
          parked_at = null, parked_code = null, parked_message = null, parked_issues = null
      from found
      where mark.connection_id = found.connection_id and mark.entity = found.entity and mark.record_id = found.record_id
      returning 1
    )
    select (select count(*) from replayed)::integer as replayed,
           (select count(*) from dirty_mark mark where ${matching})::integer - (select count(*) from replayed)::integer as remaining`.execute(
    tx,
  )
  return rows[0] ?? { replayed: 0, remaining: 0 }
}

/** Since when the oldest record that could go has not gone; null when nothing is due. */
export async function oldestDirty(tx: Tx, connectionId: ConnectionId): Promise<Date | null> {
  const { rows } = await sql<{ oldest: Date | null }>`
    select min(marked_at) as oldest from dirty_mark
    where connection_id = ${connectionId} and parked_at is null and waiting_for is null`.execute(tx)
  return rows[0]?.oldest ?? null
}

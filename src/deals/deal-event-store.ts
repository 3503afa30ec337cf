import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type DealId, type Id, newId, type PartnerId } from '#src/kernel/ids.ts'

export type Visibility = 'public' | 'internal'

/** What happened to a deal, as people read it. `data` never holds what the visibility forbids. */
export interface DealEvent {
  readonly id: Id<'deal_event'>
  readonly dealId: DealId
  readonly recordedAt: Date
  readonly kind: string
  readonly visibility: Visibility
  readonly actorKind: Actor['kind']
  readonly actorName: string
  readonly data: Readonly<Record<string, string | null>>
}

export type NewDealEvent = Pick<DealEvent, 'dealId' | 'kind' | 'visibility' | 'data'> & {
  readonly partnerId: PartnerId
}

/** Adds to the history of deals; one statement for all. */
export async function insertDealEvents(
  tx: Tx,
  actor: Actor,
  at: Date,
  events: readonly NewDealEvent[],
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({ ...event, id: newId() }))
  await sql`
    insert into deal_event
      (id, deal_id, partner_id, recorded_at, kind, visibility, actor_kind, actor_id, actor_name, data)
    select (row->>'id')::uuid, (row->>'dealId')::uuid, (row->>'partnerId')::uuid, ${at}, row->>'kind',
      row->>'visibility', ${actor.kind}, ${actor.kind === 'system' ? actor.name : actor.id}, ${actor.name}, row->'data'
    from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as row`.execute(tx)
}

/** The newest first; a partner sees public ones only (the database sees to that). */
export async function listDealEvents(
  tx: Tx,
  dealId: DealId,
  page: { readonly limit: number; readonly before: string | null },
): Promise<DealEvent[]> {
  const { rows } = await sql<DealEvent>`
    select id, deal_id, recorded_at, kind, visibility, actor_kind, actor_name, data from deal_event
    where deal_id = ${dealId} and (${page.before}::uuid is null or id < ${page.before}::uuid)
    order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

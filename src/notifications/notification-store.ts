import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { NotificationKind } from '#src/kernel/events.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import type { Mail } from './mail.ts'
import type { Notification, NotificationSort } from './notification.ts'

const columns = sql`
  id, kind, partner_id, jsonb_build_object('kind', subject_kind, 'id', subject_id) as subject, data, created_at`

/** A mail that is due once its wait is over. */
export type NewMail = Pick<Mail, 'id' | 'notificationId' | 'recipientName' | 'recipientEmail'> & {
  readonly waitMs: number
}

/** Into the feed, with the mails that carry them, in one statement. */
export async function insertNotifications(
  tx: Tx,
  rows: readonly Omit<Notification, 'createdAt'>[],
  mails: readonly NewMail[],
): Promise<void> {
  await sql`
    with mailed as (
      insert into mail (id, notification_id, recipient_name, recipient_email, due_at)
      select (row->>'id')::uuid, (row->>'notificationId')::uuid, row->>'recipientName', row->>'recipientEmail',
             clock_timestamp() + (row->>'waitMs')::integer * interval '1 millisecond'
      from jsonb_array_elements(${JSON.stringify(mails)}::jsonb) as row
    )
    insert into notification (id, kind, partner_id, subject_kind, subject_id, data)
    select (row->>'id')::uuid, row->>'kind', (row->>'partnerId')::uuid, row#>>'{subject,kind}', row#>>'{subject,id}',
           row->'data'
    from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as row`.execute(tx)
}

export interface NotificationFilter {
  readonly kind?: NotificationKind | undefined
  readonly subjectKind?: string | undefined
  readonly subjectId?: string | undefined
  readonly partnerId?: PartnerId | undefined
  readonly since?: Date | undefined
}

export async function listNotifications(
  tx: Tx,
  filter: NotificationFilter,
  position: Position<NotificationSort>,
): Promise<readonly (Notification & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const matching = allOf(
    follows,
    asked(filter.kind, (kind) => sql`kind = ${kind}`),
    asked(filter.subjectKind, (kind) => sql`subject_kind = ${kind}`),
    asked(filter.subjectId, (id) => sql`subject_id = ${id}`),
    asked(filter.partnerId, (id) => sql`partner_id = ${id}`),
    asked(filter.since, (since) => sql`created_at >= ${since}`),
  )
  const { rows } = await sql<Notification & Keyed>`
    select ${columns}, ${key} as sort_key from notification where ${matching}
    ${tail}`.execute(tx)
  return rows
}

export async function readNotifications(tx: Tx, ids: readonly string[]): Promise<readonly Notification[]> {
  const { rows } = await sql<Notification>`
    select ${columns} from notification where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

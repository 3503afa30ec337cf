import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Mail, MailSort } from './mail.ts'

const columns = sql`
  id, notification_id, recipient_name, recipient_email, state, attempts, due_at, last_error, sent_at, created_at`

/** One message is bounded; what one person is to hear beyond it comes in the next. */
const mostTogether = 10_000

/**
 * Takes due mails for sending: nobody else gets them before the lease ends, and each taking counts as an attempt. Whoever
 * gets a message now gets in it whatever else was waiting for them. By the database's clock.
 */
export async function takeDueMails(tx: Tx, limit: number, leaseMs: number): Promise<readonly Mail[]> {
  const { rows } = await sql<Mail>`
    with due as (
      select id, recipient_email from mail where state = 'pending' and due_at <= clock_timestamp()
      order by due_at, id limit ${limit} for update skip locked
    ), together as (
      select id from mail
      where state = 'pending' and attempts = 0 and recipient_email in (select recipient_email from due)
      limit ${mostTogether} for update skip locked
    )
    update mail set attempts = attempts + 1, due_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
    where id in (select id from due union select id from together)
    returning ${columns}`.execute(tx)
  return rows
}

type Taken = Pick<Mail, 'id' | 'attempts'>
const stillOurs = (mails: readonly Taken[]) => sql`
  from jsonb_to_recordset(${JSON.stringify(mails)}::jsonb) as taken ("id" uuid, "attempts" integer)
  where mail.id = taken.id and mail.attempts = taken.attempts and mail.state = 'pending'`

export async function settleSent(tx: Tx, mails: readonly Taken[]): Promise<void> {
  await sql`
    update mail set state = 'sent', sent_at = clock_timestamp(), last_error = null ${stillOurs(mails)}`.execute(
    tx,
  )
}

/** @param delayMs until the next attempt; null gives up */
export async function settleUnsent(
  tx: Tx,
  mails: readonly Taken[],
  error: string,
  delayMs: number | null,
): Promise<void> {
  await sql`
    update mail set last_error = ${error}, state = ${delayMs === null ? 'failed' : 'pending'},
      due_at = clock_timestamp() + ${delayMs ?? 0} * interval '1 millisecond' ${stillOurs(mails)}`.execute(tx)
}

export interface MailFilter {
  readonly state?: Mail['state'] | undefined
  readonly recipientEmail?: string | undefined
}

export async function listMails(
  tx: Tx,
  filter: MailFilter,
  position: Position<MailSort>,
): Promise<readonly (Mail & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const matching = allOf(
    follows,
    asked(filter.state, (state) => sql`state = ${state}`),
    asked(filter.recipientEmail, (email) => sql`recipient_email = lower(${email}::text)`),
  )
  const { rows } = await sql<Mail & Keyed>`
    select ${columns}, ${key} as sort_key from mail where ${matching}
    ${tail}`.execute(tx)
  return rows
}

/** Failed mails get their attempts back. @returns how many of these ids were failed */
export async function replayMails(tx: Tx, ids: readonly string[]): Promise<number> {
  const { rows } = await sql`
    update mail set state = 'pending', attempts = 0, due_at = clock_timestamp()
    where id = any(${ids}::uuid[]) and state = 'failed' returning id`.execute(tx)
  return rows.length
}

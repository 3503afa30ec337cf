import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'

export interface StoredAnswer {
  readonly inputHash: string
  readonly status: number | null
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>> | null
  readonly holdsSecret: boolean
}

export interface KeyName {
  readonly actor: string
  readonly route: string
  readonly key: string
}

/**
 * Takes the key for this unit of work. A twin that runs at the same time waits here until we commit or roll back.
 * @returns null when the key is now ours, else the answer kept for it
 */
export async function takeKey(tx: Tx, name: KeyName, inputHash: string): Promise<StoredAnswer | null> {
  const taken = await sql`
    insert into idempotency_key (actor, route, key, input_hash)
    values (${name.actor}, ${name.route}, ${name.key}, decode(${inputHash}, 'hex'))
    on conflict do nothing returning 1`.execute(tx)
  if (taken.rows.length > 0) return null
  const { rows } = await sql<StoredAnswer>`
    select encode(input_hash, 'hex') as input_hash, status, body, headers, holds_secret
    from idempotency_key where actor = ${name.actor} and route = ${name.route} and key = ${name.key}`.execute(
    tx,
  )
  return rows[0] ?? null
}

export interface KeptAnswer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly holdsSecret: boolean
}

export async function keepAnswer(tx: Tx, name: KeyName, answer: KeptAnswer): Promise<void> {
  await sql`
    update idempotency_key
    set status = ${answer.status}, body = ${answer.holdsSecret ? null : answer.body},
        headers = ${JSON.stringify(answer.headers)}::jsonb, holds_secret = ${answer.holdsSecret}
    where actor = ${name.actor} and route = ${name.route} and key = ${name.key}`.execute(tx)
}

/** Forgets answers older than `hours`. */
export async function dropOldKeys(tx: Tx, hours: number): Promise<void> {
  await sql`delete from idempotency_key where created_at < clock_timestamp() - make_interval(hours => ${hours})`.execute(
    tx,
  )
}

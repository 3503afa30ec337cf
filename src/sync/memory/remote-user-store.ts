/** What is known of a CRM's people, with its age: asking for everybody at every record would cost a call each. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export interface RemoteUser {
  /** In lower case. */
  readonly email: string
  /** Null: nobody over there has this address. */
  readonly remoteId: string | null
  readonly active: boolean
}

/** People are believed to be as they were for so long; that somebody is missing, for less. */
const knownForS = 3_600
const missingForS = 300

/** Those of these addresses, and of these ids, that are known and not too old. */
export async function knownUsers(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  { emails, ids }: { readonly emails: readonly string[]; readonly ids: readonly string[] },
): Promise<readonly RemoteUser[]> {
  const { rows } = await sql<RemoteUser>`
    select email, remote_id, active from remote_user
    where connection_id = ${connectionId} and object = ${object}
      and (email = any(${[...emails]}::text[]) or remote_id = any(${[...ids]}::text[]))
      and checked_at > clock_timestamp()
        - make_interval(secs => case when remote_id is null then ${missingForS}::float8 else ${knownForS}::float8 end)`.execute(
    tx,
  )
  return rows
}

export async function rememberUsers(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  users: readonly RemoteUser[],
): Promise<void> {
  if (users.length === 0) return
  const rows = users.map(({ email, remoteId, active }) => ({ email, remote_id: remoteId, active }))
  await sql`
    insert into remote_user as known (connection_id, object, email, remote_id, active)
    select ${connectionId}, ${object}, email, remote_id, active
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (email text, remote_id text, active boolean)
    order by email
    on conflict (connection_id, object, email) do update
      set remote_id = excluded.remote_id, active = excluded.active, checked_at = clock_timestamp()`.execute(
    tx,
  )
}

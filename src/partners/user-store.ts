import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Role } from '#src/kernel/actor.ts'
import type { PartnerId, UserId } from '#src/kernel/ids.ts'
import type { User, UserSort } from './user.ts'

const columns = sql`id, partner_id, email, name, roles, status, revision, created_at, updated_at`

export async function readUsers(tx: Tx, ids: readonly string[]): Promise<readonly User[]> {
  if (ids.length === 0) return []
  const { rows } =
    await sql<User>`select ${columns} from user_account where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

export async function lockUser(tx: Tx, id: UserId): Promise<User | undefined> {
  const { rows } = await sql<User>`select ${columns} from user_account where id = ${id} for update`.execute(
    tx,
  )
  return rows[0]
}

export interface UserFilter {
  readonly partnerId?: PartnerId | undefined
  readonly side?: 'vendor' | 'partner' | undefined
  readonly role?: Role | undefined
  readonly status?: User['status'] | undefined
  readonly search?: string | undefined
}

export async function listUsers(
  tx: Tx,
  filter: UserFilter,
  position: Position<UserSort>,
): Promise<readonly (User & Keyed)[]> {
  const sorts = { name: sql<string>`lower(name)`, email: sql<string>`email`, createdAt: 'creation' } as const
  const { key, follows, tail } = keyset(sorts, position)
  const matching = allOf(
    follows,
    asked(filter.partnerId, (id) => sql`partner_id = ${id}`),
    asked(filter.side, (side) => (side === 'vendor' ? sql`partner_id is null` : sql`partner_id is not null`)),
    asked(filter.role, (role) => sql`${role} = any(roles)`),
    asked(filter.status, (status) => sql`status = ${status}`),
    asked(filter.search, (text) => sql`strpos(lower(name || ' ' || email), lower(${text}::text)) > 0`),
  )
  const { rows } = await sql<User & Keyed>`
    select ${columns}, ${key} as sort_key from user_account where ${matching}
    ${tail}`.execute(tx)
  return rows
}

export type UserWrite = Pick<User, 'id' | 'partnerId' | 'email' | 'name' | 'roles' | 'status'>

export async function insertUser(tx: Tx, user: UserWrite): Promise<void> {
  await sql`
    insert into user_account (id, partner_id, email, name, roles, status)
    values (${user.id}, ${user.partnerId}, ${user.email}, ${user.name}, ${user.roles}, ${user.status})`.execute(
    tx,
  )
}

export async function updateUser(tx: Tx, user: UserWrite): Promise<void> {
  await sql`
    update user_account set email = ${user.email}, name = ${user.name}, roles = ${user.roles}, status = ${user.status},
      revision = revision + 1, updated_at = clock_timestamp()
    where id = ${user.id}`.execute(tx)
}

/** The vendor's active administrators, locked, so that two of them cannot remove each other at once. */
export async function lockAdministrators(tx: Tx): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from user_account
    where partner_id is null and status = 'active' and 'administrator' = any(roles) order by id for update`.execute(
    tx,
  )
  return rows.map(({ id }) => id)
}

/** True in one transaction only as long as there is nobody yet: others wait for it. */
export async function claimFirstUser(tx: Tx): Promise<boolean> {
  await sql`select pg_advisory_xact_lock(hashtextextended('partners.first_user', 0))`.execute(tx)
  const { rows } = await sql`select 1 from user_account limit 1`.execute(tx)
  return rows.length === 0
}

/** Active people with one of these roles at a partner (or, null, at the vendor); an ended partner has none. */
export async function readRecipients(
  tx: Tx,
  partnerId: PartnerId | null,
  roles: readonly Role[],
): Promise<readonly { readonly id: UserId; readonly name: string; readonly email: string }[]> {
  // Written out for either case, since "is not distinct from" uses no index.
  const ofThese = partnerId === null ? sql`u.partner_id is null` : sql`u.partner_id = ${partnerId}`
  const { rows } = await sql<{ id: UserId; name: string; email: string }>`
    select u.id, u.name, u.email from user_account u left join partner p on p.id = u.partner_id
    where ${ofThese} and u.status = 'active' and u.roles && ${roles}::text[]
      and p.status is distinct from 'ended' and u.email not like '%.invalid'
    order by u.email`.execute(tx)
  return rows
}

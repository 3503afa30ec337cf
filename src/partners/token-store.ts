import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Role } from '#src/kernel/actor.ts'
import type { PartnerId, UserId } from '#src/kernel/ids.ts'
import type { ApiToken, TokenSort } from './user.ts'

const columns = sql`id, user_id, partner_id, name, roles, expires_at, revoked_at, last_used_at, created_at`

export interface TokenFilter {
  readonly userId?: UserId | undefined
  readonly partnerId?: PartnerId | undefined
  /** Neither revoked nor expired. */
  readonly usable?: boolean | undefined
}

export async function listTokens(
  tx: Tx,
  filter: TokenFilter,
  now: Date,
  position: Position<TokenSort>,
): Promise<readonly (ApiToken & Keyed)[]> {
  const { key, follows, tail } = keyset({ name: sql<string>`lower(name)`, createdAt: 'creation' }, position)
  const usable = sql`(revoked_at is null and (expires_at is null or expires_at > ${now}))`
  const matching = allOf(
    follows,
    asked(filter.userId, (id) => sql`user_id = ${id}`),
    asked(filter.partnerId, (id) => sql`partner_id = ${id}`),
    asked(filter.usable, (wanted) => (wanted ? usable : sql`not ${usable}`)),
  )
  const { rows } = await sql<ApiToken & Keyed>`
    select ${columns}, ${key} as sort_key from api_token where ${matching}
    ${tail}`.execute(tx)
  return rows
}

export async function lockToken(tx: Tx, id: string): Promise<ApiToken | undefined> {
  const { rows } = await sql<ApiToken>`select ${columns} from api_token where id = ${id} for update`.execute(
    tx,
  )
  return rows[0]
}

export async function insertToken(
  tx: Tx,
  token: Pick<ApiToken, 'id' | 'userId' | 'partnerId' | 'name' | 'roles' | 'expiresAt'>,
  secretHash: Buffer,
): Promise<ApiToken> {
  const { rows } = await sql<ApiToken>`
    insert into api_token (id, user_id, partner_id, name, secret_hash, roles, expires_at)
    values (${token.id}, ${token.userId}, ${token.partnerId}, ${token.name}, ${secretHash}, ${token.roles},
            ${token.expiresAt})
    returning ${columns}`.execute(tx)
  return one(rows)
}

export async function revokeToken(tx: Tx, id: string, now: Date): Promise<ApiToken> {
  const { rows } = await sql<ApiToken>`
    update api_token set revoked_at = ${now} where id = ${id} returning ${columns}`.execute(tx)
  return one(rows)
}

export interface TokenHolder {
  readonly id: UserId
  readonly name: string
  readonly partnerId: PartnerId | null
  readonly roles: readonly Role[]
  readonly scope: readonly Role[] | null
  readonly tokenId: string
  /** Its last use was noted more than an hour ago, or never. */
  readonly useUnnoted: boolean
}

/** Who holds a usable token: one statement, by the unique index of the hash. */
export async function findTokenHolder(
  tx: Tx,
  secretHash: Buffer,
  now: Date,
): Promise<TokenHolder | undefined> {
  const { rows } = await sql<TokenHolder>`
    select u.id, u.name, u.partner_id, u.roles, t.roles as scope, t.id as token_id,
           coalesce(t.last_used_at < ${now}::timestamptz - interval '1 hour', true) as use_unnoted
    from api_token t join user_account u on u.id = t.user_id left join partner p on p.id = u.partner_id
    where t.secret_hash = ${secretHash} and t.revoked_at is null and (t.expires_at is null or t.expires_at > ${now})
      and u.status = 'active' and p.status is distinct from 'ended'`.execute(tx)
  return rows[0]
}

export async function noteTokenUse(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`update api_token set last_used_at = ${now} where id = ${id}`.execute(tx)
}

function one<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (!row) throw new Error('The statement returned no row')
  return row
}

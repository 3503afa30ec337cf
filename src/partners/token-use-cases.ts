import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import { type Actor, systemActor, vendorRoles } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { InvalidInput, NotFound, Refused } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import {
  findTokenHolder,
  insertToken,
  listTokens,
  lockToken,
  noteTokenUse,
  revokeToken,
  type TokenFilter,
} from './token-store.ts'
import {
  type ApiToken,
  actorOf,
  hashSecret,
  makeSecret,
  type TokenInput,
  type TokenSort,
  tokenPrefix,
  type User,
} from './user.ts'
import { claimFirstUser, insertUser, lockUser } from './user-store.ts'

/** A token together with its secret, which nobody can read again. */
export interface NewToken {
  readonly token: ApiToken
  readonly secret: string
}

export function createTokenUseCases(deps: { readonly clock: Clock }) {
  const { clock } = deps
  return {
    listTokens: (tx: Tx, filter: TokenFilter, position: Position<TokenSort>) =>
      listTokens(tx, filter, clock.now(), position),

    async createToken(tx: Tx, actor: Actor, input: TokenInput): Promise<NewToken> {
      const user = await lockUser(tx, input.userId)
      if (!user) throw new NotFound('The user')
      if (user.status !== 'active') throw new Refused('user_disabled', 'A disabled user gets no tokens')
      const issues = (input.roles ?? []).flatMap((role, index) =>
        user.roles.includes(role)
          ? []
          : [{ path: `/roles/${index}`, code: 'not_held', message: `${user.name} does not have this role` }],
      )
      if (input.expiresAt && input.expiresAt <= clock.now()) {
        issues.push({ path: '/expiresAt', code: 'in_the_past', message: 'The token would never be valid' })
      }
      if (issues.length > 0) throw new InvalidInput('The token cannot be made like this', issues)
      return issue(tx, actor, user, input)
    },

    /** Holds from the commit on. Revoking again changes nothing. */
    async revokeToken(tx: Tx, actor: Actor, id: string): Promise<ApiToken> {
      const before = await lockToken(tx, id)
      if (!before) throw new NotFound('The token')
      if (before.revokedAt) return before
      const after = await revokeToken(tx, id, clock.now())
      const { partnerId } = before
      await recordAudit(tx, actor, [
        { action: 'token.revoked', subject: { kind: 'token', id }, partnerId, before, after },
      ])
      return after
    },

    /** The actor behind a bearer token in a system step, or null. One statement; once an hour it notes the use. */
    async authenticate(tx: Tx, secret: string): Promise<Actor | null> {
      if (!secret.startsWith(tokenPrefix)) return null
      const now = clock.now()
      const holder = await findTokenHolder(tx, hashSecret(secret), now)
      if (holder?.useUnnoted) await noteTokenUse(tx, holder.tokenId, now)
      return holder ? actorOf(holder, holder.scope) : null
    },

    /**
     * The very first administrator, for an installation without any user; of several processes one gets it.
     * @returns the secret of a token that does not expire, or null when there are users
     */
    async bootstrapAdministrator(tx: Tx): Promise<string | null> {
      if (!(await claimFirstUser(tx))) return null
      const actor = systemActor('first start')
      const user = {
        id: newId<'user'>(),
        partnerId: null,
        email: 'administrator@counterpart.invalid',
        name: 'Administrator',
        roles: [...vendorRoles],
        status: 'active',
      } as const
      await insertUser(tx, user)
      await recordAudit(tx, actor, [
        { action: 'user.created', subject: { kind: 'user', id: user.id }, after: user },
      ])
      const { secret } = await issue(tx, actor, user, { userId: user.id, name: 'First token' })
      return secret
    },
  }
}

async function issue(
  tx: Tx,
  actor: Actor,
  user: Pick<User, 'id' | 'partnerId'>,
  input: TokenInput,
): Promise<NewToken> {
  const secret = makeSecret()
  const { id: userId, partnerId } = user
  const { name, roles = null, expiresAt = null } = input
  const token = await insertToken(
    tx,
    { id: newId(), userId, partnerId, name, roles, expiresAt },
    hashSecret(secret),
  )
  await recordAudit(tx, actor, [
    { action: 'token.created', subject: { kind: 'token', id: token.id }, partnerId, after: token },
  ])
  return { token, secret }
}

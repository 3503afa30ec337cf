import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor, Role } from '#src/kernel/actor.ts'
import { InvalidInput, NotAllowed, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import { newId, type PartnerId, type UserId } from '#src/kernel/ids.ts'
import { readPartners } from './partner-store.ts'
import { checkRoles, type User, type UserInput, type UserPatch, type UserSort } from './user.ts'
import {
  insertUser,
  listUsers,
  lockAdministrators,
  lockUser,
  readRecipients,
  readUsers,
  type UserFilter,
  type UserWrite,
  updateUser,
} from './user-store.ts'

/** People of the vendor and of the partners. Row isolation keeps a partner's administrator within its organisation. */
export function createUserUseCases() {
  return {
    /** A partner finds its own people only; in a system step everybody is found. */
    findUser: async (tx: Tx, id: UserId): Promise<User | null> => (await readUsers(tx, [id]))[0] ?? null,
    findUsers: async (tx: Tx, ids: readonly UserId[]): Promise<ReadonlyMap<string, User>> =>
      new Map((await readUsers(tx, ids)).map((user) => [user.id, user])),
    getUser,
    listUsers: (tx: Tx, filter: UserFilter, position: Position<UserSort>) => listUsers(tx, filter, position),

    /** Active people with one of the roles at a partner (null: at the vendor), whoever asks. */
    recipients: (tx: Tx, partnerId: PartnerId | null, roles: readonly Role[]) =>
      asSystem(tx, (inner) => readRecipients(inner, partnerId, roles)),

    async createUser(tx: Tx, actor: Actor, input: UserInput): Promise<User> {
      const partnerId = organisationOf(actor, input.partnerId)
      assertRoles(input.roles, partnerId)
      if (partnerId !== null && (await readPartners(tx, [partnerId])).length === 0) {
        throw new NotFound('The partner')
      }
      const id = newId<'user'>()
      const { name, roles } = input
      const written: UserWrite = {
        id,
        partnerId,
        name,
        roles,
        email: input.email.toLowerCase(),
        status: 'active',
      }
      await insertUser(tx, written).catch(emailTaken)
      const user = await getUser(tx, id)
      await recordAudit(tx, actor, [
        { action: 'user.created', subject: subjectOf(id), partnerId, after: user },
      ])
      return user
    },

    /** Disabling somebody, or taking roles away, holds for their tokens at once. */
    async updateUser(
      tx: Tx,
      actor: Actor,
      id: UserId,
      patch: UserPatch,
      expectedRevision: number | null,
    ): Promise<User> {
      const administrators = await lockAdministrators(tx)
      const before = await lockUser(tx, id)
      if (!before) throw new NotFound('The user')
      if (expectedRevision !== null && expectedRevision !== before.revision) throw new Stale()
      const written: UserWrite = {
        id,
        partnerId: before.partnerId,
        email: patch.email?.toLowerCase() ?? before.email,
        name: patch.name ?? before.name,
        roles: patch.roles ?? before.roles,
        status: patch.status ?? before.status,
      }
      assertRoles(written.roles, written.partnerId)
      const administers = written.status === 'active' && written.roles.includes('administrator')
      if (!administers && administrators.length === 1 && administrators[0] === id) {
        throw new Refused('last_administrator', 'Somebody else must be an administrator first')
      }
      await updateUser(tx, written).catch(emailTaken)
      const after = await getUser(tx, id)
      const { partnerId } = after
      await recordAudit(tx, actor, [
        { action: 'user.updated', subject: subjectOf(id), partnerId, before, after },
      ])
      return after
    },
  }
}

const subjectOf = (id: string) => ({ kind: 'user', id })
const emailTaken = refuseTaken(
  'user_account_email',
  new Refused('email_taken', 'A user with this e-mail address exists'),
)

async function getUser(tx: Tx, id: UserId): Promise<User> {
  const [user] = await readUsers(tx, [id])
  if (!user) throw new NotFound('The user')
  return user
}

/** A partner's people work for it alone; everybody else says for which organisation they act. */
function organisationOf(actor: Actor, asked: PartnerId | null | undefined): PartnerId | null {
  if (actor.kind !== 'partner') return asked ?? null
  if (asked !== undefined && asked !== actor.partnerId) {
    throw new NotAllowed('Users of another organisation are managed by that organisation')
  }
  return actor.partnerId
}

function assertRoles(roles: readonly Role[], partnerId: PartnerId | null): void {
  const issues = checkRoles(roles, partnerId)
  if (issues.length > 0) throw new InvalidInput('These roles do not exist in that organisation', issues)
}

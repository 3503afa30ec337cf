import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type Actor, partnerRoles, type Role, vendorRoles } from '#src/kernel/actor.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import { idSchema, type PartnerId, type UserId } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'

export const userStatuses = ['active', 'disabled'] as const

export interface User {
  readonly id: UserId
  /** null: a user of the vendor. */
  readonly partnerId: PartnerId | null
  readonly email: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly status: (typeof userStatuses)[number]
  readonly revision: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export const roleSchema = z.enum([...vendorRoles, ...partnerRoles])
export const rolesSchema = z.array(roleSchema).min(1).max(10)

export const userInputSchema = z
  .strictObject({
    partnerId: idSchema<'partner'>().nullish().describe('null or absent: a user of the vendor'),
    email: z.email().max(254),
    name: lineSchema(200),
    roles: rolesSchema,
  })
  .meta({ id: 'NewUser' })
export type UserInput = z.infer<typeof userInputSchema>

export const userPatchSchema = z
  .strictObject({ ...userInputSchema.omit({ partnerId: true }).shape, status: z.enum(userStatuses) })
  .partial()
  .meta({ id: 'UserPatch' })
export type UserPatch = z.infer<typeof userPatchSchema>

/** The vendor's people carry vendor roles, a partner's people partner roles. */
export function checkRoles(roles: readonly Role[], partnerId: PartnerId | null): FieldIssue[] {
  const known: readonly Role[] = partnerId === null ? vendorRoles : partnerRoles
  return roles.flatMap((role, index) =>
    known.includes(role)
      ? []
      : [{ path: `/roles/${index}`, code: 'wrong_side', message: `The roles here are: ${known.join(', ')}` }],
  )
}

/** A bearer token: it acts for its user, with all of the user's roles or some of them. */
export interface ApiToken {
  readonly id: string
  readonly userId: UserId
  readonly partnerId: PartnerId | null
  readonly name: string
  /** null: all roles that the user has at the time of use. */
  readonly roles: readonly Role[] | null
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** To the hour; not every use is noted. */
  readonly lastUsedAt: Date | null
  readonly createdAt: Date
}

export interface TokenInput {
  readonly userId: UserId
  readonly name: string
  /** Some of the roles of the user; null or absent: all that the user has at the time of use. */
  readonly roles?: readonly Role[] | null | undefined
  /** null or absent: valid until revoked. */
  readonly expiresAt?: Date | null | undefined
}

export const tokenPrefix = 'cp_'

/** A secret of 32 random bytes; only its hash is kept. */
export const makeSecret = (): string => tokenPrefix + randomBytes(32).toString('base64url')
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** The actor behind a user: its roles cut down to the scope of the token. */
export function actorOf(
  user: Pick<User, 'id' | 'name' | 'partnerId' | 'roles'>,
  scope: readonly Role[] | null,
): Actor {
  const granted = (role: Role) => user.roles.includes(role) && (scope === null || scope.includes(role))
  const { id, name, partnerId } = user
  return partnerId === null
    ? { kind: 'vendor', id, name, roles: vendorRoles.filter(granted) }
    : { kind: 'partner', id, name, roles: partnerRoles.filter(granted), partnerId }
}

export const userSorts = ['name', '-name', 'email', '-email', 'createdAt', '-createdAt'] as const
export type UserSort = (typeof userSorts)[number]

export const tokenSorts = ['name', '-name', 'createdAt', '-createdAt'] as const
export type TokenSort = (typeof tokenSorts)[number]

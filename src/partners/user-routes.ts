import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Access, type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { partnerRoles, vendorRoles } from '#src/kernel/actor.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'
import type { PartnerUseCases } from './partner-use-cases.ts'
import {
  type ApiToken,
  roleSchema,
  rolesSchema,
  tokenSorts,
  type User,
  userInputSchema,
  userPatchSchema,
  userSorts,
  userStatuses,
} from './user.ts'

/** The vendor's administrator manages everybody, a partner's its own organisation: row isolation sees to that. */
const administrators: Access = ['administrator', 'partner_administrator']

const userSchema = z
  .object({
    id: idSchema<'user'>(),
    partnerId: idSchema<'partner'>().nullable().describe('null: a user of the vendor'),
    email: z.string(),
    name: z.string(),
    roles: z.array(roleSchema),
    status: z.enum(userStatuses),
    revision: z.int(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'User' })
const tokenSchema = z
  .object({
    id: z.uuid(),
    userId: idSchema<'user'>(),
    partnerId: idSchema<'partner'>().nullable(),
    name: z.string(),
    roles: z.array(roleSchema).nullable().describe('null: all roles that the user has'),
    expiresAt: instantSchema.nullable(),
    revokedAt: instantSchema.nullable(),
    lastUsedAt: instantSchema.nullable().describe('To the hour'),
    createdAt: instantSchema,
  })
  .meta({ id: 'ApiToken' })
const tokenInputSchema = z
  .strictObject({
    userId: idSchema<'user'>(),
    name: lineSchema(200),
    roles: rolesSchema
      .nullish()
      .describe('Some of the roles of the user; null or absent: all that the user has'),
    expiresAt: instantSchema.nullish().describe('null or absent: valid until revoked'),
  })
  .meta({ id: 'NewApiToken' })
const actorSchema = z
  .object({
    kind: z.enum(['vendor', 'partner']),
    id: z.string(),
    name: z.string(),
    roles: z.array(roleSchema),
    partnerId: idSchema<'partner'>().nullable(),
  })
  .meta({ id: 'Actor' })

const oneUser = z.strictObject({ userId: idSchema<'user'>() })
const oneToken = z.strictObject({ tokenId: z.uuid() })

const user = (row: User) => ({ ...row, roles: [...row.roles] })
const one = (row: User) => ({ body: user(row), etag: row.revision })
const token = (row: ApiToken) => ({ ...row, roles: row.roles && [...row.roles] })

export const userRoutes = (partners: PartnerUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/me',
    summary: 'Read who the token acts for, and with which roles',
    tag: 'Users',
    access: [...vendorRoles, ...partnerRoles],
    answers: { 200: actorSchema },
    handle: async ({ actor }) => {
      // Only people hold tokens; the server lets nobody else reach a route with roles.
      if (actor.kind !== 'vendor' && actor.kind !== 'partner')
        throw new TypeError(`${actor.kind} has no token`)
      const { kind, id, name, roles } = actor
      const partnerId = actor.kind === 'partner' ? actor.partnerId : null
      return { status: 200, body: { kind, id, name, roles: [...roles], partnerId } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/users',
    summary: 'List users',
    description: "A partner's administrator finds the people of its own organisation.",
    tag: 'Users',
    access: administrators,
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(userSorts).default('name'),
      partnerId: idSchema<'partner'>().optional(),
      side: z.enum(['vendor', 'partner']).optional(),
      role: roleSchema.optional(),
      status: z.enum(userStatuses).optional(),
      search: lineSchema(200).optional().describe('Part of the name or e-mail address'),
    }),
    answers: { 200: pageOf(userSchema) },
    handle: async ({ tx, query }) => {
      const { items, nextCursor } = sortedPage(await partners.listUsers(tx, query, positionOf(query)), query)
      return { status: 200, body: { items: items.map(user), nextCursor } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/users',
    summary: 'Create a user',
    tag: 'Users',
    access: administrators,
    body: userInputSchema,
    answers: { 201: userSchema },
    handle: async ({ tx, actor, body }) => ({
      status: 201,
      ...one(await partners.createUser(tx, actor, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/users/:userId',
    summary: 'Read a user',
    tag: 'Users',
    access: administrators,
    params: oneUser,
    answers: { 200: userSchema },
    handle: async ({ tx, params }) => ({ status: 200, ...one(await partners.getUser(tx, params.userId)) }),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/users/:userId',
    summary: 'Change a user: name, address, roles, or disable it',
    description: 'What is taken away holds for the tokens of the user at once.',
    tag: 'Users',
    access: administrators,
    params: oneUser,
    body: userPatchSchema,
    answers: { 200: userSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(await partners.updateUser(tx, actor, params.userId, body, ifMatch)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/tokens',
    summary: 'List API tokens',
    tag: 'API tokens',
    access: administrators,
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(tokenSorts).default('-createdAt'),
      userId: idSchema<'user'>().optional(),
      partnerId: idSchema<'partner'>().optional(),
      usable: z.enum(['true', 'false']).optional().describe('Neither revoked nor expired'),
    }),
    answers: { 200: pageOf(tokenSchema) },
    handle: async ({ tx, query: { usable, ...query } }) => {
      const filter = { ...query, usable: usable === undefined ? undefined : usable === 'true' }
      const { items, nextCursor } = sortedPage(
        await partners.listTokens(tx, filter, positionOf(query)),
        query,
      )
      return { status: 200, body: { items: items.map(token), nextCursor } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens',
    summary: 'Create an API token',
    description: 'The secret is in this answer and nowhere else.',
    tag: 'API tokens',
    access: administrators,
    body: tokenInputSchema,
    answers: { 201: z.object({ token: tokenSchema, secret: z.string() }).meta({ id: 'IssuedApiToken' }) },
    holdsSecret: true,
    handle: async ({ tx, actor, body }) => {
      const created = await partners.createToken(tx, actor, body)
      return { status: 201, body: { token: token(created.token), secret: created.secret } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens/:tokenId/revoke',
    summary: 'Revoke an API token',
    description: 'It is refused from the next request on. Revoking it again changes nothing.',
    tag: 'API tokens',
    access: administrators,
    params: oneToken,
    answers: { 200: tokenSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: token(await partners.revokeToken(tx, actor, params.tokenId)),
    }),
  }),
]

import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Access, type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { partnerRoles, vendorRoles } from '#src/kernel/actor.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'
import {
  membershipInputSchema,
  type Partner,
  partnerInputSchema,
  partnerPatchSchema,
  partnerSorts,
  partnerStatuses,
} from './partner.ts'
import type { PartnerUseCases } from './partner-use-cases.ts'
import { programmeRoutes } from './programme-routes.ts'
import { userRoutes } from './user-routes.ts'

const everyone: Access = [...vendorRoles, ...partnerRoles]
const managers: Access = ['administrator', 'channel_manager']

const partnerSchema = z
  .object({
    id: idSchema<'partner'>(),
    externalRef: z.string().nullable(),
    name: z.string(),
    domain: z.string().nullable(),
    country: z.string().nullable(),
    city: z.string().nullable(),
    status: z.enum(partnerStatuses),
    currency: z.string(),
    memberships: z.array(
      z.object({
        programmeId: idSchema<'programme'>(),
        tierId: z.uuid(),
        tierName: z.string(),
        territories: z.array(z.string()).describe('ISO countries; empty means all'),
      }),
    ),
    revision: z.int(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'Partner' })

const onePartner = z.strictObject({ partnerId: idSchema<'partner'>() })
const oneMembership = onePartner.extend({ programmeId: idSchema<'programme'>() })

const answer = (partner: Partner) => ({
  ...partner,
  memberships: partner.memberships.map((each) => ({ ...each, territories: [...each.territories] })),
})
const one = (partner: Partner) => ({ body: answer(partner), etag: partner.revision })

const countryCode = z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 code such as DE')

/** Organisations and memberships here; programmes, people and tokens beside it. */
export const partnerRoutes = (partners: PartnerUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/partners',
    summary: 'List partner organisations',
    description: 'A partner finds itself only.',
    tag: 'Partners',
    access: everyone,
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(partnerSorts).default('name'),
      search: lineSchema(200).optional().describe('Part of the name, or the web domain'),
      status: z.enum(partnerStatuses).optional(),
      country: countryCode.optional(),
      programmeId: idSchema<'programme'>().optional(),
      tierId: z.uuid().optional(),
      externalRef: lineSchema(200).optional(),
    }),
    answers: { 200: pageOf(partnerSchema) },
    handle: async ({ tx, query }) => {
      const { items, nextCursor } = sortedPage(
        await partners.listPartners(tx, query, positionOf(query)),
        query,
      )
      return { status: 200, body: { items: items.map(answer), nextCursor } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/partners',
    summary: 'Create a partner organisation',
    tag: 'Partners',
    access: managers,
    body: partnerInputSchema,
    answers: { 201: partnerSchema },
    handle: async ({ tx, actor, body }) => ({
      status: 201,
      ...one(await partners.createPartner(tx, actor, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/partners/:partnerId',
    summary: 'Read a partner organisation',
    tag: 'Partners',
    access: everyone,
    params: onePartner,
    answers: { 200: partnerSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      ...one(await partners.getPartner(tx, params.partnerId)),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/partners/:partnerId',
    summary: 'Change a partner organisation',
    description: 'Fields that are left out stay; null clears one.',
    tag: 'Partners',
    access: managers,
    params: onePartner,
    body: partnerPatchSchema,
    answers: { 200: partnerSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(await partners.updatePartner(tx, actor, params.partnerId, body, ifMatch)),
    }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/partners/:partnerId/memberships/:programmeId',
    summary: 'Put a partner into a programme, or change its tier and territories there',
    tag: 'Partners',
    access: managers,
    params: oneMembership,
    body: membershipInputSchema,
    answers: { 200: partnerSchema },
    handle: async ({ tx, actor, params: { partnerId, programmeId }, body, ifMatch }) => ({
      status: 200,
      ...one(await partners.setMembership(tx, actor, partnerId, programmeId, body, ifMatch)),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/partners/:partnerId/memberships/:programmeId',
    summary: 'Take a partner out of a programme',
    tag: 'Partners',
    access: managers,
    params: oneMembership,
    answers: { 200: partnerSchema },
    handle: async ({ tx, actor, params: { partnerId, programmeId }, ifMatch }) => ({
      status: 200,
      ...one(await partners.endMembership(tx, actor, partnerId, programmeId, ifMatch)),
    }),
  }),
  ...programmeRoutes(partners),
  ...userRoutes(partners),
]

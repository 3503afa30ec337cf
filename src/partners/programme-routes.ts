import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Access, type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { type Actor, partnerRoles, vendorRoles } from '#src/kernel/actor.ts'
import { idSchema } from '#src/kernel/ids.ts'
import type { PartnerUseCases } from './partner-use-cases.ts'
import {
  type Programme,
  programmeInputSchema,
  programmePatchSchema,
  programmeRulesSchema,
  programmeSorts,
  tierInputSchema,
  tierPatchSchema,
} from './programme.ts'

const everyone: Access = [...vendorRoles, ...partnerRoles]
const owners: Access = ['administrator']

const vendorOnly = { eligibility: true, autoApproval: true, deciderId: true } as const
const programmeSchema = z
  .object({
    id: idSchema<'programme'>(),
    ...programmeRulesSchema.omit(vendorOnly).shape,
    ...programmeRulesSchema.pick(vendorOnly).partial().shape,
    revision: z.int(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({
    id: 'Programme',
    description: 'Partners do not see eligibility, autoApproval and deciderId.',
  })
const tierSchema = z
  .object({
    id: z.uuid(),
    programmeId: idSchema<'programme'>(),
    name: z.string(),
    rank: z.int().describe('A higher rank stands above a lower one'),
    revision: z.int(),
  })
  .meta({ id: 'Tier' })

const oneProgramme = z.strictObject({ programmeId: idSchema<'programme'>() })
const oneTier = z.strictObject({ tierId: z.uuid() })

/** What this actor may know of a programme: how decisions are made is the vendor's own business. */
function answer(actor: Actor, programme: Programme) {
  if (actor.kind !== 'partner') return programme
  const { eligibility: _, autoApproval: __, deciderId: ___, ...shown } = programme
  return shown
}
const one = (actor: Actor, programme: Programme) => ({
  body: answer(actor, programme),
  etag: programme.revision,
})

export const programmeRoutes = (partners: PartnerUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/programmes',
    summary: 'List programmes',
    description: 'A partner finds those that it belongs to.',
    tag: 'Programmes',
    access: everyone,
    query: z.strictObject({ ...pageQuery.shape, sort: z.enum(programmeSorts).default('name') }),
    answers: { 200: pageOf(programmeSchema) },
    handle: async ({ tx, actor, query }) => {
      const rows = await partners.listProgrammes(tx, actor, positionOf(query))
      const { items, nextCursor } = sortedPage(rows, query)
      return { status: 200, body: { items: items.map((row) => answer(actor, row)), nextCursor } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/programmes',
    summary: 'Create a programme',
    description: 'Rules that are left out take their defaults.',
    tag: 'Programmes',
    access: owners,
    body: programmeInputSchema,
    answers: { 201: programmeSchema },
    handle: async ({ tx, actor, body }) => ({
      status: 201,
      ...one(actor, await partners.createProgramme(tx, actor, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/programmes/:programmeId',
    summary: 'Read a programme',
    tag: 'Programmes',
    access: everyone,
    params: oneProgramme,
    answers: { 200: programmeSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      ...one(actor, await partners.getVisibleProgramme(tx, actor, params.programmeId)),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/programmes/:programmeId',
    summary: 'Change the rules of a programme',
    description:
      'Rules that are left out stay. They hold from now on; protection that was granted keeps its range.',
    tag: 'Programmes',
    access: owners,
    params: oneProgramme,
    body: programmePatchSchema,
    answers: { 200: programmeSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(actor, await partners.updateProgramme(tx, actor, params.programmeId, body, ifMatch)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/programmes/:programmeId/tiers',
    summary: 'List the tiers of a programme, the highest first',
    tag: 'Programmes',
    access: everyone,
    params: oneProgramme,
    answers: { 200: z.object({ items: z.array(tierSchema) }) },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: { items: [...(await partners.listTiers(tx, actor, params.programmeId))] },
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/programmes/:programmeId/tiers',
    summary: 'Add a tier to a programme',
    tag: 'Programmes',
    access: owners,
    params: oneProgramme,
    body: tierInputSchema,
    answers: { 201: tierSchema },
    handle: async ({ tx, actor, params, body }) => {
      const tier = await partners.createTier(tx, actor, params.programmeId, body)
      return { status: 201, body: tier, etag: tier.revision }
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/tiers/:tierId',
    summary: 'Change a tier',
    tag: 'Programmes',
    access: owners,
    params: oneTier,
    body: tierPatchSchema,
    answers: { 200: tierSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => {
      const tier = await partners.updateTier(tx, actor, params.tierId, body, ifMatch)
      return { status: 200, body: tier, etag: tier.revision }
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tiers/:tierId',
    summary: 'Delete a tier that no partner holds',
    tag: 'Programmes',
    access: owners,
    params: oneTier,
    answers: { 204: z.null() },
    handle: async ({ tx, actor, params }) => {
      await partners.deleteTier(tx, actor, params.tierId)
      return { status: 204, body: null }
    },
  }),
]

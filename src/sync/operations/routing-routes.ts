import { z } from 'zod'
import { crmStates } from '#src/deals/deal-status.ts'
import type { DealUseCases } from '#src/deals/deal-use-cases.ts'
import { type Route, route } from '#src/http/route.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { type Routing, routingInputSchema } from '../memory/routing.ts'
import type { RerouteUseCases } from './reroute-use-cases.ts'
import type { RoutingUseCases } from './routing-use-cases.ts'
import { listOf, readers, reasonSchema, remoteIdSchema } from './sync-wire.ts'

const tag = 'Deal routing'
const path = '/api/v1/deal-routing'

const routingSchema = z
  .object({ ...routingInputSchema.shape, revision: z.int().describe('0 while nothing was set') })
  .meta({ id: 'DealRouting' })

const sampleSchema = z
  .object({
    dealId: idSchema<'deal'>(),
    number: z.string(),
    companyName: z.string(),
    connectionId: idSchema<'connection'>()
      .nullable()
      .describe('Where it goes now; null while it is not fixed'),
    wouldGoTo: idSchema<'connection'>().nullable(),
    rule: z.int().nullable().describe('Place of the rule that decides; null: the default'),
  })
  .meta({ id: 'RoutedDeal' })

const reroutedSchema = z
  .object({
    dealId: idSchema<'deal'>(),
    number: z.string(),
    connectionId: idSchema<'connection'>().nullable(),
    state: z.enum(crmStates).describe('pending until it has arrived'),
    remoteId: z.string().nullable(),
    revision: z.int(),
  })
  .meta({ id: 'ReroutedDeal' })

const one = (routing: Routing) => ({ status: 200 as const, body: routing, etag: routing.revision })

export interface RoutingRouteDeps {
  readonly routing: RoutingUseCases
  readonly rerouting: Pick<RerouteUseCases, 'reroute'>
  readonly deals: Pick<DealUseCases, 'routingFactsOf'>
}

export const routingRoutes = ({ routing, rerouting, deals }: RoutingRouteDeps): readonly Route[] => [
  route({
    method: 'GET',
    path,
    summary: 'Show which connection deals go to',
    tag,
    access: readers,
    answers: { 200: routingSchema },
    handle: async ({ tx }) => one(await routing.get(tx)),
  }),
  route({
    method: 'PUT',
    path,
    summary: 'Set which connection deals go to',
    description:
      'The first rule that holds decides. It counts for deals that are approved from now on; those before stay.',
    tag,
    access: ['administrator'],
    body: routingInputSchema,
    answers: { 200: routingSchema },
    handle: async ({ tx, actor, body, ifMatch }) => one(await routing.set(tx, actor, body, ifMatch)),
  }),
  route({
    method: 'POST',
    path: `${path}/try`,
    summary: 'Show where deals would go, without changing anything',
    description: 'By the rules given, or by those in force; for the deals named, or for the newest.',
    tag,
    access: readers,
    body: z.strictObject({
      routing: routingInputSchema.optional(),
      dealIds: z.array(idSchema<'deal'>()).min(1).max(200).optional(),
      newest: z.int().min(1).max(200).default(50),
    }),
    answers: { 200: z.object({ items: listOf(sampleSchema) }) },
    handle: async ({ tx, body }) => ({
      status: 200,
      body: {
        items: await routing.tryOn(
          tx,
          deals,
          body.routing ?? null,
          body.dealIds ? { ids: body.dealIds } : { newest: body.newest },
        ),
      },
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/reroute',
    summary: 'Give a deal to another connection',
    description:
      'The opportunity that stood for it says that it moved and is left alone from then on. The deal is linked to the opportunity named, or to the one it had there before; otherwise one is made.',
    tag: 'Deals',
    access: ['administrator', 'channel_manager', 'revenue_operations'],
    params: z.strictObject({ dealId: idSchema<'deal'>() }),
    body: z.strictObject({
      connectionId: idSchema<'connection'>(),
      remoteId: remoteIdSchema.nullable().default(null),
      reason: reasonSchema,
    }),
    answers: { 200: reroutedSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => {
      const deal = await rerouting.reroute(tx, actor, params.dealId, ifMatch, body)
      const { id, number, crmConnectionId, crmState, crmRemoteId, revision } = deal
      const crm = { connectionId: crmConnectionId, state: crmState, remoteId: crmRemoteId }
      return { status: 200, body: { dealId: id, number, ...crm, revision }, etag: revision }
    },
  }),
]

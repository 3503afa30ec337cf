import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import type { Role } from '#src/kernel/actor.ts'
import { notificationKindNames } from '#src/notifications/notification.ts'
import { deliveryStates, endpointInputSchema, endpointPatchSchema } from './webhook.ts'
import type { WebhookUseCases } from './webhook-use-cases.ts'

const tag = 'Webhooks'
const administrators = ['administrator'] satisfies Role[]
const readers = ['administrator', 'revenue_operations', 'auditor'] satisfies Role[]
const params = z.strictObject({ endpointId: z.uuid() })

const endpointSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    url: z.string(),
    kinds: z.array(z.enum(notificationKindNames)),
    enabled: z.boolean(),
    disabledReason: z.string().nullable(),
    failingSince: instantSchema.nullable().describe('Since when nothing has arrived'),
    revision: z.int(),
    createdAt: instantSchema,
  })
  .meta({ id: 'WebhookEndpoint' })
const withSecretSchema = z
  .object({
    ...endpointSchema.shape,
    secret: z.string().describe('Signs what is sent (Standard Webhooks). Shown this once'),
  })
  .meta({ id: 'WebhookEndpointWithSecret' })
const deliverySchema = z
  .object({
    id: z.uuid().describe('The webhook-id: the same for every attempt'),
    endpointId: z.uuid(),
    kind: z.string(),
    state: z.enum(deliveryStates),
    attempts: z.int(),
    dueAt: instantSchema.describe('When it is tried next'),
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
    deliveredAt: instantSchema.nullable(),
    createdAt: instantSchema,
  })
  .meta({ id: 'WebhookDelivery' })

export const webhookRoutes = (webhooks: WebhookUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/webhook-endpoints',
    summary: 'List the addresses that events are sent to',
    tag,
    access: readers,
    answers: { 200: z.object({ items: z.array(endpointSchema).readonly() }) },
    handle: async ({ tx }) => ({ status: 200, body: { items: await webhooks.listEndpoints(tx) } }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/webhook-endpoints',
    summary: 'Send events to an address',
    description:
      'Requests are signed by the scheme of Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature). A ' +
      'delivery that is not answered with 2xx within 20 seconds is tried ten times over three days; 410 ends it.',
    tag,
    access: administrators,
    body: endpointInputSchema,
    answers: { 201: withSecretSchema },
    holdsSecret: true,
    handle: async ({ tx, actor, body }) => {
      const endpoint = await webhooks.createEndpoint(tx, actor, body)
      return { status: 201, body: endpoint, etag: endpoint.revision }
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/webhook-endpoints/:endpointId',
    summary: 'Change an endpoint, or switch it off and on',
    tag,
    access: administrators,
    params,
    body: endpointPatchSchema,
    answers: { 200: endpointSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => {
      const endpoint = await webhooks.changeEndpoint(tx, actor, params.endpointId, body, ifMatch)
      return { status: 200, body: endpoint, etag: endpoint.revision }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/webhook-endpoints/:endpointId/secret',
    summary: 'Replace the secret; the old one signs too for a day',
    tag,
    access: administrators,
    params,
    answers: { 200: withSecretSchema },
    holdsSecret: true,
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: await webhooks.rotateSecret(tx, actor, params.endpointId),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/webhook-endpoints/:endpointId',
    summary: 'Remove an endpoint and what waits for it',
    tag,
    access: administrators,
    params,
    answers: { 204: z.null() },
    handle: async ({ tx, actor, params }) => {
      await webhooks.removeEndpoint(tx, actor, params.endpointId)
      return { status: 204, body: null }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/webhook-deliveries',
    summary: 'List deliveries and what became of them',
    tag,
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(['createdAt', '-createdAt']).default('-createdAt'),
      endpointId: z.uuid().optional(),
      state: z.enum(deliveryStates).optional(),
      kind: z.enum(notificationKindNames).optional(),
    }),
    answers: { 200: pageOf(deliverySchema) },
    handle: async ({ tx, query }) => {
      const rows = await webhooks.listDeliveries(tx, query, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/webhook-deliveries/replay',
    summary: 'Try failed deliveries anew',
    tag,
    access: administrators,
    body: z.strictObject({ ids: z.array(z.uuid()).min(1).max(1_000) }),
    answers: { 200: z.object({ replayed: z.int() }).meta({ id: 'WebhookReplay' }) },
    handle: async ({ tx, actor, body }) => ({
      status: 200,
      body: { replayed: await webhooks.replay(tx, actor, body.ids) },
    }),
  }),
]

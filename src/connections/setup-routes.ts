import { z } from 'zod'
import { networkRoute, type Route } from '#src/http/route.ts'
import { connectionParams, listOf } from './connection-schemas.ts'
import type { SetupUseCases } from './setup-use-cases.ts'

const tag = 'Connections'
const path = '/api/v1/connections/:connectionId/setup'

const stepSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    state: z
      .enum(['done', 'missing', 'wrong', 'by_hand'])
      .describe('by_hand: missing, and only a person can add it. wrong: there, but not as it must be'),
    detail: z.string(),
  })
  .meta({ id: 'SetupStep' })
const planSchema = z
  .object({ ok: z.boolean().describe('Nothing is missing or wrong'), steps: listOf(stepSchema) })
  .meta({ id: 'SetupPlan' })

const planOf = (steps: readonly z.infer<typeof stepSchema>[]): z.infer<typeof planSchema> => ({
  ok: steps.every(({ state }) => state === 'done'),
  steps,
})

export const setupRoutes = (setup: SetupUseCases): readonly Route[] => [
  networkRoute({
    method: 'GET',
    path,
    summary: 'Show what the CRM still lacks for the published mappings',
    description: 'Fields, keys, permissions, change tracking, webhooks. Nothing is changed in the CRM.',
    tag,
    access: ['administrator'],
    params: connectionParams,
    answers: { 200: planSchema },
    handle: async ({ actor, params, signal }) => ({
      status: 200,
      body: planOf(await setup.plan(actor, params.connectionId, signal)),
    }),
  }),
  networkRoute({
    method: 'POST',
    path,
    summary: 'Create in the CRM what the named steps say is missing',
    description: "Goes through the CRM's own metadata API. Safe to repeat.",
    tag,
    access: ['administrator'],
    params: connectionParams,
    body: z.strictObject({ steps: z.array(z.string().min(1).max(200)).min(1).max(200) }),
    answers: { 200: planSchema },
    handle: async ({ actor, params, body, signal }) => ({
      status: 200,
      body: planOf(await setup.apply(actor, params.connectionId, body.steps, signal)),
    }),
  }),
]

/** Lets another process do what only HubSpot's portals have: associations, and webhooks that go out when it says so. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { HubspotSimulator } from './simulator-interface.ts'

const association = z.object({
  fromId: z.string(),
  toId: z.string(),
  typeId: z.number().int(),
  by: z.string().optional(),
})
const share = z.number().min(0).max(1)
const delivery = z.object({
  drop: share.optional(),
  double: share.optional(),
  shuffle: z.boolean().optional(),
})

type Controlled = Pick<HubspotSimulator, 'associate' | 'dissociate' | 'webhooks'>

export function addPortalControl(app: FastifyInstance, simulator: Controlled): void {
  app.register(async (scope) => {
    scope.setErrorHandler((error, _request, reply) =>
      reply.code(400).send({ message: error instanceof Error ? error.message : String(error) }),
    )
    scope.post('/__simulator/associations', (request, reply) => {
      const { fromId, toId, typeId, by } = association.parse(request.body)
      simulator.associate(fromId, toId, typeId, by)
      return reply.code(204).send()
    })
    scope.delete('/__simulator/associations', (request, reply) => {
      const { fromId, toId, typeId, by } = association.parse(request.body)
      simulator.dissociate(fromId, toId, typeId, by)
      return reply.code(204).send()
    })
    scope.put('/__simulator/webhooks/target', (request, reply) => {
      simulator.webhooks.target = z.object({ url: z.url() }).parse(request.body).url
      return reply.code(204).send()
    })
    scope.post('/__simulator/webhooks/deliver', (request) => {
      const { drop = 0, double = 0, shuffle = false } = delivery.parse(request.body ?? {})
      return simulator.webhooks.deliver({ drop, double, shuffle })
    })
  })
}

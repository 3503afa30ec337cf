/** Lets another process on this machine close and re-open opportunities as a person does. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { DynamicsSimulator } from './simulator-interface.ts'

const closing = z.object({
  id: z.string(),
  how: z.enum(['won', 'lost']),
  actualrevenue: z.number().optional(),
})

export function addClosingRoutes(
  app: FastifyInstance,
  simulator: Pick<DynamicsSimulator, 'closeAs' | 'reopen'>,
): void {
  app.register(async (scope) => {
    scope.setErrorHandler((error, _request, reply) =>
      reply.code(400).send({ message: error instanceof Error ? error.message : String(error) }),
    )
    scope.post('/__simulator/close', (request, reply) => {
      const { id, how, actualrevenue } = closing.parse(request.body)
      simulator.closeAs(id, how, actualrevenue === undefined ? {} : { actualrevenue })
      return reply.code(204).send()
    })
    scope.post('/__simulator/reopen', (request, reply) => {
      simulator.reopen(z.object({ id: z.string() }).parse(request.body).id)
      return reply.code(204).send()
    })
  })
}

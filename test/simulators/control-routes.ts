/** Lets another process on this machine play the person in the CRM; each route calls one function of the simulator. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { CrmSimulator } from './simulator.ts'

const record = z.object({
  object: z.string(),
  fields: z.record(z.string(), z.unknown()),
  by: z.string().optional(),
})
const target = z.object({ object: z.string(), id: z.string(), by: z.string().optional() })
const merge = z.object({
  object: z.string(),
  masterId: z.string(),
  loserIds: z.array(z.string()),
  by: z.string().optional(),
})
/** The fault's own fields are the tester's business; a kind is the least it must have. */
const fault = z.looseObject({ kind: z.string() })

type Controlled<Fault> = Pick<
  CrmSimulator<Fault>,
  | 'insert'
  | 'update'
  | 'remove'
  | 'undelete'
  | 'merge'
  | 'touch'
  | 'get'
  | 'list'
  | 'history'
  | 'faults'
  | 'calls'
  | 'expireSessions'
>

export function addControlRoutes<Fault>(app: FastifyInstance, simulator: Controlled<Fault>): void {
  app.register(async (scope) => addRoutes(scope, simulator))
}

function addRoutes<Fault>(app: FastifyInstance, simulator: Controlled<Fault>): void {
  const base = '/__simulator'
  app.setErrorHandler((error, _request, reply) =>
    reply.code(400).send({ message: error instanceof Error ? error.message : String(error) }),
  )
  app.post(`${base}/records`, (request, reply) => {
    const { object, fields, by } = record.parse(request.body)
    return reply.code(201).send({ id: simulator.insert(object, fields, by) })
  })
  app.patch(`${base}/records`, (request, reply) => {
    const { object, id, fields, by } = record.extend({ id: z.string() }).parse(request.body)
    simulator.update(object, id, fields, by)
    return reply.code(204).send()
  })
  app.delete(`${base}/records`, (request, reply) => {
    const { object, id, by } = target.parse(request.body)
    simulator.remove(object, id, by)
    return reply.code(204).send()
  })
  app.post(`${base}/undelete`, (request, reply) => {
    const { object, id } = target.parse(request.body)
    simulator.undelete(object, id)
    return reply.code(204).send()
  })
  app.post(`${base}/merge`, (request, reply) => {
    const { object, masterId, loserIds, by } = merge.parse(request.body)
    simulator.merge(object, masterId, loserIds, by)
    return reply.code(204).send()
  })
  app.post(`${base}/touch`, (request, reply) => {
    const { object, ids } = z.object({ object: z.string(), ids: z.array(z.string()) }).parse(request.body)
    simulator.touch(object, ids)
    return reply.code(204).send()
  })
  app.get<{ Params: { object: string } }>(`${base}/records/:object`, (request) =>
    simulator.list(request.params.object),
  )
  app.get<{ Params: { object: string; id: string } }>(`${base}/records/:object/:id`, (request) => ({
    record: simulator.get(request.params.object, request.params.id) ?? null,
    history: simulator.history(request.params.object, request.params.id),
  }))
  app.post(`${base}/faults`, (request, reply) => {
    simulator.faults.add(fault.parse(request.body) as Fault)
    return reply.code(204).send()
  })
  app.delete(`${base}/faults`, (_request, reply) => {
    simulator.faults.clear()
    return reply.code(204).send()
  })
  app.post(`${base}/expire-sessions`, (_request, reply) => {
    simulator.expireSessions()
    return reply.code(204).send()
  })
  app.get(`${base}/calls`, () => simulator.calls.log)
  app.delete(`${base}/calls`, (_request, reply) => {
    simulator.calls.reset()
    return reply.code(204).send()
  })
}

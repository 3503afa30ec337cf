import { z } from 'zod'
import { type Route, route } from '#src/http/route.ts'
import { textSchema } from '#src/kernel/text.ts'
import type { MappingPauseUseCases } from './mapping-pause-use-cases.ts'
import { entityParams } from './mapping-schemas.ts'

const tag = 'Mappings'
const mapping = '/api/v1/connections/:connectionId/mappings/:entity'

export const mappingPauseRoutes = (pauses: MappingPauseUseCases): readonly Route[] => [
  route({
    method: 'POST',
    path: `${mapping}/pause`,
    summary: 'Let one entity rest while the others stay in step',
    description: 'What changes meanwhile, here or there, is remembered and catches up afterwards.',
    tag,
    access: ['administrator'],
    params: entityParams,
    body: z.strictObject({ reason: textSchema(500) }),
    answers: { 204: z.null() },
    handle: async ({ tx, actor, params, body }) => {
      await pauses.pause(tx, actor, params.connectionId, params.entity, body.reason)
      return { status: 204, body: null }
    },
  }),
  route({
    method: 'POST',
    path: `${mapping}/resume`,
    summary: 'Keep an entity in step again; it catches up',
    tag,
    access: ['administrator'],
    params: entityParams,
    answers: { 204: z.null() },
    handle: async ({ tx, actor, params }) => {
      await pauses.resume(tx, actor, params.connectionId, params.entity)
      return { status: 204, body: null }
    },
  }),
]

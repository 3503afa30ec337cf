import { z } from 'zod'
import { type Route, route } from '#src/http/route.ts'
import { idSchema } from '#src/kernel/ids.ts'
import type { HomeUseCases } from './home-use-cases.ts'
import { entitySchema, listOf, readers, reasonSchema, tag } from './sync-wire.ts'

const homeSchema = z
  .object({
    entity: z.string(),
    recordId: z.string(),
    connectionId: idSchema<'connection'>().nullable().describe('Null while the record is linked nowhere'),
    linkedTo: listOf(idSchema<'connection'>()),
  })
  .meta({ id: 'RecordHome' })

const path = '/api/v1/record-homes/:entity/:recordId'
const params = z.strictObject({ entity: entitySchema, recordId: z.uuid() })

export const homeRoutes = (homes: HomeUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path,
    summary: 'Show which connection leads a customer, partner or contact',
    description: 'What people change there comes in; on the other connections our values stand.',
    tag,
    access: readers,
    params,
    answers: { 200: homeSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      body: await homes.get(tx, params.entity, params.recordId),
    }),
  }),
  route({
    method: 'PUT',
    path,
    summary: 'Let another connection lead a customer, partner or contact',
    tag,
    access: ['administrator'],
    params,
    body: z.strictObject({ connectionId: idSchema<'connection'>(), reason: reasonSchema }),
    answers: { 200: homeSchema },
    handle: async ({ tx, actor, params, body }) => ({
      status: 200,
      body: await homes.change(tx, actor, { ...params, connectionId: body.connectionId }, body.reason),
    }),
  }),
]

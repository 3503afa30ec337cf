import { z } from 'zod'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { actors, connectionParams, entitySchema, readers, tag } from '../operations/sync-wire.ts'
import { discrepancyKinds } from './task.ts'
import type { TaskUseCases } from './task-use-cases.ts'
import {
  backfillDetailsSchema,
  backfillSchema,
  backfillToWire,
  findingSchema,
  reconciliationDetailsSchema,
  reconciliationSchema,
  reconciliationToWire,
  withExamples,
} from './task-wire.ts'

const taskParams = connectionParams.extend({ id: z.uuid() })
const listQuery = z.strictObject({
  ...pageQuery.shape,
  sort: z.enum(['createdAt', '-createdAt']).default('-createdAt'),
})
const findingQuery = <Kind extends readonly string[]>(kinds: Kind) =>
  z.strictObject({
    ...pageQuery.shape,
    kind: z.enum(kinds).optional(),
    entity: entitySchema.optional(),
    sort: z.literal('createdAt').default('createdAt'),
  })

const backfillRoutes = (tasks: TaskUseCases): readonly Route[] => [
  route({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/backfills',
    summary: 'Link what the CRM has already of an entity',
    description:
      'A long task. Certain matches are linked, doubtful ones become review items, and nothing is made in the CRM. ' +
      'Begin with a dry run: it counts and names what it would do.',
    tag,
    access: actors,
    params: connectionParams,
    body: z.strictObject({ entity: entitySchema, dryRun: z.boolean() }),
    answers: { 202: backfillSchema },
    handle: async ({ tx, actor, params, body }) => ({
      status: 202,
      body: backfillToWire(await tasks.startBackfill(tx, actor, params.connectionId, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/backfills',
    summary: 'List backfills of a connection',
    tag,
    access: readers,
    params: connectionParams,
    query: listQuery,
    answers: { 200: pageOf(backfillSchema) },
    handle: async ({ tx, params, query }) => {
      const rows = await tasks.list(tx, params.connectionId, 'backfill', positionOf(query))
      const { items, nextCursor } = sortedPage(rows, query)
      return { status: 200, body: { items: items.map(backfillToWire), nextCursor } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/backfills/:id',
    summary: 'Show a backfill: progress, counts, and examples of what it found',
    tag,
    access: readers,
    params: taskParams,
    answers: { 200: backfillDetailsSchema },
    handle: async ({ tx, params }) => {
      const task = await tasks.details(tx, params.connectionId, 'backfill', params.id)
      return { status: 200, body: withExamples(backfillToWire(task), task) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/backfills/:id/findings',
    summary: 'List what a backfill found, record by record',
    tag,
    access: readers,
    params: taskParams,
    query: findingQuery(['certain', 'doubtful']),
    answers: { 200: pageOf(findingSchema) },
    handle: async ({ tx, params, query }) => {
      const { connectionId, id } = params
      const rows = await tasks.findings(tx, connectionId, 'backfill', id, query, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/backfills/:id/cancel',
    summary: 'Cancel a backfill; what was linked stays linked',
    tag,
    access: actors,
    params: taskParams,
    answers: { 200: backfillSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: backfillToWire(await tasks.cancel(tx, actor, params.connectionId, 'backfill', params.id)),
    }),
  }),
]

const reconciliationRoutes = (tasks: TaskUseCases): readonly Route[] => [
  route({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/reconciliations',
    summary: 'Compare both sides of everything that is linked',
    description:
      'A long task; it also runs every day. It reads the CRM anew and changes no record; a repair mends what it found.',
    tag,
    access: actors,
    params: connectionParams,
    answers: { 202: reconciliationSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 202,
      body: reconciliationToWire(await tasks.startReconciliation(tx, actor, params.connectionId)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/reconciliations',
    summary: 'List reconciliations of a connection with their counts',
    tag,
    access: readers,
    params: connectionParams,
    query: listQuery,
    answers: { 200: pageOf(reconciliationSchema) },
    handle: async ({ tx, params, query }) => {
      const rows = await tasks.list(tx, params.connectionId, 'reconciliation', positionOf(query))
      const { items, nextCursor } = sortedPage(rows, query)
      return { status: 200, body: { items: items.map(reconciliationToWire), nextCursor } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/reconciliations/:id',
    summary: 'Show a reconciliation: counts per entity and field, with examples of each kind',
    tag,
    access: readers,
    params: taskParams,
    answers: { 200: reconciliationDetailsSchema },
    handle: async ({ tx, params }) => {
      const task = await tasks.details(tx, params.connectionId, 'reconciliation', params.id)
      return { status: 200, body: withExamples(reconciliationToWire(task), task) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/reconciliations/:id/findings',
    summary: 'List what a reconciliation found, record by record',
    tag,
    access: readers,
    params: taskParams,
    query: findingQuery(discrepancyKinds),
    answers: { 200: pageOf(findingSchema) },
    handle: async ({ tx, params, query }) => {
      const { connectionId, id } = params
      const rows = await tasks.findings(tx, connectionId, 'reconciliation', id, query, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/reconciliations/:id/repair',
    summary: 'Mend what a reconciliation found',
    description:
      'Reads the named records anew and merges them as always: nothing is overwritten unseen. What only a person can ' +
      'decide stays as it is. Run another reconciliation afterwards to see what is left.',
    tag,
    access: actors,
    params: taskParams,
    answers: { 202: reconciliationSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 202,
      body: reconciliationToWire(await tasks.startRepair(tx, actor, params.connectionId, params.id)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/reconciliations/:id/cancel',
    summary: 'Cancel a reconciliation',
    tag,
    access: actors,
    params: taskParams,
    answers: { 200: reconciliationSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: reconciliationToWire(
        await tasks.cancel(tx, actor, params.connectionId, 'reconciliation', params.id),
      ),
    }),
  }),
]

export const taskRoutes = (tasks: TaskUseCases): readonly Route[] => [
  ...backfillRoutes(tasks),
  ...reconciliationRoutes(tasks),
]

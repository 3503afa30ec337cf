import { z } from 'zod'
import { networkRoute, type Route, route } from '#src/http/route.ts'
import type { Role } from '#src/kernel/actor.ts'
import { textSchema } from '#src/kernel/text.ts'
import { connectionInputSchema, settingsSchema } from './connection.ts'
import type { ConnectionCheckUseCases } from './connection-check-use-cases.ts'
import {
  callTallySchema,
  callUsageSchema,
  connectionParams,
  connectionReportSchema,
  connectionSchema,
  listOf,
  vendorSchema,
} from './connection-schemas.ts'
import type { ConnectionStanding } from './connection-standing-use-cases.ts'
import type { ConnectionUseCases } from './connection-use-cases.ts'

const tag = 'Connections'
const administrators = ['administrator'] satisfies Role[]
export const connectionReaders = ['administrator', 'revenue_operations', 'auditor'] satisfies Role[]

export interface ConnectionRouteDeps {
  readonly connections: ConnectionUseCases
  readonly standing: ConnectionStanding
  readonly checks: ConnectionCheckUseCases
}

export const connectionRoutes = ({
  connections,
  standing,
  checks,
}: ConnectionRouteDeps): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/connection-vendors',
    summary: 'List the CRMs that can be connected, and the credentials each of them needs',
    tag,
    access: connectionReaders,
    answers: { 200: z.object({ items: listOf(vendorSchema) }) },
    handle: async () => ({ status: 200, body: { items: connections.vendors() } }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections',
    summary: 'List connections to CRMs',
    tag,
    access: connectionReaders,
    answers: { 200: z.object({ items: listOf(connectionSchema) }) },
    handle: async ({ tx }) => ({ status: 200, body: { items: await connections.list(tx) } }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/connections',
    summary: 'Connect a CRM',
    description:
      'The credentials are stored encrypted and never shown again. Default mappings are published.',
    tag,
    access: administrators,
    body: connectionInputSchema,
    answers: { 201: connectionSchema },
    handle: async ({ tx, actor, body }) => {
      const connection = await connections.create(tx, actor, body)
      return { status: 201, body: connection, etag: connection.revision }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId',
    summary: 'Show a connection: its state, organisation, last poll and usage',
    tag,
    access: connectionReaders,
    params: connectionParams,
    answers: { 200: connectionSchema },
    handle: async ({ tx, params }) => {
      const connection = await connections.get(tx, params.connectionId)
      return { status: 200, body: connection, etag: connection.revision }
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/connections/:connectionId',
    summary: 'Change the settings of a connection',
    tag,
    access: administrators,
    params: connectionParams,
    body: settingsSchema,
    answers: { 200: connectionSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => {
      const connection = await connections.changeSettings(tx, actor, params.connectionId, body, ifMatch)
      return { status: 200, body: connection, etag: connection.revision }
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/connections/:connectionId/credentials',
    summary: 'Replace the credentials of a connection',
    tag,
    access: administrators,
    params: connectionParams,
    body: z.strictObject({ credentials: z.record(z.string(), z.unknown()) }),
    answers: { 200: connectionSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => {
      const { connectionId } = params
      const connection = await connections.replaceCredentials(
        tx,
        actor,
        connectionId,
        body.credentials,
        ifMatch,
      )
      return { status: 200, body: connection, etag: connection.revision }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/calls',
    summary: 'Count the calls made to the CRM, by hour, operation and object',
    tag,
    access: connectionReaders,
    params: connectionParams,
    query: z.strictObject({ hours: z.coerce.number().int().min(1).max(168).default(24) }),
    answers: { 200: z.object({ items: listOf(callTallySchema) }) },
    handle: async ({ tx, params, query }) => ({
      status: 200,
      body: { items: await connections.calls(tx, params.connectionId, query.hours) },
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/usage',
    summary: 'Show how much of the limits of calls is used up',
    description:
      "The vendor's limits, what the connection may use of them, and what all workers together used, by operation and by " +
      'urgency.',
    tag,
    access: connectionReaders,
    params: connectionParams,
    answers: { 200: callUsageSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      body: await connections.usage(tx, params.connectionId),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/pause',
    summary: 'Pause a connection until somebody resumes it',
    tag,
    access: administrators,
    params: connectionParams,
    body: z.strictObject({ reason: textSchema(500) }),
    answers: { 200: connectionSchema },
    handle: async ({ tx, actor, params, body }) => {
      const { connectionId } = params
      const request = { until: null, reason: body.reason, attention: false }
      await standing.pauseConnection(tx, actor, connectionId, request)
      return { status: 200, body: await connections.get(tx, connectionId) }
    },
  }),
  networkRoute({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/resume',
    summary: 'Resume a connection',
    description: 'One that needed attention resumes only when the right organisation answers.',
    tag,
    access: administrators,
    params: connectionParams,
    answers: { 200: connectionSchema },
    handle: async ({ database, actor, params, signal }) => {
      await checks.resume(actor, params.connectionId, signal)
      const connection = await database.transact(actor, (tx) => connections.get(tx, params.connectionId))
      return { status: 200, body: connection }
    },
  }),
  networkRoute({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/check',
    summary: 'Ask the CRM whether everything that the connection needs is there',
    description: 'The first check pins the organisation. Nothing is written in the CRM.',
    tag,
    access: administrators,
    params: connectionParams,
    answers: { 200: connectionReportSchema },
    handle: async ({ actor, params, signal }) => ({
      status: 200,
      body: await checks.check(actor, params.connectionId, signal),
    }),
  }),
]

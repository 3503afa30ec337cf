import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { networkRoute, type Route, route } from '#src/http/route.ts'
import { actors, connectionParams, listOf, readers, tag } from '../operations/sync-wire.ts'
import { driftEffects, driftKinds } from './drift.ts'
import type { DriftReport, DriftUseCases } from './drift-use-cases.ts'

const driftSchema = z
  .object({
    objects: listOf(z.object({ object: z.string(), checkedAt: instantSchema })),
    holds: listOf(
      z.object({
        entity: z.string(),
        reason: z.string(),
        remoteFields: listOf(z.string()),
        since: instantSchema,
      }),
    ).describe('Entities of which no new records are made at present'),
    findings: listOf(
      z.object({
        id: z.string(),
        entity: z.string(),
        object: z.string(),
        remoteField: z.string(),
        kind: z.enum(driftKinds),
        effect: z.enum(driftEffects),
        message: z.string(),
        advice: z.string().describe('What to do about it'),
        details: z.record(z.string(), z.unknown()).readonly(),
        foundAt: instantSchema,
      }),
    ),
  })
  .meta({ id: 'SchemaDrift' })

const toWire = ({ findings, ...report }: DriftReport) => ({
  ...report,
  findings: findings.map(({ mappingVersionId: _, closedAt: __, ...finding }) => finding),
})

export const driftRoutes = (drift: DriftUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/connections/:connectionId/drift',
    summary: "Show where the CRM's set-up no longer fits the mappings, and what to do about it",
    tag,
    access: readers,
    params: connectionParams,
    answers: { 200: driftSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      body: toWire(await drift.report(tx, params.connectionId)),
    }),
  }),
  networkRoute({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/drift/check',
    summary: "Look at the CRM's set-up now; fields that fit again go on at once",
    tag,
    access: actors,
    params: connectionParams,
    answers: { 200: driftSchema },
    handle: async ({ actor, params, signal }) => ({
      status: 200,
      body: toWire(await drift.checkNow(actor, params.connectionId, signal)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/connections/:connectionId/drift/:id/acknowledge',
    summary: 'Put aside a finding that only tells something',
    tag,
    access: actors,
    params: connectionParams.extend({ id: z.uuid() }),
    answers: { 200: driftSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: toWire(await drift.acknowledge(tx, actor, params.connectionId, params.id)),
    }),
  }),
]

import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { idSchema } from '#src/kernel/ids.ts'
import type { LinkUseCases, LinkView } from './link-use-cases.ts'
import {
  actors,
  entitySchema,
  itemParams,
  listOf,
  readers,
  reasonSchema,
  recordFilter,
  remoteIdSchema,
  tag,
  valueSchema,
} from './sync-wire.ts'

const states = ['proposed', 'creating', 'active', 'merged', 'gone', 'moving', 'retired'] as const

const linkSchema = z
  .object({
    id: z.string(),
    connectionId: idSchema<'connection'>(),
    entity: z.string(),
    recordId: z.string(),
    title: z.string().nullable(),
    object: z.string(),
    remoteId: z.string().nullable(),
    url: z.string().nullable(),
    state: z.enum(states),
    /** What both sides had when they last agreed; `held` says that a person has to look. */
    fields: listOf(
      z.object({
        field: z.string(),
        agreed: z.object({ ours: valueSchema, theirs: valueSchema }).nullable(),
        /** A write was never answered; it may still arrive. */
        unanswered: z.boolean(),
        held: z.string().nullable(),
      }),
    ),
    mappingVersionId: z.string().nullable(),
    observedAt: instantSchema.nullable(),
    writtenAt: instantSchema.nullable(),
    createdAt: instantSchema,
  })
  .meta({ id: 'SyncLink' })

const toWire = ({ fields, ...link }: LinkView) => ({
  ...link,
  fields: Object.entries(fields).map(([field, { agreed, sent, held }]) => ({
    field,
    agreed: agreed ?? null,
    unanswered: sent !== undefined && sent.length > 0,
    held: held ?? null,
  })),
})

export const linkRoutes = (links: LinkUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/links',
    summary: 'List links between our records and those of a CRM',
    tag,
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      ...recordFilter,
      remoteId: remoteIdSchema.optional(),
      state: z.enum(states).optional(),
      sort: z.enum(['createdAt', '-createdAt']).default('-createdAt'),
    }),
    answers: { 200: pageOf(linkSchema) },
    handle: async ({ tx, query }) => {
      const { items, nextCursor } = sortedPage(await links.list(tx, query, positionOf(query)), query)
      return { status: 200, body: { items: items.map(toWire), nextCursor } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/links/:id',
    summary: 'Show a link with what both sides last agreed on',
    tag,
    access: readers,
    params: itemParams,
    answers: { 200: linkSchema },
    handle: async ({ tx, params }) => ({ status: 200, body: toWire(await links.get(tx, params.id)) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/links',
    summary: "Link a record of ours to a record of the CRM's",
    description: 'The record must have been seen in the CRM. From then on both are kept in step.',
    tag,
    access: actors,
    body: z.strictObject({
      connectionId: idSchema<'connection'>(),
      entity: entitySchema,
      recordId: z.uuid(),
      remoteId: remoteIdSchema,
      reason: reasonSchema,
    }),
    answers: { 201: linkSchema },
    handle: async ({ tx, actor, body }) => {
      const { remoteId, reason, ...record } = body
      return { status: 201, body: toWire(await links.linkRecord(tx, actor, record, remoteId, reason)) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/links/:id/retire',
    summary: 'End a link: neither side changes the other any more, and nothing is made again by itself',
    tag,
    access: actors,
    params: itemParams,
    body: z.strictObject({ reason: reasonSchema }),
    answers: { 200: linkSchema },
    handle: async ({ tx, actor, params, body }) => ({
      status: 200,
      body: toWire(await links.retire(tx, actor, params.id, body.reason)),
    }),
  }),
]

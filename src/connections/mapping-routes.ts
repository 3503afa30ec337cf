import { z } from 'zod'
import { mappingDocumentSchema } from '#mappings/document.ts'
import { remoteNameSchema } from '#mappings/names.ts'
import type { Tx } from '#src/database/database.ts'
import { decodeCursor, pageOf, pageQuery, toPage } from '#src/http/paging.ts'
import { networkRoute, type Route, route } from '#src/http/route.ts'
import type { Role } from '#src/kernel/actor.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import type { SyncedEntity } from '#src/kernel/synced-entity.ts'
import { textSchema } from '#src/kernel/text.ts'
import { connectionReaders } from './connection-routes.ts'
import { connectionParams, listOf } from './connection-schemas.ts'
import type { MappingReleaseUseCases } from './mapping-release-use-cases.ts'
import {
  catalogueSchema,
  changeSchema,
  draftCheckSchema,
  draftSchema,
  entityMappingSchema,
  entityParams,
  mostVersions,
  remoteFieldSchema,
  trialSchema,
  versionNumber,
  versionSchema,
  versionSummarySchema,
} from './mapping-schemas.ts'
import { type MappingTrialUseCases, mostTriedRecords } from './mapping-trial-use-cases.ts'
import type { MappingUseCases } from './mapping-use-cases.ts'

const tag = 'Mappings'
const editors = ['administrator', 'revenue_operations'] satisfies Role[]
const publishers = ['administrator'] satisfies Role[]
const base = '/api/v1/connections/:connectionId'
const mapping = `${base}/mappings/:entity`
const note = textSchema(1_000)

export interface MappingRouteDeps {
  readonly mappings: MappingUseCases
  readonly releases: MappingReleaseUseCases
  readonly trials: MappingTrialUseCases
  readonly entities: ReadonlyMap<string, SyncedEntity<Tx>>
}

export const mappingRoutes = (deps: MappingRouteDeps): readonly Route[] => [
  ...readingRoutes(deps),
  ...draftRoutes(deps),
  ...releaseRoutes(deps),
]

function versionAt(cursor: string): number {
  const version = versionNumber.safeParse(decodeCursor(cursor, 1)[0])
  if (version.success) return version.data
  throw new InvalidInput('The cursor belongs to another list', [
    { path: '/query/cursor', code: 'invalid_cursor', message: 'Use the nextCursor of the page before' },
  ])
}

const readingRoutes = ({ mappings, releases, entities }: MappingRouteDeps): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/synced-entities',
    summary: 'List our side of the mappings: the entities and their fields',
    tag,
    access: connectionReaders,
    answers: { 200: z.object({ items: listOf(catalogueSchema) }) },
    handle: async () => ({
      status: 200,
      body: { items: [...entities].map(([entity, { catalogue }]) => ({ entity, fields: catalogue })) },
    }),
  }),
  networkRoute({
    method: 'GET',
    path: `${base}/objects/:object/fields`,
    summary: 'List the fields of an object as the CRM describes them now',
    tag,
    access: editors,
    params: z.strictObject({ ...connectionParams.shape, object: remoteNameSchema }),
    answers: { 200: z.object({ items: listOf(remoteFieldSchema) }) },
    handle: async ({ actor, params, signal }) => ({
      status: 200,
      body: { items: await releases.describeObject(actor, params.connectionId, params.object, signal) },
    }),
  }),
  route({
    method: 'GET',
    path: `${base}/mappings`,
    summary: 'Show the published mapping and the draft of each entity',
    tag,
    access: connectionReaders,
    params: connectionParams,
    answers: { 200: z.object({ items: listOf(entityMappingSchema) }) },
    handle: async ({ tx, params }) => ({
      status: 200,
      body: { items: await mappings.listMappings(tx, params.connectionId) },
    }),
  }),
  route({
    method: 'GET',
    path: `${mapping}/versions`,
    summary: 'List the published versions of a mapping, newest first',
    tag,
    access: connectionReaders,
    params: entityParams,
    query: pageQuery,
    answers: { 200: pageOf(versionSummarySchema) },
    handle: async ({ tx, params, query }) => {
      const { limit, cursor } = query
      const before = cursor === undefined ? null : versionAt(cursor)
      const found = await mappings.listVersions(tx, params.connectionId, params.entity, { before, limit })
      const { items, nextCursor } = toPage(found, limit, ({ version }) => [String(version)])
      const summaries = items.map(({ document: _, ...summary }) => summary)
      return { status: 200, body: { items: summaries, nextCursor } }
    },
  }),
  route({
    method: 'GET',
    path: `${mapping}/versions/:version`,
    summary: 'Show one version of a mapping',
    tag,
    access: connectionReaders,
    params: z.strictObject({ ...entityParams.shape, version: versionNumber }),
    answers: { 200: versionSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      body: await mappings.getVersion(tx, params.connectionId, params.entity, params.version),
    }),
  }),
  route({
    method: 'GET',
    path: `${mapping}/diff`,
    summary: 'Compare two versions of a mapping, or a version with the draft',
    tag,
    access: connectionReaders,
    params: entityParams,
    query: z.strictObject({ from: versionNumber, to: z.union([z.literal('draft'), versionNumber]) }),
    answers: { 200: z.object({ changes: listOf(changeSchema) }) },
    handle: async ({ tx, params, query }) => ({
      status: 200,
      body: { changes: await mappings.diff(tx, params.connectionId, params.entity, query) },
    }),
  }),
]

const draftRoutes = ({ mappings, releases, trials }: MappingRouteDeps): readonly Route[] => [
  route({
    method: 'PUT',
    path: `${mapping}/draft`,
    summary: 'Save the draft of a mapping',
    description: 'A draft with errors may be saved; the errors come with it. It cannot be published.',
    tag,
    access: editors,
    params: entityParams,
    body: z.strictObject({
      document: mappingDocumentSchema,
      basedOn: z
        .int()
        .min(1)
        .max(mostVersions)
        .nullish()
        .describe('The published version that the draft was made from'),
    }),
    answers: { 200: draftSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => {
      const { connectionId, entity } = params
      const draft = await mappings.saveDraft(tx, actor, connectionId, entity, body, ifMatch)
      return { status: 200, body: draft, etag: draft.revision }
    },
  }),
  route({
    method: 'DELETE',
    path: `${mapping}/draft`,
    summary: 'Discard the draft of a mapping',
    tag,
    access: editors,
    params: entityParams,
    answers: { 204: z.null() },
    handle: async ({ tx, actor, params, ifMatch }) => {
      await mappings.discardDraft(tx, actor, params.connectionId, params.entity, ifMatch)
      return { status: 204, body: null }
    },
  }),
  networkRoute({
    method: 'POST',
    path: `${mapping}/draft/check`,
    summary: 'Check the draft against our fields and the CRM as it is now',
    tag,
    access: editors,
    params: entityParams,
    answers: { 200: draftCheckSchema },
    handle: async ({ actor, params, signal }) => ({
      status: 200,
      body: await releases.checkDraft(actor, params.connectionId, params.entity, signal),
    }),
  }),
  networkRoute({
    method: 'POST',
    path: `${mapping}/draft/try`,
    summary: 'Show what the draft would make of linked records',
    description: 'Of the records named, or of the newest. Nothing is written on either side.',
    tag,
    access: editors,
    params: entityParams,
    body: z.strictObject({
      limit: z.int().min(1).max(mostTriedRecords).optional(),
      recordIds: z.array(z.uuid()).min(1).max(mostTriedRecords).optional(),
    }),
    answers: { 200: trialSchema },
    handle: async ({ actor, params, body, signal }) => {
      const choice = { limit: body.limit ?? mostTriedRecords, ids: body.recordIds }
      const trial = await trials.tryDraft(actor, params.connectionId, params.entity, choice, signal)
      return { status: 200, body: trial }
    },
  }),
]

const releaseRoutes = ({ releases }: MappingRouteDeps): readonly Route[] => [
  networkRoute({
    method: 'POST',
    path: `${mapping}/draft/publish`,
    summary: 'Publish the draft, after checking it against both sides',
    description: 'Linked records catch up with the new version by themselves.',
    tag,
    access: publishers,
    params: entityParams,
    body: z.strictObject({ note }),
    answers: { 200: versionSchema },
    handle: async ({ actor, params, body, ifMatch, signal }) => {
      const { connectionId, entity } = params
      const release = { note: body.note, expectedRevision: ifMatch }
      const version = await releases.publishDraft(actor, connectionId, entity, release, signal)
      return { status: 200, body: version }
    },
  }),
  networkRoute({
    method: 'POST',
    path: `${mapping}/rollback`,
    summary: 'Publish an old version anew, after checking it against both sides',
    tag,
    access: publishers,
    params: entityParams,
    body: z.strictObject({ version: z.int().min(1).max(mostVersions), note }),
    answers: { 200: versionSchema },
    handle: async ({ actor, params, body, signal }) => ({
      status: 200,
      body: await releases.rollBack(actor, params.connectionId, params.entity, body, signal),
    }),
  }),
]

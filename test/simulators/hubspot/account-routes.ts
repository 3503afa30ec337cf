/** What belongs to the account rather than to records: its details, its pipelines and its owners. */
import {
  type ApiAnswer,
  type ApiCall,
  type ApiFrame,
  type ApiRoute,
  crmPaths,
  rootPaths,
} from './api-server.ts'
import { type JsonObject, readLimit, readList, readTable } from './bodies.ts'
import { notFound } from './errors.ts'
import type { Owner, Pipeline, Portal, Stage } from './portal.ts'

const showStage = (stage: Stage, displayOrder: number): JsonObject => ({
  id: stage.id,
  label: stage.label,
  displayOrder,
  metadata: {
    isClosed: String(stage.closed === true),
    probability: Number.isInteger(stage.probability)
      ? stage.probability.toFixed(1)
      : String(stage.probability),
  },
  createdAt: '2020-01-06T09:00:00Z',
  updatedAt: '2020-01-06T09:00:00Z',
  archived: false,
  writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT',
})

const showPipeline = (pipeline: Pipeline, displayOrder: number): JsonObject => ({
  id: pipeline.id,
  label: pipeline.label,
  displayOrder,
  stages: pipeline.stages.map(showStage),
  createdAt: '2020-01-06T09:00:00Z',
  updatedAt: '2020-01-06T09:00:00Z',
  archived: false,
})

const showOwner = ({ id, userId, email, firstName, lastName, archived, createdAt }: Owner): JsonObject => ({
  id,
  email,
  type: 'PERSON',
  firstName,
  lastName,
  ...(archived ? {} : { userId }),
  userIdIncludingInactive: userId,
  createdAt,
  updatedAt: createdAt,
  archived,
})

function listOwners(portal: Portal, call: ApiCall): ApiAnswer {
  const limit = readLimit(call, 100, 500)
  const [email] = readList(call.query['email'])
  const after = Number(readList(call.query['after'])[0] ?? 0)
  const archived = readList(call.query['archived'])[0] === 'true'
  const found = [...portal.owners.values()]
    .filter((owner) => owner.archived === archived)
    .filter((owner) => email === undefined || owner.email.toLowerCase() === email.toLowerCase())
    .sort((left, right) => Number(left.id) - Number(right.id))
    .filter(({ id }) => Number(id) > after)
  const results = found.slice(0, limit)
  const last = results.at(-1)
  const next =
    found.length > limit && last !== undefined
      ? { after: last.id, link: `${call.url}?after=${last.id}` }
      : null
  return {
    status: 200,
    body: { results: results.map(showOwner), ...(next === null ? {} : { paging: { next } }) },
    records: results.length,
  }
}

function readOwner(portal: Portal, call: ApiCall): ApiAnswer {
  const wanted = call.params['ownerId'] ?? ''
  const byUser = readList(call.query['idProperty'])[0] === 'userId'
  const owner = [...portal.owners.values()].find(({ id, userId }) =>
    byUser ? String(userId) === wanted : id === wanted,
  )
  if (owner === undefined) throw notFound()
  return { status: 200, body: showOwner(owner) }
}

function pipelinesOf(portal: Portal, call: ApiCall): readonly Pipeline[] {
  return portal.pipelines.get(readTable(portal, call.params['objectType']).schema.name) ?? []
}

function findPipeline(portal: Portal, call: ApiCall): Pipeline {
  const found = pipelinesOf(portal, call).find(({ id }) => id === call.params['pipelineId'])
  if (found === undefined) throw notFound()
  return found
}

export function listAccountRoutes({ portal, limits }: ApiFrame): readonly ApiRoute[] {
  const pipelines = (rest: string) => crmPaths('pipelines', `/:objectType${rest}`)
  const [home = '', ...others] = portal.currencies.keys()
  return [
    {
      method: 'GET',
      paths: rootPaths('account-info', '/details', ['v3']),
      operation: 'account',
      handle: () => ({
        status: 200,
        body: {
          portalId: Number(portal.id),
          accountType: 'STANDARD',
          timeZone: 'UTC',
          companyCurrency: home,
          additionalCurrencies: others,
          utcOffset: '+00:00',
          utcOffsetMilliseconds: 0,
          uiDomain: 'app.hubspot.com',
          dataHostingLocation: 'eu1',
        },
      }),
    },
    {
      method: 'GET',
      paths: rootPaths('account-info', '/api-usage/daily/private-apps', ['v3']),
      operation: 'account',
      handle: () => {
        const now = portal.now()
        const resetsAt = new Date(Math.floor(now.getTime() / 86_400_000 + 1) * 86_400_000).toISOString()
        const usage = {
          name: 'private-apps-api-calls-daily',
          usageLimit: limits.dailyLimit,
          currentUsage: limits.usedToday(),
          collectedAt: now.toISOString(),
          fetchStatus: 'SUCCESS',
          resetsAt,
        }
        return { status: 200, body: { results: [usage] } }
      },
    },
    {
      method: 'GET',
      paths: pipelines(''),
      operation: 'pipelines',
      handle: (call) => ({ status: 200, body: { results: pipelinesOf(portal, call).map(showPipeline) } }),
    },
    {
      method: 'GET',
      paths: pipelines('/:pipelineId'),
      operation: 'pipelines',
      handle: (call) => ({ status: 200, body: showPipeline(findPipeline(portal, call), 0) }),
    },
    {
      method: 'GET',
      paths: pipelines('/:pipelineId/stages'),
      operation: 'pipelines',
      handle: (call) => ({
        status: 200,
        body: { results: findPipeline(portal, call).stages.map(showStage) },
      }),
    },
    {
      method: 'GET',
      paths: crmPaths('owners', ''),
      operation: 'owners',
      handle: (call) => listOwners(portal, call),
    },
    {
      method: 'GET',
      paths: crmPaths('owners', '/:ownerId'),
      operation: 'owners',
      handle: (call) => readOwner(portal, call),
    },
  ]
}

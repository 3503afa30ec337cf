import { randomBytes } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { sql } from 'kysely'
import { vendors } from '#connectors/registry.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { createConnectionCheckUseCases } from '#src/connections/connection-check-use-cases.ts'
import { connectionRoutes } from '#src/connections/connection-routes.ts'
import { createConnectionStanding } from '#src/connections/connection-standing-use-cases.ts'
import { createConnectionUseCases } from '#src/connections/connection-use-cases.ts'
import { createConnectorPool } from '#src/connections/connector-pool.ts'
import { createCrmAccess } from '#src/connections/crm-access.ts'
import { createMappingReleaseUseCases } from '#src/connections/mapping-release-use-cases.ts'
import { mappingRoutes } from '#src/connections/mapping-routes.ts'
import { createMappingTrialUseCases } from '#src/connections/mapping-trial-use-cases.ts'
import { createMappingUseCases } from '#src/connections/mapping-use-cases.ts'
import type { ReferencePairs } from '#src/connections/references.ts'
import { createSecretBox, type SealingKeys } from '#src/connections/secret-box.ts'
import { contactCatalogue } from '#src/customers/contact-entity.ts'
import { customerCatalogue } from '#src/customers/customer-entity.ts'
import type { Database, Tx } from '#src/database/database.ts'
import { dealCatalogue } from '#src/deals/deal-entity.ts'
import { buildServer } from '#src/http/server.ts'
import { type Actor, systemActor, type VendorRole } from '#src/kernel/actor.ts'
import { createEventBus, type EventOf } from '#src/kernel/events.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import type { LocalRecord, SyncedEntity, SyncedField } from '#src/kernel/synced-entity.ts'
import { partnerCatalogue } from '#src/partners/partner-entity.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { captureLog } from './log.ts'

/** The real field catalogues over records in memory. */
function memoryEntity(name: string, catalogue: readonly SyncedField[]) {
  const records = new Map<string, LocalRecord>()
  const entity: SyncedEntity<Tx> = {
    name,
    catalogue,
    load: async (_tx, ids) => new Map(ids.flatMap((id) => (records.has(id) ? [[id, records.get(id)!]] : []))),
    listIds: async () => [...records.keys()].toSorted(),
    applyMany: async () => new Map(),
  }
  return {
    entity,
    records,
    put(fields: Record<string, FieldValue>, id: string = newId()): string {
      records.set(id, { id, revision: 1, fields, facts: {} })
      return id
    },
  }
}

export interface TestLink {
  readonly entity: string
  readonly recordId: string
  readonly remoteId: string
}

export const testActor = systemActor('test')

/** The connections capability behind its HTTP routes, with links and records in memory. */
export async function connectionsBench(
  database: Database,
  options: { keys?: SealingKeys; now?: () => Date } = {},
) {
  const clock = { now: options.now ?? (() => new Date()) }
  const keys = options.keys ?? { current: randomBytes(32), previous: [] }
  const secretBox = createSecretBox(keys)
  const log = captureLog()
  const notices: EventOf<'notification'>[] = []
  const published: { connectionId: ConnectionId; entity: string }[] = []
  const links: TestLink[] = []
  const polls = new Map<ConnectionId, Date>()
  const deals = memoryEntity('deal', dealCatalogue)
  const entities = new Map(
    [
      deals,
      memoryEntity('customer', customerCatalogue),
      memoryEntity('contact', contactCatalogue),
      memoryEntity('partner', partnerCatalogue),
    ].map(({ entity }) => [entity.name, entity]),
  )
  const events = createEventBus<Tx>({
    notification: [async (_tx, _actor, batch) => void notices.push(...batch)],
  })
  const standing = createConnectionStanding({ events, clock })
  const pool = createConnectorPool({
    registry: vendors,
    secretBox,
    database,
    clock,
    logger: log.logger,
    standing,
    webhookUrl: (id) => `https://partners.example.com/hooks/${id}`,
    flushMs: 60_000,
  })
  const onPublished = async (_tx: Tx, connectionId: ConnectionId, entity: string) =>
    void published.push({ connectionId, entity })
  const sampleLinks = async (
    _tx: Tx,
    _id: ConnectionId,
    entity: string,
    { limit, ids }: { limit: number; ids?: readonly string[] },
  ) => links.filter((link) => link.entity === entity && (!ids || ids.includes(link.recordId))).slice(0, limit)
  const referenceLookup = async (_tx: Tx, _id: ConnectionId, pairs: ReferencePairs) => {
    const asked = new Set(pairs.locals.map(({ entity, id }) => `${entity}:${id}`))
    const named = new Set(pairs.remotes.map(({ entity, remoteId }) => `${entity}:${remoteId}`))
    return {
      toRemoteId: (entity: string, id: string) =>
        asked.has(`${entity}:${id}`)
          ? (links.find((link) => link.entity === entity && link.recordId === id)?.remoteId ?? null)
          : undefined,
      toLocalId: (entity: string, remoteId: string) =>
        named.has(`${entity}:${remoteId}`)
          ? (links.find((link) => link.entity === entity && link.remoteId === remoteId)?.recordId ?? null)
          : undefined,
    }
  }
  const connections = createConnectionUseCases({
    clock,
    registry: vendors,
    secretBox,
    defaultMappings: (vendor) =>
      readDefaultMappings()
        .filter((mapping) => mapping.vendor === vendor)
        .map(({ document }) => document),
    lastPolls: async () => polls,
  })
  const mappings = createMappingUseCases({ entities, onPublished })
  const crm = createCrmAccess({ database, pool })
  const releases = createMappingReleaseUseCases({ database, crm, entities, mappings, sampleLinks })
  const trials = createMappingTrialUseCases({ database, crm, entities, sampleLinks, referenceLookup })
  const checks = createConnectionCheckUseCases({ database, clock, pool, standing, entities, onPublished })
  const people = new Map<string, Actor>(
    (['administrator', 'revenue_operations', 'auditor', 'finance'] as const satisfies VendorRole[]).map(
      (role) => [role, { kind: 'vendor', id: newId(), name: `The ${role}`, roles: [role] }],
    ),
  )
  const app: FastifyInstance = await buildServer({
    database,
    routes: [
      ...connectionRoutes({ connections, standing, checks }),
      ...mappingRoutes({ mappings, releases, trials, entities }),
    ],
    authenticate: async (token) => people.get(token) ?? null,
    logger: log.logger,
    version: '0.0.0',
    requestsPerMinute: 100_000,
    trustProxy: false,
  })

  const request = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    { role = 'administrator', headers = {} }: { role?: string; headers?: Record<string, string> } = {},
  ) => {
    const call: InjectOptions = {
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${role}`, ...headers },
    }
    const answer = await app.inject(body ? { ...call, payload: body } : call)
    return {
      status: answer.statusCode,
      etag: answer.headers.etag,
      text: answer.body,
      body: answer.body ? answer.json() : null,
    }
  }
  const rows = <Row>(query: string) =>
    database.transact(testActor, async (tx) => (await sql.raw<Row>(query).execute(tx)).rows)

  return {
    app,
    request,
    rows,
    standing,
    connections,
    mappings,
    pool,
    checks,
    log,
    notices,
    published,
    links,
    polls,
    deals,
    keys,
    act: <T>(work: (tx: Tx) => Promise<T>) => database.transact(testActor, work),
    async close() {
      await app.close()
      await pool.close()
    },
  }
}

export type ConnectionsBench = Awaited<ReturnType<typeof connectionsBench>>

export const credentialsOf = ({ url, credentials }: SalesforceSimulator) => ({
  grant: 'client_credentials',
  loginUrl: url,
  clientId: credentials.clientId,
  clientSecret: credentials.clientSecret,
})

/**
 * A stateful stand-in for a Salesforce organisation: the documented REST protocol over HTTP on this machine, and
 * functions that do what a person, an administrator or the platform does inside the CRM. It is built from the vendor's
 * documentation; it must not learn from, or bend to, what a connector happens to send.
 */
import type { AddressInfo } from 'node:net'
import { createCallLog } from '../calls.ts'
import { addControlRoutes } from '../control-routes.ts'
import { createFaults } from '../faults.ts'
import { makeBare, seedAccess } from './access.ts'
import { type ApiFrame, addApiRoute, apiBase } from './api-server.ts'
import { createApp } from './app.ts'
import { createBulkQueries } from './bulk-query.ts'
import { listCollectionRoutes } from './collections.ts'
import { listCompositeRoutes } from './composite.ts'
import { listDescribeRoutes } from './describe.ts'
import type { FaultEffect, Operation } from './faults.ts'
import { createHands, requireId } from './hands.ts'
import { listLimitRoutes } from './limits.ts'
import { createCredentials, createSessions } from './oauth.ts'
import { addOauthRoutes } from './oauth-routes.ts'
import { createOrganisation, requireTable } from './organisation.ts'
import { addPages } from './pages.ts'
import { listQueryRoutes } from './query-routes.ts'
import { listRecordRoutes } from './rest-routes.ts'
import type { SalesforceSimulator, SimulatorOptions } from './simulator-interface.ts'
import { addStreaming } from './streaming.ts'
import { listToolingRoutes } from './tooling.ts'

export type { Call, CallLog } from '../calls.ts'
export type { Fault, Operation } from './faults.ts'
export type { Credentials } from './oauth.ts'
export type { DuplicateRule, Stage, ValidationRule } from './organisation.ts'
export type { SalesforceSimulator, SimulatorOptions } from './simulator-interface.ts'

const salesObjects = ['Account', 'Contact', 'Opportunity']

/** Starts a fresh organisation on 127.0.0.1; port 0, the default, takes any free one. */
export async function startSalesforceSimulator(options: SimulatorOptions = {}): Promise<SalesforceSimulator> {
  const credentials = createCredentials('integration@vendor.example')
  const organisation = createOrganisation({
    now: options.now ?? (() => new Date()),
    multiCurrency: options.multiCurrency ?? false,
    username: credentials.username,
    capturedObjects: options.capturedObjects ?? (options.bare ? [] : salesObjects),
  })
  seedAccess(organisation, options.bare ? [] : salesObjects)
  if (options.bare) makeBare(organisation)
  const app = createApp()
  let url = ''
  const sessions = createSessions(organisation, credentials, () => url)
  const faults = createFaults<Operation, FaultEffect>(options.seed ?? 1)
  const calls = createCallLog<Operation>()
  const frame: ApiFrame = {
    organisation,
    sessions,
    faults,
    calls,
    dailyLimit: options.dailyLimit ?? 100_000,
    answerDelayMs: options.answerDelayMs ?? 0,
    usedCalls: 0,
  }
  const bulk = createBulkQueries(organisation)
  const routes = [
    ...listLimitRoutes(frame),
    ...listDescribeRoutes(organisation),
    ...listQueryRoutes(organisation),
    ...listRecordRoutes(organisation),
    ...listCollectionRoutes(organisation),
    ...listToolingRoutes(organisation),
    ...bulk.routes,
  ]
  for (const route of [...routes, ...listCompositeRoutes(organisation, routes)])
    addApiRoute(app, frame, route)
  app.get('/services/data', () => [{ label: "Winter '25", url: apiBase, version: '62.0' }])
  addOauthRoutes(app, frame, () => url)
  const streams = addStreaming(app, frame, options.streamHoldMs ?? 110_000)
  addPages(app, organisation)
  const hands = createHands(organisation)
  const endSessions = () => {
    sessions.expireAll()
    streams.checkSessions()
  }
  const simulator: Omit<SalesforceSimulator, 'url'> = {
    ...hands,
    get organisationId() {
      return organisation.id
    },
    credentials,
    setOrganisationId(id) {
      const table = requireTable(organisation, 'Organization')
      const [row] = table.rows.values()
      organisation.tables.put(table, organisation.id, undefined, null)
      organisation.id = requireId(id)
      organisation.tables.put(table, organisation.id, { ...row, Id: organisation.id }, null)
      endSessions()
    },
    expireSessions: endSessions,
    streams,
    bulkJobs: bulk.jobs,
    faults,
    calls,
    close: () => app.close(),
  }
  addControlRoutes(app, simulator)
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return Object.defineProperty(simulator, 'url', { value: url, enumerable: true }) as SalesforceSimulator
}

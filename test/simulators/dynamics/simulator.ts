/**
 * A stateful stand-in for a Dynamics 365 organisation: the documented Web API of Dataverse over HTTP on this machine, and
 * functions that do what a person, an administrator or the platform does inside the CRM. It is built from the vendor's
 * documentation; it must not learn from, or bend to, what a connector happens to send.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createCallLog } from '../calls.ts'
import { addControlRoutes } from '../control-routes.ts'
import { createFaults } from '../faults.ts'
import { apiPath } from './api-call.ts'
import { type ApiFrame, addApi } from './api-server.ts'
import { createApp, withTextBodies } from './app.ts'
import { addClosingRoutes } from './closing-routes.ts'
import { createDispatch } from './dispatch.ts'
import type { FaultEffect, Operation } from './faults.ts'
import { createHands } from './hands.ts'
import { createLimits } from './limits.ts'
import { type Credentials, createSessions } from './oauth.ts'
import { addOauthRoutes } from './oauth-routes.ts'
import { createOrganisation, requireTable } from './organisation.ts'
import { addPages } from './pages.ts'
import type { DynamicsSimulator, SimulatorOptions } from './simulator-interface.ts'
import { createWebhooks } from './webhooks.ts'

export type { Call, CallLog } from '../calls.ts'
export type { Fault, Operation } from './faults.ts'
export type { Credentials } from './oauth.ts'
export type { DuplicateRule, ValidationRule } from './organisation.ts'
export type { DynamicsSimulator, SimulatorOptions } from './simulator-interface.ts'

/** Starts a fresh organisation on 127.0.0.1; port 0, the default, takes any free one. */
export async function startDynamicsSimulator(options: SimulatorOptions = {}): Promise<DynamicsSimulator> {
  const clientId = randomUUID()
  const organisation = createOrganisation({
    now: options.now ?? (() => new Date()),
    clientId,
    prepared: options.prepared ?? true,
    keyBuildMs: options.keyBuildMs ?? 0,
  })
  const app = createApp()
  let url = ''
  const secrets = {
    tenantId: randomUUID(),
    clientId,
    clientSecret: randomBytes(30).toString('base64url'),
    webhookKey: randomBytes(32).toString('base64url'),
  }
  const credentials = (): Credentials => ({ organisationUrl: url, loginUrl: url, ...secrets })
  const sessions = createSessions(organisation, credentials)
  const faults = createFaults<Operation, FaultEffect>(options.seed ?? 1)
  const calls = createCallLog<Operation>()
  const requestLimit = options.requestLimit ?? 6000
  const frame: ApiFrame = {
    organisation,
    sessions,
    faults,
    calls,
    limits: createLimits(requestLimit, organisation.now),
    requestLimit,
    answerDelayMs: options.answerDelayMs ?? 0,
    dispatch: createDispatch(organisation, { api: () => url + apiPath }),
    tenantId: secrets.tenantId,
  }
  withTextBodies(app, (scope) => {
    addApi(scope, frame)
    addOauthRoutes(scope, frame)
  })
  addPages(app, organisation)
  const webhooks = createWebhooks(organisation, options.seed ?? 1)
  if (options.webhookTarget !== undefined) webhooks.register(options.webhookTarget, secrets.webhookKey)
  const simulator: Omit<DynamicsSimulator, 'url'> = {
    ...createHands(organisation),
    get organisationId() {
      return organisation.id
    },
    get credentials() {
      return credentials()
    },
    webhooks,
    setOrganisationId(id) {
      const table = requireTable(organisation, 'organization')
      const row = table.rows.get(organisation.id)
      if (row !== undefined) {
        organisation.tables.remove(table, organisation.id, '', { at: '', by: 'system', fields: {} })
        organisation.tables.put(table, { ...row, organizationid: id }, null)
      }
      organisation.id = id
      sessions.expireAll()
    },
    expireSessions: () => sessions.expireAll(),
    faults,
    calls,
    close: () => app.close(),
  }
  addControlRoutes(app, simulator)
  addClosingRoutes(app, simulator)
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return Object.defineProperty(simulator, 'url', { value: url, enumerable: true }) as DynamicsSimulator
}

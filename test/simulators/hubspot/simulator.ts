/**
 * A stateful stand-in for a HubSpot portal: the documented REST protocol over HTTP on this machine, and functions that
 * do what a person, an administrator or the platform does inside the CRM. It is built from the vendor's documentation;
 * it must not learn from, or bend to, what a connector happens to send.
 */
import type { AddressInfo } from 'node:net'
import { createRandom } from '#test/support/random.ts'
import { createCallLog } from '../calls.ts'
import { addControlRoutes } from '../control-routes.ts'
import { createFaults } from '../faults.ts'
import { listAccountRoutes } from './account-routes.ts'
import { type ApiFrame, addApiRoute } from './api-server.ts'
import { createApp } from './app.ts'
import { listAssociationLabelRoutes } from './association-label-routes.ts'
import { listAssociationRoutes } from './association-routes.ts'
import { listBatchRoutes } from './batch-routes.ts'
import { addPortalControl } from './control.ts'
import type { FaultEffect, Operation } from './faults.ts'
import { createHands } from './hands.ts'
import { addOauthRoutes } from './oauth-routes.ts'
import { listObjectRoutes } from './object-routes.ts'
import { addPages } from './pages.ts'
import { createPortal } from './portal.ts'
import { listPropertyRoutes } from './property-routes.ts'
import { createRateLimits } from './rate-limits.ts'
import { listSearchRoutes } from './search-routes.ts'
import { createCredentials, createSessions } from './sessions.ts'
import type { HubspotSimulator, SimulatorOptions } from './simulator-interface.ts'
import { listWebhookRoutes } from './webhook-routes.ts'
import { createWebhooks } from './webhooks.ts'

export type { Call, CallLog } from '../calls.ts'
export type { Fault, Operation } from './faults.ts'
export type { Owner, Pipeline, Stage, ValidationRule } from './portal.ts'
export type { Credentials } from './sessions.ts'
export type { HubspotSimulator, SimulatorOptions } from './simulator-interface.ts'
export type { Delivery, DeliveryOptions, Subscription, WebhookEvent, Webhooks } from './webhooks.ts'

/** Starts a fresh portal on 127.0.0.1; port 0, the default, takes any free one. */
export async function startHubspotSimulator(options: SimulatorOptions = {}): Promise<HubspotSimulator> {
  const now = options.now ?? (() => new Date())
  const seed = options.seed ?? 1
  const portal = createPortal({ now, indexLagMs: options.indexLagMs ?? 0 })
  const credentials = createCredentials(portal.appId)
  const sessions = createSessions(portal, credentials)
  const app = createApp()
  let url = ''
  const frame: ApiFrame = {
    portal,
    sessions,
    faults: createFaults<Operation, FaultEffect>(seed),
    calls: createCallLog<Operation>(),
    limits: createRateLimits({
      tenSecondLimit: options.tenSecondLimit ?? 190,
      searchLimit: options.searchLimit ?? 5,
      dailyLimit: options.dailyLimit ?? 650_000,
      now,
      elapsedMs: () => performance.now(),
    }),
    random: createRandom(seed),
    answerDelayMs: options.answerDelayMs ?? 0,
    url: () => url,
  }
  const webhooks = createWebhooks(portal, {
    clientSecret: credentials.clientSecret,
    target: options.webhookTarget ?? null,
    random: createRandom(seed),
  })
  const routes = [
    ...listObjectRoutes(portal),
    ...listBatchRoutes(portal),
    ...listSearchRoutes(portal),
    ...listPropertyRoutes(portal),
    ...listAssociationRoutes(portal),
    ...listAssociationLabelRoutes(portal),
    ...listAccountRoutes(frame),
    ...listWebhookRoutes(portal, webhooks),
  ]
  for (const route of routes) addApiRoute(app, frame, route)
  addOauthRoutes(app, frame, credentials)
  addPages(app, portal)
  const simulator: Omit<HubspotSimulator, 'url' | 'credentials'> = {
    ...createHands(portal),
    get organisationId() {
      return portal.id
    },
    accessToken: sessions.staticToken,
    setOrganisationId(id) {
      portal.id = id
      sessions.expireAll()
    },
    expireSessions: () => sessions.expireAll(),
    revokeAccess: () => sessions.revoke(),
    faults: frame.faults,
    calls: frame.calls,
    webhooks,
    close: () => app.close(),
  }
  addControlRoutes(app, simulator)
  addPortalControl(app, simulator)
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return Object.defineProperties(simulator, {
    url: { value: url, enumerable: true },
    credentials: { value: { apiUrl: url, ...credentials }, enumerable: true },
  }) as HubspotSimulator
}

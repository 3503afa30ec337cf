/**
 * HubSpot behind the connector port: the CRM APIs through the generated classes of @hubspot/api-client, 100 records a call.
 * It moves records and reports what HubSpot says of them. It must not know deals of ours, keep a cache of what it read,
 * repeat a failed call (but once, with a new token), or make a call past the gate.
 */
import type { Connector, ConnectorTraits } from '../connector.ts'
import type { ConnectorOptions } from '../wire/exchange.ts'
import { keepUsage } from '../wire/usage.ts'
import { type ApiRelease, isCrmObject, objectTypeIds } from './api-paths.ts'
import { createTypeFinder } from './associations.ts'
import { changesBatch, createChangeReader } from './changes.ts'
import type { HubspotCredentials } from './credentials.ts'
import { describeObject } from './fields.ts'
import { findRecords } from './finds.ts'
import { identify } from './identity.ts'
import { readBatch, readRecords } from './reads.ts'
import { createSession } from './session.ts'
import { createSetup } from './setup.ts'
import { receiveWebhook } from './webhooks.ts'
import { writeBatch, writeRecords } from './writes.ts'

export interface HubspotOptions extends ConnectorOptions<HubspotCredentials> {
  /** How far a poll reaches back for changes that the search index had not taken in yet. */
  readonly overlapMs?: number
  /** Only to try another release than the one in use. */
  readonly release?: ApiRelease
}

const defaultOverlapMs = 5 * 60_000

export const hubspotTraits: ConnectorTraits = {
  vendor: 'hubspot',
  batch: { create: writeBatch, update: writeBatch, read: readBatch, changes: changesBatch },
  conditionalWrite: false,
  push: { listen: false, webhook: true },
  // The lowest edition allows 100 calls in ten seconds (HubSpot: Usage guidelines and limits).
  ceiling: { concurrentCalls: 10, windows: [{ calls: 100, seconds: 10 }] },
  recordPath: (object, id) => `record/${isCrmObject(object) ? objectTypeIds[object] : object}/${id}`,
}

export function createHubspotConnector(options: HubspotOptions): Connector {
  const { credentials } = options
  const usage = keepUsage(options.gate)
  const session = createSession({ ...options, gate: usage.gate })
  const findType = createTypeFinder(session)
  const reader = createChangeReader(session, options.overlapMs ?? defaultOverlapMs)

  return {
    traits: hubspotTraits,
    async probe(signal) {
      const identity = await identify(session, credentials, signal)
      return { ...identity, apiUsage: usage.latest() }
    },
    describe: (object, signal) => describeObject(session, object, signal),
    read: (object, ids, fields, signal) => readRecords(session, object, ids, fields, signal),
    find: (object, field, values, fields, signal) =>
      findRecords(session, object, field, values, fields, signal),
    write: (commands, signal) => writeRecords(session, findType, commands, signal),
    changes: reader.changes,
    receive: (request) =>
      receiveWebhook(request, { clientSecret: credentials.clientSecret, appId: credentials.appId }),
    setup: createSetup(session, credentials),
    close: () => session.close(),
  }
}

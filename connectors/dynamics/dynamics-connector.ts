/**
 * Dynamics 365 Sales behind the connector port: the Dataverse Web API 9.2 through the Graph client, a hundred records a
 * batch. It moves records and reports what Dataverse says of them. It must not know deals, keep a record that it read,
 * repeat a failed call (but once, with a new token), or make a call past the gate.
 */
import { z } from 'zod'
import type { Connector, ConnectorTraits } from '../connector.ts'
import type { ConnectorOptions } from '../wire/exchange.ts'
import { createCatalogue } from './catalogue.ts'
import { changesBatch, readChanges } from './changes.ts'
import type { DynamicsCredentials } from './credentials.ts'
import { createCurrencies } from './currencies.ts'
import { describeTable } from './describe.ts'
import type { Organisation } from './organisation.ts'
import { findRecords, readBatch, readRecords } from './reads.ts'
import { createSession, readJson } from './session.ts'
import { createSetup } from './setup.ts'
import { receiveNotification } from './webhook.ts'
import { writeBatchSize, writeRecords } from './writes.ts'

export type DynamicsOptions = ConnectorOptions<DynamicsCredentials>

export const dynamicsTraits: ConnectorTraits = {
  vendor: 'dynamics',
  batch: { create: writeBatchSize, update: writeBatchSize, read: readBatch, changes: changesBatch },
  conditionalWrite: true,
  push: { listen: false, webhook: true },
  // Of one user on one web server; 52 at once are refused, and others share the user (Service protection API limits).
  ceiling: { concurrentCalls: 16, windows: [{ calls: 6000, seconds: 300 }] },
  recordPath: (object, id) => `/main.aspx?pagetype=entityrecord&etn=${object}&id=${id}`,
}

const identitySchema = z.object({ OrganizationId: z.string(), UserId: z.string() })

export function createDynamicsConnector(options: DynamicsOptions): Connector {
  const { credentials, now } = options
  const session = createSession(options)
  const organisation: Organisation = {
    session,
    catalogue: createCatalogue(session, now),
    currencies: createCurrencies(session, now),
  }

  return {
    traits: dynamicsTraits,
    async probe(signal) {
      const call = { operation: 'probe', object: null, records: 0, method: 'GET', path: 'WhoAmI' } as const
      const { OrganizationId, UserId } = await session.send(
        { ...call, read: readJson(identitySchema) },
        signal,
      )
      return {
        organisationId: OrganizationId.toLowerCase(),
        userId: UserId.toLowerCase(),
        instanceUrl: session.organisationUrl,
        // Every amount over there names its currency, also where there is but one.
        multiCurrency: true,
        apiUsage: null,
      }
    },
    describe: async (object, signal) => (await describeTable(organisation, object, signal)).fields,
    read: (object, ids, fields, signal) => readRecords(organisation, object, ids, fields, signal),
    find: (object, field, values, fields, signal) =>
      findRecords(organisation, object, field, values, fields, signal),
    write: (commands, signal) =>
      writeRecords(organisation, commands, { closedRecords: credentials.closedRecords, now }, signal),
    changes: (object, cursor, fields, signal) => readChanges(organisation, object, cursor, fields, signal),
    receive: (request) => receiveNotification(request, credentials.webhookKey),
    setup: createSetup(organisation, credentials),
    close: () => session.close(),
  }
}

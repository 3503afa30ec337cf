/**
 * Salesforce behind the connector port: REST 62.0 through jsforce, 200 records a write, 2,000 a read.
 * It moves records and reports what Salesforce says of them. It must not know deals, keep a cache of what it read,
 * repeat a failed call (but once, with a new token), or make a call past the gate.
 */
import type { Connector, ConnectorTraits } from '../connector.ts'
import type { CallLabel, ConnectorOptions } from '../wire/exchange.ts'
import { keepUsage } from '../wire/usage.ts'
import { changesBatch, createChangeReader } from './changes.ts'
import type { SalesforceCredentials } from './credentials.ts'
import { describeReplySchema, toRemoteField } from './fields.ts'
import { listenToChanges } from './listen.ts'
import { findRecords, readBatch, readRecords } from './reads.ts'
import { createSession } from './session.ts'
import { createSetup } from './setup.ts'
import { checkName } from './soql.ts'
import { writeBatch, writeRecords } from './writes.ts'

export interface SalesforceOptions extends ConnectorOptions<SalesforceCredentials> {
  /** How far a poll reaches back for transactions that were still open; longer than any in the organisation. */
  readonly overlapMs?: number
  /** A first pass over so many rows goes by a query job. */
  readonly bulkFromRows?: number
}

const defaultOverlapMs = 5 * 60_000
/** Below that, sorted pages are there sooner than a job. */
const defaultBulkFromRows = 200_000

export const salesforceTraits: ConnectorTraits = {
  vendor: 'salesforce',
  batch: { create: writeBatch, update: writeBatch, read: readBatch, changes: changesBatch },
  // If-Unmodified-Since counts whole seconds: too coarse to guard a write.
  conditionalWrite: false,
  push: { listen: true, webhook: false },
  // Calls of 20 s and more may be 25 at once; the daily limit is stated in every answer (Salesforce: API Request Limits).
  ceiling: { concurrentCalls: 20, windows: [] },
  recordPath: (object, id) => `/lightning/r/${object}/${id}/view`,
}

export function createSalesforceConnector(options: SalesforceOptions): Connector {
  const usage = keepUsage(options.gate)
  const session = createSession({ ...options, gate: usage.gate })
  const reader = createChangeReader(session, {
    overlapMs: options.overlapMs ?? defaultOverlapMs,
    bulkFromRows: options.bulkFromRows ?? defaultBulkFromRows,
  })

  async function describeObject(operation: CallLabel['operation'], object: string, signal: AbortSignal) {
    const { value } = await session.send(
      {
        operation,
        object,
        records: 0,
        method: 'GET',
        path: `/sobjects/${checkName(object)}/describe`,
        read: (body) => describeReplySchema.parse(body),
      },
      signal,
    )
    return value.fields
  }

  return {
    traits: salesforceTraits,
    async probe(signal) {
      // Asking first proves that the token is accepted, and replaces it when it is not.
      const fields = await describeObject('probe', 'Opportunity', signal)
      const identity = await session.identify(signal)
      return {
        ...identity,
        multiCurrency: fields.some(({ name }) => name === 'CurrencyIsoCode'),
        apiUsage: usage.latest(),
      }
    },
    async describe(object, signal) {
      return (await describeObject('describe', object, signal)).map(toRemoteField)
    },
    read: (object, ids, fields, signal) => readRecords(session, object, ids, fields, signal),
    find: (object, field, values, fields, signal) =>
      findRecords(session, object, field, values, fields, signal),
    write: (commands, signal) => writeRecords(session, commands, options.now, signal),
    changes: reader.changes,
    listen: (objects, cursor, signal) => listenToChanges(session, objects, cursor, options.now, signal),
    receive: () => ({
      kind: 'refused',
      status: 404,
      reason: 'Salesforce is polled and listened to; outbound messages are not received',
    }),
    setup: createSetup(session),
    close: () => session.close(),
  }
}

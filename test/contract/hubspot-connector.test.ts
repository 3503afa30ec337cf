import { connectHubspot, dealFields, keyField, openPortal } from '#test/support/hubspot-portal.ts'
import type { ConnectorBench } from './connector-bench.ts'
import { describeConnector } from './connector-suite.ts'
import { createRecordingGate } from './recording-gate.ts'

const reads = ['batch-read', 'search', 'list', 'properties'] as const
const writes = ['batch-update', 'batch-upsert'] as const

describeConnector({
  vendor: 'hubspot',
  async open(options = {}): Promise<ConnectorBench> {
    const simulator = await openPortal()
    const gate = createRecordingGate()
    return {
      connector: connectHubspot(simulator, gate, options),
      gate,
      organisationId: simulator.organisationId,
      userId: simulator.integrationUserId,
      personId: simulator.personId,
      object: 'deals',
      keyField,
      textField: 'dealname',
      numberField: 'amount',
      fieldsOf: dealFields,
      refusedFields: { dealstage: 'no such stage' },
      unknownId: '999999999999',
      insert: async (texts) => simulator.insertMany('deals', texts.map(dealFields)),
      edit: async (id, fields) => simulator.update('deals', id, fields),
      remove: async (id) => simulator.remove('deals', id),
      get: (id) => (simulator.get('deals', id) as ReturnType<ConnectorBench['get']>) ?? null,
      count: () => simulator.list('deals').length,
      requests: () => simulator.calls.log.length,
      mishaps: {
        loseAnswerOfWrite: (how) => {
          simulator.faults.add({ kind: 'lost-answer', how, operation: writes, count: 1 })
        },
        answerWithPage: (status) => {
          const known = status as 500 | 502 | 503 | 504
          simulator.faults.add({ kind: 'server-error', status: known, body: 'html', count: 1 })
        },
        lockOneRecord: () => {
          simulator.faults.add({ kind: 'record-error', nth: 2, status: 423, category: 'LOCKED' })
        },
        throttle: () => {
          simulator.faults.add({ kind: 'throttled', policyName: 'TEN_SECONDLY_ROLLING', count: 1 })
        },
        expireToken: () => simulator.expireSessions(),
        refuseTokens: () => {
          simulator.faults.add({ kind: 'expired-session' })
        },
        delayReads: (delayMs) => {
          simulator.faults.add({ kind: 'slow', delayMs, operation: reads })
        },
      },
      close: () => simulator.close(),
    }
  },
})

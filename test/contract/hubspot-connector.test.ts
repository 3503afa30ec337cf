import { connectHubspot, dealFields, keyField, openPortal } from '#test/support/hubspot-portal.ts'
import type { ConnectorBench } from './connector-bench.ts'
import { describeConnector } from './connector-suite.ts'
import { createRecordingGate } from './recording-gate.ts'
import { peopleOf } from './simulated-crm.ts'

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
      ...peopleOf(simulator, 'deals', dealFields),
      keyField,
      textField: 'dealname',
      numberField: 'amount',
      refusedFields: { dealstage: 'no such stage' },
      unknownId: '999999999999',
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
    }
  },
})

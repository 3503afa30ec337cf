import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { connectSalesforce, dealFields } from '#test/support/salesforce-organisation.ts'
import type { ConnectorBench } from './connector-bench.ts'
import { describeConnector } from './connector-suite.ts'
import { createRecordingGate } from './recording-gate.ts'
import { peopleOf } from './simulated-crm.ts'

const reads = ['collections-read', 'query', 'query-more', 'describe'] as const
const writes = ['collections-update', 'collections-upsert'] as const

describeConnector({
  vendor: 'salesforce',
  async open(options = {}): Promise<ConnectorBench> {
    const simulator = await startSalesforceSimulator()
    const gate = createRecordingGate()
    return {
      connector: connectSalesforce(simulator, gate, options),
      gate,
      ...peopleOf(simulator, 'Opportunity', dealFields),
      keyField: 'PRM_Deal_Id__c',
      textField: 'Name',
      numberField: 'Amount',
      refusedFields: { Name: 'x'.repeat(200) },
      unknownId: '006000000000999AAA',
      mishaps: {
        loseAnswerOfWrite: (how) => {
          simulator.faults.add({ kind: 'lost-answer', how, operation: writes, count: 1 })
        },
        answerWithPage: (status) => {
          const known = status as 500 | 502 | 503 | 504
          simulator.faults.add({ kind: 'server-error', status: known, body: 'html', count: 1 })
        },
        lockOneRecord: () => {
          simulator.faults.add({ kind: 'record-error', nth: 2 })
        },
        throttle: () => {
          simulator.faults.add({ kind: 'throttled', limit: 'TotalRequests', count: 1 })
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

import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { connectDynamics, keyField } from '#test/support/dynamics-organisation.ts'
import type { ConnectorBench } from './connector-bench.ts'
import { describeConnector } from './connector-suite.ts'
import { createRecordingGate } from './recording-gate.ts'
import { peopleOf } from './simulated-crm.ts'

const reads = ['query', 'changes', 'metadata', 'who-am-i'] as const

describeConnector({
  vendor: 'dynamics',
  async open(options = {}): Promise<ConnectorBench> {
    const simulator = await startDynamicsSimulator()
    const gate = createRecordingGate()
    return {
      connector: connectDynamics(simulator, gate, options),
      gate,
      ...peopleOf(simulator, 'opportunity', (text) => ({ name: text })),
      keyField,
      textField: 'name',
      numberField: 'estimatedvalue',
      refusedFields: { name: 'x'.repeat(400) },
      unknownId: '00000000-0000-4000-8000-00000000dead',
      mishaps: {
        loseAnswerOfWrite: (how) => {
          simulator.faults.add({ kind: 'lost-answer', how, operation: 'batch', count: 1 })
        },
        answerWithPage: (status, of) => {
          const known = status as 500 | 502 | 503 | 504
          const operation = of === 'write' ? ['batch' as const] : reads
          simulator.faults.add({ kind: 'server-error', status: known, body: 'html', operation, count: 1 })
        },
        lockOneRecord: () => {
          simulator.faults.add({ kind: 'record-error', nth: 2 })
        },
        throttle: () => {
          simulator.faults.add({ kind: 'throttled', limit: 'requests', count: 1 })
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

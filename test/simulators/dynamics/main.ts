/** Runs the simulator as a process of its own: `node main.ts [--port 4330] [--webhook-target URL] [--bare]`. */
import { parseArgs } from 'node:util'
import { startDynamicsSimulator } from './simulator.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'request-limit': { type: 'string', default: '6000' },
    'answer-delay-ms': { type: 'string', default: '0' },
    'webhook-target': { type: 'string' },
    bare: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
  },
})

const simulator = await startDynamicsSimulator({
  port: Number(values.port),
  requestLimit: Number(values['request-limit']),
  answerDelayMs: Number(values['answer-delay-ms']),
  seed: Number(values.seed),
  prepared: !values.bare,
  ...(values['webhook-target'] === undefined ? {} : { webhookTarget: values['webhook-target'] }),
})
const stopWebhooks = simulator.webhooks.run(1_000)

process.stdout.write(
  `${JSON.stringify({
    url: simulator.url,
    organisationId: simulator.organisationId,
    integrationUserId: simulator.integrationUserId,
    credentials: simulator.credentials,
  })}\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopWebhooks()
    void simulator.close()
  })
}

/** Runs the simulator as a process of its own: `node main.ts [--port 4310] [--multi-currency] [--daily-limit 5000]`. */
import { parseArgs } from 'node:util'
import { startSalesforceSimulator } from './simulator.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'multi-currency': { type: 'boolean', default: false },
    'daily-limit': { type: 'string', default: '100000' },
    'answer-delay-ms': { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
  },
})

const simulator = await startSalesforceSimulator({
  port: Number(values.port),
  multiCurrency: values['multi-currency'],
  dailyLimit: Number(values['daily-limit']),
  answerDelayMs: Number(values['answer-delay-ms']),
  seed: Number(values.seed),
})

process.stdout.write(
  `${JSON.stringify({
    url: simulator.url,
    organisationId: simulator.organisationId,
    integrationUserId: simulator.integrationUserId,
    credentials: simulator.credentials,
  })}\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void simulator.close())
}

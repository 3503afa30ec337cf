/** Runs the simulator as a process of its own: `node main.ts [--port 4320] [--daily-limit 5000] [--webhook-target URL]`. */
import { parseArgs } from 'node:util'
import { startHubspotSimulator } from './simulator.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'daily-limit': { type: 'string', default: '650000' },
    'ten-second-limit': { type: 'string', default: '190' },
    'search-limit': { type: 'string', default: '5' },
    'answer-delay-ms': { type: 'string', default: '0' },
    'index-lag-ms': { type: 'string', default: '0' },
    'webhook-target': { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})

const simulator = await startHubspotSimulator({
  port: Number(values.port),
  dailyLimit: Number(values['daily-limit']),
  tenSecondLimit: Number(values['ten-second-limit']),
  searchLimit: Number(values['search-limit']),
  answerDelayMs: Number(values['answer-delay-ms']),
  indexLagMs: Number(values['index-lag-ms']),
  seed: Number(values.seed),
  ...(values['webhook-target'] === undefined ? {} : { webhookTarget: values['webhook-target'] }),
})
const stopWebhooks = simulator.webhooks.run(1_000)

process.stdout.write(
  `${JSON.stringify({
    url: simulator.url,
    organisationId: simulator.organisationId,
    integrationUserId: simulator.integrationUserId,
    credentials: simulator.credentials,
    accessToken: simulator.accessToken,
  })}\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopWebhooks()
    void simulator.close()
  })
}

/**
 * `npm run demo`: the whole product with simulated CRMs and believable data, for a person to try.
 * `npm run demo -- --once --json`: the whole story without a person; exits 1 when a step fails.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { createApi } from '#test/support/api-client.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import { startService } from '#test/support/service-process.ts'
import { populate } from './populate.ts'
import { tellStory } from './story.ts'

const { values: flags } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    port: { type: 'string' },
  },
})
const say = (text: string) => process.stderr.write(`${text}\n`)

const folder = mkdtempSync(join(tmpdir(), 'counterpart-demo-'))
// The database runs as an account of its own where we are root, and must be able to walk in.
chmodSync(folder, 0o711)
const logFile = join(folder, 'service.log')
const desks = [
  salesforceDesk(await startSalesforceSimulator()),
  // Without our fields, so that the set-up has something to do.
  dynamicsDesk(await startDynamicsSimulator({ prepared: false })),
  hubspotDesk(await startHubspotSimulator()),
]
const service = await startService({
  env: { DATA_FOLDER: join(folder, 'data'), RATE_LIMIT_PER_MINUTE: '0' },
  logFile,
  ...(flags.port ? { port: Number(flags.port) } : {}),
})
const closeDesks = () => Promise.all(desks.map(({ simulator }) => simulator.close()))
const close = async () => {
  await service.stop()
  await closeDesks()
  rmSync(folder, { recursive: true, force: true })
}
const admin = createApi(service.url, service.token ?? '')

if (flags.once) {
  const report = await tellStory(admin, desks, ({ ok, name, detail }) => {
    if (!flags.json) process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${name}\n     ${detail}\n`)
  })
  const failed = report.steps.filter(({ ok }) => !ok)
  if (failed.length > 0) say(`The service's log is in ${logFile}`)
  if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  if (failed.length === 0) await close()
  else {
    await service.stop()
    await closeDesks()
  }
  process.exit(failed.length === 0 ? 0 : 1)
}

say('Filling in believable data ...')
const lines = await populate(admin, desks)
process.stdout.write(`${lines.join('\n')}\n`)
const stop = () => {
  close().then(
    () => process.exit(0),
    (error: unknown) => {
      say(String(error))
      process.exit(1)
    },
  )
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)

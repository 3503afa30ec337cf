/**
 * `npm run proof -- --file companies.csv --rows 10000 --json`: the product at full size, on real companies. It starts the
 * service and a simulated CRM, imports that many registrations, counts the calls that bring them over, has people win,
 * re-open and change deals there, and compares the ledger with a calculation of its own. Exits 1 when anything is wrong.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { setUpInstallation } from '#test/demo/installation.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { createApi } from '#test/support/api-client.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import { createRandom } from '#test/support/random.ts'
import { startService } from '#test/support/service-process.ts'
import { readCompanies } from './companies.ts'
import { fillCrm } from './crm-before.ts'
import { proveEnd } from './end-phase.ts'
import type { Ground } from './ground.ts'
import { importRegistrations } from './import-phase.ts'
import { createProtocol } from './protocol.ts'
import { makeScenario } from './registrations.ts'
import { playOutcomes } from './win-phase.ts'

const checkout = resolve(import.meta.dirname, '../..')
const { values: flags } = parseArgs({
  options: {
    file: { type: 'string', default: join(checkout, 'config/sample-data/companies.csv') },
    rows: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const pollSeconds = 5
const tell = (line: string) => {
  if (!flags.json) process.stdout.write(`${line}\n`)
}

const companies = readCompanies(flags.file)
const rows = Number(flags.rows ?? Math.floor(companies.length * 0.8))
const seed = Number(flags.seed)
if (!Number.isInteger(rows) || rows < 100 || !Number.isInteger(seed))
  throw new Error('Say --rows with a whole number from 100, and --seed with a whole number')

const random = createRandom(seed)
const folder = mkdtempSync(join(tmpdir(), 'counterpart-proof-'))
// The database runs as an account of its own where we are root, and must be able to walk in.
chmodSync(folder, 0o711)
const dataFolder = join(folder, 'data')
const logFile = join(folder, 'service.log')
const scenario = makeScenario(companies, { rows, partners: 3, random })
const simulator = await startSalesforceSimulator()
fillCrm(simulator, scenario.known)
const service = await startService({ env: { DATA_FOLDER: dataFolder, RATE_LIMIT_PER_MINUTE: '0' }, logFile })
const protocol = createProtocol(tell)
tell(`${rows} registrations of ${companies.length} companies, seed ${seed}`)

async function run(): Promise<void> {
  const admin = createApi(service.url, service.token ?? '')
  const installation = await setUpInstallation(admin, salesforceDesk(simulator), {
    autoApproval: { field: 'amount', is: 'at_least', value: { amount: '5000.00', currency: 'USD' } },
    pollSeconds,
  })
  const ground: Ground = {
    admin,
    simulator,
    installation,
    scenario,
    random,
    protocol,
    folder,
    dataFolder,
    pollSeconds,
  }
  const imported = await importRegistrations(ground)
  await playOutcomes(ground, imported)
  await proveEnd(ground, imported)
}

/** As Linux tells it; null elsewhere. */
function peakMemoryKb(pid: number): number | null {
  const file = `/proc/${pid}/status`
  if (!existsSync(file)) return null
  const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))
  return line ? Number(line[1]) : null
}

const startedMs = performance.now()
await run().catch((error: unknown) => {
  protocol.require(
    'The run comes to its end',
    false,
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  )
})
protocol.note('everything, s', (performance.now() - startedMs) / 1_000)
const memoryKb = peakMemoryKb(service.pid)
if (memoryKb !== null) protocol.note('most memory of the service, MB', memoryKb / 1_024)
const { findings, figures } = protocol.report()
const failed = findings.filter(({ ok }) => !ok)
await service.stop()
await simulator.close()
if (failed.length === 0) rmSync(folder, { recursive: true, force: true })
else process.stderr.write(`${failed.length} requirements do not hold. The service's log is in ${logFile}\n`)
if (flags.json) process.stdout.write(`${JSON.stringify({ rows, seed, findings, figures }, null, 2)}\n`)
process.exitCode = failed.length === 0 ? 0 : 1

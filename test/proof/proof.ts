/**
 * `npm run proof -- --file companies.csv --rows 10000 --json`: the product at full size, on real companies. It starts the
 * service and a simulated CRM, imports that many registrations, counts the calls that bring them over, has people win,
 * re-open and change deals there, and compares the ledger with a calculation of its own. Exits 1 when anything is wrong.
 * With `--crms`, 3,000 registrations and a further file with rows that the CRMs refuse go to Salesforce, Dynamics 365 and
 * HubSpot instead, and what is proved is where they arrive and in how few calls.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createApi } from '#test/support/api-client.ts'
import { startService } from '#test/support/service-process.ts'
import { readCompanies } from './companies.ts'
import { prepareCrms } from './crms/prove-crms.ts'
import { prepareFullSize } from './full-size.ts'
import { createProtocol } from './protocol.ts'

const checkout = resolve(import.meta.dirname, '../..')
const { values: flags } = parseArgs({
  options: {
    file: { type: 'string', default: join(checkout, 'config/sample-data/companies.csv') },
    rows: { type: 'string' },
    crms: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const pollSeconds = 5
const tell = (line: string) => {
  if (!flags.json) process.stdout.write(`${line}\n`)
}

const companies = readCompanies(flags.file)
const rows = Number(flags.rows ?? (flags.crms ? 3_000 : Math.floor(companies.length * 0.8)))
const seed = Number(flags.seed)
if (!Number.isInteger(rows) || rows < 100 || !Number.isInteger(seed))
  throw new Error('Say --rows with a whole number from 100, and --seed with a whole number')

const folder = mkdtempSync(join(tmpdir(), 'counterpart-proof-'))
// The database runs as an account of its own where we are root, and must be able to walk in.
chmodSync(folder, 0o711)
const dataFolder = join(folder, 'data')
const logFile = join(folder, 'service.log')
const proof = await (flags.crms ? prepareCrms : prepareFullSize)(companies, { rows, seed })
const service = await startService({ env: { DATA_FOLDER: dataFolder, RATE_LIMIT_PER_MINUTE: '0' }, logFile })
const protocol = createProtocol(tell)
tell(proof.about)

/** As Linux tells it; null elsewhere. */
function peakMemoryKb(pid: number): number | null {
  const file = `/proc/${pid}/status`
  if (!existsSync(file)) return null
  const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))
  return line ? Number(line[1]) : null
}

const startedMs = performance.now()
const admin = createApi(service.url, service.token ?? '')
await proof.run({ admin, protocol, folder, dataFolder, pollSeconds }).catch((error: unknown) => {
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
await proof.close()
if (failed.length === 0) rmSync(folder, { recursive: true, force: true })
else process.stderr.write(`${failed.length} requirements do not hold. The service's log is in ${logFile}\n`)
if (flags.json) process.stdout.write(`${JSON.stringify({ rows, seed, findings, figures }, null, 2)}\n`)
process.exitCode = failed.length === 0 ? 0 : 1

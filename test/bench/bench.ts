/**
 * `npm run bench [-- registration|ledger|mapping|conflicts|sync] [--json] [--quick]`: how fast the service is, as ratios
 * against a named limit that ran in the same minutes. A command for people to look at; nothing here is a timed test.
 * `npm run bench -- conflicts [--json] --pairs FILE | --registry FILE --queries FILE`: how well companies in CSV files
 * are told apart, or found again. `--customers 1000000`: a check among so many customers, with the plan of its search.
 */
import { parseArgs } from 'node:util'
import { UnfitFile } from './conflict-files.ts'
import { benchConflicts, namesFiles, openFiles } from './conflicts.ts'
import { type Ground, openGround } from './ground.ts'
import { benchLedger } from './ledger.ts'
import { benchMapping } from './mapping.ts'
import { benchRegistration } from './registration.ts'
import { formatReport } from './report.ts'
import { fullScale, quickScale } from './scale.ts'
import { benchSync } from './sync.ts'

const { values: flags, positionals } = readFlags()
const scale = flags.quick ? quickScale : fullScale
const benches = {
  registration: benchRegistration,
  ledger: benchLedger,
  mapping: benchMapping,
  conflicts: benchConflicts,
  sync: benchSync,
} as const
const unknown = positionals.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  fail(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`)
}
if (namesFiles(flags) && (positionals.length !== 1 || positionals[0] !== 'conflicts')) {
  fail('--pairs, --registry, --queries and --customers belong to the bench conflicts')
}
const measure = namesFiles(flags)
  ? await openFiles(flags).catch((error: unknown) => {
      if (error instanceof UnfitFile) fail(error.message)
      throw error
    })
  : measureBenches

const ground = await openGround()
try {
  const report = await measure(ground)
  process.stdout.write(`${flags.json ? JSON.stringify(report) : formatReport(report)}\n`)
} finally {
  await ground.close()
}

async function measureBenches(on: Ground): Promise<object> {
  const report: Record<string, unknown> = {}
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    process.stderr.write(`${name} ...\n`)
    report[name] = await bench(on, scale)
  }
  return report
}

function readFlags() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        pairs: { type: 'string' },
        registry: { type: 'string' },
        queries: { type: 'string' },
        customers: { type: 'string' },
      },
    })
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

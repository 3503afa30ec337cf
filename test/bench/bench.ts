/**
 * `npm run bench [-- registration|ledger|mapping|conflicts|sync] [--json] [--quick]`: how fast the service is, as ratios
 * against a named limit that ran in the same minutes. A command for people to look at; nothing here is a timed test.
 */
import { parseArgs } from 'node:util'
import { benchConflicts } from './conflicts.ts'
import { openGround } from './ground.ts'
import { benchLedger } from './ledger.ts'
import { benchMapping } from './mapping.ts'
import { benchRegistration } from './registration.ts'
import { formatReport } from './report.ts'
import { fullScale, quickScale } from './scale.ts'
import { benchSync } from './sync.ts'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
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
  process.stderr.write(
    `There is no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`,
  )
  process.exit(2)
}

const ground = await openGround()
try {
  const report: Record<string, unknown> = {}
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    process.stderr.write(`${name} ...\n`)
    report[name] = await bench(ground, scale)
  }
  process.stdout.write(`${flags.json ? JSON.stringify(report) : formatReport(report)}\n`)
} finally {
  await ground.close()
}

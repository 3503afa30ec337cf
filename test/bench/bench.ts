/**
 * `npm run bench [-- registration|ledger|mapping|conflicts|sync] [--json] [--quick]`: how fast the service is, as ratios
 * against a named limit that ran in the same minutes. A command for people to look at; nothing here is a timed test.
 */
import { parseArgs } from 'node:util'
import { openGround } from './ground.ts'
import { benchLedger } from './ledger.ts'
import { benchMapping } from './mapping.ts'
import { benchRegistration } from './registration.ts'
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
  sync: benchSync,
} as const
const ground = await openGround()
try {
  const report: Record<string, unknown> = {}
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    report[name] = await bench(ground, scale)
  }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
} finally {
  await ground.close()
}

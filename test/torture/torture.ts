/**
 * `npm run torture`: kills the service in the middle of imports, pushes and pulls, again and again, and proves after each
 * time, from the CRM's own records and from the ledger, that nothing is lost and nothing is doubled.
 *
 * `npm run torture -- sync`: two minutes of load on PostgreSQL, Redis and two workers, which are killed and stopped past
 * their leases at random.
 *
 * `npm run torture -- conflicts`: many partners register the same deal at the same instant, in spellings of it, round after
 * round: each round must equal a serial one, with one of them clear and the others told of a conflict and no more.
 *
 *   --rounds N                           rounds of conflicts (100)
 *   --partners N                         partners in each (50)
 *   --import N                           then more rounds while so many registrations are imported (300000; 0: none)
 *
 *   --kills N                            how often in the middle of each kind of work (10)
 *   --only import|push|pull              one kind of work instead of all
 *   --database embedded|servers|both     servers: PostgreSQL 15 and Redis from Debian's programs, an API and two workers (both)
 *   --seed S                             repeats the draws of an earlier run
 *   --deals N                            registrations per round (40); an import has fifteen times as many rows
 *   --json                               one JSON object on the standard output
 *
 * Exits 1 when a proof fails; the data and the logs of that installation are kept then.
 */
import { randomInt } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { createRandom, type Random } from '#test/support/random.ts'
import { runConflicts } from './conflicts.ts'
import { openEmbeddedSite } from './embedded-site.ts'
import { waitUntilQuiet } from './quiet.ts'
import { type Kind, kinds, type Round, runRound } from './rounds.ts'
import { missingPrograms, startPostgres, startRedis } from './server-programs.ts'
import { openServerSite } from './server-site.ts'
import type { Site } from './site.ts'
import { runStorm } from './sync-storm.ts'
import { createWorld } from './world.ts'

const databases = ['embedded', 'servers'] as const
type DatabaseKind = (typeof databases)[number]

interface TortureReport {
  readonly seed: number
  readonly rounds: readonly (Round & { readonly database: DatabaseKind })[]
  readonly kills: number
  readonly checks: number
  readonly violations: readonly string[]
  readonly ok: boolean
}

const directDeals = 2_100
const closers: (() => Promise<void>)[] = []
let folder: string | null = null

async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

function readFlags() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kills: { type: 'string', default: '10' },
      only: { type: 'string' },
      database: { type: 'string', default: 'both' },
      seed: { type: 'string' },
      deals: { type: 'string', default: '40' },
      rounds: { type: 'string', default: '100' },
      partners: { type: 'string', default: '50' },
      import: { type: 'string', default: '300000' },
      json: { type: 'boolean', default: false },
    },
  })
  const whole = (name: string, text: string, least: number) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < least)
      throw new Error(`--${name} is a whole number from ${least} on`)
    return value
  }
  const oneOf = <T extends string>(name: string, text: string, choices: readonly T[]): T => {
    const found = choices.find((choice) => choice === text)
    if (!found) throw new Error(`${name === '' ? 'What to do' : `--${name}`} is one of ${choices.join(', ')}`)
    return found
  }
  const what = positionals.length === 0 ? null : oneOf('', positionals.join(' '), ['sync', 'conflicts'])
  const isStorm = what === 'sync'
  const database = isStorm ? 'servers' : oneOf('database', values.database, [...databases, 'both'])
  return {
    isStorm,
    conflicts:
      what === 'conflicts'
        ? {
            rounds: whole('rounds', values.rounds, 1),
            partners: whole('partners', values.partners, 2),
            importRows: whole('import', values.import, 0),
          }
        : null,
    kills: whole('kills', values.kills, 1),
    kinds: values.only === undefined ? kinds : [oneOf('only', values.only, kinds)],
    databases: database === 'both' ? databases : [database],
    seed: values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed, 0),
    deals: whole('deals', values.deals, 4),
    json: values.json,
  }
}

async function openSite(database: DatabaseKind, folder: string, random: Random): Promise<Site> {
  if (database === 'embedded') return openEmbeddedSite(folder, random)
  const postgres = await startPostgres(folder)
  closers.push(postgres.stop)
  const redis = await startRedis(folder)
  closers.push(redis.stop)
  const ownerUrl = postgres.url.replace('postgres@', 'counterpart@')
  return openServerSite(folder, { ownerUrl, redisUrl: redis.url }, random)
}

async function tortureOne(
  database: DatabaseKind,
  flags: ReturnType<typeof readFlags>,
  folder: string,
  say: (text: string) => void,
): Promise<TortureReport['rounds']> {
  const random = createRandom(flags.seed)
  const simulator = await startSalesforceSimulator({ seed: flags.seed })
  closers.push(() => simulator.close())
  const site = await openSite(database, folder, random)
  closers.push(() => site.close())
  say(`${database}: setting up, logs in ${folder}`)
  const world = await createWorld(site, simulator, random, { dealsPerRound: flags.deals, directDeals })
  await waitUntilQuiet(world)
  const rounds: (Round & { database: DatabaseKind })[] = []
  if (flags.isStorm) {
    const storm = await runStorm(world)
    say(tell(database, storm))
    return [{ ...storm, database }]
  }
  for (const kind of flags.kinds) {
    for (let killed = 0; killed < flags.kills; ) {
      const round = await runRound(world, kind, flags.kills - killed)
      rounds.push({ ...round, database })
      say(tell(database, round))
      // What is wrong stays wrong: later rounds would only say it again.
      if (round.violations.length > 0) return rounds
      killed += round.kills.length
    }
  }
  return rounds
}

function tell(database: DatabaseKind, { kind, kills, quietSeconds, checks, violations }: Round): string {
  const verdict = violations.length === 0 ? `${checks.length} checks hold` : 'FAILED'
  const quiet = quietSeconds === null ? '' : `, quiet ${quietSeconds} s later`
  return [`${database} ${kind}: ${kills.join('; ')}${quiet}: ${verdict}`, ...violations].join('\n  ')
}

async function run(): Promise<boolean> {
  const flags = readFlags()
  if (flags.conflicts) return tortureConflicts(flags.conflicts, flags)
  const missing = flags.databases.some((one) => one === 'servers') ? missingPrograms() : null
  if (missing) throw new Error(missing)
  folder = mkdtempSync(join(tmpdir(), 'counterpart-torture-'))
  // Database servers run as accounts of their own where we are root, and must be able to walk in.
  chmodSync(folder, 0o711)
  const say = (text: string) => (flags.json ? process.stderr : process.stdout).write(`${text}\n`)
  const kind = (one: readonly Kind[]) => one.join(', ')
  say(
    flags.isStorm
      ? `Seed ${flags.seed}; two minutes of load while workers are killed and stopped`
      : `Seed ${flags.seed}; ${flags.kills} kills each in the middle of: ${kind(flags.kinds)}`,
  )
  const rounds: TortureReport['rounds'][number][] = []
  for (const database of flags.databases) {
    const own = join(folder, database)
    mkdirSync(own, { mode: 0o711 })
    try {
      rounds.push(...(await tortureOne(database, flags, own, say)))
    } finally {
      await closeAll()
    }
  }
  const violations = rounds.flatMap((round) => round.violations)
  const report: TortureReport = {
    seed: flags.seed,
    rounds,
    kills: rounds.reduce((sum, { kills }) => sum + kills.length, 0),
    checks: rounds.reduce((sum, { checks }) => sum + checks.length, 0),
    violations,
    ok: violations.length === 0,
  }
  if (report.ok) rmSync(folder, { recursive: true, force: true })
  say(
    report.ok
      ? `${report.kills} kills, ${report.checks} checks, nothing lost, nothing doubled`
      : `Something is lost or doubled; repeat it with --seed ${flags.seed}. Data and logs are in ${folder}`,
  )
  if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  return report.ok
}

/** On the embedded database, as `npm start` runs it. */
async function tortureConflicts(
  options: { readonly rounds: number; readonly partners: number; readonly importRows: number },
  { seed, json }: { readonly seed: number; readonly json: boolean },
): Promise<boolean> {
  const own = mkdtempSync(join(tmpdir(), 'counterpart-torture-'))
  folder = own
  chmodSync(own, 0o711)
  const say = (text: string) => (json ? process.stderr : process.stdout).write(`${text}\n`)
  say(`Seed ${seed}; ${options.rounds} rounds of ${options.partners} partners`)
  const random = createRandom(seed)
  const torture = async () => {
    const site = await openEmbeddedSite(own, random)
    closers.push(() => site.close())
    return await runConflicts(site.admin, random, { ...options, seed, say })
  }
  let report: Awaited<ReturnType<typeof torture>>
  try {
    report = await torture()
  } finally {
    await closeAll()
  }
  if (report.ok) rmSync(own, { recursive: true, force: true })
  else say(`Repeat it with --seed ${seed}. Data and logs are in ${own}`)
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  return report.ok
}

let leaving = false
const leave = (code: number) => {
  if (!leaving) process.exit(code)
}

/** What is just being started ends with us, by its guard; what the run says of its end has no meaning any more. */
function leaveOn(signal: NodeJS.Signals, code: number): void {
  process.once(signal, () => {
    leaving = true
    void closeAll().finally(() => {
      if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
      process.exit(code)
    })
  })
}
leaveOn('SIGINT', 130)
leaveOn('SIGTERM', 143)
leaveOn('SIGHUP', 129)

run().then(
  (ok) => leave(ok ? 0 : 1),
  (error: unknown) => {
    if (!leaving) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    leave(1)
  },
)

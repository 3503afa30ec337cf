import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '#test/support/api-client.ts'
import { runCommand } from './commands.ts'
import { countAllWrites, countCalls, countReads, countWrites, describeSizes } from './crm-calls.ts'
import { type DealAnswer, readDeals } from './deals.ts'
import { centsOf } from './earnings.ts'
import { type Ground, secondsSince, waitForSilence } from './ground.ts'
import { quantile } from './protocol.ts'
import { approvedFromCents, type Registration, type RegistrationKind, toCsv } from './registrations.ts'
import { type SideTraffic, startSideTraffic } from './side-traffic.ts'

const recordsPerCall = 200
const callFactor = 1.2
/** Remainders that count in a small run. */
const fewCalls = 2
const patienceMs = 20 * 60_000
const sideP95Ms = 1_000

export interface Imported {
  /** By the reference in the file. */
  readonly deals: ReadonlyMap<string, DealAnswer>
}

/** From the file to the CRM: taken in, checked, approved where the programme says so, and written in full calls. */
export async function importRegistrations(ground: Ground): Promise<Imported> {
  const { simulator, scenario, protocol, random, installation } = ground
  const side = startSideTraffic(installation, simulator, scenario.spare, random)
  await pause(6_000)
  noteTimes(ground, 'registered one by one, at rest', side)
  simulator.calls.reset()
  await runImport(ground)
  noteTimes(ground, 'registered one by one, during the import', side)
  const importedMs = performance.now()
  const deals = await readVerdicts(ground)
  const expected = expectedInCrm(ground, deals)
  await eventually(
    `${expected.size} opportunities are in the CRM`,
    async () => {
      const there = new Set(simulator.list('Opportunity').map((row) => String(row['PRM_Deal_Id__c'])))
      return [...expected].every((id) => there.has(id))
    },
    patienceMs,
  )
  protocol.note('end of import to all in the CRM, s', secondsSince(importedMs))
  protocol.note('registrations to the CRM per s', expected.size / secondsSince(importedMs))
  noteTimes(ground, 'registered one by one, while the CRM is filled', side)
  await side.stop()
  await waitForSilence(ground)
  protocol.note(
    'longest way of one registered on the side into the CRM, s',
    Math.max(0, ...side.arrivals()) / 1_000,
  )
  requireFewCalls(ground, expected.size, side.approved())
  await requireSilence(ground)
  return { deals }
}

function noteTimes({ protocol }: Ground, name: string, side: SideTraffic): void {
  const times = side.takeTimes()
  protocol.note(`${name}: p50, ms`, quantile(times, 0.5))
  protocol.note(`${name}: p95, ms`, quantile(times, 0.95))
  protocol.note(`${name}: slowest, ms`, Math.max(0, ...times))
  const p95 = quantile(times, 0.95)
  protocol.require(
    `p95 of ${name}`,
    p95 <= sideP95Ms,
    `${Math.round(p95)} ms of ${times.length}; at most ${sideP95Ms}`,
  )
}

async function runImport(ground: Ground): Promise<void> {
  const { admin, scenario, protocol, folder, installation } = ground
  const file = join(folder, 'registrations.csv')
  const partnerRefs = installation.partners.map((_, index) => `P-${index + 1}`)
  writeFileSync(file, toCsv(scenario.registrations, partnerRefs))
  const startedMs = performance.now()
  const { code, output } = await runCommand('import', ['deals', file, '--wait', '--url', admin.url], {
    COUNTERPART_TOKEN: admin.token,
  })
  const seconds = secondsSince(startedMs)
  protocol.note('import, s', seconds)
  protocol.note('import, rows per s', scenario.registrations.length / seconds)
  const broken = scenario.registrations.filter(({ kind }) => kind === 'broken')
  const told = broken.filter(({ ref }) => output.includes(ref)).length
  const [{ rows }] = await admin.all('/api/v1/imports')
  protocol.require(
    'Every row of the file is in, but for those that are broken and in the report',
    // The command says by 2 that some rows were not taken.
    code === 2 && rows.created === scenario.registrations.length - broken.length && told === broken.length,
    `exit ${code}, ${JSON.stringify(rows)}, ${told} of ${broken.length} in the report`,
  )
}

/** Compares what became of every row with what its kind promises. */
async function readVerdicts(ground: Ground): Promise<ReadonlyMap<string, DealAnswer>> {
  const { admin, scenario, protocol } = ground
  const answers = await readDeals(admin)
  const deals = new Map(answers.flatMap((deal) => (deal.externalRef ? [[deal.externalRef, deal]] : [])))
  const unchecked = [...deals.values()].filter(({ conflict }) => conflict === null)
  protocol.require(
    'Every registration is checked',
    unchecked.length === 0,
    `${deals.size} deals, ${unchecked.length} unchecked`,
  )
  const of = (kind: RegistrationKind) =>
    scenario.registrations.filter((one) => one.kind === kind && deals.has(one.ref))
  const suspected = (one: Registration) => deals.get(one.ref)?.conflict === 'suspected'
  for (const kind of ['rival', 'direct'] as const) {
    const all = of(kind)
    const found = all.filter(suspected)
    protocol.require(
      `Every registration that is ${kind} is suspected`,
      found.length === all.length,
      `${found.length} of ${all.length}`,
    )
  }
  const namesakes = of('namesake')
  protocol.note(
    'namesakes found, %',
    (namesakes.filter(suspected).length * 100) / Math.max(1, namesakes.length),
  )
  const innocent = [...of('plain'), ...of('small'), ...of('doubtful')]
  protocol.note('suspected although new, %', (innocent.filter(suspected).length * 100) / innocent.length)
  const wrong = scenario.registrations.filter((one) => {
    const deal = deals.get(one.ref)
    if (!deal) return one.kind !== 'broken'
    const approves = deal.conflict === 'clear' && centsOf(one.amount) >= approvedFromCents
    return deal.status !== (approves ? 'approved' : 'submitted')
  })
  protocol.require(
    'Approved by itself is exactly what is clear and large enough',
    wrong.length === 0,
    `${[...deals.values()].filter(({ status }) => status === 'approved').length} approved; wrong: ${
      wrong
        .map(({ ref }) => ref)
        .slice(0, 5)
        .join(', ') || 'none'
    }`,
  )
  return deals
}

/** Approved, and the CRM knows the customer no more than once. */
function expectedInCrm({ scenario }: Ground, deals: ReadonlyMap<string, DealAnswer>): Set<string> {
  return new Set(
    scenario.registrations.flatMap(({ ref, kind }) => {
      const deal = deals.get(ref)
      return deal?.status === 'approved' && kind !== 'doubtful' ? [deal.id] : []
    }),
  )
}

function requireFewCalls({ simulator, protocol }: Ground, deals: number, aside: number): void {
  for (const object of ['Account', 'Opportunity'] as const) {
    const { calls, records, sizes } = countWrites(simulator.calls.log, object)
    const needed = Math.ceil(deals / recordsPerCall)
    const most = Math.max(Math.floor(needed * callFactor), needed + fewCalls) + aside
    protocol.note(`calls that wrote ${object}`, calls)
    protocol.note(`calls that wrote ${object}, of those needed`, calls / needed)
    protocol.require(
      `${deals} deals take few calls: ${object}`,
      calls <= most,
      `${calls} calls for ${records} records, ${needed} needed, ${most} allowed (${aside} for those on the side): ${describeSizes(sizes)}`,
    )
  }
  protocol.note('calls that read records by id', countReads(simulator.calls.log))
}

/** Our own writes come back in the next polls; nothing may follow from them. */
async function requireSilence({ simulator, protocol, pollSeconds }: Ground): Promise<void> {
  simulator.calls.reset()
  await pause(pauseOf(pollSeconds))
  const { log } = simulator.calls
  protocol.require(
    'What we wrote comes back and causes nothing',
    countAllWrites(log) === 0 && countReads(log) === 0,
    JSON.stringify(countCalls(log)),
  )
}

const pauseOf = (pollSeconds: number): number => pollSeconds * 3_000

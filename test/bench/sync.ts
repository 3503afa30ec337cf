/**
 * How fast records travel to and from each simulated CRM, against a client that sends the same requests and does nothing
 * else; what that costs in calls, whose limits are the vendors', and in processor time; and how long a single change takes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { RemoteValue } from '#connectors/connector.ts'
import { type Vendor, vendors } from '#connectors/registry.ts'
import { type BareClient, startBareClient } from './bare-client.ts'
import type { CpuTime } from './cpu.ts'
import type { Ground } from './ground.ts'
import type { Scale } from './scale.ts'
import { describeCalls } from './sync-calls.ts'
import { openSyncGround, type SyncGround } from './sync-ground.ts'
import { createCommands, type Pattern, readPattern, type Seeded, seedLinks } from './sync-seeding.ts'
import { median, percentile, ratioOf, round1, round2 } from './turns.ts'

/** How far apart single changes are on average, so that they neither wait for each other nor gather. */
const betweenChangesMs = 250

export async function benchSync(ground: Ground, { sync: scale }: Scale) {
  const report: Record<string, unknown> = {}
  for (const vendor of Object.keys(vendors) as Vendor[]) {
    process.stderr.write(`  ${vendor} ...\n`)
    report[vendor] = await benchVendor(ground, vendor, scale)
  }
  return report
}

async function benchVendor(ground: Ground, vendor: Vendor, scale: Scale['sync']) {
  const place = await openSyncGround(ground, vendor)
  const { crm, twin } = place
  const bare = await startBareClient({ kind: 'open', vendor, credentials: twin.desk.credentials })
  try {
    // One deal goes all the way by itself; the others are copies of what it leaves behind.
    await place.register(1)
    await place.settled(0, `exists (select from link where entity = 'deal' and state = 'active')`)
    await crm.forget()
    await place.poll()
    await place.settled(0)
    await place.pause()
    const pattern = await readPattern(place.url, crm, place.installation.connectionId)
    const { partner } = pattern
    const [partnerId = ''] = twin.simulator.insertMany(partner.object, [
      crm.desk.vendor === 'salesforce' ? { Name: 'Partner' } : { name: 'Partner' },
    ])
    const bench: Bench = { place, bare, pattern, partnerId, scale, dates: createDates(), copied: 0 }
    const sizes: Record<string, unknown> = {}
    const seeded = { dealIds: [] as string[], remoteIds: [] as string[], twinIds: [] as string[] }
    for (const links of scale.links) {
      const copies = Math.ceil(links / pattern.parts.length) - seeded.dealIds.length
      const startedMs = performance.now()
      const more = await seedLinks(
        place.url,
        pattern,
        crm,
        { crm: twin, partnerId },
        bench.copied,
        bench.copied + copies,
      )
      bench.copied += copies
      seeded.dealIds.push(...more.dealIds)
      seeded.remoteIds.push(...more.remoteIds)
      seeded.twinIds.push(...more.twinIds)
      process.stderr.write(`    ${links} links seeded in ${seconds(startedMs)} s\n`)
      sizes[`at${links}`] = await benchSize(bench, seeded)
      process.stderr.write(`    measured after ${seconds(startedMs)} s\n`)
    }
    const limit = Math.ceil(1_000 / crm.recordsPerCall)
    return {
      limit: { callsPer1000: limit, what: `${crm.recordsPerCall} records a call` },
      recordsOfADeal: pattern.parts.length,
      ...sizes,
    }
  } finally {
    bare.stop()
    await place.close()
  }
}

const seconds = (sinceMs: number) => round1((performance.now() - sinceMs) / 1000)

interface Bench {
  readonly place: SyncGround
  readonly bare: BareClient
  readonly pattern: Pattern
  readonly partnerId: string
  readonly scale: Scale['sync']
  readonly dates: () => string
  copied: number
}

/** Another day each time, so that whatever is changed to it did change. */
function createDates(): () => string {
  let day = Date.UTC(2027, 3, 1)
  return () => {
    day += 86_400_000
    return new Date(day).toISOString().slice(0, 10)
  }
}

/** What one turn of the service took, and of the bare client. */
interface Turn {
  readonly ms: number
  readonly bareMs: number
  readonly cpu: CpuTime
  readonly calls: ReturnType<typeof describeCalls>
  readonly parked: number
}

async function benchSize(bench: Bench, seeded: Seeded) {
  const { scale, place } = bench
  const { deals, rounds } = scale
  const created: Turn[] = []
  const ours: Turn[] = []
  const theirs: Turn[] = []
  // The first round warms up and does not count.
  for (let round = -1; round < rounds; round += 1) {
    const count = round < 0 ? Math.min(100, deals) : deals
    const chosen = chooseFrom(seeded, count, round + 1)
    const turns = [
      await benchCreations(bench, count),
      await benchOurChanges(bench, chosen),
      await benchTheirChanges(bench, chosen),
    ] as const
    if (round < 0) continue
    created.push(turns[0])
    ours.push(turns[1])
    theirs.push(turns[2])
  }
  const nothing = await benchQuiet(bench)
  const single = await benchSingleChanges(bench, seeded)
  const { recordsPerCall } = place.crm
  const limit = Math.ceil(deals / recordsPerCall)
  const records = deals * bench.pattern.parts.length
  // There may be fewer linked deals than one turn asks for.
  const changed = Math.min(deals, seeded.dealIds.length)
  return {
    created: { ...describe(created, records), goal: `${limit} writes of each object` },
    changedHere: {
      ...describe(ours, changed),
      goal: `${Math.ceil(changed / recordsPerCall)} writes, at most as many reads`,
    },
    changedThere: { ...describe(theirs, changed), goal: 'no write, no read but polls' },
    nothingChanged: nothing,
    singleChange: single,
  }
}

function describe(turns: readonly Turn[], records: number) {
  const rate = (ms: number) => (records / ms) * 1000
  const last = turns.at(-1)
  const per1000 = (of: (cpu: CpuTime) => number) =>
    round1((median(turns.map(({ cpu }) => of(cpu))) / records) * 1_000)
  return {
    records,
    recordsPerSecond: round1(median(turns.map(({ ms }) => rate(ms)))),
    bareRecordsPerSecond: round1(median(turns.map(({ bareMs }) => rate(bareMs)))),
    ratioToBare: ratioOf(
      turns.map(({ ms }) => rate(ms)),
      turns.map(({ bareMs }) => rate(bareMs)),
    ),
    ...last?.calls,
    parked: last?.parked ?? 0,
    cpuMsPer1000: { service: per1000((cpu) => cpu.serviceMs), database: per1000((cpu) => cpu.databaseMs) },
  }
}

/** Some of the seeded, spread over all of them, others in each round. */
function chooseFrom({ dealIds, remoteIds, twinIds }: Seeded, count: number, round: number): Seeded {
  const step = Math.max(1, Math.floor(dealIds.length / count))
  const places = Array.from({ length: count }, (_, index) => (index * step + round) % dealIds.length)
  const pick = (ids: readonly string[]) => [...new Set(places)].map((at) => ids[at] ?? '')
  return { dealIds: pick(dealIds), remoteIds: pick(remoteIds), twinIds: pick(twinIds) }
}

/**
 * Lets the service work until `done`, then until it has seen its own changes come back, and rests the connection again.
 * The rate counts until `done`, calls and processor time until the end.
 */
async function work(
  { place }: Bench,
  count: number,
  options: { readonly webhooks: boolean; readonly begin: () => Promise<void> },
  done: string,
  values: unknown[],
): Promise<Omit<Turn, 'bareMs'>> {
  const { crm } = place
  await crm.forget()
  crm.simulator.calls.reset()
  const stopWatch = await place.watchCpu()
  const stopDelivery = options.webhooks ? crm.deliverOnAndOn() : () => undefined
  const startedMs = performance.now()
  await options.begin()
  const ms = await place.done(startedMs, done, values)
  const calls = describeCalls(crm.vendor, crm.simulator.calls.log, count)
  if (options.webhooks) {
    stopDelivery()
    await crm.deliver()
    // Echoes of our own writes are left to the next poll.
    await place.poll()
    await place.settled(startedMs)
  }
  const cpu = await stopWatch()
  const parked = await countParked(place)
  await place.pause()
  return { ms, cpu, calls, parked }
}

async function countParked({ yes }: SyncGround): Promise<number> {
  return (await yes('exists (select from dirty_mark where parked_at is not null)')) ? 1 : 0
}

async function benchCreations(bench: Bench, count: number): Promise<Turn> {
  const { place, bare, pattern, partnerId } = bench
  const dealIds = await place.register(count)
  const turn = await work(
    bench,
    count,
    { webhooks: true, begin: place.resume },
    `(select count(*) from link where entity = 'deal' and state = 'active' and record_id = any($1::uuid[])) = $2`,
    [dealIds, count],
  )
  const { parts, commandsOf, tell } = createCommands(pattern, partnerId, bench.copied, count)
  bench.copied += count
  let bareMs = 0
  for (const part of parts) {
    const { ms, ids } = await bare.ask({ kind: 'write', commands: commandsOf(part), batch: 'create' })
    tell(part, ids)
    bareMs += ms
  }
  await place.twin.forget()
  return { ...turn, bareMs }
}

async function benchOurChanges(bench: Bench, { dealIds, twinIds }: Seeded): Promise<Turn> {
  const { place, bare, pattern } = bench
  const { object, closeField, written } = pattern.deal
  const date = bench.dates()
  await place.change(dealIds, date)
  const turn = await work(bench, dealIds.length, { webhooks: true, begin: place.resume }, 'true', [])
  const { conditionalWrite } = vendors[place.crm.vendor].traits
  const fields = pattern.fieldsRead.get(object) ?? []
  // Where a write can be refused because the record changed, it need not be read first.
  const read = conditionalWrite ? { ms: 0 } : await bare.ask({ kind: 'read', object, ids: twinIds, fields })
  const value: RemoteValue = `${date}${String(written[closeField]).slice(date.length)}`
  const sent = await bare.ask({
    kind: 'write',
    commands: twinIds.map((id) => ({ object, target: { kind: 'id', id }, fields: { [closeField]: value } })),
    batch: 'update',
  })
  await place.twin.forget()
  return { ...turn, bareMs: read.ms + sent.ms }
}

async function benchTheirChanges(bench: Bench, { dealIds, remoteIds, twinIds }: Seeded): Promise<Turn> {
  const { place, bare, pattern } = bench
  const { crm, twin } = place
  const closeDate = bench.dates()
  const objects = [...pattern.fieldsRead]
  const cursors = new Map<string, string | null>()
  for (const [object] of objects) cursors.set(object, await recent(bench, object))
  for (const id of remoteIds) crm.desk.change(id, { closeDate })
  for (const id of twinIds) twin.desk.change(id, { closeDate })
  const begin = async () => {
    await place.resume()
    await place.poll()
  }
  const turn = await work(
    bench,
    dealIds.length,
    { webhooks: false, begin },
    'not exists (select from deal where id = any($1::uuid[]) and expected_close_date <> $2::date)',
    [dealIds, closeDate],
  )
  let bareMs = 0
  for (const [object, fields] of objects)
    bareMs += (await bare.ask({ kind: 'changes', object, cursor: cursors.get(object) ?? null, fields })).ms
  await twin.forget()
  return { ...turn, bareMs }
}

const twinCursors = new WeakMap<Bench, Map<string, string>>()

/** Where the twin was read up to; the first time it is read from the beginning. */
async function recent(bench: Bench, object: string): Promise<string | null> {
  const known = twinCursors.get(bench) ?? new Map<string, string>()
  twinCursors.set(bench, known)
  const fields = bench.pattern.fieldsRead.get(object) ?? []
  const { cursor } = await bench.bare.ask({
    kind: 'changes',
    object,
    cursor: known.get(object) ?? null,
    fields,
  })
  if (cursor !== null) known.set(object, cursor)
  return cursor
}

/** What is asked of the CRM where nothing happens: one poll of each object, and what stays on for a while. */
async function benchQuiet({ place, scale }: Bench) {
  const { crm } = place
  await crm.forget()
  await place.resume()
  await place.settled(0)
  crm.simulator.calls.reset()
  await place.poll()
  await delay(scale.quietSeconds * 1000)
  const { writes, readsById, polls } = describeCalls(crm.vendor, crm.simulator.calls.log, 1)
  return { writes, readsById, polls, seconds: scale.quietSeconds, goal: 'no write, no read but one poll' }
}

/** From the moment in which a person over there changes a deal, whose webhook leaves at once, to the change here. */
async function benchSingleChanges({ place, scale, dates }: Bench, seeded: Seeded) {
  const { crm, yes } = place
  const { dealIds, remoteIds } = chooseFrom(seeded, scale.singleChanges, scale.rounds + 1)
  const closeDate = dates()
  const latenciesMs: number[] = []
  await Promise.all(
    remoteIds.map(async (remoteId, index) => {
      await delay(index * betweenChangesMs + (index % 7) * (betweenChangesMs / 7))
      const startedMs = performance.now()
      crm.desk.change(remoteId, { closeDate })
      await crm.deliver()
      while (
        !(await yes('exists (select from deal where id = $1 and expected_close_date = $2::date)', [
          dealIds[index],
          closeDate,
        ]))
      ) {
        if (performance.now() - startedMs > 30_000) throw new Error('A single change did not arrive')
        await delay(10)
      }
      latenciesMs.push(performance.now() - startedMs)
    }),
  )
  await place.settled(0)
  await place.pause()
  return {
    changes: latenciesMs.length,
    p50Ms: round1(percentile(latenciesMs, 0.5)),
    p95Ms: round1(percentile(latenciesMs, 0.95)),
    slowestSeconds: round2(Math.max(...latenciesMs) / 1000),
    goal: 'p95 <= 2,000 ms',
  }
}

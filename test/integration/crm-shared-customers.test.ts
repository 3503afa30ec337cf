import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Vendor } from '#connectors/registry.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { createSyncOperations } from '#src/sync/operations/operation-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'
import { type HistoryCrm, historyCrms, indexLagMs } from '#test/support/histories/crms.ts'
import { createWorkers } from '#test/support/histories/workers.ts'
import { createRandom } from '#test/support/random.ts'
import { addDeals } from '#test/support/toy-deals.ts'
import { type ToySync, toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()
/** More by hand, as in the histories of one CRM. */
const histories = Math.ceil(Number(process.env['HISTORIES'] ?? 4) / 2)
const firstSeed = Number(process.env['HISTORY_SEED'] ?? 20_261_121)
const seeds = Array.from({ length: histories }, (_, index) => firstSeed + index)

const fieldsOf: Readonly<Record<Vendor, { readonly city: string; readonly phone: string }>> = {
  salesforce: { city: 'BillingCity', phone: 'Phone' },
  dynamics: { city: 'address1_city', phone: 'telephone1' },
  hubspot: { city: 'city', phone: 'phone' },
}

interface Place {
  readonly crm: HistoryCrm
  readonly sync: ToySync
}
const actions = [
  'edit at home',
  'edit at home',
  'edit there',
  'edit there',
  'edit here',
  'poll',
  'poll',
  'work',
  'work',
  'strike',
  'die',
] as const

async function runHistory(vendors: readonly [Vendor, Vendor], seed: number): Promise<void> {
  const random = createRandom(seed)
  const open = async (vendor: Vendor, beside?: ToySync): Promise<Place> => {
    const crm = await historyCrms[vendor](seed)
    const sync = await toySync(db.database, db.url, crm.desk, beside ? { beside } : {})
    await sync.setUp()
    await sync.changeLine('customer', 'city', { flow: 'both' })
    await sync.changeLine('customer', 'phone', { flow: 'in' })
    await sync.poll()
    return { crm, sync }
  }
  const home = await open(vendors[0])
  const receiver = await open(vendors[1], home.sync)
  const places = [home, receiver]
  const turn = async () => {
    for (const { sync } of places) {
      await sync.poll()
      await sync.settle()
    }
  }
  const changeHere = async (entity: string, id: string, fields: Record<string, string>) => {
    const toys = home.sync.entity(entity)
    toys.put(id, fields)
    await home.sync.run((tx) => receiver.sync.entity(entity).changed(tx, systemActor('test'), [id]))
  }
  try {
    const atHome = addDeals(home.sync)
    const { customer, partner } = atHome
    await changeHere('deal', atHome.deal, {})
    for (let turns = 0; turns < 2; turns += 1) await turn()
    const elsewhere = addDeals(home.sync, 1, { customer, partner })
    home.sync.installation.homes.set(elsewhere.deal, receiver.sync.connection.id)
    await changeHere('deal', elsewhere.deal, {})
    for (let turns = 0; turns < 2; turns += 1) await turn()
    const recordOf = ({ crm: { desk, simulator } }: Place) => {
      const id = desk.companies().find(({ customerKey }) => customerKey === customer)?.id
      return { id, record: id === undefined ? undefined : simulator.get(desk.companyObject, id) }
    }
    const editThere = (place: Place, value: string) => {
      const { id } = recordOf(place)
      const { desk, simulator } = place.crm
      const { city, phone } = fieldsOf[desk.vendor]
      const field = random.chance(0.7) ? city : phone
      if (id !== undefined) simulator.update(desk.companyObject, id, { [field]: value })
    }
    for (let step = 1; step <= 30; step += 1) {
      const place = random.pick(places)
      const action = random.pick(actions)
      if (action === 'edit at home') editThere(home, `Home ${step}`)
      else if (action === 'edit there') editThere(receiver, `There ${step}`)
      else if (action === 'edit here') await changeHere('customer', customer, { city: `Here ${step}` })
      else if (action === 'poll') await place.sync.poll()
      else if (action === 'strike') place.crm.strike(random)
      else if (action === 'die') await createWorkers(place.sync, random).die()
      else {
        await place.sync.ripen()
        await place.sync.reconcile()
      }
    }
    for (const { crm } of places) crm.desk.simulator.faults.clear()
    await delay(indexLagMs + 10)
    const { queue } = createSyncOperations(home.sync.operations)
    for (let turns = 0; turns < 3; turns += 1) {
      await turn()
      await home.sync.run((tx) => queue.replay(tx, systemActor('test'), { all: true }))
    }
    for (let turns = 0; turns < 2; turns += 1) await turn()
    for (const { crm } of places) crm.desk.simulator.calls.reset()
    for (let turns = 0; turns < 2; turns += 1) await turn()
    const writes = places.flatMap(({ crm: { desk } }) =>
      desk.simulator.calls.log.filter(({ operation }) => desk.isWrite(operation)),
    )
    expect({ seed, writes }).toEqual({ seed, writes: [] })
    const ours = home.sync.entity('customer').records.get(customer)?.fields ?? {}
    for (const place of places) {
      const { city, phone } = fieldsOf[place.crm.desk.vendor]
      const { record } = recordOf(place)
      expect({ seed, city: record?.[city] ?? null }).toEqual({ seed, city: ours['city'] ?? null })
      expect({ seed, phone: record?.[phone] ?? null }).toEqual({ seed, phone: ours['phone'] ?? null })
    }
    // What people type where the customer only receives never gets further than that.
    expect(`${ours['city']} ${ours['phone']}`).not.toContain('There')
  } finally {
    for (const { sync, crm } of places) {
      await sync.close()
      await crm.desk.simulator.close()
    }
  }
}

describe.each([
  [['hubspot', 'dynamics']],
  [['salesforce', 'hubspot']],
  [['dynamics', 'salesforce']],
] as const)('a customer that %j share, at home in the first', (vendors) => {
  test.each(seeds)(
    'is the same everywhere in the end, and then nothing is written (history %i)',
    (seed) => runHistory(vendors, seed),
    180_000,
  )
})

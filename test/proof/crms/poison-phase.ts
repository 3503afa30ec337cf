import { waitForSilence } from '../ground.ts'
import { forgetCalls } from './counts.ts'
import { type CrmGround, importFile, inPlace, readApproved } from './crm-ground.ts'
import { requireFullCalls, waitForDeals } from './import-phase.ts'
import type { CrmRegistration } from './registration-file.ts'

const callFactor = 1.5
const reason = 'Nobody closes a deal on Christmas Day'

interface Parked {
  readonly recordId: string
  readonly entity: string
  readonly message: string
}

/** Rows that a CRM refuses hold nobody else up, say why they wait, and go through once the rule is gone. */
export async function refuseSome(
  ground: CrmGround,
  registrations: readonly CrmRegistration[],
  poisonedDay: string,
): Promise<void> {
  const { admin, places, protocol } = ground
  const lift = places.map(({ crm }) => crm.refuseCloseDay(poisonedDay, reason))
  forgetCalls(ground.crms)
  const { code } = await importFile(ground, 'refused.csv', registrations)
  const approved = await readApproved(ground, registrations)
  const poisoned = approved.filter(({ one }) => one.closeDate === poisonedDay)
  const sound = approved.filter(({ one }) => one.closeDate !== poisonedDay)
  await waitForDeals(ground, sound)
  await waitForSilence(ground)
  for (const place of places) {
    const { desk } = place.crm
    const keys = new Set(desk.deals().map(({ key }) => key))
    const through = inPlace(ground, place, sound).filter(({ deal }) => keys.has(deal.id))
    const refused = inPlace(ground, place, poisoned)
    const parked = await admin.all<Parked>(
      `/api/v1/parked-records?connectionId=${place.installation.connectionId}`,
    )
    const explained = new Set(
      parked
        .filter(({ entity, message }) => entity === 'deal' && message.includes(reason))
        .map(({ recordId }) => recordId),
    )
    protocol.require(
      `${desk.name}: what it refuses is parked and says why, all the rest is through`,
      code === 0 &&
        through.length === inPlace(ground, place, sound).length &&
        parked.length === refused.length &&
        refused.every(({ deal }) => explained.has(deal.id) && !keys.has(deal.id)),
      `${through.length} through, ${refused.length} refused, ${parked.length} parked, ${explained.size} with the reason: ${parked[0]?.message ?? ''}`,
    )
    requireFullCalls(ground, place, through.length + refused.length, {
      factor: callFactor,
      occasion: ', with refused ones',
    })
  }
  for (const end of lift) end()
  for (const { installation } of places) await replayAll(ground, installation.connectionId)
  await waitForDeals(ground, poisoned)
  await waitForSilence(ground)
  const left = await admin.all<Parked>('/api/v1/parked-records')
  for (const place of places) {
    const { desk } = place.crm
    const found = desk.deals().map(({ key }) => key)
    const refused = inPlace(ground, place, poisoned)
    const once = refused.filter(({ deal }) => found.filter((key) => key === deal.id).length === 1)
    protocol.require(
      `${desk.name}: once the rule is gone, a replay brings them over, each once`,
      once.length === refused.length && left.length === 0,
      `${once.length} of ${refused.length}; still parked anywhere: ${left.length}`,
    )
  }
}

async function replayAll({ admin }: CrmGround, connectionId: string): Promise<void> {
  for (;;) {
    const { replayed, remaining } = await admin.post('/api/v1/parked-records/replay', {
      all: true,
      connectionId,
    })
    if (remaining === 0 || replayed === 0) return
  }
}

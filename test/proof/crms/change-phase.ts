import { eventually } from '#test/support/api-client.ts'
import { secondsSince, waitForSilence } from '../ground.ts'
import { countDeeds, countReads, forgetCalls } from './counts.ts'
import { type Approved, type CrmGround, inPlace, partnerOf } from './crm-ground.ts'

const mostDeals = 1_000
const atOnce = 12
const newDay = '2027-05-15'
const patienceMs = 10 * 60_000

/** Partners move the close dates of linked deals: they arrive, and reading before writing costs no more than writing. */
export async function changeHere(ground: CrmGround, approved: readonly Approved[]): Promise<void> {
  const { places, protocol } = ground
  await waitForSilence(ground)
  for (const place of places) {
    const { crm } = place
    const { desk } = crm
    const chosen = inPlace(ground, place, approved).slice(0, mostDeals)
    forgetCalls([crm])
    const startedMs = performance.now()
    await moveCloseDates(ground, chosen)
    await eventually(
      `${chosen.length} close dates in ${desk.name}`,
      async () => {
        const days = new Map(desk.deals().map(({ key, closeDate }) => [key, closeDate]))
        return chosen.every(({ deal }) => days.get(deal.id) === newDay)
      },
      patienceMs,
    ).catch(() => undefined)
    protocol.note(`${desk.name}, changed here: to the CRM, s`, secondsSince(startedMs))
    await waitForSilence(ground)
    const days = new Map(desk.deals().map(({ key, closeDate }) => [key, closeDate]))
    const arrived = chosen.filter(({ deal }) => days.get(deal.id) === newDay).length
    const writes = countDeeds(crm, 'write')
    const reads = countReads(crm, 'read', desk.dealObject)
    const links = countReads(crm, 'link-read', desk.dealObject)
    const note = (what: string, calls: number) => protocol.note(`${desk.name}, changed here: ${what}`, calls)
    note('calls that wrote', writes.calls)
    note('calls that read by id before', reads.before.calls)
    note('calls that read by id again afterwards', reads.after.calls)
    const hasLinks = links.before.calls + links.after.calls > 0
    if (hasLinks) {
      note('calls that read associations before', links.before.calls)
      note('calls that read associations again afterwards', links.after.calls)
    }
    protocol.require(
      `${desk.name}: ${chosen.length} deals changed here arrive, with at most one read by id before each write`,
      arrived === chosen.length && reads.before.calls <= writes.calls,
      `${arrived} arrived; ${writes.calls} writes: ${writes.sizes}; ${reads.before.calls} reads before: ${reads.before.sizes}; afterwards: ${reads.after.sizes}`,
    )
  }
}

async function moveCloseDates(ground: CrmGround, chosen: readonly Approved[]): Promise<void> {
  const left = [...chosen]
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const { api } = partnerOf(ground, next.one)
      await api.call('PATCH', `/api/v1/deals/${next.deal.id}`, { expectedCloseDate: newDay })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

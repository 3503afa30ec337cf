import { eventually } from '#test/support/api-client.ts'
import { secondsSince, waitForSilence } from '../ground.ts'
import { countDeeds, forgetCalls, linkedObjects, mostCalls } from './counts.ts'
import {
  type Approved,
  type CrmGround,
  importFile,
  inPlace,
  type Place,
  partnerOf,
  readApproved,
} from './crm-ground.ts'
import type { CrmRegistration } from './registration-file.ts'

const patienceMs = 15 * 60_000
const callFactor = 1.2
/** Real companies are alike now and then, and such a registration waits for a person. */
const leastApproved = 0.9

/** From the file into three CRMs, each deal once, in full calls. */
export async function fillCrms(
  ground: CrmGround,
  registrations: readonly CrmRegistration[],
): Promise<readonly Approved[]> {
  const { protocol } = ground
  const startedMs = performance.now()
  const { code, output } = await importFile(ground, 'registrations.csv', registrations)
  protocol.note('import, s', secondsSince(startedMs))
  const approved = await readApproved(ground, registrations)
  protocol.require(
    'Every row is taken in, and what is clear is approved',
    code === 0 && approved.length >= registrations.length * leastApproved,
    `exit ${code}, ${approved.length} of ${registrations.length} approved${code === 0 ? '' : `: ${output.slice(-600)}`}`,
  )
  await waitForDeals(ground, approved)
  protocol.note('start of the import to all in the CRMs, s', secondsSince(startedMs))
  await waitForSilence(ground)
  for (const place of ground.places) {
    requireRightPlace(ground, place, approved)
    requireFullCalls(ground, place, inPlace(ground, place, approved).length, { partnerCalls: 1 })
  }
  return approved
}

export const waitForDeals = (ground: CrmGround, expected: readonly Approved[]): Promise<unknown> =>
  eventually(
    `${expected.length} deals are in their CRMs`,
    async () =>
      ground.places.every((place) => {
        const keys = new Set(place.crm.desk.deals().map(({ key }) => key))
        return inPlace(ground, place, expected).every(({ deal }) => keys.has(deal.id))
      }),
    patienceMs,
  ).catch(() => undefined)

/** Each deal once, in the CRM of its programme and in no other one, at its company and with its partner. */
export function requireRightPlace(ground: CrmGround, place: Place, approved: readonly Approved[]): void {
  const { desk } = place.crm
  const seen = desk.deals()
  const companies = new Map(desk.companies().map((company) => [company.id, company]))
  const expected = inPlace(ground, place, approved)
  const keys = new Set(expected.map(({ deal }) => deal.id))
  const strange = seen.filter(({ key }) => key === null || !keys.has(key))
  const wrong = expected.filter(({ one, deal }) => {
    const [found, ...more] = seen.filter(({ key }) => key === deal.id)
    if (!found || more.length > 0) return true
    const company = companies.get(found.companyId ?? '')
    const partner = companies.get(found.partnerId ?? '')
    const { id } = partnerOf(ground, one)
    return !company?.customerKey || partner?.partnerKey !== id || deal.partnerId !== id
  })
  ground.protocol.require(
    `${desk.name} has each of its deals once, with its company and its partner`,
    strange.length === 0 && wrong.length === 0 && seen.length === expected.length,
    `${seen.length} deals, ${expected.length} expected; missing, doubled or without a partner: ${wrong.length}; of another CRM: ${strange.length}`,
  )
  const customerKeys = desk.companies().flatMap(({ customerKey }) => customerKey ?? [])
  ground.protocol.require(
    `${desk.name} has no customer twice`,
    new Set(customerKeys).size === customerKeys.length,
    `${customerKeys.length} customers`,
  )
}

interface CallOptions {
  readonly factor?: number
  readonly occasion?: string
  /** Partners are companies over there too, and come with the first deal. */
  readonly partnerCalls?: number
}

/** Few calls for each object; in HubSpot also for each object that deals are associated with, there in calls of their own. */
export function requireFullCalls(
  { protocol }: CrmGround,
  { crm }: Place,
  deals: number,
  { factor = callFactor, occasion = '', partnerCalls = 0 }: CallOptions = {},
): void {
  const { desk } = crm
  const check = (what: string, kind: 'write' | 'link-write', object: string, aside = 0, to?: string) => {
    const most = mostCalls(crm, deals, factor) + aside
    const { calls, records, sizes } = countDeeds(crm, kind, object, to)
    protocol.note(`${desk.name}${occasion}: calls for ${what}`, calls)
    protocol.note(
      `${desk.name}${occasion}: calls for ${what}, per 1,000 deals`,
      (calls * 1_000) / Math.max(1, deals),
    )
    protocol.require(
      `${desk.name}${occasion}: ${deals} deals take few calls for ${what}`,
      calls <= most,
      `${calls} calls for ${records}, at most ${Math.round(most * 10) / 10}${aside > 0 ? ', that for the partners with it' : ''}: ${sizes}`,
    )
  }
  check(desk.companyObject, 'write', desk.companyObject, partnerCalls)
  check(desk.dealObject, 'write', desk.dealObject)
  for (const to of linkedObjects(crm, desk.dealObject))
    check(`associations with ${to}`, 'link-write', desk.dealObject, 0, to)
}

/** The same file once more says nothing new, so that nothing is written anywhere. */
export async function importAgain(
  ground: CrmGround,
  registrations: readonly CrmRegistration[],
): Promise<void> {
  forgetCalls(ground.crms)
  const { code } = await importFile(ground, 'registrations.csv', registrations)
  await waitForSilence(ground)
  const written = ground.crms.map((crm) => ({
    name: crm.desk.name,
    calls: countDeeds(crm, 'write').calls + countDeeds(crm, 'link-write').calls,
  }))
  ground.protocol.require(
    'The same file again writes nothing',
    code === 0 && written.every(({ calls }) => calls === 0),
    `exit ${code}; calls that wrote: ${written.map(({ name, calls }) => `${name} ${calls}`).join(', ')}`,
  )
}

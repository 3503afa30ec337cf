/** Two partners, two registrations that nothing connects, until a sales rep merges their customers' accounts in the CRM. */
import { beforeAll, describe, expect, test } from 'vitest'
import { systemActor } from '#src/kernel/actor.ts'
import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useCrmInstallation } from '#test/support/crm-installation.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'

const openings: Readonly<Record<string, () => Promise<CrmDesk>>> = {
  Salesforce: async () => salesforceDesk(await startSalesforceSimulator()),
  Dynamics: async () => dynamicsDesk(await startDynamicsSimulator({ prepared: false })),
  HubSpot: async () =>
    hubspotDesk(await startHubspotSimulator({ tenSecondLimit: 10_000, searchLimit: 1_000 })),
}
const watcher = systemActor('test')

describe.each(Object.keys(openings))('a merge of accounts in %s', (vendor) => {
  const { world, connectDesk, inStep, api, run, submit, approve, capabilities } = useCrmInstallation()
  let desk: CrmDesk

  beforeAll(async () => {
    desk = (await openings[vendor]?.()) as CrmDesk
    await connectDesk(desk)
  }, 120_000)

  const watch = async () => {
    while ((await run((tx) => capabilities().conflicts.watchClaims(tx, watcher))) > 0);
  }
  const casesOf = async (dealId: string) => (await api().get(`/api/v1/conflict-cases?dealId=${dealId}`)).items
  const approved = async (companyName: string, domain: string, partnerId: string) => {
    const { id, registeredAt, conflict } = await submit({
      companyName,
      domain,
      contactEmail: `cora@${domain}`,
      partnerId,
    })
    expect(conflict).toBe('clear')
    await approve(id)
    return { id: id as string, registeredAt: registeredAt as string, partnerId }
  }

  test('turns two clear registrations into one case, with the dates of both partners, and can be undone', async () => {
    const first = await approved('Fabrikam Nordhausen', 'fabrikam-nordhausen.com', world.partnerId)
    const second = await approved('Adventure Works Cycles', 'adventure-cycles.com', world.rivalId)
    await inStep()
    await watch()
    expect([await casesOf(first.id), await casesOf(second.id)]).toEqual([[], []])
    const companyOf = (dealId: string) => desk.dealsOf(dealId)[0]?.companyId ?? ''

    desk.mergeCompanies(companyOf(first.id), companyOf(second.id))
    await inStep()
    await watch()
    await watch()

    const [found, ...others] = await casesOf(second.id)
    expect([others, (await casesOf(first.id)).map(({ id }: { id: string }) => id)]).toEqual([[], [found.id]])
    const detail = await api().get(`/api/v1/conflict-cases/${found.id}`)
    expect(detail).toMatchObject({ status: 'open', cause: 'merge' })
    const registered = detail.timeline.filter(({ kind }: { kind: string }) => kind === 'registered')
    expect(
      registered.map((item: { at: string; registration: { dealId: string; partnerId: string } }) => ({
        id: item.registration.dealId,
        registeredAt: item.at,
        partnerId: item.registration.partnerId,
      })),
    ).toEqual([first, second])
    const standings = Object.fromEntries(
      detail.claims.map(({ dealId, standing }: { dealId: string; standing: string }) => [dealId, standing]),
    )
    expect([standings[first.id], standings[second.id]].sort()).toEqual(['contested', 'held'])
    const inQuestion = detail.deals.filter((party: { inQuestion: boolean }) => party.inQuestion)
    expect(inQuestion.map(({ dealId }: { dealId: string }) => standings[dealId])).toEqual(['contested'])

    // A mistake over there: parted again on our side, both hold, and nothing is left to decide.
    const customers = await api().get('/api/v1/customers?merged=true')
    const merged = customers.items.find(
      ({ mergedInto }: { mergedInto: string | null }) => mergedInto !== null,
    )
    await api().post(`/api/v1/customers/${merged.id}/unmerge`, { reason: 'They are two companies' })
    await watch()
    expect(await api().get(`/api/v1/conflict-cases/${found.id}`)).toMatchObject({
      status: 'closed',
      closedAs: 'moot',
      claims: [{ standing: 'held' }, { standing: 'held' }],
    })
    for (const { id } of [first, second]) {
      expect(await api().get(`/api/v1/deals/${id}`)).toMatchObject({ conflict: 'clear', status: 'approved' })
    }
  }, 120_000)
})

/** What a deal looks like at each CRM's desk once it has arrived there by the default mappings. */
import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
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
const email = 'mona.manager@vendor.example'

describe.each(Object.keys(openings))('a deal that arrives in %s', (vendor) => {
  const { connectDesk, inStep, api, run, submit, approve } = useCrmInstallation()
  let desk: CrmDesk
  let connectionId = ''
  let mona = ''
  let products: readonly { readonly productId: string; readonly amountMinor: string }[] = []

  beforeAll(async () => {
    desk = (await openings[vendor]?.()) as CrmDesk
    mona = desk.addUser({ email, lastName: 'Manager' })
    connectionId = await connectDesk(desk)
    const { id: familyId } = await api().post('/api/v1/product-families', { name: 'Platform', code: 'P' })
    const productOf = async (name: string, amountMinor: string) => {
      const { id } = await api().post('/api/v1/products', { familyId, name, code: name.replaceAll(' ', '-') })
      return { productId: id as string, amountMinor }
    }
    products = [await productOf('Commerce Suite', '4900000'), await productOf('Rollout package', '100000')]
  }, 120_000)

  async function arrived(over: Record<string, unknown> = {}) {
    const deal = await approve((await submit(over)).id)
    await inStep()
    const [seen, ...others] = desk.dealsOf(deal.id)
    expect(others).toEqual([])
    return { deal, seen }
  }

  test('has its contact at its customer, its owner, and its products in words', async () => {
    const { deal, seen } = await arrived({ products })
    expect(seen).toMatchObject({
      ownerId: mona,
      products: 'Commerce Suite (49,000.00 USD); Rollout package (1,000.00 USD)',
    })
    expect(desk.contact(seen?.contactId ?? '')).toEqual({
      id: seen?.contactId,
      email: 'cora@contoso-werke.com',
      lastName: 'Contact',
      companyId: seen?.companyId,
      key: deal.vendor.contactId,
    })
  }, 60_000)

  test('follows its products, and nothing that was only said at the beginning', async () => {
    const { deal, seen } = await arrived({
      companyName: 'Brenner Logistik',
      domain: 'brenner-logistik.com',
      contactEmail: 'b@brenner-logistik.com',
      products,
    })
    const [suite] = products
    const requests = `/api/v1/deals/${deal.id}/change-requests`
    await api().post(requests, {
      changes: { products: [{ productId: suite?.productId }] },
      reason: 'They roll out by themselves',
    })
    const { items } = await api().get(requests)
    await api().post(`${requests}/${items[0].id}/decision`, { accept: true, reason: 'As agreed' })
    await inStep()
    expect(desk.deal(seen?.id ?? '')).toMatchObject({ ...seen, products: 'Commerce Suite' })
  }, 60_000)

  test('links a contact who is there already at that company, and leaves it as it is', async () => {
    const domain = 'cygnus-optik.com'
    const companyId = desk.addCompany({ name: 'Cygnus Optik', domain, country: 'DE' })
    const there = desk.addContact({ email: `c@${domain}`, lastName: 'Kontakt', companyId })
    const { deal, seen } = await arrived({ companyName: 'Cygnus Optik', domain, contactEmail: `C@${domain}` })
    expect(seen).toMatchObject({ companyId, contactId: there })
    expect(desk.contact(there)).toMatchObject({ lastName: 'Kontakt', key: deal.vendor.contactId })
  }, 60_000)

  test('goes to the default owner when who decides may not work there any more, and the log tells', async () => {
    desk.disableUser({ id: mona, email })
    // What is known of people grows old.
    await run((tx) => sql`update remote_user set checked_at = checked_at - interval '1 day'`.execute(tx))
    const { deal, seen } = await arrived({
      companyName: 'Dorado Pumpen',
      domain: 'dorado-pumpen.com',
      contactEmail: 'd@dorado-pumpen.com',
    })
    expect(seen).toBeDefined()
    expect(seen?.ownerId).not.toBe(mona)
    const { items } = await api().get('/api/v1/sync-attempts?outcome=defaulted&limit=50')
    expect(items).toContainEqual(
      expect.objectContaining({ recordId: deal.id, fields: ['responsible'], code: 'unknown_user' }),
    )
  }, 60_000)

  test('is written no more once it is in step', async () => {
    const writes = () => desk.simulator.calls.log.filter(({ operation }) => desk.isWrite(operation)).length
    const before = writes()
    await inStep()
    expect(writes()).toBe(before)
    const { items } = await api().get(`/api/v1/review-items?state=open&connectionId=${connectionId}`)
    expect(items).toEqual([])
  }, 60_000)
})

describe('a deal that moves from one CRM to the next', () => {
  const { connectDesk, inStep, api, submit, approve } = useCrmInstallation()

  test('is called moved where it was, and arrives whole where it goes', async () => {
    const desks = await Promise.all(Object.values(openings).map((open) => open()))
    const homes: { readonly desk: CrmDesk; readonly connectionId: string }[] = []
    for (const desk of desks) homes.push({ desk, connectionId: await connectDesk(desk) })
    const [start, ...stops] = [homes[1], homes[2], homes[0], homes[1]]
    const defaultConnectionId = start?.connectionId
    await api().call('PUT', '/api/v1/deal-routing', { rules: [], defaultConnectionId })
    const { id } = await approve((await submit()).id)
    await inStep()
    let before = start?.desk
    for (const stop of stops) {
      const body = { connectionId: stop?.connectionId, reason: 'The other region takes over' }
      await api().post(`/api/v1/deals/${id}/reroute`, body)
      await inStep()
      expect(before?.dealsOf(id).map(({ registrationStatus }) => registrationStatus)).toEqual(['Moved'])
      before = stop?.desk
      expect(before?.dealsOf(id)).toMatchObject([
        { registrationStatus: 'Approved', contactId: expect.any(String), companyId: expect.any(String) },
      ])
    }
  }, 240_000)
})

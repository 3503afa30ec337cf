/** What users of other products complained of in public, turned into what must be so here: the same for every CRM. */
import { expect, test } from 'vitest'
import { onlyDealOf, type TroubledInstallation } from './troubled-installation.ts'

/** More than any CRM gives out in one page. */
const manyDeals = 2_100

export function describeComplaints(prm: TroubledInstallation): void {
  const only = (dealId: string) => onlyDealOf(prm, dealId)

  test('a deal that is made is written once: ten further polls write nothing', async () => {
    await prm.connect()
    const { id, remote } = await prm.linked()
    const before = prm.crm.simulator.history(prm.crm.desk.dealObject, remote.id).length
    prm.crm.simulator.calls.reset()
    await prm.inStep(10)
    expect(prm.writes()).toEqual([])
    expect(prm.crm.simulator.history(prm.crm.desk.dealObject, remote.id)).toHaveLength(before)
    only(id)
  })

  test('more records than a page that changed at one instant all arrive, by the count, and the next poll moves on', async () => {
    await prm.connect()
    const { desk, simulator } = prm.crm
    const ids = simulator.insertMany(
      desk.dealObject,
      Array.from({ length: manyDeals }, (_, place) => prm.crm.namedDeal(`Imported ${place}`)),
    )
    // Long enough ago that nothing of that time can still come in behind our back.
    simulator.touch(desk.dealObject, ids, new Date(Date.now() - 3_600_000))
    await prm.inStep(1)
    const mirrored = new Set(await prm.mirrored())
    expect(ids.filter((id) => !mirrored.has(id))).toEqual([])
    const again = await prm.api().post(`${prm.path}/poll`)
    const polled = again.objects.find(({ object }: { object: string }) => object === desk.dealObject)
    expect(polled).toMatchObject({ changed: 0 })
    expect(polled.records).toBeLessThan(manyDeals)
  }, 60_000)

  test('what is not over there is never reported as fine: linked and parked add up to what was to be sent', async () => {
    await prm.connect()
    await prm.linked()
    prm.crm.refuseSome(0.3)
    const ids: string[] = []
    for (let count = 0; count < 12; count += 1) ids.push(await prm.approved())
    await prm.inStep()
    const parked = (await prm.parked()).map(({ recordId }: { recordId: string }) => recordId)
    const missing = ids.filter((id) => prm.crm.desk.dealsOf(id).length === 0)
    expect(missing).not.toEqual([])
    expect(missing.toSorted()).toEqual(parked.toSorted())
    expect(await prm.health()).toMatchObject({ parked: missing.length })
    for (const id of ids) {
      const { state } = (await prm.deal(id)).vendor.crm
      expect(state === 'linked').toBe(!missing.includes(id))
    }
    prm.crm.simulator.faults.clear()
    await prm.replay()
    await prm.inStep()
    for (const id of ids) only(id)
    await prm.expectQuiet()
  })

  test('a choice goes by its value, whatever language its label is in', async () => {
    await prm.connect()
    prm.crm.relabelStatuses()
    const { remote } = await prm.linked()
    expect(remote.registrationStatus).toBe('Approved')
    expect(await prm.parked()).toEqual([])
    await prm.expectQuiet()
  })

  test('a record that was deleted unseen is found by comparing the two sides, which ends its link and tells a person', async () => {
    await prm.connect()
    const { id, remote } = await prm.linked()
    const kept = await prm.linked()
    prm.crm.simulator.remove(prm.crm.desk.dealObject, remote.id)
    await prm.expireCursors()
    await prm.reconcile()
    // By comparing alone: no poll in between.
    for (let round = 0; round < 3; round += 1) await prm.work()
    expect(await prm.link('deal', id)).toMatchObject({ state: 'gone' })
    expect(await prm.link('deal', kept.id)).toMatchObject({ state: 'active' })
    expect(await prm.reviews()).toMatchObject([{ kind: 'gone', recordId: id }])
    expect(prm.crm.desk.dealsOf(id)).toEqual([])
  })

  test('an id that is not in the CRM is refused when a person links to it, not ignored', async () => {
    await prm.connect()
    const dealId = await prm.register()
    const link = { connectionId: prm.connectionId, entity: 'deal', recordId: dealId }
    const linking = prm
      .api()
      .post('/api/v1/links', { ...link, remoteId: prm.crm.unknownId, reason: 'as they said' })
    await expect(linking).rejects.toMatchObject({
      status: expect.toSatisfy((status) => [404, 409, 422].includes(status)),
    })
    expect(await prm.link('deal', dealId)).toBeUndefined()
  })

  test('what was mended is tried again at once, however often it failed, and not at some hour of the night', async () => {
    await prm.connect()
    const { id, remote } = await prm.linked()
    const lift = prm.crm.refuseDealsNamed(remote.name)
    await prm.change(id, { expectedCloseDate: '2027-08-08' })
    for (let times = 0; times < 12; times += 1) {
      await prm.inStep(1)
      expect(await prm.replay()).toMatchObject({ replayed: 1 })
    }
    lift()
    await prm.inStep(1)
    expect(only(id).closeDate).toBe('2027-08-08')
  })

  test('a deal may be approved before the CRM knows its customer or its partner: they go first by themselves', async () => {
    await prm.connect()
    const id = await prm.approved()
    await prm.inStep()
    const { companyId, partnerId } = only(id)
    expect(prm.crm.desk.company(companyId ?? '')).not.toBeNull()
    expect(prm.crm.desk.company(partnerId ?? '')).not.toBeNull()
    expect(await prm.health()).toMatchObject({ waiting: 0, parked: 0, dirty: 0 })
  })

  test('two deals may bear the same name', async () => {
    await prm.connect()
    const { id, remote } = await prm.linked()
    const twin = prm.crm.desk.addDeal({
      name: remote.name,
      companyId: remote.companyId ?? '',
      amount: 1_000,
    })
    const other = await prm.linked()
    prm.crm.simulator.update(prm.crm.desk.dealObject, other.remote.id, { [prm.crm.fields.name]: remote.name })
    await prm.change(id, { expectedCloseDate: '2027-08-08' })
    await prm.change(other.id, { expectedCloseDate: '2027-08-09' })
    await prm.inStep()
    expect([only(id).closeDate, only(other.id).closeDate]).toEqual(['2027-08-08', '2027-08-09'])
    expect(prm.crm.desk.deal(twin)).toMatchObject({ key: null })
    expect(await prm.parked()).toEqual([])
  })
}

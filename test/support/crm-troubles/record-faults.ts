/**
 * What people and the platform of a CRM do to records and to the news of them, and how each of it ends here: one test per
 * case, the same for every CRM.
 */
import { describe, expect, test } from 'vitest'
import type { Disturbance } from './crm-troubles.ts'
import { onlyDealOf, type TroubledInstallation } from './troubled-installation.ts'

export function describeRecordFaults(prm: TroubledInstallation): void {
  const only = (dealId: string) => onlyDealOf(prm, dealId)
  const closeDateHere = async (dealId: string) => (await prm.deal(dealId)).expectedCloseDate

  describe('a record of a CRM', () => {
    test('that carries our key already is linked by it: no second one is made', async () => {
      await prm.connect()
      const waiting = await prm.register()
      const theirs = prm.addDealWithKey(waiting)
      await prm.approve(waiting)
      await prm.inStep()
      expect(only(waiting).id).toBe(theirs)
      expect(await prm.link('deal', waiting)).toMatchObject({ state: 'active', remoteId: theirs })
      expect(await prm.parked()).toEqual([])
      await prm.expectQuiet()
    })

    test('that the CRM takes for the double of another one is for a person to decide, who links it: no second one is made', async () => {
      await prm.connect()
      await prm.linked()
      const twin = prm.crm.desk.addDeal({
        name: 'Known already',
        companyId: prm.crm.desk.companies()[0]!.id,
        amount: 1_000,
      })
      const lift = prm.crm.refuseDoublesOf(twin)
      const before = prm.crm.desk.deals().length
      const fresh = await prm.approved()
      await prm.inStep()
      expect(prm.crm.desk.deals()).toHaveLength(before)
      expect(await prm.parked()).toMatchObject([{ recordId: fresh, reviewId: expect.any(String) }])
      const [review] = await prm.reviews()
      expect(review).toMatchObject({ kind: 'duplicate', recordId: fresh })
      lift()
      await prm.api().post(`/api/v1/review-items/${review.id}/resolve`, {
        resolution: { link: twin },
        reason: 'it is the same project',
      })
      await prm.inStep()
      expect(prm.crm.desk.deals()).toHaveLength(before)
      expect(only(fresh).id).toBe(twin)
      expect(await prm.parked()).toEqual([])
      await prm.expectQuiet()
    })

    test('that is merged into another one takes its link along, and what changes here is written there', async () => {
      await prm.connect()
      const { id, remote } = await prm.linked()
      const { desk, simulator, fields } = prm.crm
      const master = desk.addCompany({ name: 'The other record of it', domain: 'other-record.com' })
      await prm.inStep()
      const survivor = prm.crm.mergeCompanies(master, remote.partnerId ?? '')
      await prm.inStep()
      expect(await prm.link('partner', prm.partnerId)).toMatchObject({ state: 'active', remoteId: survivor })
      expect(only(id).partnerId).toBe(survivor)
      await prm.promote('Platinum')
      await prm.inStep()
      expect(simulator.get(desk.companyObject, survivor)?.[fields.tier]).toBe('Platinum')
      const next = await prm.linked()
      expect(next.remote.partnerId).toBe(survivor)
      expect(await prm.health()).toMatchObject({ status: 'active', parked: 0, openReviews: 0 })
      await prm.expectQuiet()
    })

    test('that is deleted ends the link with a review item, and is never made again by itself', async () => {
      await prm.connect()
      const { id, remote } = await prm.linked()
      prm.crm.simulator.remove(prm.crm.desk.dealObject, remote.id)
      await prm.inStep()
      expect(await prm.link('deal', id)).toMatchObject({ state: 'gone' })
      expect(await prm.reviews()).toMatchObject([{ kind: 'gone', recordId: id, remoteId: remote.id }])
      await prm.change(id, { expectedCloseDate: '2027-08-08' })
      await prm.inStep()
      expect(prm.crm.desk.dealsOf(id)).toEqual([])
      expect(await prm.reviews()).toHaveLength(1)
      expect(await prm.health()).toMatchObject({ status: 'active', parked: 0, openReviews: 1 })
    })

    test('that is deleted while we write to it ends the same', async () => {
      await prm.connect()
      const { id, remote } = await prm.linked()
      await prm.change(id, { expectedCloseDate: '2027-08-08' })
      prm.crm.simulator.remove(prm.crm.desk.dealObject, remote.id)
      // Before any poll tells of it.
      for (let round = 0; round < 5; round += 1) await prm.work()
      expect(await prm.link('deal', id)).toMatchObject({ state: 'gone' })
      expect(await prm.reviews()).toMatchObject([{ kind: 'gone', recordId: id }])
      await prm.inStep()
      expect(prm.crm.desk.dealsOf(id)).toEqual([])
      expect(await prm.reviews()).toHaveLength(1)
    })
  })

  describe('news of changes', () => {
    test.each<readonly [string, Disturbance]>([
      ['that comes twice', { double: true }],
      ['that comes in the wrong order', { shuffle: true }],
      ['that is partly lost', { drop: true }],
      ['that is partly lost, doubled and in the wrong order', { drop: true, double: true, shuffle: true }],
    ])('%s leaves both sides equal after a poll, and nothing is done twice', async (_name, disturbance) => {
      await prm.connect()
      const linked = [await prm.linked(), await prm.linked()]
      const push = await prm.listen()
      await push.during(disturbance, linked.length, () => {
        for (const [place, { remote }] of linked.entries()) {
          prm.crm.desk.change(remote.id, { closeDate: `2027-08-0${place + 1}` })
          prm.crm.desk.change(remote.id, { amount: 70_000 + place })
        }
      })
      await prm.readHints()
      for (let round = 0; round < 3; round += 1) await prm.work()
      if (!disturbance.drop) {
        for (const [place, { id }] of linked.entries())
          expect(await closeDateHere(id)).toBe(`2027-08-0${place + 1}`)
      }
      await push.during(disturbance, 1, () =>
        prm.crm.desk.change(linked[0]!.remote.id, { closeDate: '2027-09-09' }),
      )
      await prm.readHints()
      await prm.inStep()
      await prm.readHints()
      for (const { id, remote } of linked) {
        const theirs = prm.crm.desk.deal(remote.id)
        expect(await prm.deal(id)).toMatchObject({
          expectedCloseDate: theirs?.closeDate,
          amountMinor: String((theirs?.amount ?? 0) * 100),
        })
      }
      expect(await closeDateHere(linked[0]!.id)).toBe('2027-09-09')
      expect(await prm.health()).toMatchObject({ parked: 0, openReviews: 0, push: { hints: 0 } })
      await prm.expectQuiet()
    })

    test('from a place that is not kept any more is read anew as a whole: nothing is lost or doubled', async () => {
      await prm.connect()
      const linked = [await prm.linked(), await prm.linked()]
      prm.crm.desk.change(linked[0]!.remote.id, { closeDate: '2027-08-08' })
      const direct = prm.crm.desk.addDeal({
        name: 'Direct meanwhile',
        companyId: linked[0]!.remote.companyId ?? '',
        amount: 1_000,
      })
      await prm.expireCursors()
      const before = prm.crm.desk.deals().length
      await prm.inStep()
      expect(await closeDateHere(linked[0]!.id)).toBe('2027-08-08')
      for (const { id, remote } of linked) expect(only(id).id).toBe(remote.id)
      expect(prm.crm.desk.deals()).toHaveLength(before)
      expect(await prm.mirrored()).toContain(direct)
      expect(await prm.health()).toMatchObject({ status: 'active', parked: 0, openReviews: 0 })
      await prm.expectQuiet()
    })
  })

  test.each([
    ['minutes behind', -7 * 60_000],
    ['minutes ahead', 7 * 60_000],
  ])('a CRM whose clock is %s: no change is skipped on either side', async (_name, aheadMs) => {
    await prm.connect({ aheadMs })
    const { id, remote } = await prm.linked()
    for (const [place, day] of ['2027-08-01', '2027-08-02', '2027-08-03'].entries()) {
      prm.crm.desk.change(remote.id, { closeDate: day, amount: 60_000 + place })
      await prm.inStep(1)
      expect(await prm.deal(id)).toMatchObject({
        expectedCloseDate: day,
        amountMinor: String((60_000 + place) * 100),
      })
      const ours = day.replace('-08-', '-09-')
      await prm.change(id, { expectedCloseDate: ours })
      await prm.inStep(1)
      expect(only(id).closeDate).toBe(ours)
    }
    const gone = await prm.linked()
    prm.crm.simulator.remove(prm.crm.desk.dealObject, gone.remote.id)
    await prm.inStep()
    expect(await prm.link('deal', gone.id)).toMatchObject({ state: 'gone' })
    await prm.expectQuiet()
  })
}

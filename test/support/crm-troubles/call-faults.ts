/**
 * What may go wrong between us and a CRM, and how each of it ends: one test per fault, the same for every CRM. They look
 * at the CRM's own records and at what people see here; how a CRM words a fault is its connector's tests' business.
 */
import { describe, expect, test } from 'vitest'
import { onlyDealOf, type TroubledInstallation } from './troubled-installation.ts'

const minute = 60_000

export function describeCallFaults(prm: TroubledInstallation): void {
  const only = (dealId: string) => onlyDealOf(prm, dealId)

  describe('a CRM in trouble', () => {
    describe('throttling', () => {
      test.each([
        ['that names a time pauses the connection for exactly that long', 90],
        ['that names no time pauses the connection for a while', null],
      ] as const)(
        '%s: no call until then, no attempt used up, nothing lost or doubled',
        async (_name, seconds) => {
          await prm.connect()
          await prm.linked()
          const ids = [await prm.approved(), await prm.approved()]
          prm.crm.throttle(seconds)
          await prm.inStep()
          const { status, pausedUntil } = await prm.standing()
          expect(status).toBe('paused')
          const left = (Date.parse(pausedUntil) - Date.now()) / 1_000
          const [least, most] = prm.crm.statedPauseSeconds(seconds)
          expect(left).toBeGreaterThan(least - 5)
          expect(left).toBeLessThanOrEqual(most)
          prm.crm.simulator.calls.reset()
          expect(await prm.poll()).toBe('connection_paused')
          await prm.work()
          expect(prm.crm.simulator.calls.log).toEqual([])
          expect(await prm.mostAttempts()).toBe(0)
          expect(await prm.parked()).toEqual([])
          await prm.pass(left + 1)
          await prm.inStep()
          expect(await prm.health()).toMatchObject({ status: 'active', parked: 0, pauseReason: null })
          for (const id of ids) only(id)
          await prm.expectQuiet()
        },
      )
    })

    describe('a server error', () => {
      test.each([
        [500, 'json'],
        [502, 'html'],
        [503, 'html'],
        [504, 'html'],
      ] as const)(
        '%i as %s while making a record is tried again later: it is there once',
        async (status, body) => {
          await prm.connect()
          await prm.linked()
          const id = await prm.approved()
          prm.crm.breakDown(status, body, 'create', 2)
          await prm.inStep()
          only(id)
          const outcomes = (await prm.attempts()).map(({ outcome }) => outcome)
          expect(outcomes.some((one) => one === 'unavailable' || one === 'ambiguous')).toBe(true)
          expect(await prm.health()).toMatchObject({ status: 'active', parked: 0, openReviews: 0 })
          await prm.expectQuiet()
        },
      )

      test('while changes are read pauses the connection for a moment; the next poll misses nothing', async () => {
        await prm.connect()
        const { id, remote } = await prm.linked()
        prm.crm.desk.change(remote.id, { amount: 61_000 })
        prm.crm.breakDown(503, 'html', 'poll', 1)
        expect(await prm.poll()).toBe('poll_failed')
        const { status, pausedUntil } = await prm.standing()
        expect(status).toBe('paused')
        expect(Date.parse(pausedUntil) - Date.now()).toBeLessThan(minute)
        await prm.pass(minute / 1_000)
        await prm.inStep()
        expect(await prm.deal(id)).toMatchObject({ amountMinor: '6100000' })
      })
    })

    describe('a time-out', () => {
      test('after a creation took effect leaves one record, which is linked', async () => {
        await prm.connect()
        await prm.linked()
        const ids = [await prm.approved(), await prm.approved()]
        prm.crm.loseAnswer('create', 'cut')
        await prm.inStep()
        for (const id of ids) {
          const { id: remoteId } = only(id)
          expect(await prm.link('deal', id)).toMatchObject({ state: 'active', remoteId })
        }
        expect((await prm.attempts()).some(({ outcome }) => outcome === 'ambiguous')).toBe(true)
        expect(await prm.health()).toMatchObject({ status: 'active', parked: 0, openReviews: 0 })
        await prm.expectQuiet()
      })

      test('after an update took effect is known as ours once it is read, and what people type later is theirs', async () => {
        await prm.connect()
        const { id, remote } = await prm.linked()
        await prm.change(id, { expectedCloseDate: '2027-08-08' })
        prm.crm.loseAnswer('update', 'cut')
        const before = prm.crm.simulator.history(prm.crm.desk.dealObject, remote.id).length
        await prm.inStep()
        expect(only(id).closeDate).toBe('2027-08-08')
        expect(prm.crm.simulator.history(prm.crm.desk.dealObject, remote.id)).toHaveLength(before + 1)
        prm.crm.desk.change(remote.id, { closeDate: '2027-09-09' })
        await prm.inStep()
        expect(await prm.deal(id)).toMatchObject({ expectedCloseDate: '2027-09-09' })
        expect(only(id).closeDate).toBe('2027-09-09')
        await prm.expectQuiet()
      })

      test('of a write that never arrived is written again', async () => {
        await prm.connect()
        const { id } = await prm.linked()
        await prm.change(id, { expectedCloseDate: '2027-08-08' })
        prm.crm.cutBefore('update')
        await prm.inStep()
        await prm.inStep()
        expect(only(id).closeDate).toBe('2027-08-08')
        expect(await prm.parked()).toEqual([])
      })
    })

    test('one bad record of a batch is parked with its reason, its mates go through, and a replay mends it', async () => {
      await prm.connect()
      const { id, remote } = await prm.linked()
      const lift = prm.crm.refuseDealsNamed(remote.name)
      const mates = [await prm.approved(), await prm.approved(), await prm.approved()]
      await prm.change(id, { expectedCloseDate: '2027-08-08' })
      await prm.inStep()
      for (const mate of mates) only(mate)
      expect(await prm.parked()).toMatchObject([
        { recordId: id, message: expect.stringContaining('Not a name for'), remoteId: remote.id },
      ])
      expect(only(id).closeDate).toBe('2027-06-30')
      expect(await prm.health()).toMatchObject({ status: 'active', parked: 1 })
      lift()
      await prm.replay()
      await prm.inStep()
      expect(only(id).closeDate).toBe('2027-08-08')
      expect(await prm.parked()).toEqual([])
    })

    describe('a token', () => {
      test('that expired is renewed unseen', async () => {
        await prm.connect()
        await prm.linked()
        const id = await prm.approved()
        prm.crm.simulator.expireSessions()
        await prm.inStep()
        only(id)
        expect(await prm.health()).toMatchObject({ status: 'active', parked: 0 })
        const outcomes = new Set((await prm.attempts()).map(({ outcome }) => outcome))
        expect(outcomes.has('unauthorised')).toBe(false)
      })

      test('that was revoked calls for a person, costs no attempts, and all flows after new credentials', async () => {
        await prm.connect()
        const { id, remote } = await prm.linked()
        const fresh = await prm.approved()
        await prm.change(id, { expectedCloseDate: '2027-08-08' })
        const credentials = prm.crm.revoke()
        await prm.inStep()
        expect(await prm.standing()).toMatchObject({ status: 'attention', pausedUntil: null })
        expect((await prm.standing()).pauseReason).toMatch(/invalid_(client|grant)/i)
        prm.crm.simulator.calls.reset()
        await prm.work()
        expect(prm.crm.simulator.calls.log).toEqual([])
        expect(await prm.mostAttempts()).toBe(0)
        expect(await prm.parked()).toEqual([])
        prm.crm.simulator.faults.clear()
        await prm.replaceCredentials(credentials)
        await prm.resume()
        await prm.inStep()
        only(fresh)
        expect(prm.crm.desk.deal(remote.id)?.closeDate).toBe('2027-08-08')
        await prm.expectQuiet()
      })
    })

    test('a field that is deleted rests alone, the rest flows, and it catches up once it is back', async () => {
      await prm.connect()
      const { id } = await prm.linked()
      const { protectionEnd } = prm.crm.fields
      prm.crm.simulator.removeField(prm.crm.desk.dealObject, protectionEnd)
      await prm.change(id, { expectedCloseDate: '2027-08-08' })
      const extended = await prm.extend(id, 30)
      const fresh = await prm.approved()
      await prm.inStep(3)
      expect(await prm.health()).toMatchObject({
        status: 'active',
        parked: 0,
        quarantined: [{ entity: 'deal', remoteField: protectionEnd }],
      })
      expect(only(id).closeDate).toBe('2027-08-08')
      only(fresh)
      prm.crm.restoreProtectionEnd()
      await prm.forgetLeases()
      await prm.inStep(3)
      expect(await prm.health()).toMatchObject({ status: 'active', parked: 0, quarantined: [] })
      expect(only(id).protectedUntil?.slice(0, 10)).toBe(extended)
      expect(only(fresh).protectedUntil).not.toBeNull()
      await prm.expectQuiet()
    })

    test('a field that became required parks creations with its name where calls are asked for it; what is linked stays in step, and a replay works once it is not', async () => {
      await prm.connect()
      const { id } = await prm.linked()
      const { dealObject } = prm.crm.desk
      prm.crm.simulator.setRequired(dealObject, prm.crm.spareField, true)
      const fresh = [await prm.approved(), await prm.approved()]
      await prm.inStep()
      expect(await prm.link('deal', id)).toMatchObject({ state: 'active' })
      const parked = await prm.parked()
      if (prm.crm.asksCallsForRequired) {
        expect(parked.map(({ recordId }: { recordId: string }) => recordId).toSorted()).toEqual(
          fresh.toSorted(),
        )
        for (const { message } of parked) expect(message).toMatch(/campaign.?code/i)
        for (const dealId of fresh) expect(prm.crm.desk.dealsOf(dealId)).toEqual([])
        expect(await prm.health()).toMatchObject({ status: 'active', parked: 2, quarantined: [] })
        prm.crm.simulator.setRequired(dealObject, prm.crm.spareField, false)
        expect(await prm.replay()).toMatchObject({ replayed: 2, remaining: 0 })
        await prm.inStep()
      }
      for (const dealId of fresh) only(dealId)
      expect(await prm.parked()).toEqual([])
    })

    test('a choice that the CRM does not know any more parks the record with its field; a replay works once it does', async () => {
      await prm.connect()
      await prm.linked()
      const restore = prm.crm.dropApproved()
      const fresh = await prm.approved()
      await prm.inStep()
      expect(await prm.parked()).toMatchObject([
        { recordId: fresh, issues: [{ field: prm.crm.fields.status }] },
      ])
      expect(await prm.health()).toMatchObject({ status: 'active', parked: 1, quarantined: [] })
      restore()
      await prm.replay()
      await prm.inStep()
      expect(only(fresh).registrationStatus).toBe('Approved')
    })
  })
}

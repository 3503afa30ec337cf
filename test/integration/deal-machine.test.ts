import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DealCommand, dealCommands, nextStatus } from '#src/deals/deal-status.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const { world, time, deals, manager, crm, run, draft, toApproval } = useDealWorld()

const commands: Record<DealCommand, (id: DealId) => Promise<unknown>> = {
  submit: (id) => run(world.seller, (tx) => deals.submit(tx, world.seller, id, null)),
  start_review: (id) => run(manager, (tx) => deals.startReview(tx, manager, id, null)),
  return: (id) => run(manager, (tx) => deals.returnWithQuestion(tx, manager, id, null, 'Which?')),
  answer: (id) => run(world.seller, (tx) => deals.answer(tx, world.seller, id, null, 'These')),
  approve: (id) => run(manager, (tx) => deals.approve(tx, manager, id, null, toApproval)),
  reject: (id) => run(manager, (tx) => deals.reject(tx, manager, id, null, { code: 'other', reason: 'No' })),
  withdraw: (id) => run(world.seller, (tx) => deals.withdraw(tx, world.seller, id, null, null)),
  cancel: (id) => run(manager, (tx) => deals.cancel(tx, manager, id, null, 'Mistake')),
  extend: (id) => run(manager, (tx) => deals.extend(tx, manager, id, null, { days: 5, reason: 'Late' })),
  // Protection is never over in these histories, so the job finds nothing.
  expire: () => run(crm, (tx) => deals.expireDue(tx, time.now, 10)),
}
const facts = ['won', 'lost', 'open'] as const
const state = (id: DealId, outcome: (typeof facts)[number]) =>
  run(crm, (tx) => deals.applyFacts(tx, crm, [{ id, changes: { outcome } }]))

test('whatever is commanded and whatever the CRM says, a deal follows its state machine and keeps its time', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...dealCommands) },
    { weight: 1, arbitrary: fc.constantFrom(...facts) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const { id } = await draft()
      let before = await run(manager, (tx) => deals.getDeal(tx, id))
      for (const name of ['submit' as const, ...steps]) {
        time.now = new Date(time.now.getTime() + 60_000)
        const fact = facts.find((outcome) => outcome === name)
        const refused = await isRefused(fact ? state(id, fact) : commands[name as DealCommand](id))
        const after = await run(manager, (tx) => deals.getDeal(tx, id))
        const next = fact || name === 'expire' ? null : nextStatus(before.status, name as DealCommand)
        if (fact) expect([refused, after.outcome, after.status]).toEqual([false, fact, before.status])
        else if (refused) expect(after).toEqual(before)
        else if (next) expect([next.ok, after.status]).toEqual([true, next.ok ? next.value : null])
        if (before.registeredAt) expect(after.registeredAt).toEqual(before.registeredAt)
        before = after
      }
    }),
    { numRuns: 25 },
  )
})

async function isRefused(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return false
  } catch (error) {
    if (error instanceof Refused) return true
    throw error
  }
}

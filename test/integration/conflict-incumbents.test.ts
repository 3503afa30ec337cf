import { beforeAll, expect, test } from 'vitest'
import { createDealEntity } from '#src/deals/deal-entity.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const worlds = useDealWorld()
const { world, run, conflicts, deals, crm, manager, submit, approve, setProgramme } = worlds
const entity = createDealEntity(deals)

const customer = {
  companyName: 'Bestandskunde Werke',
  domain: 'bestandskunde-werke.com',
  contactEmail: 'kim@bestandskunde-werke.com',
}
const checkOf = async (dealId: DealId) => {
  const { checks } = await run(manager, (tx) => conflicts.checksOf(tx, dealId))
  const [check] = checks
  if (!check) throw new Error('The registration was not checked')
  return check
}

beforeAll(() => setProgramme({ registrationTypes: ['resale', 'renewal'] }))

test('a renewal is for who won the last deal there, a new sale is not', async () => {
  const won = await approve(world.seller, { ...customer, products: [{ productId: world.phone }] })
  await run(crm, (tx) => entity.applyMany(tx, crm, [{ id: won.id, changes: { outcome: 'won' } }]))
  // Its claim is not in the way of anybody any more.
  await run(manager, (tx) => conflicts.closeClaims(tx, [won.id]))

  const line = { ...customer, products: [{ productId: world.line }] }
  const phone = { ...customer, products: [{ productId: world.phone }] }
  const renewal = { registrationType: 'renewal' }
  const withdraw = async (id: DealId) => {
    await run(manager, (tx) => deals.reject(tx, manager, id, null, { code: 'other', reason: 'Tried out' }))
  }

  const rivals = await submit(world.rival, { ...phone, ...renewal })
  expect(rivals.conflict).toBe('suspected')
  expect(await checkOf(rivals.id)).toMatchObject({
    band: 'review',
    reasons: ['incumbent'],
    ruling: { winner: { by: 'incumbent', side: 'partner', partnerId: world.partnerId, claimId: null } },
    candidates: [],
  })

  // The incumbent comes second, and should have it all the same.
  const incumbents = await submit(world.seller, { ...phone, ...renewal })
  expect(await checkOf(incumbents.id)).toMatchObject({
    band: 'review',
    reasons: ['candidate'],
    ruling: { winner: { by: 'incumbent', side: 'subject', partnerId: world.partnerId } },
  })
  await withdraw(rivals.id)
  await withdraw(incumbents.id)

  const otherFamily = await submit(world.rival, { ...line, ...renewal })
  expect(otherFamily.conflict).toBe('clear')
  const newSale = await submit(world.rival, phone)
  expect(newSale.conflict).toBe('clear')
})

test('an imported or answered registration counts from when it was first complete', async () => {
  const first = await submit(world.seller, {
    companyName: 'Erste Reihe',
    domain: null,
    contactEmail: 'a@gmail.com',
  })
  const second = await submit(world.rival, {
    companyName: 'Erste Reihe',
    domain: null,
    contactEmail: 'b@gmail.com',
  })
  expect((await checkOf(second.id)).ruling?.winner).toMatchObject({
    by: 'first_registration',
    side: 'partner',
    partnerId: world.partnerId,
  })
  worlds.time.now = new Date(worlds.time.now.getTime() + 86_400_000)
  await run(manager, (tx) =>
    deals.returnWithQuestion(tx, manager, first.id, null, 'Which city is the company in?'),
  )
  await run(world.seller, (tx) => deals.edit(tx, world.seller, first.id, null, { city: 'Hamburg' }))
  const answered = await run(world.seller, (tx) =>
    deals.answer(tx, world.seller, first.id, null, 'It is in Hamburg'),
  )
  expect(answered.conflict).toBe('suspected')
  expect(await checkOf(first.id)).toMatchObject({
    band: 'review',
    ruling: { winner: { by: 'first_registration', side: 'subject', partnerId: world.partnerId } },
  })
})

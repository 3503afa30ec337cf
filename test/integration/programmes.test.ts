import { describe, expect, test } from 'vitest'
import type { Actor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import {
  acme,
  admin,
  changes,
  first,
  other,
  partnerActor,
  partners,
  programmeId,
  run,
  silver,
  usePartners,
} from '#test/support/partners.ts'

usePartners()

describe('a programme', () => {
  test('takes conditions on the facts of a deal only', async () => {
    const condition = { all: [{ field: 'shoeSize', is: 'equals', value: '44' }] } as const
    const edit = run(admin, (tx) =>
      partners.updateProgramme(tx, admin, programmeId, { autoApproval: condition }, null),
    )
    await expect(edit).rejects.toMatchObject({ issues: [{ path: '/autoApproval/all/0/field' }] })
    const good = {
      all: [
        { field: 'amount', is: 'at_most', value: { amount: '5000', currency: 'EUR' } },
        { field: 'conflict', is: 'equals', value: 'clear' },
      ],
    } as const
    const after = await run(admin, (tx) =>
      partners.updateProgramme(tx, admin, programmeId, { autoApproval: good }, null),
    )
    expect(after.autoApproval).toEqual(good)
    expect(after).toMatchObject({ protectionDays: 90, extensionDays: 30, name: 'Resellers' })
  })

  test('names tiers of its own and people who may decide', async () => {
    const edit = { eligibility: { tierIds: [newId()], countries: null }, deciderId: newId<'user'>() }
    const work = run(admin, (tx) => partners.updateProgramme(tx, admin, programmeId, edit, null))
    await expect(work).rejects.toMatchObject({
      issues: [{ path: '/eligibility/tierIds/0' }, { path: '/deciderId' }],
    })
  })

  test('has a name of its own', async () => {
    const input = { name: 'RESELLERS', timeZone: 'UTC', currency: 'EUR' }
    const work = run(admin, (tx) => partners.createProgramme(tx, admin, input))
    await expect(work).rejects.toMatchObject({ code: 'name_taken' })
  })

  test('is listed for its members only', async () => {
    const list = (actor: Actor) => run(actor, (tx) => partners.listProgrammes(tx, actor, first))
    await run(admin, (tx) => partners.setMembership(tx, admin, other, programmeId, { tierId: silver }, null))
    expect(await list(partnerActor(acme))).toEqual([])
    expect(await list(partnerActor(other))).toHaveLength(1)
  })

  test('passes the new name of a tier on to the partners that hold it', async () => {
    const before = await run(admin, (tx) => partners.getPartner(tx, other))
    changes.length = 0
    await run(admin, (tx) => partners.updateTier(tx, admin, silver, { name: 'Sterling' }, 1))
    const after = await run(admin, (tx) => partners.getPartner(tx, other))
    expect(after.memberships[0]?.tierName).toBe('Sterling')
    expect(after.revision).toBe(before.revision + 1)
    expect(changes).toMatchObject([{ id: other, entity: 'partner' }])
  })

  test('keeps a tier that somebody holds', async () => {
    const work = run(admin, (tx) => partners.deleteTier(tx, admin, silver))
    await expect(work).rejects.toMatchObject({ code: 'tier_in_use' })
    const spare = await run(admin, (tx) =>
      partners.createTier(tx, admin, programmeId, { name: 'Spare', rank: 0 }),
    )
    await run(admin, (tx) => partners.deleteTier(tx, admin, spare.id))
    const left = await run(admin, (tx) => partners.listTiers(tx, admin, programmeId))
    expect(left.map(({ name }) => name)).toEqual(['Gold', 'Sterling'])
  })
})

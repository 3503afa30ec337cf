import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { CaseDecision, CaseId } from '#src/conflicts/case.ts'
import type { DecisionInput } from '#src/conflicts/case-recording-step.ts'
import type { Deal } from '#src/deals/deal.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { NotFound, Stale } from '#src/kernel/errors.ts'
import { type CustomerId, type DealId, newId, type UserId } from '#src/kernel/ids.ts'
import { mirrorRowOf } from '#test/support/conflicts.ts'
import { useDealWorld } from '#test/support/deal-world.ts'

const world = useDealWorld()
const { run, conflicts, deals, customers, partners, manager, time, told } = world
const admin = systemActor('test')
const second: Actor = { kind: 'vendor', id: newId(), name: 'Second Person', roles: ['channel_manager'] }

const words =
  'Brunhild Kastanie Dornach Elvira Fuchsia Granit Hydra Isolde Jupiter Kolumbus Lavendel Moorhuhn Nautilus Opal Pegasus Quendel Rubikon Saphir Tundra Ulme Vulkan Wacholder Xenon Ypsilon Zeppelin Ahorn Bernstein Chronos Distel Eiger Falke Gletscher Habicht Ingwer Jasmin Kiesel Luchs Magnolie Nordlicht Orkan Polaris Quarz Rotfuchs Sperber Tulpe Uhu Veilchen Wolfram Zimt Amethyst Birke Corvus Delfin Enzian Flieder Ginster'.split(
    ' ',
  )
let companies = 0
/** A company that looks like no other one here. */
const details = () => {
  const name = words[companies]
  if (!name) throw new Error('More words are needed')
  companies += 1
  const domain = `${name.toLowerCase()}.com`
  return world.details({ companyName: name, domain, contactEmail: `cora@${domain}` })
}
type Details = Partial<ReturnType<typeof details>>
const submit = (actor: Actor, over: Details = details()) => world.submit(actor, over)
const approve = (actor: Actor, over: Details = details()) => world.approve(actor, over)

const watch = async () => {
  while ((await run(admin, (tx) => conflicts.watchClaims(tx, admin))) > 0);
}
const listed = (dealId: DealId) =>
  run(manager, (tx) => conflicts.listCases(tx, { dealId }, { limit: 10, sort: '-createdAt', after: null }))
const caseOf = async (dealId: DealId) => {
  const [found] = await listed(dealId)
  if (!found) throw new Error('There is no case')
  return found
}
const detail = (id: CaseId) => run(manager, (tx) => conflicts.getCase(tx, id))
const input = (decision: CaseDecision, over: Partial<DecisionInput> = {}): DecisionInput => ({
  decision,
  reason: 'The customer told us so in writing',
  message: 'We looked at both and decided',
  labels: [],
  ...over,
})
const decide = (
  id: CaseId,
  decision: CaseDecision,
  over: Partial<DecisionInput> = {},
  actor: Actor = manager,
) => run(actor, (tx) => conflicts.decideCase(tx, actor, id, null, input(decision, over)))
const ownCase = (actor: Actor, id: CaseId) => run(actor, (tx) => conflicts.getOwnCase(tx, id))
const appeal = (actor: Actor, id: CaseId, dealId: DealId) =>
  run(actor, (tx) => conflicts.appeal(tx, actor, id, null, { dealId, text: 'We were there a year before' }))
const answer = (id: CaseId, grant: CaseDecision | null, actor: Actor = second) => {
  const { decision: _, ...rest } = input({ kind: 'keep_apart' })
  return run(actor, (tx) => conflicts.answerAppeal(tx, actor, id, null, { ...rest, grant }))
}
const read = (id: DealId): Promise<Deal> => run(manager, (tx) => deals.getDeal(tx, id))
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
const uphold: CaseDecision = { kind: 'uphold', dealIds: null, close: true }

/** An approved registration, and another partner's of the same company. */
async function meeting() {
  const company = details()
  const held = await approve(world.world.seller, company)
  const late = await submit(world.world.rival, { ...company, contactEmail: 'other@rival-mail.com' })
  expect(late.conflict).toBe('suspected')
  return { company, held, late, id: (await caseOf(late.id)).id }
}

describe('a case', () => {
  test('is opened with the registration that is suspected, on the clock of its programme', async () => {
    const { held, late, id } = await meeting()
    const found = await detail(id)
    expect(found).toMatchObject({ status: 'open', cause: 'submit', assigneeId: null })
    expect(found.number).toMatch(/^C-\d{6}$/)
    // Monday, 2 March 2026: two and five working days in Berlin.
    expect([found.targetAt, found.overdueAt]).toEqual([
      new Date('2026-03-04T10:00:00Z'),
      new Date('2026-03-09T10:00:00Z'),
    ])
    expect(found.deals.map(({ dealId, inQuestion }) => [dealId, inQuestion]).sort()).toEqual(
      [
        [held.id, false],
        [late.id, true],
      ].sort(),
    )
    const registered = found.timeline.filter(({ kind }) => kind === 'registered')
    expect(registered.map(({ dealId, registration }) => [dealId, registration?.registeredAt])).toEqual([
      [held.id, held.registeredAt],
      [late.id, late.registeredAt],
    ])
    const check = found.timeline.find(({ kind, dealId }) => kind === 'checked' && dealId === late.id)?.check
    expect(check?.candidates).toMatchObject([{ kind: 'rival', collides: true, claim: { dealId: held.id } }])
  })

  test('is joined by a third registration, and by an opportunity that appears', async () => {
    const { company, id } = await meeting()
    const third = await submit(world.world.seller, company)
    expect((await caseOf(third.id)).id).toBe(id)
    await run(admin, (tx) =>
      conflicts.recordMirror(tx, [mirrorRowOf(company.companyName, { openedOn: '2026-01-05' })]),
    )
    await watch()
    const found = await detail(id)
    expect(found.deals).toHaveLength(3)
    const opportunity = found.timeline.find(({ kind }) => kind === 'opportunity')?.opportunity
    expect(opportunity).toMatchObject({ stage: 'Proposal', amountMinor: 1_200_000n, ageDays: 56 })
    expect(await listed(third.id)).toHaveLength(1)
  })

  test('is opened once however many registrations meet at the same instant', async () => {
    const company = details()
    const drafts = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        world.draft(index % 2 ? world.world.rival : world.world.seller, company),
      ),
    )
    const actorOf = (index: number) => (index % 2 ? world.world.rival : world.world.seller)
    const all = await Promise.all(
      drafts.map(({ id }, index) => run(actorOf(index), (tx) => deals.submit(tx, actorOf(index), id, null))),
    )
    const suspected = all.filter(({ conflict }) => conflict === 'suspected')
    expect(suspected).toHaveLength(7)
    const ids = new Set((await Promise.all(suspected.map(({ id }) => caseOf(id)))).map(({ id }) => id))
    expect(ids.size).toBe(1)
    const [id] = [...ids]
    expect((await detail(id as CaseId)).deals).toHaveLength(8)
  })

  test('makes one of two open ones when a registration meets both', async () => {
    const company = details()
    const phones = { products: [{ productId: world.world.phone }] }
    const lines = { products: [{ productId: world.world.line }] }
    const pair = async (over: object) => {
      await submit(world.world.seller, { ...company, ...over })
      return caseOf((await submit(world.world.rival, { ...company, ...over })).id)
    }
    const [a, b] = [await pair(phones), await pair(lines)]
    expect(a.id).not.toBe(b.id)
    const both = await submit(world.world.rival, company)
    expect((await caseOf(both.id)).id).toBe(a.id)
    expect(await detail(b.id)).toMatchObject({ status: 'closed', closedAs: 'joined', joinedInto: a.id })
    expect((await detail(a.id)).deals).toHaveLength(5)
    // What a partner sees of it stays one case.
    const own = await run(world.world.rival, (tx) =>
      conflicts.listOwnCases(tx, {}, { limit: 50, sort: 'createdAt', after: null }),
    )
    expect(own.map(({ id }) => id)).toContain(a.id)
    expect(own.map(({ id }) => id)).not.toContain(b.id)
  })

  test('is commented on and given to others, with a trace of each', async () => {
    const { id } = await meeting()
    const user = await run(admin, (tx) =>
      partners.createUser(tx, admin, {
        partnerId: null,
        email: `decider-${newId()}@vendor.example`,
        name: 'Dora Decider',
        roles: ['approver'],
      }),
    )
    await run(manager, (tx) => conflicts.commentOnCase(tx, manager, id, 'Ask the customer'))
    await run(manager, (tx) => conflicts.assignCase(tx, manager, id, null, user.id))
    const found = await detail(id)
    expect(found).toMatchObject({ assigneeId: user.id, assigneeName: 'Dora Decider' })
    expect(found.timeline.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['comment', 'assigned']))
    await expect(run(manager, (tx) => conflicts.assignCase(tx, manager, id, 1, null))).rejects.toBeInstanceOf(
      Stale,
    )
    expect(
      await refusal(run(manager, (tx) => conflicts.assignCase(tx, manager, id, null, newId() as UserId))),
    ).toMatch(/cannot decide/)
    const audited = await run(admin, (tx) =>
      sql<{ action: string }>`
        select action from audit_entry where subject_kind = 'conflict_case' and subject_id = ${id} order by id`.execute(
        tx,
      ),
    )
    expect(audited.rows.map(({ action }) => action)).toEqual([
      'conflict_case.opened',
      'conflict_case.commented',
      'conflict_case.assigned',
    ])
    const approver: Actor = { kind: 'vendor', id: user.id, name: 'Dora', roles: ['approver'] }
    const other: Actor = { ...approver, id: newId() }
    await expect(decide(id, uphold, {}, other)).rejects.toThrow(/somebody else/)
    await decide(id, uphold, {}, approver)
  })
})

describe('a decision', () => {
  test('to uphold rejects who came later, tells its partner and nobody else, and labels what it was', async () => {
    const { held, late, id } = await meeting()
    told.length = 0
    await decide(id, uphold)
    expect(await read(late.id)).toMatchObject({
      status: 'rejected',
      conflict: 'upheld',
      decisionCode: 'duplicate',
      decisionReason: 'We looked at both and decided',
    })
    expect(await read(held.id)).toMatchObject({ status: 'approved', conflict: 'clear' })
    const notices = told.filter((event) => event.type === 'notification')
    expect(notices).toMatchObject([
      {
        kind: 'conflict_decided',
        partnerId: world.world.rivalId,
        data: { outcome: 'not_granted', message: 'We looked at both and decided' },
      },
    ])
    expect(JSON.stringify(notices)).not.toContain(held.id)
    const changed = told.flatMap((event) => (event.type === 'record_changed' ? [event.id] : []))
    expect(changed).toEqual([late.id])
    const found = await detail(id)
    expect(found).toMatchObject({
      status: 'decided',
      decisions: [{ kind: 'uphold', decidedByName: 'Maria Manager', isFinal: false }],
      labels: [{ dealId: late.id, band: 'strong', sameCompany: 'yes', sameDeal: 'yes', stated: false }],
    })
    const { decisions } = await run(manager, (tx) => conflicts.checksOf(tx, late.id))
    expect(decisions).toMatchObject([{ decision: 'uphold' }])
    expect(await refusal(decide(id, { kind: 'override', dealIds: null }))).toBe('not_open')
  })

  test('with labels keeps what a person said of each candidate, and of no other', async () => {
    const { late, id } = await meeting()
    const { timeline } = await detail(id)
    const check = timeline.find(({ kind, dealId }) => kind === 'checked' && dealId === late.id)?.check
    const claimId = check?.candidates[0]?.claim.claimId ?? ''
    const said = { dealId: late.id, claimId, sameCompany: 'no', sameDeal: 'no' } as const
    await expect(decide(id, uphold, { labels: [{ ...said, claimId: newId() }] })).rejects.toMatchObject({
      issues: [{ path: '/labels/0' }],
    })
    await decide(id, { kind: 'override', dealIds: null }, { labels: [said] })
    expect((await detail(id)).labels).toMatchObject([
      { claimId, sameCompany: 'no', sameDeal: 'no', stated: true },
    ])
  })

  test('to transfer moves the protection: one lets go, the other is approved and holds', async () => {
    const { held, late, id } = await meeting()
    await decide(id, { kind: 'transfer', fromDealId: held.id, toDealId: late.id, close: true })
    expect(await read(held.id)).toMatchObject({ status: 'cancelled', conflict: 'upheld' })
    expect(await read(late.id)).toMatchObject({
      status: 'approved',
      conflict: 'overridden',
      protectedFrom: '2026-03-02',
    })
    const standings = Object.fromEntries(
      (await detail(id)).claims.map(({ dealId, standing }) => [dealId, standing]),
    )
    expect(standings).toEqual({ [held.id]: 'closed', [late.id]: 'held' })
    const effects = (await detail(id)).timeline.filter(({ kind }) => kind === 'effect')
    expect(effects.map(({ dealId, data }) => [dealId, data['act']])).toEqual([
      [held.id, 'close'],
      [late.id, 'hold'],
    ])
  })

  test('to split pays two partners out of one deal', async () => {
    const { held, late, id } = await meeting()
    const shares = [
      { partnerId: world.world.partnerId, shareWeight: 3 },
      { partnerId: world.world.rivalId, shareWeight: 1 },
    ]
    await decide(id, { kind: 'split', dealId: held.id, shares })
    const after = await read(held.id)
    expect(after.status).toBe('approved')
    const split = await run(manager, (tx) => deals.splitOf(tx, manager, after))
    expect(split.map(({ shareWeight }) => shareWeight).sort()).toEqual([1, 3])
    expect(await read(late.id)).toMatchObject({ status: 'rejected' })
    expect((await ownCase(world.world.rival, id)).deals).toMatchObject([
      { outcome: 'shared', mayAppeal: true },
    ])
  })

  test('to merge customers leaves the case open and can be undone', async () => {
    const { held, id } = await apartMeeting()
    const [a, b] = await customersIn(id)
    await decide(id, { kind: 'merge_customers', customerId: b, into: a })
    expect(await detail(id)).toMatchObject({ status: 'open', decisions: [{ kind: 'merge_customers' }] })
    await watch()
    expect((await caseOf(held.id)).id).toBe(id)
    await run(manager, (tx) => customers.unmergeCustomer(tx, manager, b, 'A mistake', null))
  })

  test('to keep customers apart lets all go on, and the watch does not ask again', async () => {
    const { held, late, id } = await apartMeeting()
    const [a, b] = await customersIn(id)
    await decide(id, { kind: 'keep_apart' })
    expect(await read(late.id)).toMatchObject({ conflict: 'overridden', status: 'submitted' })
    expect(await detail(id)).toMatchObject({
      status: 'closed',
      labels: [{ sameCompany: 'no', sameDeal: 'no' }],
    })
    await run(admin, (tx) => conflicts.watchDeals(tx, [held.id, late.id]))
    await watch()
    expect((await listed(late.id)).map(({ status }) => status)).toEqual(['closed'])
    // A CRM that merges their accounts does not outvote the person.
    await run(admin, (tx) => conflicts.onAccountsMerged(tx, admin, [{ from: b, into: a }]))
    expect(await run(manager, (tx) => customers.canonicalOf(tx, [b]))).toEqual(new Map([[b, b]]))
  })

  test('taken twice at once is taken once', async () => {
    const { late, id } = await meeting()
    const both = await Promise.all([
      refusal(decide(id, uphold)),
      refusal(decide(id, { kind: 'override', dealIds: null }, {}, second)),
    ])
    expect(both.sort()).toEqual(['accepted', 'not_open'])
    expect((await detail(id)).decisions).toHaveLength(1)
    expect(['upheld', 'overridden']).toContain((await read(late.id)).conflict)
  })

  test('that cannot be carried out leaves no trace', async () => {
    const { held, late, id } = await meeting()
    await run(manager, (tx) => deals.returnWithQuestion(tx, manager, late.id, null, 'Which site?'))
    const transfer = { kind: 'transfer', fromDealId: held.id, toDealId: late.id, close: true } as const
    expect(await refusal(decide(id, transfer))).toBe('wrong_status')
    expect(await read(held.id)).toMatchObject({ status: 'approved' })
    expect(await detail(id)).toMatchObject({ status: 'open', decisions: [], labels: [] })
  })

  test('on the deal alone is a decision of its case', async () => {
    const { late, id } = await meeting()
    await run(manager, (tx) => conflicts.decide(tx, manager, late.id, 'override', 'The customer wrote us'))
    expect(await read(late.id)).toMatchObject({ conflict: 'overridden', status: 'submitted' })
    expect(await detail(id)).toMatchObject({ status: 'closed', closedAs: 'decided' })
  })
})

/** Two registrations that only look alike: each has a customer of its own. */
async function apartMeeting() {
  const company = details()
  const held = await approve(world.world.seller, company)
  const late = await submit(world.world.rival, {
    ...company,
    domain: `${company.domain}`.replace('.com', '.de'),
    contactEmail: 'other@rival-mail.com',
  })
  expect(late.conflict).toBe('suspected')
  return { held, late, id: (await caseOf(late.id)).id }
}
async function customersIn(id: CaseId): Promise<[CustomerId, CustomerId]> {
  const [a, b] = (await detail(id)).deals.flatMap(({ registration }) => registration?.customerId ?? [])
  if (!a || !b || a === b) throw new Error('Two customers are needed')
  return [a, b]
}

describe('an appeal', () => {
  test('shows its partner the own deal alone, works once and in time, and somebody else answers it', async () => {
    const { held, late, id } = await meeting()
    const { rival, seller } = world.world
    expect((await ownCase(rival, id)).deals).toMatchObject([
      { dealId: late.id, status: 'under_review', outcome: null, mayAppeal: false },
    ])
    // Whose deal is not in question does not even learn that there is a case.
    await expect(ownCase(seller, id)).rejects.toBeInstanceOf(NotFound)
    await expect(appeal(seller, id, late.id)).rejects.toBeInstanceOf(NotFound)
    await expect(appeal(rival, id, held.id)).rejects.toBeInstanceOf(NotFound)

    await run(admin, (tx) =>
      partners.createUser(tx, admin, {
        partnerId: null,
        email: `second-${newId()}@vendor.example`,
        name: 'Second Person',
        roles: ['channel_manager'],
      }),
    )
    await decide(id, uphold)
    const own = await ownCase(rival, id)
    expect(own.deals).toMatchObject([
      {
        status: 'decided',
        outcome: 'not_granted',
        message: 'We looked at both and decided',
        mayAppeal: true,
        // Ten working days.
        appealUntil: new Date('2026-03-16T10:00:00Z'),
      },
    ])
    for (const secret of [held.id, world.world.partnerId, 'Nordwind', 'in writing', 'Maria'])
      expect(JSON.stringify(own)).not.toContain(secret)
    await appeal(rival, id, late.id)
    expect(await refusal(appeal(rival, id, late.id))).toBe('appealed_already')
    const appealed = await detail(id)
    expect(appealed.status).toBe('appealed')
    expect(appealed.assigneeName).toBe('Second Person')
    expect(await refusal(answer(id, null, manager))).toBe('another_person')
    await answer(id, null)
    expect((await ownCase(rival, id)).deals).toMatchObject([
      { status: 'closed', answer: 'declined', mayAppeal: false },
    ])
    expect(await refusal(answer(id, null))).toBe('not_appealed')
  })

  test('that is granted takes the registration up again, with its first date', async () => {
    const { held, late, id } = await meeting()
    await decide(id, uphold)
    await appeal(world.world.rival, id, late.id)
    await answer(id, { kind: 'transfer', fromDealId: held.id, toDealId: late.id, close: true })
    expect(await read(held.id)).toMatchObject({ status: 'cancelled' })
    expect(await read(late.id)).toMatchObject({
      status: 'approved',
      conflict: 'overridden',
      registeredAt: late.registeredAt,
    })
    expect(await detail(id)).toMatchObject({ status: 'closed', closedAs: 'answered' })
    await watch()
    expect((await listed(late.id)).map(({ status }) => status)).toEqual(['closed'])
  })

  test('is over after its time, and the case closes by itself', async () => {
    const { late, id } = await meeting()
    await decide(id, uphold)
    const before = time.now
    try {
      time.now = new Date('2026-03-16T10:00:01Z')
      expect(await refusal(appeal(world.world.rival, id, late.id))).toBe('appeal_over')
      await run(admin, (tx) => conflicts.closeUnappealed(tx, admin, time.now, 500))
      expect(await detail(id)).toMatchObject({ status: 'closed', closedAs: 'decided' })
    } finally {
      time.now = before
    }
  })
})

describe('the watch', () => {
  const pair = async () => {
    const first = await approve(world.world.seller)
    const other = await submit(world.world.rival)
    await watch()
    expect(await listed(other.id)).toEqual([])
    return { first, other }
  }

  test('opens a case when a customer gets the name or the domain of another one', async () => {
    const { first, other } = await pair()
    const customer = await run(manager, (tx) => customers.getCustomer(tx, other.customerId as CustomerId))
    await run(manager, (tx) =>
      customers.updateCustomer(tx, manager, customer.id, { name: first.companyName }, null),
    )
    await watch()
    expect(await caseOf(other.id)).toMatchObject({ status: 'open', cause: 'watch' })
    expect((await caseOf(first.id)).id).toBe((await caseOf(other.id)).id)
    expect((await read(other.id)).conflict).toBe('suspected')

    const { first: third, other: fourth } = await pair()
    const holder = await run(manager, (tx) => customers.getCustomer(tx, third.customerId as CustomerId))
    // The holder's customer moves: the later registration is the one in question.
    await run(manager, (tx) =>
      customers.updateCustomer(tx, manager, holder.id, { domain: `${fourth.domain}` }, null),
    )
    await watch()
    const found = await caseOf(fourth.id)
    expect(found.deals.filter(({ inQuestion }) => inQuestion).map(({ dealId }) => dealId)).toEqual([
      fourth.id,
    ])
  })

  test('opens a case when a direct opportunity appears, and closes it when that is gone', async () => {
    const { first } = await pair()
    const row = mirrorRowOf(first.companyName)
    await run(admin, (tx) => conflicts.recordMirror(tx, [row]))
    await watch()
    const { id } = await caseOf(first.id)
    expect(await detail(id)).toMatchObject({ status: 'open', cause: 'direct' })
    expect(await read(first.id)).toMatchObject({ conflict: 'suspected', status: 'approved' })
    await run(admin, (tx) => conflicts.recordMirror(tx, [{ ...row, open: false }]))
    await watch()
    expect(await detail(id)).toMatchObject({ status: 'closed', closedAs: 'moot' })
    expect(await read(first.id)).toMatchObject({ conflict: 'clear' })
  })

  test('upholding the direct team rejects for that reason', async () => {
    const other = await submit(world.world.rival)
    await run(admin, (tx) => conflicts.recordMirror(tx, [mirrorRowOf(other.companyName)]))
    await watch()
    await decide((await caseOf(other.id)).id, uphold)
    expect(await read(other.id)).toMatchObject({ status: 'rejected', decisionCode: 'direct_engagement' })
  })

  test('tells the next in line when a protection ends, also one that was upheld and waits', async () => {
    const { held, late, id } = await meeting()
    const { held: other, late: blocked, id: decided } = await meeting()
    await decide(decided, { ...uphold, close: false })
    expect(await read(blocked.id)).toMatchObject({ status: 'submitted', conflict: 'upheld' })
    told.length = 0
    for (const dealId of [held.id, other.id])
      await run(manager, (tx) => deals.cancel(tx, manager, dealId, null, 'They went elsewhere'))
    await watch()
    expect(await detail(id)).toMatchObject({ status: 'closed', closedAs: 'moot' })
    expect([(await read(late.id)).conflict, (await read(blocked.id)).conflict]).toEqual(['clear', 'clear'])
    const notices = world.notices().filter((notice) => notice.startsWith('conflict_cleared'))
    expect(notices.sort()).toEqual([
      'conflict_cleared partner',
      'conflict_cleared partner',
      'conflict_cleared vendor',
      'conflict_cleared vendor',
    ])
  })

  test('leaves the second in line waiting while the first one is there', async () => {
    const { company, held, late } = await meeting()
    const third = await submit(world.world.seller, company)
    await run(manager, (tx) => deals.cancel(tx, manager, held.id, null, 'They went elsewhere'))
    await watch()
    expect([(await read(late.id)).conflict, (await read(third.id)).conflict]).toEqual(['clear', 'suspected'])
    expect((await caseOf(third.id)).status).toBe('open')
  })

  test('ends the case of a registration that its partner withdraws', async () => {
    const { late, id } = await meeting()
    await run(world.world.rival, (tx) => deals.withdraw(tx, world.world.rival, late.id, null, 'No more'))
    await watch()
    expect(await detail(id)).toMatchObject({ status: 'closed', closedAs: 'moot' })
  })

  test('opens a case when a lost deal is open again and somebody asked for its customer meanwhile', async () => {
    const { crm } = world
    const company = details()
    const first = await approve(world.world.seller, company)
    const state = (outcome: string) =>
      run(crm, (tx) => deals.applyFacts(tx, crm, [{ id: first.id, changes: { outcome } }]))
    await state('lost')
    const other = await submit(world.world.rival, company)
    expect(other.conflict).toBe('clear')
    await state('open')
    expect(await read(first.id)).toMatchObject({ outcome: 'open', conflict: 'suspected' })
    const found = await caseOf(first.id)
    expect(found).toMatchObject({ status: 'open' })
    expect(found.deals.map(({ dealId }) => dealId).sort()).toEqual([first.id, other.id].sort())
  })

  test('opens a case of two held claims that become one held and one contested, although both were known', async () => {
    const { held, late, id } = await apartMeeting()
    await decide(id, { kind: 'override', dealIds: null })
    await run(manager, (tx) => deals.approve(tx, manager, late.id, null, world.toApproval))
    const from = (await read(late.id)).customerId as CustomerId
    const into = (await read(held.id)).customerId as CustomerId
    await run(manager, (tx) => customers.mergeCustomers(tx, manager, from, into, 'One company', null))
    await watch()
    const found = await caseOf(late.id)
    expect(found).toMatchObject({ status: 'open', cause: 'merge' })
    const claims = (await detail(found.id)).claims.map(({ standing }) => standing)
    expect(claims.sort()).toEqual(['contested', 'held'])
    expect((await read(late.id)).conflict).toBe('suspected')
    // The contested one gives way: who holds keeps it.
    await decide(found.id, uphold)
    expect(await read(late.id)).toMatchObject({ status: 'cancelled' })
    expect(await read(held.id)).toMatchObject({ status: 'approved', conflict: 'clear' })
  })
})

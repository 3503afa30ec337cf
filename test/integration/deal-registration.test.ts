import { describe, expect, test } from 'vitest'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import { useDealWorld } from '#test/support/deal-world.ts'
import { query } from '#test/support/sql.ts'

const {
  db,
  world,
  time,
  told,
  notices,
  deals,
  conflicts,
  manager,
  run,
  details,
  draft,
  submit,
  approve,
  toApproval,
  setProgramme,
} = useDealWorld()

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return error instanceof Refused ? error.code : String(error)
}

describe('a registration', () => {
  test('is a draft with a number, and registered once it is complete', async () => {
    const first = await draft(world.seller, { country: null, need: 'short' })
    expect(first).toMatchObject({ status: 'draft', registeredAt: null, conflict: null, attempt: 1 })
    expect(first.number).toMatch(/^D-\d{6}$/)
    const incomplete = run(world.seller, (tx) => deals.submit(tx, world.seller, first.id, null))
    await expect(incomplete).rejects.toMatchObject({
      issues: [
        { path: '/country', code: 'required' },
        { path: '/need', code: 'too_short' },
      ],
    })
    const rest = { country: 'DE', need: 'They replace their telephone system' }
    await run(world.seller, (tx) => deals.edit(tx, world.seller, first.id, null, rest))
    const submitted = await run(world.seller, (tx) => deals.submit(tx, world.seller, first.id, null))
    expect(submitted).toMatchObject({
      status: 'submitted',
      conflict: 'clear',
      registeredAt: time.now,
      ineligible: [],
    })
    expect(submitted.customerId).not.toBeNull()
    expect(submitted.review?.targetAt.toISOString()).toBe('2026-03-04T10:00:00.000Z')
  })

  test('that is complete from the start is registered in one step and leaves one trace', async () => {
    const start = (over: object) =>
      run(world.seller, (tx) =>
        deals.registerAtOnce(tx, world.seller, { programmeId: world.programmeId, details: details(over) }),
      )
    await expect(start({ country: null })).rejects.toMatchObject({
      issues: [{ path: '/country', code: 'required' }],
    })
    const deal = await start({})
    expect(deal).toMatchObject({
      status: 'submitted',
      conflict: 'clear',
      registeredAt: time.now,
      revision: 1,
    })
    expect(await run(world.seller, (tx) => deals.getDeal(tx, deal.id))).toEqual(deal)
    const traces = await query(
      db.url,
      'select action from audit_entry where subject_id = $1 union all select kind from deal_event where deal_id = $1::uuid',
      [deal.id],
    )
    expect(traces).toEqual([{ action: 'deal.submitted' }, { action: 'submitted' }])
  })

  test('belongs to its partner: another one does not even learn that it is there', async () => {
    const deal = await submit()
    await expect(run(world.rival, (tx) => deals.getDeal(tx, deal.id))).rejects.toBeInstanceOf(NotFound)
    await expect(
      run(world.rival, (tx) => deals.withdraw(tx, world.rival, deal.id, null, null)),
    ).rejects.toBeInstanceOf(NotFound)
    const position = { limit: 200, sort: '-createdAt', after: null } as const
    const seen = await run(world.rival, (tx) => deals.listDeals(tx, world.rival, {}, position))
    expect(seen.map(({ id }) => id)).not.toContain(deal.id)
    const forged = run(world.seller, (tx) =>
      deals.createDraft(tx, world.seller, {
        partnerId: world.rivalId,
        programmeId: world.programmeId,
        details: details(),
      }),
    )
    await expect(forged).rejects.toBeInstanceOf(InvalidInput)
  })

  test('keeps its time of registration, whoever tries to move it', async () => {
    const deal = await submit()
    const move = query(db.url, `update deal set registered_at = now() where id = '${deal.id}'`)
    await expect(move).rejects.toThrow(/never changes/)
  })

  test('is not lost to a writer who read an older revision', async () => {
    const deal = await draft()
    await run(world.seller, (tx) => deals.edit(tx, world.seller, deal.id, deal.revision, { notes: 'one' }))
    const stale = run(world.seller, (tx) =>
      deals.edit(tx, world.seller, deal.id, deal.revision, { notes: 'two' }),
    )
    await expect(stale).rejects.toBeInstanceOf(Stale)
  })

  test('that collides with another partner’s is stored, suspected, and waits for a person', async () => {
    const company = details()
    const first = await submit(world.seller, company)
    const second = await submit(world.rival, { ...company, contactEmail: 'other@rival-mail.com' })
    expect([first.conflict, second.conflict]).toEqual(['clear', 'suspected'])
    expect(second.status).toBe('submitted')
    expect(await refusal(run(manager, (tx) => deals.approve(tx, manager, second.id, null, toApproval)))).toBe(
      'conflict_undecided',
    )
    const reviewed = await run(manager, (tx) => deals.startReview(tx, manager, second.id, null))
    expect(reviewed).toMatchObject({ status: 'in_review', conflict: 'under_review' })

    await run(manager, (tx) =>
      conflicts.decide(tx, manager, second.id, 'uphold', 'The first one was there first'),
    )
    expect(await refusal(run(manager, (tx) => deals.approve(tx, manager, second.id, null, toApproval)))).toBe(
      'conflict_upheld',
    )
    await run(manager, (tx) =>
      conflicts.decide(tx, manager, second.id, 'override', 'The customer wrote us a letter'),
    )
    await run(manager, (tx) => deals.approve(tx, manager, second.id, null, toApproval))
    expect(await refusal(run(manager, (tx) => deals.approve(tx, manager, first.id, null, toApproval)))).toBe(
      'already_held',
    )
  })

  test('two partners at the same instant: one is clear', async () => {
    const company = details()
    const drafts = await Promise.all([draft(world.seller, company), draft(world.rival, company)])
    const both = await Promise.all(
      drafts.map(({ id }, index) => {
        const actor = index === 0 ? world.seller : world.rival
        return run(actor, (tx) => deals.submit(tx, actor, id, null))
      }),
    )
    expect(both.map(({ conflict }) => conflict).sort()).toEqual(['clear', 'suspected'])
  })

  test('of a partner without the tier is stored with its reason', async () => {
    await setProgramme({ eligibility: { tierIds: null, countries: ['FR'] } })
    const deal = await submit()
    await setProgramme({ eligibility: { tierIds: null, countries: null } })
    expect(deal).toMatchObject({ status: 'submitted', ineligible: ['country_not_in_programme'] })
  })

  test('is frozen while it is reviewed', async () => {
    const deal = await submit()
    const edit = run(world.seller, (tx) => deals.edit(tx, world.seller, deal.id, null, { notes: 'new' }))
    expect(await refusal(edit)).toBe('not_editable')
  })
})

describe('a question to the partner', () => {
  test('stops the clock, opens some fields, and an answer submits again', async () => {
    const deal = await submit()
    const { registeredAt } = deal
    time.now = new Date('2026-03-03T10:00:00Z')
    const returned = await run(manager, (tx) =>
      deals.returnWithQuestion(tx, manager, deal.id, null, 'Which products?'),
    )
    expect(returned).toMatchObject({ status: 'returned', review: { pausedAt: time.now } })
    time.now = new Date('2026-03-10T10:00:00Z')
    const edited = await run(world.seller, (tx) =>
      deals.edit(tx, world.seller, deal.id, null, { products: [{ productId: world.phone }] }),
    )
    expect(edited.conflict).toBeNull()
    const answered = await run(world.seller, (tx) =>
      deals.answer(tx, world.seller, deal.id, null, 'Desk phones'),
    )
    expect(answered).toMatchObject({ status: 'submitted', conflict: 'clear', registeredAt })
    expect(answered.review?.targetAt.toISOString()).toBe('2026-03-11T10:00:00.000Z')
    const page = { limit: 10, before: null }
    const seen = await run(world.seller, (tx) => deals.timeline(tx, deal.id, page))
    expect(seen.map(({ kind, data }) => data['question'] ?? data['answer'] ?? kind)).toEqual([
      'Desk phones',
      'edited',
      'Which products?',
      'submitted',
      'drafted',
    ])
    time.now = new Date('2026-03-02T10:00:00Z')
  })
})

describe('approval', () => {
  test('protects ninety days in the programme’s zone, pins tier and plan, and tells partner and CRM', async () => {
    const { id } = await submit()
    time.now = new Date('2026-03-02T23:30:00Z')
    told.length = 0
    const deal = await run(manager, (tx) => deals.approve(tx, manager, id, null, toApproval))
    time.now = new Date('2026-03-02T10:00:00Z')
    expect(deal).toMatchObject({
      status: 'approved',
      protectedFrom: '2026-03-03',
      protectedUntil: '2026-06-01',
      tierId: world.goldTier,
      decidedBy: 'Maria Manager',
    })
    expect(deal.planVersionId).not.toBeNull()
    expect(notices()).toEqual(['deal_approved partner'])
    expect(told.filter(({ type }) => type === 'record_changed')).toEqual([
      { type: 'record_changed', entity: 'deal', id, connectionId: null, priority: 'live' },
    ])
  })

  test('may name an opportunity that is there already', async () => {
    const { id } = await submit()
    told.length = 0
    await run(manager, (tx) =>
      deals.approve(tx, manager, id, null, { ...toApproval, crm: { kind: 'link', remoteId: '006A' } }),
    )
    expect(told).toContainEqual({
      type: 'link_requested',
      connectionId: null,
      entity: 'deal',
      id,
      remoteId: '006A',
      priority: 'live',
    })
  })

  test('happens by itself where the programme says so and nothing speaks against it', async () => {
    await setProgramme({
      autoApproval: {
        all: [
          { field: 'amount', is: 'at_most', value: { amount: '50000', currency: 'EUR' } },
          { field: 'tier', is: 'equals', value: 'Gold' },
          { field: 'productFamilies', is: 'equals', value: 'phones' },
        ],
      },
    })
    const company = details({ products: [{ productId: world.phone }] })
    const small = await submit(world.seller, company)
    const rival = await submit(world.rival, company)
    const large = await submit(world.seller, {
      amountMinor: 5_000_001n,
      products: [{ productId: world.phone }],
    })
    await setProgramme({ autoApproval: null })
    expect(small).toMatchObject({ status: 'approved', decidedBy: 'automatic approval' })
    expect(rival).toMatchObject({ status: 'submitted', conflict: 'suspected' })
    expect(large).toMatchObject({ status: 'submitted', conflict: 'clear' })
  })

  test('leaves the partner contact, close date and notes', async () => {
    const deal = await approve()
    const edited = await run(world.seller, (tx) =>
      deals.edit(tx, world.seller, deal.id, null, { notes: 'called', expectedCloseDate: '2026-07-01' }),
    )
    expect(edited).toMatchObject({ notes: 'called', expectedCloseDate: '2026-07-01' })
    const amount = run(world.seller, (tx) => deals.edit(tx, world.seller, deal.id, null, { amountMinor: 1n }))
    expect(await refusal(amount)).toBe('not_editable')
  })

  test('can be taken back, and the customer is free again', async () => {
    const company = details()
    const deal = await approve(world.seller, company)
    await run(manager, (tx) => deals.cancel(tx, manager, deal.id, null, 'Registered by mistake'))
    expect((await approve(world.rival, company)).status).toBe('approved')
  })
})

describe('the end of a registration', () => {
  test('a rejection carries a code; a new attempt is a new registration', async () => {
    const deal = await submit()
    const rejected = await run(manager, (tx) =>
      deals.reject(tx, manager, deal.id, null, { code: 'incomplete', reason: 'No answer from you' }),
    )
    expect(rejected).toMatchObject({ status: 'rejected', decisionCode: 'incomplete' })
    time.now = new Date('2026-03-20T10:00:00Z')
    const again = await run(world.seller, (tx) => deals.startNewAttempt(tx, world.seller, deal.id))
    expect(again).toMatchObject({
      status: 'draft',
      attempt: 2,
      previousAttemptId: deal.id,
      registeredAt: null,
    })
    const submitted = await run(world.seller, (tx) => deals.submit(tx, world.seller, again.id, null))
    expect(submitted.registeredAt).toEqual(time.now)
    time.now = new Date('2026-03-02T10:00:00Z')
    const third = run(world.seller, (tx) => deals.startNewAttempt(tx, world.seller, deal.id))
    expect(await refusal(third)).toBe('already_tried_again')
  })

  test('withdrawn is final', async () => {
    const deal = await submit()
    await run(world.seller, (tx) => deals.withdraw(tx, world.seller, deal.id, null, 'Customer gone'))
    const again = run(world.seller, (tx) => deals.submit(tx, world.seller, deal.id, null))
    expect(await refusal(again)).toBe('wrong_status')
  })
})

describe('lists', () => {
  test('filter, sort and page without losing or repeating a row', async () => {
    const wanted: string[] = []
    for (const letter of ['C', 'A', 'B']) {
      wanted.push((await submit(world.seller, { companyName: `Listed ${letter} Company` })).id)
    }
    const names: string[] = []
    let after: { key: string; id: string } | null = null
    for (let page = 0; page < 3; page += 1) {
      const rows = await run(manager, (tx) =>
        deals.listDeals(
          tx,
          manager,
          { text: 'LISTED', status: ['submitted'] },
          { limit: 1, sort: 'companyName', after },
        ),
      )
      const [row] = rows
      if (!row) break
      names.push(row.companyName)
      after = { key: row.sortKey, id: row.id }
    }
    expect(names).toEqual(['Listed A Company', 'Listed B Company', 'Listed C Company'])
  })

  test('show what waits beyond its time, and what is about to end', async () => {
    const waiting = await submit()
    const ending = await approve()
    const position = { limit: 200, sort: '-createdAt', after: null } as const
    const list = (filter: Parameters<typeof deals.listDeals>[2]) =>
      run(manager, async (tx) => (await deals.listDeals(tx, manager, filter, position)).map(({ id }) => id))
    time.now = new Date('2026-03-09T09:59:00Z')
    expect(await list({ overdue: true })).not.toContain(waiting.id)
    time.now = new Date('2026-03-09T10:01:00Z')
    expect(await list({ overdue: true })).toContain(waiting.id)
    time.now = new Date('2026-03-02T10:00:00Z')
    expect(await list({ expiringBy: '2026-05-30' })).not.toContain(ending.id)
    expect(await list({ expiringBy: '2026-05-31' })).toContain(ending.id)
  })
})

describe('comments', () => {
  test('internal ones and the vendor’s reasons stay with the vendor', async () => {
    const deal = await submit()
    const say = (actor: Actor, body: string, visibility: 'public' | 'internal') =>
      run(actor, (tx) => deals.comment(tx, actor, deal.id, { body, visibility }))
    await say(manager, 'Their rival is Suedstern', 'internal')
    await say(manager, 'We look at it', 'public')
    await say(world.seller, 'Thank you', 'public')
    await expect(say(world.seller, 'psst', 'internal')).rejects.toThrow(/for the vendor/)
    const bodies = (actor: Actor) =>
      run(actor, async (tx) =>
        (await deals.timeline(tx, deal.id, { limit: 50, before: null })).flatMap(
          ({ data }) => data['body'] ?? [],
        ),
      )
    expect(await bodies(world.seller)).toEqual(['Thank you', 'We look at it'])
    expect(await bodies(manager)).toHaveLength(3)
  })
})

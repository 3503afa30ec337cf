import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { CaseDecision, CaseId } from '#src/conflicts/case.ts'
import type { Deal } from '#src/deals/deal.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { CounterpartError } from '#src/kernel/errors.ts'
import { type CustomerId, type DealId, newId } from '#src/kernel/ids.ts'
import { mirrorRowOf } from '#test/support/conflicts.ts'
import { useDealWorld } from '#test/support/deal-world.ts'
import { createRandom, type Random } from '#test/support/random.ts'

const { world, run, conflicts, deals, customers, manager, submit, details, toApproval } = useDealWorld()
const admin = systemActor('test')
const second: Actor = { kind: 'vendor', id: newId(), name: 'Second Person', roles: ['channel_manager'] }
/** More by hand. */
const histories = Number(process.env['HISTORIES'] ?? 3)
const firstSeed = Number(process.env['HISTORY_SEED'] ?? 20_261_121)

const reason = 'It was found to be so'
const said = { reason, message: null, labels: [] }
const names = [
  ['Brunhild', 'Brunhild GmbH', 'BRUNHILD'],
  ['Kastanie', 'Kastanie AG', 'Kastanie Holding'],
  ['Moorhuhn', 'Moorhuhn KG', 'Moorhuhn Inc.'],
] as const

interface Row {
  readonly id: DealId
  readonly status: Deal['status']
  readonly customerId: CustomerId | null
}
const dealsNow = () =>
  run(
    admin,
    async (tx) => (await sql<Row>`select id, status, customer_id from deal order by id`.execute(tx)).rows,
  )
const casesNow = (status: string) =>
  run(admin, async (tx) => {
    const { rows } = await sql<{ id: CaseId }>`
      select id from conflict_case where status = ${status} order by id`.execute(tx)
    return rows.map(({ id }) => id)
  })
const watch = async () => {
  while ((await run(admin, (tx) => conflicts.watchClaims(tx, admin))) > 0);
}

const steps: Readonly<Record<string, (random: Random) => Promise<unknown>>> = {
  async submit(random) {
    const actor = random.pick([world.seller, world.rival])
    const spellings = random.pick(names)
    const domain = random.chance(0.3) ? `${spellings[0].toLowerCase()}.com` : null
    const contactEmail = 'somebody@freelancer-mail.com'
    await submit(actor, details({ companyName: random.pick(spellings), domain, contactEmail }))
  },
  async approve(random) {
    const deal = pickDeal(random, await dealsNow())
    if (deal) await run(manager, (tx) => deals.approve(tx, manager, deal.id, null, toApproval))
  },
  async end(random) {
    const deal = pickDeal(random, await dealsNow())
    if (!deal) return
    const because = { code: 'other', reason } as const
    await run(manager, (tx) =>
      deal.status === 'approved'
        ? deals.cancel(tx, manager, deal.id, null, reason)
        : deals.reject(tx, manager, deal.id, null, because),
    )
  },
  async merge(random) {
    const known = [...new Set((await dealsNow()).flatMap(({ customerId }) => customerId ?? []))]
    if (known.length < 2) return
    const [from, into] = random.shuffled(known)
    if (from && into)
      await run(manager, (tx) => customers.mergeCustomers(tx, manager, from, into, reason, null))
  },
  async unmerge(random) {
    const known = [...new Set((await dealsNow()).flatMap(({ customerId }) => customerId ?? []))]
    const one = known.length > 0 ? random.pick(known) : null
    if (one) await run(manager, (tx) => customers.unmergeCustomer(tx, manager, one, reason, null))
  },
  async opportunity(random) {
    const row = mirrorRowOf(random.pick(random.pick(names)), {
      connectionId: connection,
      remoteId: `opportunity ${random.whole(1, 3)}`,
      open: random.chance(0.6),
    })
    await run(admin, (tx) => conflicts.recordMirror(tx, [row]))
  },
  async decide(random) {
    const ids = await casesNow('open')
    if (ids.length === 0) return
    const id = random.pick(ids)
    const decision = await anyDecision(random, id)
    await run(manager, (tx) => conflicts.decideCase(tx, manager, id, null, { ...said, decision }))
  },
  async appeal(random) {
    const actor = random.pick([world.seller, world.rival])
    const own = await run(actor, (tx) =>
      conflicts.listOwnCases(tx, {}, { limit: 200, sort: 'createdAt', after: null }),
    )
    const open = own.flatMap(({ id, deals: parties }) =>
      parties.flatMap(({ dealId, mayAppeal }) => (mayAppeal ? [{ id, dealId }] : [])),
    )
    if (open.length === 0) return
    const { id, dealId } = random.pick(open)
    await run(actor, (tx) => conflicts.appeal(tx, actor, id, null, { dealId, text: 'We see it otherwise' }))
  },
  async answer(random) {
    const ids = await casesNow('appealed')
    if (ids.length === 0) return
    const id = random.pick(ids)
    const grant = random.chance(0.3) ? null : await anyDecision(random, id)
    await run(second, (tx) => conflicts.answerAppeal(tx, second, id, null, { ...said, grant }))
  },
  watch,
}
const connection = newId<'connection'>()

function pickDeal(random: Random, rows: readonly Row[]): Row | null {
  const live = rows.filter(({ status }) => ['submitted', 'in_review', 'approved'].includes(status))
  return live.length > 0 ? random.pick(live) : null
}

async function anyDecision(random: Random, id: CaseId): Promise<CaseDecision> {
  const { deals: parties } = await run(manager, (tx) => conflicts.getCase(tx, id))
  const ids = random.shuffled(parties.map(({ dealId }) => dealId))
  const [fromDealId, toDealId] = ids
  const shares = [world.partnerId, world.rivalId].map((partnerId) => ({ partnerId, shareWeight: 1 }))
  const close = random.chance(0.5)
  const choices: CaseDecision[] = [
    { kind: 'uphold', dealIds: null, close },
    { kind: 'override', dealIds: null },
    { kind: 'keep_apart' },
  ]
  if (fromDealId && toDealId) {
    choices.push({ kind: 'transfer', fromDealId, toDealId, close })
    choices.push({ kind: 'split', dealId: fromDealId, shares })
    choices.push({ kind: 'uphold', dealIds: [toDealId], close })
    choices.push({ kind: 'override', dealIds: [fromDealId] })
  }
  return random.pick(choices)
}

/** Whatever happened: nobody's deal is in doubt without a case, and no case waits for nothing. */
async function audit(history: string): Promise<void> {
  const { rows } = await run(admin, (tx) =>
    sql<{ finding: string }>`
      select 'in doubt without a case: ' || deal.number as finding from deal
      join claim on claim.deal_id = deal.id and claim.source = 'registration' and claim.standing <> 'closed'
      where deal.conflict in ('suspected', 'under_review') and not exists (
        select from conflict_case_deal as party
        where party.deal_id = deal.id and party.is_open and party.in_question)
      union all
      select 'open for nothing: ' || number from conflict_case
      where status = 'open' and not exists (
        select from conflict_case_deal as party
        where party.case_id = conflict_case.id and party.is_open and party.in_question)
      union all
      select 'open in a case that is not: ' || conflict_case.number from conflict_case
      join conflict_case_deal as party on party.case_id = conflict_case.id
      where status <> 'open' and party.is_open
      union all
      select 'answered without an appeal: ' || conflict_case.number from conflict_case
      where closed_as = 'answered' and not exists (
        select from conflict_case_deal as party
        where party.case_id = conflict_case.id and party.appealed_at is not null and party.answered_at is not null)
      union all
      select 'contested without a case: ' || deal.number from claim join deal on deal.id = claim.deal_id
      where claim.standing = 'contested' and not exists (
        select from conflict_case_deal as party where party.deal_id = deal.id and party.in_question)`.execute(
      tx,
    ),
  )
  expect({ history, findings: rows.map(({ finding }) => finding) }).toEqual({ history, findings: [] })
}

test.each(Array.from({ length: histories }, (_, index) => firstSeed + index))(
  'whatever people and CRMs do, no deal is in doubt without a case and no case waits for nothing (history %i)',
  async (seed) => {
    const random = createRandom(seed)
    const done: string[] = []
    for (let step = 0; step < 60; step += 1) {
      const name = random.pick(Object.keys(steps))
      done.push(name)
      // An expected "no" is an answer like any other; anything else is a fault.
      await steps[name]?.(random).catch((error: unknown) => {
        if (!(error instanceof CounterpartError)) throw error
      })
      if (step % 10 === 9) {
        await watch()
        await audit(`${seed}: ${done.join(' ')}`)
      }
    }
    expect(done.length).toBe(60)
  },
  120_000,
)

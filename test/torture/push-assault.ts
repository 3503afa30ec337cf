import { setTimeout as delay } from 'node:timers/promises'
import { registrationOf, type SampleCompany } from '#test/demo/installation.ts'
import { approve } from './approval.ts'
import { type Assault, afterCalls, isWrite } from './assault.ts'
import { isDatedByPartner } from './book.ts'
import { inLanes, insist } from './patience.ts'
import type { World } from './world.ts'

const lanes = 4
const longestThoughtMs = 800

/**
 * Partners register deals and move close dates and sales reps work on what is there, while Salesforce is slow, loses
 * answers and holds locks.
 */
export function push(world: World): Assault {
  const { simulator, random, dealsPerRound } = world
  simulator.calls.reset()
  const writing = ['collections-create', 'collections-update', 'collections-upsert'] as const
  simulator.faults.add({ kind: 'slow', delayMs: random.whole(50, 600) })
  simulator.faults.add({ kind: 'lost-answer', how: 'cut', operation: writing, probability: 0.25 })
  simulator.faults.add({ kind: 'record-error', operation: writing, probability: 0.05 })
  if (random.chance(0.4)) {
    const nth = random.whole(1, 4)
    simulator.faults.add({ kind: 'lost-answer', how: 'silence', operation: writing, nth, count: 1 })
  }
  const edits = Math.floor(dealsPerRound / 4)
  const work = [
    ...registrations(world, dealsPerRound - edits),
    ...newDates(world, edits),
    ...Array.from({ length: edits }, () => typeSomething(world)),
  ]
  const done = inLanes(lanes, random.shuffled(work))
  const moment = afterCalls(simulator, random, {
    calls: random.whole(1, 7),
    what: 'write',
    thenUpToMs: 900,
    matches: isWrite,
  })
  return { moment, done }
}

/** Registers and approves deals; every fifth customer buys services too. */
export function registrations(world: World, count: number): (() => Promise<void>)[] {
  const { random } = world
  const tasks: (() => Promise<void>)[] = []
  while (tasks.length < count) {
    const company = world.nextCompany()
    const partner = random.whole(0, world.installation.partners.length - 1)
    tasks.push(() => register(world, company, partner, 'suite'))
    if (tasks.length < count && random.chance(0.2)) {
      tasks.push(() => register(world, company, partner, 'rollout'))
    }
  }
  return tasks
}

const typeSomething =
  ({ rep, random }: World) =>
  async () => {
    await delay(random.whole(0, longestThoughtMs))
    rep.work(1)
  }

async function register(
  world: World,
  company: SampleCompany,
  partner: number,
  product: 'suite' | 'rollout',
): Promise<void> {
  const { installation, values } = world
  const registrant = installation.partners[partner]
  if (!registrant) throw new Error('no such partner')
  const amountMinor = values.amountMinor()
  const closeDate = values.date()
  const deal = await insist(registrant.api, 'POST', '/api/v1/deals', {
    ...registrationOf(company, installation, Number(amountMinor)),
    expectedCloseDate: closeDate,
    products: [{ productId: installation.products[product] }],
    submit: true,
  })
  world.book.add({
    dealId: deal.id,
    ref: null,
    companyName: company.name,
    partner,
    product,
    status: 'approved',
    amountMinor,
    closeDate,
    outcome: 'open',
  })
  if (deal.status !== 'approved') await approve(world, deal.id)
}

function newDates(world: World, count: number): (() => Promise<void>)[] {
  const { book, random, installation, values } = world
  const editable = book
    .all()
    .filter(
      ({ dealId, status, outcome }) =>
        status === 'approved' && outcome === 'open' && isDatedByPartner(dealId),
    )
  return random
    .shuffled(editable)
    .slice(0, count)
    .map(({ dealId, partner }) => async () => {
      const registrant = installation.partners[partner]
      if (!registrant) throw new Error('no such partner')
      const closeDate = values.date()
      const patch = { expectedCloseDate: closeDate }
      await insist(registrant.api, 'PATCH', `/api/v1/deals/${dealId}`, patch)
      book.change(dealId, { closeDate })
    })
}

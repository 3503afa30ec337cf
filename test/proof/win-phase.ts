import { eventually } from '#test/support/api-client.ts'
import { type Books, readBalances, readBooks } from './books.ts'
import type { DealAnswer } from './deals.ts'
import { earnedCents, type Fact } from './earnings.ts'
import { type Ground, secondsSince, waitForSilence } from './ground.ts'
import type { Imported } from './import-phase.ts'
import type { Registration } from './registrations.ts'

const patienceMs = 10 * 60_000
const mostWins = 1_000
const undividedWins = 10

interface Played extends Fact {
  readonly deal: DealAnswer
  readonly opportunityId: string
}

/**
 * People in the CRM win deals, open some again, change amounts and win again; after each act the ledger must say what
 * the independent calculation says, for every deal.
 */
export async function playOutcomes(ground: Ground, imported: Imported): Promise<void> {
  const { random, protocol, simulator } = ground
  const all = random.shuffled(playable(ground, imported))
  const wins = Math.min(mostWins, Math.floor(ground.scenario.registrations.length / 10))
  const divided = all.filter(({ products }) => products.length === 1).slice(0, wins)
  const undivided = all.filter(({ products }) => products.length > 1).slice(0, undividedWins)
  const facts = new Map([...divided, ...undivided].map((one) => [one.deal.id, one]))

  const play = async (name: string, acts: readonly Act[]): Promise<void> => {
    const startedMs = performance.now()
    for (const { one, won, amount } of acts) {
      const after = { ...one, won, amount: amount ?? one.amount }
      facts.set(one.deal.id, after)
      simulator.update('Opportunity', one.opportunityId, {
        StageName: won ? 'Closed Won' : 'Negotiation/Review',
        ...(amount === undefined ? {} : { Amount: Number(amount) }),
      })
    }
    const expected = expectedByDeal([...facts.values()])
    await eventually(
      name,
      async () => compare(await readBooks(ground.admin), expected).length === 0,
      patienceMs,
    ).catch(() => undefined)
    const wrong = compare(await readBooks(ground.admin), expected)
    protocol.note(`${name}: to the ledger, s`, secondsSince(startedMs))
    protocol.require(
      name,
      wrong.length === 0,
      wrong.length === 0 ? `${acts.length} acts, total ${sum(expected)} cents` : wrong.slice(0, 5).join('; '),
    )
  }
  const newAmount = () => `${random.whole(5_000, 300_000)}.${String(random.whole(0, 99)).padStart(2, '0')}`

  await play(
    `${divided.length} deals are won`,
    [...divided, ...undivided].map((one, index) => ({
      one,
      won: true,
      ...(index % 10 === 0 ? { amount: newAmount() } : {}),
    })),
  )
  const { kinds } = await readBooks(ground.admin)
  protocol.require(
    'There is one accrual for each',
    kinds.get('accrual') === divided.length && kinds.size === 1,
    describe(kinds),
  )
  await requireHeld(ground, undivided)

  const current = () => divided.flatMap(({ deal }) => facts.get(deal.id) ?? [])
  const reopened = current().slice(0, Math.ceil(wins / 10))
  const changed = current().slice(reopened.length, reopened.length + Math.ceil(wins / 20))
  await play(`${reopened.length} are opened again, ${changed.length} change their amount`, [
    ...reopened.map((one) => ({ one, won: false })),
    ...changed.map((one) => ({ one, won: true, amount: newAmount() })),
  ])
  const again = current()
    .filter(({ won }) => !won)
    .slice(0, Math.ceil(wins / 20))
  await play(
    `${again.length} of them are won again`,
    again.map((one, index) => ({ one, won: true, ...(index % 2 === 0 ? { amount: newAmount() } : {}) })),
  )
  await waitForSilence(ground)
  await requireTotals(ground, [...facts.values()])
}

interface Act {
  readonly one: Played
  readonly won: boolean
  readonly amount?: string
}

/** Deals that are in the CRM, with what is known of them. */
function playable({ simulator, scenario, installation }: Ground, { deals }: Imported): Played[] {
  const opportunities = new Map(
    simulator.list('Opportunity').map((row) => [String(row['PRM_Deal_Id__c']), String(row['Id'])]),
  )
  return scenario.registrations.flatMap((one: Registration): Played[] => {
    const deal = deals.get(one.ref)
    const opportunityId = deal && opportunities.get(deal.id)
    if (!deal || !opportunityId || deal.status !== 'approved') return []
    const tier = deal.partnerId === installation.partners[0]?.id ? 'gold' : 'silver'
    return [{ deal, opportunityId, tier, products: one.products, amount: one.amount, won: false }]
  })
}

const expectedByDeal = (facts: readonly Played[]): ReadonlyMap<string, bigint> =>
  new Map(facts.map((fact) => [fact.deal.id, earnedCents(fact) ?? 0n]))

/** Deals on which the ledger and the calculation differ, in both directions. */
function compare({ earnedByDeal }: Books, expected: ReadonlyMap<string, bigint>): string[] {
  const ids = new Set([...earnedByDeal.keys(), ...expected.keys()])
  return [...ids].flatMap((id) => {
    const [posted, owed] = [earnedByDeal.get(id) ?? 0n, expected.get(id) ?? 0n]
    return posted === owed ? [] : [`deal ${id}: the ledger has ${posted}, owed are ${owed}`]
  })
}

const sum = (amounts: ReadonlyMap<string, bigint>): bigint =>
  [...amounts.values()].reduce((total, amount) => total + amount, 0n)

const describe = (kinds: ReadonlyMap<string, number>): string =>
  [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')

/** Products without amounts do not say how the deal divides between them: a person has to. */
async function requireHeld({ admin, protocol }: Ground, undivided: readonly Played[]): Promise<void> {
  const held = await admin.all<{ dealId: string; holds: { reason: string }[] }>('/api/v1/earnings-on-hold')
  const ids = new Set(held.map(({ dealId }) => dealId))
  const reasons = new Set(held.flatMap(({ holds }) => holds.map(({ reason }) => reason)))
  protocol.require(
    'What cannot be computed waits and says why',
    held.length === undivided.length && undivided.every(({ deal }) => ids.has(deal.id)),
    `${held.length} deals on hold: ${[...reasons].join(', ')}`,
  )
}

async function requireTotals(ground: Ground, facts: readonly Played[]): Promise<void> {
  const { admin, protocol } = ground
  const books = await readBooks(admin)
  const balances = await readBalances(admin)
  const owed = new Map<string, bigint>()
  for (const fact of facts) {
    const { partnerId } = fact.deal
    owed.set(partnerId, (owed.get(partnerId) ?? 0n) + (earnedCents(fact) ?? 0n))
  }
  const wrong = [...owed].filter(
    ([partner, amount]) => balances.get(partner) !== amount || books.earnedByPartner.get(partner) !== amount,
  )
  protocol.require(
    "Each partner's accounts hold what the calculation says",
    wrong.length === 0,
    `${[...owed.values()].join(', ')} cents; ${describe(books.kinds)}`,
  )
}

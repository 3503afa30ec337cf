import fc from 'fast-check'
import type { AwardFacts } from '#src/incentives/award.ts'
import { newId } from '#src/kernel/ids.ts'
import { partnerIds, planLine, planVersion, wonDeal } from './incentives.ts'

/** Families, partners and a plan with every kind of line, shared by the histories of one run. */
export function earningWorld() {
  const families = [newId(), newId(), newId()] as const
  const partners = partnerIds(3)
  const plan = planVersion(
    planLine({ id: 'base', pays: { kind: 'percent', ratePpm: 73_331 } }),
    planLine({
      id: 'software',
      families: [families[0], families[1]],
      pays: { kind: 'percent', ratePpm: 125_000 },
      cap: { amountMinor: 40_000n, currency: 'USD' },
    }),
    planLine({
      id: 'large',
      when: { field: 'amount', is: 'at_least', value: { amount: '3000', currency: 'USD' } },
      pays: { kind: 'flat', amountMinor: 10_001n, currency: 'EUR' },
    }),
  )
  return { families, partners, plan }
}
export type EarningWorld = ReturnType<typeof earningWorld>

/** One thing that happens to a deal. `again`: the same facts once more; `late`: facts that were overtaken. */
export type EarningStep =
  | { readonly kind: 'facts'; readonly facts: AwardFacts }
  | { readonly kind: 'again' }
  | { readonly kind: 'late'; readonly back: number }
  | { readonly kind: 'release'; readonly daysLater: number }

/** Won, re-opened, lost, other amounts, products, splits and reviews in any order, with repeats and late facts. */
export function earningHistory(world: EarningWorld): fc.Arbitrary<readonly EarningStep[]> {
  const amount = fc.oneof(fc.bigInt(0n, 600_000n), fc.constantFrom(0n, 1n, 2n, 300_000n, 299_999n))
  const change = fc.record({
    outcome: fc.constantFrom('won', 'won', 'won', 'open', 'lost'),
    amountMinor: amount,
    currency: fc.constantFrom('USD', 'USD', 'USD', 'JPY'),
    lineAmounts: fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), amount), { maxLength: 4 }),
    linesAddUp: fc.boolean(),
    weights: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 3, maxLength: 3 }),
    hold: fc.constantFrom(null, null, null, 'in_review_by_a_person'),
    day: fc.integer({ min: 1, max: 28 }),
  })
  const step = fc.oneof(
    { weight: 6, arbitrary: change.map((drawn) => ({ kind: 'facts' as const, drawn })) },
    { weight: 2, arbitrary: fc.constant({ kind: 'again' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('late' as const), back: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('release' as const),
        daysLater: fc.integer({ min: 0, max: 40 }),
      }),
    },
  )
  return fc.array(step, { minLength: 1, maxLength: 12 }).map((steps) => {
    const dealId = newId<'deal'>()
    let revision = 0
    return steps.map((one): EarningStep => {
      if (one.kind !== 'facts') return one
      revision += 1
      const { drawn } = one
      const lines = drawn.lineAmounts.map(([family, lineMinor]) => ({
        familyId: world.families[family] ?? null,
        amountMinor: lineMinor,
      }))
      const total = lines.reduce((sum, line) => sum + line.amountMinor, 0n)
      const facts = wonDeal({
        dealId,
        outcome: drawn.outcome as AwardFacts['outcome'],
        outcomeRevision: revision,
        effectiveOn: `2026-03-${String(drawn.day).padStart(2, '0')}`,
        postedOn: '2026-03-31',
        amountMinor: drawn.linesAddUp && lines.length > 0 ? total : drawn.amountMinor,
        currency: drawn.currency,
        lines,
        partners: world.partners
          .map((partnerId, index) => ({ partnerId, shareWeight: drawn.weights[index] ?? 0 }))
          .filter(({ shareWeight }) => shareWeight > 0),
        planVersionId: world.plan.id,
        hold: drawn.hold,
      })
      return { kind: 'facts', facts }
    })
  })
}

/** What the plan above owes by line, payee and currency, worked out another way; 'waits' where it must not be posted. */
export function expectedEarnings(
  { families, plan }: EarningWorld,
  facts: AwardFacts,
): { readonly waits: 'all' | readonly string[]; readonly owed: ReadonlyMap<string, bigint> } {
  const owed = new Map<string, bigint>()
  if (facts.hold !== null) return { waits: 'all', owed }
  if (facts.outcome !== 'won') return { waits: [], owed }
  if (facts.partners.length === 0) return { waits: 'all', owed }
  const waits: string[] = []
  const give = (line: string, currency: string, whole: bigint) => {
    const shares = shareOut(
      whole,
      facts.partners.map(({ shareWeight }) => BigInt(shareWeight)),
    )
    for (const [index, share] of shares.entries()) {
      const key = `${line} ${facts.partners[index]?.partnerId} ${currency}`
      if (share !== 0n) owed.set(key, share)
    }
  }
  give('base', facts.currency, perMillion(facts.amountMinor * 73_331n))
  if (facts.currency === 'USD' && facts.amountMinor >= 300_000n) give('large', 'EUR', 10_001n)
  const total = facts.lines.reduce((sum, line) => sum + line.amountMinor, 0n)
  const chosen = facts.lines.map(({ familyId }) => familyId === families[0] || familyId === families[1])
  if (chosen.includes(true)) {
    let base = 0n
    if (total > 0n) {
      const parts = shareOut(
        facts.amountMinor,
        facts.lines.map(({ amountMinor }) => amountMinor),
      )
      base = parts.reduce((sum, part, index) => (chosen[index] ? sum + part : sum), 0n)
    } else if (facts.amountMinor !== 0n && chosen.includes(false)) {
      waits.push('software')
    } else base = facts.amountMinor
    if (facts.currency !== 'USD') waits.push('software')
    const gross = perMillion(base * 125_000n)
    if (!waits.includes('software')) give('software', 'USD', gross > 40_000n ? 40_000n : gross)
  }
  if (plan.document.lines.length !== 3) throw new Error('The model knows three lines')
  return { waits, owed }
}

/** Millionths to whole units by reading the digits: exactly a half goes to the even neighbour. */
function perMillion(millionths: bigint): bigint {
  const digits = millionths.toString().padStart(7, '0')
  const whole = BigInt(digits.slice(0, -6))
  const tail = digits.slice(-6)
  if (tail === '500000') return whole + (whole % 2n)
  return tail > '500000' ? whole + 1n : whole
}

/** Each gets its floor; a share gets one more if fewer shares than units are left rank before it. */
function shareOut(whole: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  const floors = weights.map((weight) => (whole * weight) / total)
  const rests = weights.map((weight, index) => whole * weight - (floors[index] ?? 0n) * total)
  const left = whole - floors.reduce((sum, floor) => sum + floor, 0n)
  return floors.map((floor, index) => {
    const own = rests[index] ?? 0n
    const before = rests.filter((rest, other) => rest > own || (rest === own && other < index)).length
    return BigInt(before) < left ? floor + 1n : floor
  })
}

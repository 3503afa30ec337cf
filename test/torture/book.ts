import type { Random } from '#test/support/random.ts'

/** What the harness knows to have happened: the one side of every comparison, computed without the product's code. */
export interface ExpectedDeal {
  readonly dealId: string
  /** Its key in the file that it was imported from. */
  readonly ref: string | null
  readonly companyName: string
  /** Place in the list of partners; the first one is gold. */
  readonly partner: number
  readonly product: 'suite' | 'rollout'
  readonly status: 'approved' | 'rejected'
  readonly amountMinor: bigint
  readonly closeDate: string
  readonly outcome: 'open' | 'won' | 'lost'
}

type Edit = Partial<Pick<ExpectedDeal, 'amountMinor' | 'closeDate' | 'outcome'>>

export interface Book {
  add(deal: ExpectedDeal): void
  /** Somebody with a right to it changed the deal, here or in the CRM; the deal itself may be entered later. */
  change(dealId: string, edit: Edit): void
  all(): readonly ExpectedDeal[]
  find(dealId: string): ExpectedDeal | undefined
}

export function createBook(): Book {
  const registered = new Map<string, ExpectedDeal>()
  const edits = new Map<string, Edit>()
  const asItStands = (deal: ExpectedDeal): ExpectedDeal => ({ ...deal, ...edits.get(deal.dealId) })
  return {
    add(deal) {
      if (registered.has(deal.dealId)) throw new Error(`the deal ${deal.dealId} was registered twice`)
      registered.set(deal.dealId, deal)
    },
    change(dealId, edit) {
      edits.set(dealId, { ...edits.get(dealId), ...edit })
    },
    all: () => [...registered.values()].map(asItStands),
    find(dealId) {
      const deal = registered.get(dealId)
      return deal && asItStands(deal)
    },
  }
}

/**
 * The close date of a deal belongs either to the partner or to the sales rep, so that each final value is certain; told
 * by the id alone, because a rep may see an opportunity before the partner's client has its answer.
 */
export const isDatedByPartner = (dealId: string): boolean => Number.parseInt(dealId.slice(-1), 16) % 2 === 0

const capMinor = 2_500_000n
const servicesBonusMinor = 25_000n
const partsPerMillion = 1_000_000n

/** By the plan of the demo: 15 % for gold, 10 % for silver, at most 25,000.00; services add 250.00 flat. */
export function earnedBy({ outcome, product, partner, amountMinor, status }: ExpectedDeal): bigint {
  if (outcome !== 'won' || status !== 'approved') return 0n
  if (product === 'rollout') return servicesBonusMinor
  const earned = roundHalfEven(amountMinor * (partner === 0 ? 150_000n : 100_000n), partsPerMillion)
  return earned < capMinor ? earned : capMinor
}

function roundHalfEven(dividend: bigint, divisor: bigint): bigint {
  const floor = dividend / divisor
  const twiceRest = (dividend % divisor) * 2n
  if (twiceRest === divisor) return floor % 2n === 0n ? floor : floor + 1n
  return twiceRest > divisor ? floor + 1n : floor
}

/** Values of which none comes twice: one that returns was written back. */
export function createUniqueValues(random: Random) {
  const amounts = new Set<bigint>()
  let day = 0
  return {
    /** Minor units, mostly with cents. */
    amountMinor(): bigint {
      for (;;) {
        const amount = BigInt(random.whole(100_000, 30_000_000))
        if (amounts.has(amount)) continue
        amounts.add(amount)
        return amount
      }
    },
    date(): string {
      day += 1
      return new Date(Date.UTC(2027, 0, 1) + (day % 3_000) * 86_400_000).toISOString().slice(0, 10)
    },
  }
}
export type UniqueValues = ReturnType<typeof createUniqueValues>

/** 1234.5 for 123450n: what a person types into a field of the CRM. */
export const asAmount = (minor: bigint): number => Number(minor) / 100

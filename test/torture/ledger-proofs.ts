import { earnedBy } from './book.ts'
import type { Proof } from './proof.ts'
import type { World } from './world.ts'

interface Account {
  readonly kind: string
  readonly partnerId: string | null
}
interface Entry {
  readonly id: string
  readonly dealId: string | null
  readonly cause: string
  readonly postings: readonly {
    readonly debit: Account | null
    readonly credit: Account | null
    readonly amountMinor: string
    readonly currency: string
  }[]
}

/** The books against the harness's own arithmetic. */
export function proveLedger(world: World, entries: readonly Entry[]): Proof[] {
  return [proveEarnings(world, entries), proveEntries(entries)]
}

const isPartners = (account: Account | null): boolean => account?.kind.startsWith('partner') ?? false

/** What an entry gives to partners, less what it takes from them; moves between their own accounts count nothing. */
const earnedIn = ({ postings }: Entry): bigint =>
  postings.reduce((sum, { debit, credit, amountMinor }) => {
    const direction = Number(isPartners(credit)) - Number(isPartners(debit))
    return sum + BigInt(direction) * BigInt(amountMinor)
  }, 0n)

function proveEarnings({ book, installation }: World, entries: readonly Entry[]): Proof {
  const violations: string[] = []
  const byDeal = Map.groupBy(entries, ({ dealId }) => dealId)
  for (const expected of book.all()) {
    const own = byDeal.get(expected.dealId) ?? []
    const earned = own.reduce((sum, entry) => sum + earnedIn(entry), 0n)
    const should = earnedBy(expected)
    if (earned !== should)
      violations.push(
        `${expected.companyName} (${expected.dealId}) earned ${earned} minor units in ${own.length} entries, and should ${should}`,
      )
    const partnerId = installation.partners[expected.partner]?.id
    const strangers = own
      .flatMap(({ postings }) => postings.flatMap(({ debit, credit }) => [debit, credit]))
      .filter((account) => isPartners(account) && account?.partnerId !== partnerId)
    if (strangers.length > 0) violations.push(`${expected.companyName}: another partner was paid for it`)
  }
  for (const { id, dealId } of entries) {
    if (dealId === null || !book.find(dealId)) violations.push(`The entry ${id} belongs to no deal`)
  }
  const total = entries.reduce((sum, entry) => sum + earnedIn(entry), 0n)
  return {
    claim: `Each won deal earned what the plan says, and no other (${total} minor units in all)`,
    violations,
  }
}

function proveEntries(entries: readonly Entry[]): Proof {
  const violations: string[] = []
  for (const { id, postings } of entries) {
    const unsound = postings.length === 0 || postings.some(({ amountMinor }) => BigInt(amountMinor) <= 0n)
    if (unsound) violations.push(`The entry ${id} moves nothing, or less than nothing`)
  }
  for (const [cause, same] of Map.groupBy(entries, (entry) => `${entry.dealId} ${entry.cause}`)) {
    if (same.length > 1) violations.push(`${same.length} entries were posted for one cause: ${cause}`)
  }
  return { claim: `Each of ${entries.length} entries is sound and was posted once`, violations }
}

/** Claims follow their customer when it is merged into another, and back when that is undone. Under the claims lock. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { CustomerId, DealId } from '#src/kernel/ids.ts'
import type { ClaimId } from './claim.ts'

export interface Restanding {
  readonly claimId: ClaimId
  readonly dealId: DealId
}

/** Customers whose claims follow one of these by now. */
export async function customersUnder(
  tx: Tx,
  customerIds: readonly CustomerId[],
): Promise<readonly CustomerId[]> {
  const { rows } = await sql<{ customerId: CustomerId }>`
    select customer_id from claim_customer_alias where canonical_id = any(${customerIds}::uuid[])`.execute(tx)
  return rows.map(({ customerId }) => customerId)
}

/**
 * Points the claims of these customers (keys of `canonical`) to their canonical one. Of two held claims that would now
 * meet, the one held later becomes contested; a contested one that meets nobody any more is held again.
 */
export async function repointClaims(
  tx: Tx,
  canonical: ReadonlyMap<CustomerId, CustomerId>,
): Promise<{
  readonly contested: readonly Restanding[]
  readonly heldAgain: readonly Restanding[]
  /** Live claims of registrations of these customers. */
  readonly live: readonly ClaimId[]
}> {
  const pointer = sql`(
    select * from unnest(${[...canonical.keys()]}::uuid[], ${[...canonical.values()]}::uuid[])
      as given (customer_id, canonical_id)) as pointer`
  await sql`
    insert into claim_customer_alias (customer_id, canonical_id) select * from ${pointer}
    on conflict (customer_id) do update set canonical_id = excluded.canonical_id`.execute(tx)
  // Before they share a canonical customer, or the exclusion of two holders would refuse the merge.
  const contested = await sql<Restanding>`
    with held as (
      select claim.id, claim.held_at, claim.family_ids, claim.range, pointer.canonical_id
      from claim join ${pointer} using (customer_id)
      where claim.source = 'registration' and claim.standing = 'held'
    )
    update claim set standing = 'contested'
    from held as later
    where claim.id = later.id and exists (
      select from held as earlier
      where earlier.canonical_id = later.canonical_id
        and (earlier.held_at, earlier.id) < (later.held_at, later.id) and earlier.range && later.range
        and family_points(earlier.family_ids) && family_points(later.family_ids)
    )
    returning claim.id as claim_id, claim.deal_id`.execute(tx)
  // All are numbered anew, those that stay too: whoever searched for one of the customers before this has not seen the
  // claims of the others.
  const renumbered = await sql<{ claimId: ClaimId; live: boolean }>`
    update claim set canonical_id = pointer.canonical_id, claim_seq = nextval('claim_seq')
    from ${pointer}
    where claim.customer_id = pointer.customer_id
    returning claim.id as claim_id, source = 'registration' and standing <> 'closed' as live`.execute(tx)
  const heldAgain = await sql<Restanding>`
    update claim set standing = 'held', claim_seq = nextval('claim_seq')
    from ${pointer}
    where claim.customer_id = pointer.customer_id and claim.standing = 'contested' and not exists (
      select from claim as other
      where other.canonical_id = claim.canonical_id and other.id <> claim.id and other.source = 'registration'
        and (other.standing = 'held'
          or (other.standing = 'contested' and (other.held_at, other.id) < (claim.held_at, claim.id)))
        and other.range && claim.range and family_points(other.family_ids) && family_points(claim.family_ids)
    )
    returning claim.id as claim_id, claim.deal_id`.execute(tx)
  return {
    contested: contested.rows,
    heldAgain: heldAgain.rows,
    live: renumbered.rows.flatMap(({ claimId, live }) => (live ? [claimId] : [])),
  }
}

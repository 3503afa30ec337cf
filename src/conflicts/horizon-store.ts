/** What checks know of claims and customers beside the search: how far claims go, and which customers are one by now. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import { mirrorStateAt } from './mirror-store.ts'
import type { MirrorState } from './verdict.ts'

export interface Horizon {
  /** The highest number handed out. */
  readonly horizon: bigint
  readonly mirror: MirrorState
  /** Canonical customers, in the order of those given. */
  readonly canonicalIds: readonly (CustomerId | null)[]
}

/** Every customer that these canonical ones stand for, themselves among them. */
export async function customersOf(
  tx: Tx,
  canonicalIds: readonly CustomerId[],
): Promise<ReadonlyMap<CustomerId, CustomerId>> {
  const { rows } = await sql<{ customerId: CustomerId; canonicalId: CustomerId }>`
    select customer_id, canonical_id from claim_customer_alias
    where canonical_id = any(${canonicalIds}::uuid[])`.execute(tx)
  return new Map([
    ...canonicalIds.map((id) => [id, id] as const),
    ...rows.map(({ customerId, canonicalId }) => [customerId, canonicalId] as const),
  ])
}

export async function readHorizon(
  tx: Tx,
  customerIds: readonly (CustomerId | null)[],
  now: Date,
): Promise<Horizon> {
  const { rows } = await sql<{ horizon: bigint; mirror: MirrorState }>`
    select (select coalesce(max(claim_seq), 0) from claim) as horizon, ${mirrorStateAt(now)} as mirror`.execute(
    tx,
  )
  const [state] = rows
  if (!state) throw new Error('The state of the claims could not be read')
  const canonical = await sql<{ canonicalId: CustomerId | null }>`
    select coalesce(alias.canonical_id, given.customer_id) as canonical_id
    from unnest(${customerIds}::uuid[]) with ordinality as given (customer_id, position)
    left join claim_customer_alias as alias using (customer_id)
    order by given.position`.execute(tx)
  return { ...state, canonicalIds: canonical.rows.map(({ canonicalId }) => canonicalId) }
}

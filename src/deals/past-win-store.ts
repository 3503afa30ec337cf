/** Deals that were won at a customer, for whoever asks who is known there. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { CustomerId, DealId, PartnerId } from '#src/kernel/ids.ts'

export interface PastWinRow {
  readonly customerId: CustomerId
  readonly dealId: DealId
  readonly partnerId: PartnerId
  readonly wonOn: Day
  /** None means all products. */
  readonly familyIds: string[]
}

/** Across all partners: call it in a system step. A win that nobody recognised counts for nothing. */
export async function findPastWins(
  tx: Tx,
  customerIds: readonly CustomerId[],
): Promise<readonly PastWinRow[]> {
  const { rows } = await sql<PastWinRow>`
    select customer_id, id as deal_id, partner_id, outcome_on as won_on,
      array(select distinct product->>'familyId' from jsonb_array_elements(products) as products (product)) as family_ids
    from deal
    where customer_id = any(${customerIds}::uuid[]) and outcome = 'won'
      and outcome_standing in ('expected', 'recognised', 'historic')
    order by outcome_on desc, id desc`.execute(tx)
  return rows
}

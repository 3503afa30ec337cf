/** Claims that wait to be compared with registrations that were checked before them. */
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ClaimId } from './claim.ts'

export async function markForWatch(tx: Tx, claimIds: readonly ClaimId[]): Promise<void> {
  if (claimIds.length === 0) return
  await sql`
    insert into conflict_watch (claim_id) select * from unnest(${claimIds}::uuid[])
    on conflict (claim_id) do nothing`.execute(tx)
}

/** Takes the oldest marks; several workers may take at once. They return when the unit of work rolls back. */
export async function takeWatched(tx: Tx, limit: number): Promise<readonly ClaimId[]> {
  const { rows } = await sql<{ claimId: ClaimId }>`
    delete from conflict_watch where claim_id in (
      select claim_id from conflict_watch order by marked_at limit ${limit} for update skip locked)
    returning claim_id`.execute(tx)
  return rows.map(({ claimId }) => claimId)
}

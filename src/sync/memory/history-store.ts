import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'

/** Deletes the oldest lines of the log that are past their days. @returns how many, at most `most` */
export async function pruneAttempts(tx: Tx, keptDays: number, most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with old as (
      select id from sync_attempt where at < clock_timestamp() - make_interval(days => ${keptDays})
      order by id limit ${most}
    ), gone as (delete from sync_attempt using old where sync_attempt.id = old.id returning 1)
    select count(*)::integer as count from gone`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Deletes items that were closed long ago. What a person left as it is stays known, or it would be asked anew. */
export async function pruneReviews(tx: Tx, keptDays: number, most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with old as (
      select id from review_item
      where closed_at < clock_timestamp() - make_interval(days => ${keptDays}) and opened_at < clock_timestamp() - make_interval(days => ${keptDays})
        and not (kind = 'proposal' and resolution = 'leave')
      order by opened_at limit ${most}
    ), gone as (delete from review_item using old where review_item.id = old.id returning 1)
    select count(*)::integer as count from gone`.execute(tx)
  return rows[0]?.count ?? 0
}

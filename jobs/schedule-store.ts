import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'

/** The instant up to which a schedule is done: its newest tick or when that was taken. Null when it never ticked. */
export async function loadLastTick(tx: Tx, name: string): Promise<Date | null> {
  const { rows } = await sql<{ last: Date | null }>`
    select greatest(max(due_at), max(taken_at)) as last from schedule_tick where name = ${name}`.execute(tx)
  return rows[0]?.last ?? null
}

/** Takes a tick for this process; false when another process has it. */
export async function takeTick(tx: Tx, name: string, dueAt: Date): Promise<boolean> {
  const { rows } = await sql`
    insert into schedule_tick (name, due_at) values (${name}, ${dueAt}) on conflict do nothing returning name`.execute(
    tx,
  )
  return rows.length > 0
}

/** Gives a tick back whose work failed, so that it counts as missed. */
export async function returnTick(tx: Tx, name: string, dueAt: Date): Promise<void> {
  await sql`delete from schedule_tick where name = ${name} and due_at = ${dueAt}`.execute(tx)
}

/** Forgets ticks that are older than the newest one of their schedule by `days`. */
export async function pruneTicks(tx: Tx, name: string, days: number): Promise<void> {
  await sql`
    delete from schedule_tick where name = ${name} and due_at <
      (select max(due_at) - make_interval(days => ${days}) from schedule_tick where name = ${name})`.execute(
    tx,
  )
}

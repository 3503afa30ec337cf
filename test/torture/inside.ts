import { sql } from 'kysely'
import { openDatabase } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import type { Site } from './site.ts'

/** One look at the engine's own tables, on a connection of its own that no kill can spoil. */
export async function lookInside<Row>(site: Site, statement: string): Promise<readonly Row[]> {
  const database = openDatabase({ url: site.ownerUrl(), poolSize: 1, onIdleError: () => undefined })
  try {
    return await database.transact(
      systemActor('torture'),
      async (tx) => (await sql.raw<Row>(statement).execute(tx)).rows,
    )
  } finally {
    await database.close()
  }
}

/**
 * Nobody else can hold the lease of a process that has died, so a hurried proof does not wait for it to run out. Should
 * a living worker lose its lease by this, it notices before it records anything.
 */
export const endLeases = (site: Site): Promise<readonly unknown[]> =>
  lookInside(site, `update sync_slot set leased_until = '-infinity'`)

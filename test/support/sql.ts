import { sql } from 'kysely'
import pg from 'pg'
import type { Database } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'

/** Runs one statement on a connection of its own, outside of every role and policy. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Every row of every table that the service reads, as text, by table. */
export async function dumpTables(database: Database): Promise<Record<string, string>> {
  return database.transact(systemActor('test'), async (tx) => {
    const { rows } = await sql<{ name: string }>`
      select relname as name from pg_class
      where relkind = 'r' and relnamespace = 'public'::regnamespace and has_table_privilege(oid, 'select')`.execute(
      tx,
    )
    const dumps: Record<string, string> = {}
    for (const { name } of rows) {
      const dump = await sql<{ text: string | null }>`
        select string_agg(to_jsonb(t)::text, E'\n') as text from ${sql.table(name)} t`.execute(tx)
      dumps[name] = dump.rows[0]?.text ?? ''
    }
    return dumps
  })
}

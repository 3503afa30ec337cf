import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration'
import pg from 'pg'

const folder = join(import.meta.dirname, 'migrations')
const oldestMajorVersion = 15

/** Forward only: one SQL file per step, applied in the order of its number, each in the one migrating transaction. */
const provider: MigrationProvider = {
  async getMigrations() {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
    const migrations: Record<string, Migration> = {}
    for (const file of files) {
      const text = await readFile(join(folder, file), 'utf8')
      migrations[file.replace(/\.sql$/, '')] = { up: async (db) => void (await sql.raw(text).execute(db)) }
    }
    return migrations
  },
}

/**
 * Brings the database to the newest schema; several processes may call it at once, one does the work.
 * @returns the names of the steps applied now
 * @throws Error in plain words when the server cannot be reached or is too old, or when a step fails (nothing of it remains)
 */
export async function migrate(url: string): Promise<readonly string[]> {
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 30_000 })
  pool.on('error', () => undefined)
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
  try {
    await checkServer(db, url)
    const { error, results } = await new Migrator({ db, provider }).migrateToLatest()
    if (error) {
      const failed = results?.find(({ status }) => status === 'Error')?.migrationName
      throw new Error(
        `Database migration ${failed ?? ''} failed: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      )
    }
    return (results ?? []).map(({ migrationName }) => migrationName)
  } finally {
    await db.destroy()
  }
}

async function checkServer(db: Kysely<object>, url: string): Promise<void> {
  const { rows } = await sql<{ version: string; encoding: string }>`
    select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding`
    .execute(db)
    .catch((cause: Error) => {
      const { host, pathname } = new URL(url)
      throw new Error(
        `The database ${pathname.slice(1)} at ${host || 'its socket'} cannot be used: ${cause.message}. ` +
          'Check DATABASE_URL, and that the server runs.',
        { cause },
      )
    })
  const [row] = rows
  const major = Math.floor(Number(row?.version) / 10_000)
  if (major < oldestMajorVersion) {
    throw new Error(`PostgreSQL ${oldestMajorVersion} or newer is needed; this server is version ${major}`)
  }
  if (row?.encoding !== 'UTF8') throw new Error(`The database must be UTF8; this one is ${row?.encoding}`)
}

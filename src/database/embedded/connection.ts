import pg from 'pg'

/** The server's own superuser. It bypasses row level security, so everything of ours belongs to `ownerRole`. */
export const superuser = 'postgres'
export const ownerRole = 'counterpart'
export const databaseName = 'counterpart'

/** URL of a database on the server that listens in this folder. */
export const socketUrl = (folder: string, database = superuser, user = superuser) =>
  `postgres:///${database}?host=${encodeURIComponent(folder)}&user=${user}`

const startingUp = '57P03'

/** Does a server take connections here, is it on its way (recovering, ending), or does nobody answer? */
export async function askServer(url: string): Promise<'ready' | 'busy' | 'silent'> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return 'ready'
  } catch (error) {
    return error instanceof pg.DatabaseError && error.code === startingUp ? 'busy' : 'silent'
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Lends a connection to `work`. */
export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'counterpart' })
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  client.on('error', lost.reject)
  await client.connect()
  try {
    return await Promise.race([work(client), lost.promise])
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Makes our role and our database where they are missing. */
export async function createDatabase(url: string): Promise<void> {
  await connected(url, async (client) => {
    const role = await client.query('select 1 from pg_roles where rolname = $1', [ownerRole])
    if (role.rowCount === 0) await client.query(`create role ${ownerRole} login createdb createrole`)
    const database = await client.query('select 1 from pg_database where datname = $1', [databaseName])
    if (database.rowCount === 0) await client.query(`create database ${databaseName} owner ${ownerRole}`)
  })
}

import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'

/** How often a statement has to come before connections keep it: each one kept takes memory of the server. */
const timesBeforeKept = 5
const mostKept = 500
const mostCounted = 5_000

/**
 * A pool whose connections keep the statements that come again and again, so that the server reads and plans them once
 * and not each time. One text is kept per role: with the role the visible rows change, and with them the plan. A role
 * that is left before anything runs in it is never taken.
 */
export function keepingStatements(pool: pg.Pool): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const nameOf = createNames()
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect()
      const known = clients.get(client) ?? keeping(client, nameOf)
      clients.set(client, known)
      return known
    },
  }
}

function keeping(client: pg.PoolClient, nameOf: (text: string) => string | null): PostgresPoolClient {
  /** In which statements run, and which the server has: a change is sent before the first statement that runs in it. */
  let role = ''
  let taken: string | null = null
  const query = async (text: string, values: readonly unknown[]) => {
    const change = /^(begin; )?set local role (\w+)(;|$)/.exec(text)
    if (change) role = change[2] ?? role
    if (change?.[1]) taken = role
    else if (change) return { command: 'SET', rowCount: null, rows: [] }
    // With what is undone goes the role that was taken in it.
    else if (/^(commit|rollback)\b/.test(text)) taken = null
    else if (role !== '' && taken !== role) {
      await client.query(`set local role ${role}`)
      taken = role
    }
    if (values.length === 0) return client.query(text)
    const name = nameOf(`${role} ${text}`)
    return client.query(name === null ? { text, values: [...values] } : { name, text, values: [...values] })
  }
  // What pg answers is what Kysely's types call a result; the form with a cursor is not used.
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy),
  }
}

/** Short names for texts that came often enough; null for the others. */
function createNames(): (text: string) => string | null {
  const names = new Map<string, string>()
  let counts = new Map<string, number>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined) return known
    if (names.size >= mostKept) return null
    if (counts.size >= mostCounted) counts = new Map()
    const times = (counts.get(text) ?? 0) + 1
    counts.set(text, times)
    if (times < timesBeforeKept) return null
    counts.delete(text)
    const name = `kept_${names.size}`
    names.set(text, name)
    return name
  }
}

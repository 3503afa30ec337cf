import type pg from 'pg'

/** One statement as it went to the database. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/**
 * Notes every statement that goes through the pool from now on. Only what is awaited one after the other can be told
 * apart, so whoever records sends one request at a time.
 */
export function recordStatements(pool: pg.Pool): { take(): Statement[] } {
  let statements: Statement[] = []
  pool.on('connect', (client) => {
    const send = client.query.bind(client) as (...given: unknown[]) => unknown
    const noting = (query: string | pg.QueryConfig, values?: readonly unknown[], ...rest: unknown[]) => {
      statements.push(
        typeof query === 'string'
          ? { text: query, values: values ?? [] }
          : { text: query.text, values: values ?? query.values ?? [] },
      )
      return send(query, values, ...rest)
    }
    client.query = noting as typeof client.query
  })
  return {
    take() {
      const taken = statements
      statements = []
      return taken
    },
  }
}

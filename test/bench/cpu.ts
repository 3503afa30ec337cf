import { readFileSync } from 'node:fs'
import { query } from '#test/support/sql.ts'

/** The kernel counts in hundredths of a second. */
const tickMs = 10

/** Processor time that these processes have used so far, in ms; null where the system does not tell. */
export function cpuMsOf(processIds: readonly number[]): number | null {
  let ticks = 0
  for (const id of processIds) {
    const text = statOf(id)
    if (text === null) return null
    // The name, in brackets, may hold spaces; user and system time are the 12th and 13th field after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * tickMs
}

function statOf(processId: number): string | null {
  try {
    return readFileSync(`/proc/${processId}/stat`, 'utf8')
  } catch {
    return null
  }
}

/** Processes of the server that serve a database at the moment. */
export async function backendsOf(url: string): Promise<number[]> {
  const rows = await query<{ pid: number }>(
    url,
    `select pid from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  )
  return rows.map(({ pid }) => pid)
}

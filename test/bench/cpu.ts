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

/** Milliseconds of processor time. */
export interface CpuTime {
  readonly serviceMs: number
  readonly databaseMs: number
}

const sampleEveryMs = 250

/**
 * Adds up the processor time of a service process and of the backends that serve it, whichever come and go meanwhile,
 * until the answered function is called.
 * @param backends those of now
 */
export async function watchCpu(
  processId: number,
  backends: () => Promise<readonly number[]>,
): Promise<() => Promise<CpuTime>> {
  const spent = new Map<number, { readonly from: number; readonly to: number }>()
  const note = (id: number, isNew: boolean) => {
    const now = cpuMsOf([id])
    if (now !== null) spent.set(id, { from: spent.get(id)?.from ?? (isNew ? 0 : now), to: now })
  }
  const sample = async (isFirst = false) => {
    for (const id of await backends()) note(id, !isFirst)
    note(processId, false)
  }
  await sample(true)
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(() => sample())
  }, sampleEveryMs)
  return async () => {
    clearInterval(timer)
    await running
    await sample()
    const used = (id: number) => (spent.get(id)?.to ?? 0) - (spent.get(id)?.from ?? 0)
    const serviceMs = used(processId)
    const all = [...spent.keys()].reduce((sum, id) => sum + used(id), 0)
    return { serviceMs, databaseMs: all - serviceMs }
  }
}

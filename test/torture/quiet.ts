import { setTimeout as delay } from 'node:timers/promises'
import { isWrite } from './assault.ts'
import { lookInside } from './inside.ts'
import type { World } from './world.ts'

/** A lease of a killed process runs for a minute, and what failed several times waits longer. */
const quietWithinMs = 360_000
const usualStillMs = 7_000

interface Unrest {
  /** In words; null when nothing is left to do. */
  readonly reason: string | null
}

/**
 * Waits until nothing is left to do and nothing has happened for a while: no dirty record, no write under way, a poll
 * of every object behind the last edit, no write call. @returns how long it took, in seconds
 */
export async function waitUntilQuiet(world: World, stillForMs = usualStillMs): Promise<number> {
  const startedAt = Date.now()
  let stillSince: number | null = null
  let writes = countWrites(world)
  let last = ''
  while (Date.now() - startedAt < quietWithinMs) {
    const { reason } = await look(world)
    const seen = countWrites(world)
    if (reason === null && seen === writes) {
      stillSince ??= Date.now()
      if (Date.now() - stillSince >= stillForMs) return Math.round((Date.now() - startedAt) / 1_000)
    } else stillSince = null
    writes = seen
    last = reason ?? 'it goes on writing to the CRM'
    await delay(500)
  }
  throw new Error(`It is not quiet after ${quietWithinMs / 1_000} s: ${last}`)
}

const countWrites = ({ simulator }: World): number => simulator.calls.log.filter(isWrite).length

interface Standing {
  readonly dirty: bigint
  readonly writing: bigint
  readonly unpolled: bigint
  readonly resting: string | null
}

async function look({ site, rep, installation }: World): Promise<Unrest> {
  const edited = new Date(rep.lastEditAt.getTime() + 1_000).toISOString()
  const [row] = await lookInside<Standing>(
    site,
    `select (select count(*) from dirty_mark where parked_at is null) as dirty,
            (select count(*) from link where writing_at is not null) as writing,
            (select count(*) from change_cursor where not complete or polled_at < '${edited}') as unpolled,
            (select status || ': ' || pause_reason from connection
             where id = '${installation.connectionId}' and (status = 'attention'
               or (status = 'paused' and coalesce(paused_until, 'infinity') > clock_timestamp()))) as resting`,
  )
  if (!row) return { reason: 'the database does not answer' }
  if (row.resting !== null) return { reason: `the connection rests, ${row.resting}` }
  if (row.dirty > 0n) return { reason: `${row.dirty} records are dirty` }
  if (row.writing > 0n) return { reason: `${row.writing} links are being written` }
  if (row.unpolled > 0n) return { reason: `${row.unpolled} objects were not polled since the last edit` }
  return { reason: null }
}

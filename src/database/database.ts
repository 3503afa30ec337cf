/**
 * The database: one typed handle on a real PostgreSQL (15 or newer), units of work, leases, the audit trail and its
 * sealer. Tables belong to the capabilities: each store adds its own to `Tables` by declaration merging.
 */
import { CamelCasePlugin, Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { keepingStatements } from './prepared.ts'

/** Row types by table name, in camel case; every store augments this interface with the tables it owns. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Tables {}

const commitHooks = new WeakMap<Tx, Map<string, () => void>>()

/**
 * Runs `work` once this unit of work has committed; never when it rolls back. One per `name`: ringing the same bell a
 * thousand times rings it once. It may get lost in a crash, so it may only speed up what happens anyway.
 */
export function afterCommit(tx: Tx, name: string, work: () => void): void {
  commitHooks.get(tx)?.set(name, work)
}

/** What a unit of work leaves for its end, and how often it was begun before. */
interface UnitState {
  readonly lastSteps: ((system: Tx) => Promise<void>)[]
  readonly isRerun: boolean
}
const units = new WeakMap<Tx, UnitState>()

/**
 * Leaves a system step for the end of this unit of work, right before it commits: what takes a lock that everybody waits
 * for belongs there. `takeLastSteps` does it earlier, for whoever builds on it.
 */
export function leaveForLast(tx: Tx, step: (system: Tx) => Promise<void>): void {
  const unit = units.get(tx)
  if (!unit) throw new Error('Only a unit of work has an end')
  unit.lastSteps.push(step)
}

/** Does now what was left for the end. */
export async function takeLastSteps(tx: Tx): Promise<void> {
  const steps = units.get(tx)?.lastSteps ?? []
  if (steps.length === 0) return
  await asSystem(tx, async (system) => {
    for (let step = steps.shift(); step; step = steps.shift()) await step(system)
  })
}

/** This unit of work lost a race and runs once more: it should take its locks before it looks, and not lose again. */
export const isRerun = (tx: Tx): boolean => units.get(tx)?.isRerun ?? false

/** Somebody else was quicker, so that what this unit of work found does not hold any more: undone, it runs once more. */
export class LostRace extends Error {
  override readonly name = 'LostRace'
}

/** A handle inside a transaction: the only thing through which a use-case reaches the database. */
export type Tx = Kysely<Tables> & { readonly __transaction: true }

export interface Database {
  /**
   * One transaction as this actor: row level security shows a partner its own rows, everybody else all of them.
   * Commits when `work` resolves, rolls back when it throws. Never do network calls inside.
   */
  transact<T>(actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T>
  /** The raw pool, for listening and for migrations. */
  readonly pool: pg.Pool
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  readonly poolSize?: number
  /** Told of errors on idle connections, which would end the process otherwise. */
  readonly onIdleError?: (error: Error) => void
}

const int8 = 20
const dateOid = 1082
const parsers: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === int8) return BigInt
    if (oid === dateOid) return (text: string) => text
    return format === undefined ? pg.types.getTypeParser(oid) : pg.types.getTypeParser(oid, format as 'text')
  },
}

/** Opens a pool; does not connect until first used. Days come as text, 64 bit integers as bigint. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? 16,
    types: parsers,
    application_name: 'counterpart',
    connectionTimeoutMillis: 30_000,
    keepAlive: true,
    options: [
      '-c timezone=UTC',
      '-c lock_timeout=20s',
      '-c statement_timeout=120s',
      '-c idle_in_transaction_session_timeout=120s',
    ].join(' '),
  })
  // A server that is stopped right behind us ends connections that are just closing.
  let closing = false
  const onTrouble = (error: Error) => closing || options.onIdleError?.(error)
  pool.on('error', onTrouble)
  // A connection that dies in use fails its query; without a listener it would end the process as well.
  pool.on('connect', (client) => client.on('error', onTrouble))
  const kysely = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: keepingStatements(pool) }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
  return {
    pool,
    transact: async (actor, work) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await runOnce(kysely, actor, work, attempt > 1)
        } catch (error) {
          if (attempt >= mostAttempts || !isLostRace(error)) throw error
        }
      }
    },
    close: () => {
      closing = true
      return kysely.destroy()
    },
  }
}

const mostAttempts = 4

/** This unit of work was given up in favour of another one; nothing of it remains, so it may run again. */
const isLostRace = (error: unknown): boolean =>
  error instanceof LostRace ||
  (error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001'))

async function runOnce<T>(
  kysely: Kysely<Tables>,
  actor: Actor,
  work: (tx: Tx) => Promise<T>,
  isRerun: boolean,
): Promise<T> {
  return kysely.connection().execute(async (connection) => {
    const tx = connection as unknown as Tx
    const hooks = new Map<string, () => void>()
    try {
      await sql.raw(beginAs(actor)).execute(connection)
      roles.set(tx, roleOf(actor))
      commitHooks.set(tx, hooks)
      units.set(tx, { lastSteps: [], isRerun })
      const result = await work(tx)
      await takeLastSteps(tx)
      const end = await sql<{ command: string }>`commit`.execute(connection)
      if (end.rows[0]?.command !== 'COMMIT') {
        throw new Error(
          'Rolled back instead of committed: a database error inside the unit of work was swallowed',
        )
      }
      for (const hook of hooks.values()) hook()
      return result
    } catch (error) {
      // On a lost connection there is nothing to roll back; why the work failed is what counts.
      await sql
        .raw('rollback')
        .execute(connection)
        .catch(() => undefined)
      throw error
    }
  })
}

type UnitRole = 'counterpart_app' | 'counterpart_system'

/** The role that a unit of work has at the moment. */
const roles = new WeakMap<Tx, UnitRole>()

const roleOf = ({ kind }: Actor): UnitRole =>
  kind === 'vendor' || kind === 'partner' ? 'counterpart_app' : 'counterpart_system'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** One round trip: begin, take the role, say who acts and which partner's rows are visible. */
function beginAs(actor: Actor): string {
  if (actor.kind === 'partner' && !uuid.test(actor.partnerId))
    throw new Error('A partner actor needs a partner id')
  const partner = actor.kind === 'partner' ? actor.partnerId : ''
  const wide = actor.kind === 'partner' ? '' : 'on'
  const key = actorKey(actor).replaceAll("'", "''")
  return `begin; set local role ${roleOf(actor)}; set local app.actor = '${key}'; set local app.partner = '${partner}'; set local app.wide = '${wide}'`
}

/**
 * A named step inside a partner's unit of work that must look across partners (conflict search, customer resolution,
 * marking records dirty). Keep it narrow; its results must not leak into the partner's answer.
 */
export async function asSystem<T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
  const role = roles.get(tx)
  if (role === 'counterpart_system') return work(tx)
  await takeRole(tx, 'counterpart_system')
  try {
    return await work(tx)
  } finally {
    await takeRole(tx, 'counterpart_app')
  }
}

async function takeRole(tx: Tx, role: UnitRole): Promise<void> {
  await sql.raw(`set local role ${role}`).execute(tx)
  roles.set(tx, role)
}

/** Runs `work` under a savepoint: a database error inside undoes only this part and is thrown on. */
export async function savepoint<T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
  const lastSteps = units.get(tx)?.lastSteps
  const left = lastSteps?.length ?? 0
  await sql.raw('savepoint step').execute(tx)
  try {
    const result = await work(tx)
    await sql.raw('release savepoint step').execute(tx)
    return result
  } catch (error) {
    lastSteps?.splice(left)
    await sql.raw('rollback to savepoint step; release savepoint step').execute(tx)
    throw error
  }
}

/**
 * Reads under a time limit of their own. Null when they took longer or were cancelled; the unit of work stays usable then,
 * and whatever else fails is thrown on.
 */
export async function withinTime<T>(
  tx: Tx,
  limitMs: number,
  read: (tx: Tx) => Promise<T>,
): Promise<{ readonly value: T } | null> {
  await sql.raw(`savepoint timed; set local statement_timeout = ${Math.ceil(limitMs)}`).execute(tx)
  try {
    const value = await read(tx)
    await sql.raw('release savepoint timed; set local statement_timeout to default').execute(tx)
    return { value }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== queryCanceled) throw error
    await sql.raw('rollback to savepoint timed; release savepoint timed').execute(tx)
    return null
  }
}

const queryCanceled = '57014'

/** The name of the constraint that an error violated, if it is one of those. */
export function violatedConstraint(error: unknown): string | null {
  if (!(error instanceof pg.DatabaseError)) return null
  return error.code?.startsWith('23') ? (error.constraint ?? null) : null
}
